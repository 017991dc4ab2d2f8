//! The first checks of an authorization request: who asks, and where may an answer go?
//!
//! Until it has passed there is nobody to redirect to, and a page is the only answer.

use std::sync::Arc;

use super::client::Client;
use super::params::{Params, ParamsFault};
use super::reply_to::ReplyTo;
use super::response_mode::ResponseMode;
use crate::error::Code;

/// Why nobody can be redirected to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AddressFault {
    /// `client_id`, `redirect_uri` or `state` sent more than once.
    #[error(transparent)]
    Params(#[from] ParamsFault),
    /// No `client_id`.
    #[error("no client_id")]
    ClientMissing,
    /// Not registered, or switched off.
    #[error("unknown client")]
    ClientUnknown,
    /// No `redirect_uri` (OpenID Connect Core 1.0 §3.1.2.1: required).
    #[error("no redirect_uri")]
    RedirectUriMissing,
    /// Not, to the letter, one of the client's.
    #[error("unregistered redirect_uri")]
    RedirectUriUnregistered,
}

impl AddressFault {
    /// The code of the catalogue.
    #[must_use]
    pub const fn code(self) -> Code {
        match self {
            Self::Params(fault) => fault.code(),
            Self::ClientMissing => Code::ClientMissing,
            Self::ClientUnknown => Code::ClientUnknown,
            Self::RedirectUriMissing => Code::RedirectUriMissing,
            Self::RedirectUriUnregistered => Code::RedirectUriUnregistered,
        }
    }
}

/// Finds the client by `client_id`.
///
/// # Errors
/// [`AddressFault`]: answered by a page, never by a redirect.
pub fn client(
    params: &Params,
    client_by_id: impl FnOnce(&str) -> Option<Arc<Client>>,
) -> Result<Arc<Client>, AddressFault> {
    let client_id = params.get("client_id")?.ok_or(AddressFault::ClientMissing)?;
    client_by_id(client_id).filter(|client| client.enabled).ok_or(AddressFault::ClientUnknown)
}

/// Checks `redirect_uri` to the letter.
///
/// # Errors
/// [`AddressFault`]: answered by a page, never by a redirect.
pub fn reply_to(params: &Params, client: &Client) -> Result<ReplyTo, AddressFault> {
    let redirect_uri = params.get("redirect_uri")?.ok_or(AddressFault::RedirectUriMissing)?;
    // A repeated state cannot be handed back, so there is no answer that the client could trust.
    let state = params.get("state")?;
    ReplyTo::registered(client, redirect_uri, state, mode(params, redirect_uri))
        .ok_or(AddressFault::RedirectUriUnregistered)
}

// One that is not served is refused with the rest of the request, by the mode that a code has anyhow
// (OAuth 2.0 Multiple Response Type Encoding Practices §2.1).
fn mode(params: &Params, redirect_uri: &str) -> ResponseMode {
    let asked = params.get("response_mode").ok().flatten().and_then(ResponseMode::by_parameter);
    asked.filter(|mode| mode.fits(redirect_uri)).unwrap_or_default()
}
