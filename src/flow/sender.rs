//! What a call proves of its sender besides the client: a DPoP key (RFC 9449), a certificate (RFC 8705 §3).
//!
//! The one place that the token endpoint asks, so that tokens and refresh tokens are bound to the same. Must
//! never name a key that was not proved.

use super::client_call::Call;
use crate::oidc::client::Client;
use crate::oidc::confirmation::Confirmation;

/// The keys that a call proves, and that what it is given is bound to.
#[must_use]
pub fn proved(_call: &Call<'_>, _client: &Client) -> Confirmation {
    Confirmation::default()
}
