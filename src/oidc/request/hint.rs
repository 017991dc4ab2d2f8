//! `id_token_hint` (OpenID Connect Core 1.0 §3.1.2.1): whom the client takes the person to be.
//!
//! Must never be taken for a login: it only narrows who may log in.

use serde::Deserialize;
use serde_json::Value;
use url::Url;

use super::RequestFault;
use crate::keys::jwt;
use crate::keys::keyring::RingAt;
use crate::oidc::client::Client;
use crate::oidc::params::Params;
use crate::oidc::reply_to::issuer_identifier;

/// The provider, as its own ID tokens are known by.
#[derive(Clone, Copy, Debug)]
pub struct Ours<'a> {
    /// The issuer.
    pub issuer: &'a Url,
    /// The keys.
    pub ring: RingAt<'a>,
}

/// The claims that make a JWT of ours an ID token of a client.
#[derive(Deserialize)]
struct Hint {
    iss: String,
    sub: String,
    aud: Value,
    /// Logout tokens have them (OpenID Connect Back-Channel Logout 1.0 §2.4), ID tokens have not.
    events: Option<Value>,
}

/// The `sub` of the ID token that was sent as a hint. It may have expired (§3.1.2.1), and its key may have
/// been withdrawn.
///
/// # Errors
/// [`RequestFault::IdTokenHint`] where it is no ID token that this client was given.
pub fn subject(
    params: &Params,
    client: &Client,
    ours: Ours<'_>,
) -> Result<Option<String>, RequestFault> {
    let Some(token) = params.get("id_token_hint")? else { return Ok(None) };
    let hint = verified(token, ours).ok_or(RequestFault::IdTokenHint)?;
    let is_of_client = match &hint.aud {
        Value::String(aud) => *aud == client.id,
        Value::Array(auds) => auds.iter().any(|aud| *aud == client.id.as_str()),
        _ => false,
    };
    let is_of_ours = hint.iss == issuer_identifier(ours.issuer);
    if is_of_client && is_of_ours && hint.events.is_none() {
        Ok(Some(hint.sub))
    } else {
        Err(RequestFault::IdTokenHint)
    }
}

fn verified(token: &str, ours: Ours<'_>) -> Option<Hint> {
    let header = jwt::unverified_header(token).ok()?;
    // RFC 8725 §3.11: a token of another type is no ID token, whatever it holds.
    if header.typ.is_some_and(|typ| !typ.eq_ignore_ascii_case("JWT")) {
        return None;
    }
    ours.ring.recognising(&header.kid?)?.verify(token).ok()
}
