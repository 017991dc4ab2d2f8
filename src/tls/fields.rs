//! Header fields that only proxies may bring.
//!
//! Nothing behind this reads them: they are removed before anything could begin to.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName};
use axum::middleware::Next;
use axum::response::Response;

use super::counters::Counters;
use super::peer::Peer;

/// What browsers must not bring.
#[derive(Clone)]
pub(super) struct Brought {
    pub(super) removed: Arc<[HeaderName]>,
    pub(super) counters: Arc<Counters>,
}

/// Middleware: removes them from a browser's request, and counts that they were there.
pub(super) async fn remove(
    State(brought): State<Brought>,
    mut request: Request,
    next: Next,
) -> Response {
    let found = removed(request.headers_mut(), &brought.removed);
    if found > 0 {
        brought.counters.spoof();
        let addr = request.extensions().get::<Peer>().map(|peer| peer.addr);
        tracing::debug!(?addr, found, "a browser brought header fields of proxies: removed");
    }
    next.run(request).await
}

/// Removes fields, and tells how many were there.
pub(super) fn removed(headers: &mut HeaderMap, names: &[HeaderName]) -> usize {
    names.iter().filter(|name| headers.remove(*name).is_some()).count()
}
