//! Resource indicators (RFC 8707): for whom an access token is.
//!
//! Must never widen: a token is for what its grant names, and for nothing that the client is not
//! registered for now.

use std::collections::BTreeSet;

use url::Url;

use super::audience::Audience;
use super::client::Client;
use super::params::Params;
use super::terms::GrantTerms;
use crate::error::Code;

/// Why a `resource` is refused (`invalid_target`, RFC 8707 §2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ResourceFault {
    /// No absolute URI, or one with a fragment.
    #[error("resource is no absolute URI without a fragment")]
    Malformed,
    /// One that the client is not registered for.
    #[error("a resource that the client is not registered for")]
    Unregistered,
    /// One that the authorization request did not name, or that is no longer registered.
    #[error("a resource that the grant does not hold")]
    NotGranted,
    /// None, where there are several to choose from.
    #[error("no resource")]
    Missing,
}

impl ResourceFault {
    /// The code of the catalogue.
    #[must_use]
    pub const fn code(self) -> Code {
        match self {
            Self::Malformed => Code::ResourceMalformed,
            Self::Unregistered => Code::ResourceUnregistered,
            Self::NotGranted => Code::ResourceNotGranted,
            Self::Missing => Code::ResourceMissing,
        }
    }
}

/// The resources that a request names (RFC 8707 §2: `resource` may be there more than once).
///
/// # Errors
/// [`ResourceFault::Malformed`].
pub fn asked(params: &Params) -> Result<BTreeSet<String>, ResourceFault> {
    let mut asked = BTreeSet::new();
    for text in params.all("resource") {
        if !is_identifier(text) {
            return Err(ResourceFault::Malformed);
        }
        asked.insert(text.to_owned());
    }
    Ok(asked)
}

/// Whether a text can name a resource: an absolute URI without a fragment (RFC 8707 §2).
#[must_use]
pub fn is_identifier(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_graphic())
        && !text.contains('#')
        && Url::parse(text).is_ok()
}

/// Looks at what a token request names before anything is redeemed: what no grant of the client can hold costs
/// it nothing.
///
/// # Errors
/// [`ResourceFault::NotGranted`].
pub fn could_be_granted(
    asked: &BTreeSet<String>,
    client: &Client,
    issuer: &str,
) -> Result<(), ResourceFault> {
    let registered = client.metadata.may_ask_for();
    if asked.iter().all(|one| one == issuer || registered.contains(one)) {
        Ok(())
    } else {
        Err(ResourceFault::NotGranted)
    }
}

/// For whom an access token of a grant is: what is asked for, else all that was granted, else the
/// provider itself, whose UserInfo every grant opens.
///
/// # Errors
/// [`ResourceFault::NotGranted`].
pub fn of_grant(
    asked: BTreeSet<String>,
    terms: &GrantTerms,
    client: &Client,
    issuer: &str,
) -> Result<Audience, ResourceFault> {
    let granted = &terms.resources;
    let wanted = if asked.is_empty() { granted.clone() } else { asked };
    if wanted.is_empty() {
        return Ok(Audience::one(issuer));
    }
    let registered = client.metadata.may_ask_for();
    let is_held =
        |one: &String| one == issuer || (granted.contains(one) && registered.contains(one));
    if wanted.iter().all(is_held) {
        Ok(Audience::of(wanted))
    } else {
        Err(ResourceFault::NotGranted)
    }
}

/// For whom an access token of a client itself is: what is asked for, else the one resource that it is
/// registered for, else the provider. Of several it must choose, so that no token opens them all.
///
/// # Errors
/// [`ResourceFault::Unregistered`], [`ResourceFault::Missing`].
pub fn of_client(
    asked: BTreeSet<String>,
    client: &Client,
    issuer: &str,
) -> Result<Audience, ResourceFault> {
    let registered = client.metadata.may_ask_for();
    if !asked.is_subset(registered) {
        return Err(ResourceFault::Unregistered);
    }
    match (asked.is_empty(), registered.len()) {
        (false, _) => Ok(Audience::of(asked)),
        (true, 0) => Ok(Audience::one(issuer)),
        (true, 1) => Ok(Audience::of(registered.clone())),
        (true, _) => Err(ResourceFault::Missing),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_resource_is_an_absolute_uri_without_a_fragment() {
        for good in ["https://api.example.se", "https://api.example.se/v1?a=b", "urn:example:api"] {
            assert!(is_identifier(good), "{good}");
        }
        for bad in
            ["", "api", "/v1", "//api.example.se", "https://a.se/#", "https://a.se/ b", "å:a"]
        {
            assert!(!is_identifier(bad), "{bad}");
        }
    }
}
