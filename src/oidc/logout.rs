//! A request to log out (OpenID Connect RP-Initiated Logout 1.0 §2), parsed once, check by check; and how
//! relying parties are told of it.
//!
//! Must never lead a browser to an address that the client has not registered, to the letter.

pub mod front_channel;
pub mod token;

use serde::{Deserialize, Serialize};
use url::Url;

use super::client::Client;
use super::id_token_hint::{self, Hint, Ours};
use super::params::{Params, ParamsFault};
use crate::error::Code;
use crate::keys::keyring::RingAt;

/// What a relying party asks for, checked. It travels sealed through the browser where a person is asked.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LogoutRequest {
    /// The client, where the request names one.
    #[serde(rename = "c")]
    pub client_id: Option<String>,
    /// Whom the ID token was issued for.
    #[serde(rename = "h")]
    pub hint: Option<Hint>,
    /// `post_logout_redirect_uri`, one of the client's.
    #[serde(rename = "r")]
    return_to: Option<String>,
    /// `state`, to be handed back.
    #[serde(rename = "s")]
    state: Option<String>,
    /// `ui_locales`, for pages.
    #[serde(rename = "l")]
    pub ui_locales: Option<String>,
}

/// What a request is judged with.
pub struct Circumstances<'a, F> {
    /// The issuer.
    pub issuer: &'a Url,
    /// The signing keys.
    pub ring: RingAt<'a>,
    /// Finds a client.
    pub client_by_id: F,
}

/// Why a request to log out is not served; told on a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LogoutFault {
    /// A parameter sent more than once.
    #[error(transparent)]
    Params(#[from] ParamsFault),
    /// An `id_token_hint` that is no ID token issued here.
    #[error("id_token_hint is no ID token of this issuer")]
    Hint,
    /// A `client_id` that is not that of the hint.
    #[error("client_id is not the client of id_token_hint")]
    ClientMismatch,
    /// Not registered, or switched off.
    #[error("unknown client")]
    ClientUnknown,
    /// A `post_logout_redirect_uri` of nobody knows whom.
    #[error("post_logout_redirect_uri without id_token_hint and client_id")]
    ReturnUnaddressed,
    /// Not, to the letter, one of the client's.
    #[error("unregistered post_logout_redirect_uri")]
    ReturnUnregistered,
}

impl LogoutFault {
    /// The code of the catalogue.
    #[must_use]
    pub const fn code(self) -> Code {
        match self {
            Self::Params(fault) => fault.code(),
            Self::Hint => Code::LogoutHintInvalid,
            Self::ClientMismatch => Code::LogoutClientMismatch,
            Self::ClientUnknown => Code::ClientUnknown,
            Self::ReturnUnaddressed => Code::PostLogoutRedirectUriUnaddressed,
            Self::ReturnUnregistered => Code::PostLogoutRedirectUriUnregistered,
        }
    }
}

impl LogoutRequest {
    /// Checks the parameters in the order of §2 and §4.
    ///
    /// # Errors
    /// The first [`LogoutFault`] found.
    pub fn parse<'c>(
        params: &Params,
        at: Circumstances<'_, impl FnOnce(&str) -> Option<&'c Client>>,
    ) -> Result<Self, LogoutFault> {
        let hint = params.get("id_token_hint")?;
        let ours = Ours { issuer: at.issuer, ring: at.ring };
        let verified = |token| id_token_hint::verified(token, ours).ok_or(LogoutFault::Hint);
        let hint = hint.map(verified).transpose()?;
        let audience = hint.as_ref().map(|hint| hint.client_id.as_str());
        let client = client(params, audience, at.client_by_id)?;
        let return_to = return_to(params, client)?.map(str::to_owned);
        // A hint that proves nothing (§2): it is read for the rule that nothing is sent twice.
        params.get("logout_hint")?;
        Ok(Self {
            client_id: client.map(|client| client.id.clone()),
            hint,
            return_to,
            state: params.get("state")?.map(str::to_owned),
            ui_locales: params.get("ui_locales")?.map(str::to_owned),
        })
    }

    /// Where the browser goes afterwards: the address to the letter, with `state` (§3). Nowhere, where it
    /// is no longer one of the client's.
    #[must_use]
    pub fn return_address(&self, client: &Client) -> Option<String> {
        let uri = self.return_to.as_ref()?;
        let registered = client.metadata.post_logout_redirect_uris.contains(uri);
        let state = self.state.as_deref().map(|state| ("state", state));
        registered.then(|| appended(uri, state.as_slice()))
    }
}

// §2: with both, client_id must be the one that the ID token was issued to.
fn client<'c>(
    params: &Params,
    audience: Option<&str>,
    by_id: impl FnOnce(&str) -> Option<&'c Client>,
) -> Result<Option<&'c Client>, LogoutFault> {
    let named = params.get("client_id")?;
    if let (Some(named), Some(audience)) = (named, audience)
        && named != audience
    {
        return Err(LogoutFault::ClientMismatch);
    }
    let Some(id) = named.or(audience) else { return Ok(None) };
    let client = by_id(id).filter(|client| client.enabled);
    client.map(Some).ok_or(LogoutFault::ClientUnknown)
}

// §3: registered, to the letter; who has registered it must be known.
fn return_to<'p>(
    params: &'p Params,
    client: Option<&Client>,
) -> Result<Option<&'p str>, LogoutFault> {
    let Some(uri) = params.get("post_logout_redirect_uri")? else { return Ok(None) };
    let client = client.ok_or(LogoutFault::ReturnUnaddressed)?;
    if !client.metadata.post_logout_redirect_uris.contains(uri) {
        return Err(LogoutFault::ReturnUnregistered);
    }
    Ok(Some(uri))
}

/// An address with parameters after its own. Text is appended: parsing and writing the address again could
/// change its letters.
fn appended(uri: &str, members: &[(&str, &str)]) -> String {
    if members.is_empty() {
        return uri.to_owned();
    }
    let query = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(members).finish();
    let separator = match uri.rsplit_once('?') {
        None => "?",
        Some((_, "")) => "",
        Some(_) => "&",
    };
    format!("{uri}{separator}{query}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_appended_to_the_letters_of_an_address() {
        let state = [("state", "a b&c")];
        assert_eq!(appended("https://rp.example", &state), "https://rp.example?state=a+b%26c");
        assert_eq!(appended("https://rp.example/?", &state), "https://rp.example/?state=a+b%26c");
        assert_eq!(appended("https://a/?x=%2f", &state), "https://a/?x=%2f&state=a+b%26c");
        assert_eq!(appended("https://rp.example/?", &[]), "https://rp.example/?");
    }
}
