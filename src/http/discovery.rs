//! `GET /.well-known/openid-configuration` and `GET /jwks`.

use axum::Json;
use axum::extract::State;
use axum::http::header::CACHE_CONTROL;
use axum::response::{IntoResponse as _, Response};

use super::render;
use crate::error::Code;
use crate::oidc::metadata as oidc;
use crate::oidc::problem::Problem;
use crate::state::App;

/// How long relying parties may keep both, in seconds: a new key is announced far longer before.
const MAX_AGE: &str = "public, max-age=300";

/// The discovery document.
pub async fn metadata(State(app): State<App>) -> Response {
    match oidc::metadata(&app.issuer, &app.claim_profiles) {
        Ok(metadata) => ([(CACHE_CONTROL, MAX_AGE)], Json(metadata)).into_response(),
        Err(error) => {
            let problem = Problem { code: Code::Internal, reference: app.random.reference() };
            tracing::error!(reference = %problem.reference, %error, "no metadata");
            render::json_problem(&app, &problem)
        }
    }
}

/// The JWK Set (RFC 7517 §5).
pub async fn jwks(State(app): State<App>) -> Response {
    let jwks = app.registry.load().keyring.at(app.clock.now()).jwks();
    ([(CACHE_CONTROL, MAX_AGE)], Json(jwks)).into_response()
}
