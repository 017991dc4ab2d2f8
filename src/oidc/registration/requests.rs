//! Rules of what a client may register for its authorization requests and their answers.

use super::{Checked, refuse};
use crate::identity::assurance::Loa;
use crate::oidc::client::Client;

/// Asked in this order.
pub(super) fn check(client: &Client) -> Checked {
    default_levels_are_ours(client)?;
    answers_are_not_encrypted(client)
}

// OpenID Connect Registration 1.0 §2. A wish in a request is passed over; a registration is read by people.
fn default_levels_are_ours(client: &Client) -> Checked {
    if client.metadata.default_acr_values.iter().any(|acr| Loa::by_acr(acr).is_none()) {
        let known = Loa::ALL.map(Loa::acr).join(" and ");
        return refuse(&format!("default_acr_values names another level than {known}"));
    }
    Ok(())
}

// JARM §2.2: not there yet, and a client that registered it must not get answers that are readable.
fn answers_are_not_encrypted(client: &Client) -> Checked {
    let metadata = &client.metadata;
    let asked = metadata.authorization_encrypted_response_alg.is_some()
        || metadata.authorization_encrypted_response_enc.is_some();
    if asked {
        return refuse("answers to authorization requests are signed here, not encrypted");
    }
    Ok(())
}
