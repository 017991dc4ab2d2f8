//! Which router serves a request: the one of the host that its connection is for.

use axum::Router;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use tower::ServiceExt as _;

use crate::tls::{Host, Peer};

/// The routers of the kinds of host.
#[derive(Clone)]
pub struct Hosts {
    /// Never asks for a certificate.
    pub issuer: Router,
    /// Asks for a card.
    pub card: Router,
    /// Asks relying parties for a certificate.
    pub mtls: Router,
}

/// Hands a request to the router of its host; the SNI decides, as it did in the handshake.
pub async fn dispatch(State(hosts): State<Hosts>, request: Request) -> Response {
    let router = match request.extensions().get::<Peer>().map(|peer| &peer.host) {
        Some(Host::Issuer) => hosts.issuer,
        Some(Host::Card { .. }) => hosts.card,
        Some(Host::Mtls { .. }) => hosts.mtls,
        None => return StatusCode::MISDIRECTED_REQUEST.into_response(),
    };
    router.oneshot(request).await.into_response()
}
