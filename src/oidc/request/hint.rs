//! `id_token_hint` (OpenID Connect Core 1.0 §3.1.2.1): whom the client takes the person to be.
//!
//! Must never be taken for a login: it only narrows who may log in.

use super::RequestFault;
use crate::oidc::client::Client;
use crate::oidc::id_token_hint::{Ours, verified};
use crate::oidc::params::Params;

/// The `sub` of the ID token that was sent as a hint.
///
/// # Errors
/// [`RequestFault::IdTokenHint`] where it is no ID token that this client was given.
pub fn subject(
    params: &Params,
    client: &Client,
    ours: Ours<'_>,
) -> Result<Option<String>, RequestFault> {
    let Some(token) = params.get("id_token_hint")? else { return Ok(None) };
    match verified(token, ours) {
        Some(hint) if hint.client_id == client.id => Ok(Some(hint.sub)),
        _ => Err(RequestFault::IdTokenHint),
    }
}
