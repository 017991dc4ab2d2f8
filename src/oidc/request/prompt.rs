//! `prompt` and `max_age` (OpenID Connect Core 1.0 §3.1.2.1): whether the person is asked, and how lately.
//!
//! Showing the card is all that there is to be asked for: it logs in, and choosing a card is choosing an
//! account. Consent is the registration of the client (`docs/decisions`). Must never let `none` stand
//! beside another value.

use serde::{Deserialize, Serialize};

use super::RequestFault;
use crate::oidc::client::Client;
use crate::oidc::params::Params;

/// What `prompt` says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Prompt {
    /// Left out: the registration of the client decides.
    Unspecified,
    /// `none`: no page and no card.
    None,
    /// `login`, `select_account` or `consent`: the card is asked for.
    Login,
}

impl Prompt {
    /// The values that are served.
    pub const VALUES: [&'static str; 4] = ["none", "login", "consent", "select_account"];
}

/// Reads `prompt`. A value that is not served is refused, `create` too (OpenID Connect Prompt Create 1.0
/// §4.1).
pub(super) fn prompt(params: &Params) -> Result<Prompt, RequestFault> {
    let text = params.get("prompt")?.unwrap_or("");
    let values: Vec<&str> = text.split(' ').filter(|value| !value.is_empty()).collect();
    match values.as_slice() {
        [] => Ok(Prompt::Unspecified),
        ["none"] => Ok(Prompt::None),
        values if values.iter().all(|v| *v != "none" && Prompt::VALUES.contains(v)) => {
            Ok(Prompt::Login)
        }
        _ => Err(RequestFault::Prompt),
    }
}

/// Reads `max_age`; where it is left out, `default_max_age` of the client stands for it (OpenID Connect
/// Registration 1.0 §2).
pub(super) fn max_age(params: &Params, client: &Client) -> Result<Option<u32>, RequestFault> {
    let Some(text) = params.get("max_age")? else { return Ok(client.metadata.default_max_age) };
    if !text.bytes().all(|b| b.is_ascii_digit()) {
        return Err(RequestFault::MaxAge);
    }
    // More seconds than fit are more than any session lives.
    Ok(Some(text.parse().unwrap_or(u32::MAX)))
}
