//! What tokens are for, and what the code is bound to: `resource` (RFC 8707 §2), `dpop_jkt` (RFC 9449 §10).

use std::collections::BTreeSet;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::RequestFault;
use crate::oidc::client::Client;
use crate::oidc::params::Params;
use crate::oidc::resource;

/// Reads `resource`, the one parameter that may come more than once.
pub(super) fn resources(
    params: &Params,
    client: &Client,
) -> Result<BTreeSet<String>, RequestFault> {
    let resource = |text: &str| {
        if !resource::is_identifier(text) {
            return Err(RequestFault::ResourceMalformed);
        }
        let registered = client.metadata.may_ask_for().get(text);
        registered.cloned().ok_or(RequestFault::ResourceUnregistered)
    };
    params.all("resource").map(resource).collect()
}

/// Reads `dpop_jkt`: an RFC 7638 thumbprint by SHA-256, in base64url.
pub(super) fn dpop_jkt(params: &Params) -> Result<Option<String>, RequestFault> {
    let Some(text) = params.get("dpop_jkt")? else { return Ok(None) };
    match URL_SAFE_NO_PAD.decode(text) {
        Ok(hash) if hash.len() == 32 => Ok(Some(text.to_owned())),
        _ => Err(RequestFault::DpopJkt),
    }
}
