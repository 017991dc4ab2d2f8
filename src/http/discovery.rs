//! What relying parties read of this provider: its metadata and its keys.

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;

use super::{cached, render};
use crate::error::Code;
use crate::oidc::metadata::{self as oidc, Installation};
use crate::oidc::problem::Problem;
use crate::state::App;

/// The discovery document, at the addresses of OpenID Connect Discovery 1.0 §4 and RFC 8414 §3.
pub async fn metadata(State(app): State<App>, headers: HeaderMap) -> Response {
    let registry = app.registry.load();
    let metadata = oidc::metadata(Installation {
        issuer: &app.issuer,
        mtls_host: app.mtls_host.as_deref(),
        profiles: &app.claim_profiles,
        ring: registry.keyring.at(app.clock.now()),
    });
    cached::json(&headers, &metadata).unwrap_or_else(|error| failed(&app, &error))
}

/// The JWK Set (RFC 7517 §5).
pub async fn jwks(State(app): State<App>, headers: HeaderMap) -> Response {
    let jwks = app.registry.load().keyring.at(app.clock.now()).jwks();
    cached::json(&headers, &jwks).unwrap_or_else(|error| failed(&app, &error))
}

fn failed(app: &App, error: &dyn std::error::Error) -> Response {
    let problem = Problem { code: Code::Internal, reference: app.random.reference() };
    tracing::error!(reference = %problem.reference, %error, "no document");
    render::json_problem(app, &problem)
}
