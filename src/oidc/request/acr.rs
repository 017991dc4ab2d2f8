//! Which levels of assurance will do: `acr_values`, `default_acr_values`, and an essential `acr`.
//!
//! Matched exactly, as at Inera's IdP (`docs/decisions`). Must never take a higher level for a lower one.

use super::RequestFault;
use crate::identity::assurance::Loa;
use crate::oidc::client::Client;
use crate::oidc::client_metadata::Profile;
use crate::oidc::params::Params;
use crate::oidc::terms::ClaimsRequest;

/// The levels that will do; any when empty.
pub(super) fn levels(
    params: &Params,
    client: &Client,
    claims: &ClaimsRequest,
) -> Result<Vec<Loa>, RequestFault> {
    let named = named(params, client, claims)?;
    let Some(essential) = essential(claims) else { return Ok(named) };
    let both = essential.into_iter().filter(|loa| named.is_empty() || named.contains(loa));
    let both: Vec<Loa> = both.collect();
    // Before anybody is asked for a card: none can meet it.
    if both.is_empty() { Err(RequestFault::Acr) } else { Ok(both) }
}

// Values that are issued elsewhere are a wish (OpenID Connect Core 1.0 §3.1.2.1) and passed over; ours are
// a demand. The defaults are for requests that ask in neither way (OpenID Connect Registration 1.0 §2).
fn named(
    params: &Params,
    client: &Client,
    claims: &ClaimsRequest,
) -> Result<Vec<Loa>, RequestFault> {
    let defaults = &client.metadata.default_acr_values;
    Ok(match params.get("acr_values")? {
        Some(text) => {
            let ours: Vec<Loa> = text.split(' ').filter_map(Loa::by_acr).collect();
            // OpenID Connect Profile for Sweden Connect §2.3: there, each is a demand.
            if ours.is_empty() && client.metadata.profile == Profile::Sweden {
                return Err(RequestFault::Acr);
            }
            ours
        }
        None if claims.id_token.contains_key("acr") => Vec::new(),
        None => defaults.iter().filter_map(|acr| Loa::by_acr(acr)).collect(),
    })
}

// OpenID Connect Core 1.0 §5.5.1.1: one of the values must be met. A voluntary acr is a wish.
fn essential(claims: &ClaimsRequest) -> Option<Vec<Loa>> {
    let asked = claims.id_token.get("acr").filter(|asked| asked.essential)?;
    let known = |value: &serde_json::Value| value.as_str().and_then(Loa::by_acr);
    (!asked.values.is_empty()).then(|| asked.values.iter().filter_map(known).collect())
}
