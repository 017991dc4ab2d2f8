//! `DPoP-Nonce` (RFC 9449 §8.2, §9): whoever sends a proof is told the nonce for the next one, in
//! whatever answer comes.

use axum::http::{HeaderName, HeaderValue};
use axum::response::Response;

use super::client_call::Received;
use crate::oidc::dpop_nonce;
use crate::state::App;

/// An answer to a call, with a fresh nonce where the call brought a proof.
#[must_use]
pub fn with_nonce(app: &App, received: &Received, mut response: Response) -> Response {
    const FIELD: HeaderName = HeaderName::from_static("dpop-nonce");
    if received.has_proof() {
        let nonce = dpop_nonce::fresh(&app.sealer, app.clock.now());
        if let Some(nonce) = nonce.and_then(|nonce| HeaderValue::try_from(nonce).ok()) {
            response.headers_mut().insert(FIELD, nonce);
        }
    }
    response
}
