//! `GET /resume` and `GET /again`: back from a card host, and once more to another.

use axum::Extension;
use axum::extract::State;
use axum::http::{HeaderMap, Uri};
use axum::response::Response;

use super::cookies::cookie;
use super::render::{self, Reader};
use crate::flow::again as flow_again;
use crate::flow::answer::SESSION_COOKIE;
use crate::flow::resume::{self as flow, Return};
use crate::oidc::params::Params;
use crate::state::App;
use crate::tls::Peer;

/// Takes a ticket.
pub async fn resume(
    State(app): State<App>,
    Extension(peer): Extension<Peer>,
    uri: Uri,
    headers: HeaderMap,
) -> Response {
    let params = Params::parse_sealed(uri.query().unwrap_or("")).ok();
    let brought = Return {
        ticket: params.as_ref().and_then(|params| params.get("ticket").ok().flatten()),
        cookie: &|name| cookie(&headers, name),
        session: cookie(&headers, SESSION_COOKIE),
        address: peer.addr.ip(),
    };
    render::answer(flow::resume(&app, brought).await, &Reader::of(&uri, &headers))
}

/// Tries again.
pub async fn again(State(app): State<App>, uri: Uri, headers: HeaderMap) -> Response {
    let params = Params::parse_sealed(uri.query().unwrap_or("")).ok();
    let login = params.as_ref().and_then(|params| params.get("login").ok().flatten());
    let answer = flow_again::again(&app, login, |name| cookie(&headers, name));
    render::answer(answer, &Reader::of(&uri, &headers))
}
