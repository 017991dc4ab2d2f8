//! `GET /live` and `GET /ready` on the issuer host: for balancers, orchestrators and monitoring.
//!
//! Everybody is told one word; the ages of sources only whoever comes from a network that the
//! configuration lists.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use axum::{Extension, Json};
use serde_json::json;

use crate::flow::readiness;
use crate::state::App;
use crate::tls::Peer;

/// Whether the process serves at all.
pub const LIVE_PATH: &str = "/live";
/// Whether it is of use.
pub const READY_PATH: &str = "/ready";

/// 200 from a process that answers.
pub async fn live() -> Response {
    Json(json!({ "status": "alive" })).into_response()
}

/// 200 where connections are to be sent here, else 503.
pub async fn ready(State(app): State<App>, Extension(peer): Extension<Peer>) -> Response {
    let readiness = readiness::readiness(&app).await;
    let status = match readiness.status {
        readiness::State::Ready | readiness::State::Degraded => StatusCode::OK,
        readiness::State::NotReady => StatusCode::SERVICE_UNAVAILABLE,
    };
    let address = peer.addr.ip().to_canonical();
    let body = if app.health_networks.iter().any(|network| network.contains(&address)) {
        Json(json!(readiness))
    } else {
        Json(json!({ "status": readiness.status }))
    };
    (status, body).into_response()
}
