//! `GET /back`: "back to the system", where the answer is posted or signed.

use axum::extract::State;
use axum::http::{HeaderMap, Uri};
use axum::response::Response;

use super::render::{self, Reader};
use crate::flow::back as flow;
use crate::oidc::params::Params;
use crate::state::App;

/// Gives the answer.
pub async fn back(State(app): State<App>, uri: Uri, headers: HeaderMap) -> Response {
    let params = Params::parse_sealed(uri.query().unwrap_or("")).ok();
    let sealed = params.as_ref().and_then(|params| params.get("answer").ok().flatten());
    render::answer(flow::back(&app, sealed), &Reader::of(&uri, &headers))
}
