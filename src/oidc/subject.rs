//! `sub`: who a person is to a client (OpenID Connect Core 1.0 §8).
//!
//! Must never be an HSA-id.

use uuid::Uuid;

use super::client::Client;

/// The `sub` of a person for a client.
#[must_use]
pub fn subject(_client: &Client, user_id: Uuid) -> String {
    user_id.to_string()
}
