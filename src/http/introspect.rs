//! `POST /introspect` (RFC 7662 §2; RFC 9701 §4, §5).

use axum::body::Body;
use axum::extract::State;
use axum::http::header::{ACCEPT, CONTENT_TYPE};
use axum::http::{HeaderMap, HeaderValue, Method};
use axum::response::{IntoResponse as _, Response};
use axum::{Extension, Json};

use super::client_call::Received;
use super::form::form;
use super::render;
use crate::flow::introspect::{Told, Wanted, introspect as tell};
use crate::oidc::metadata::paths;
use crate::oidc::problem::Problem;
use crate::state::App;
use crate::tls::Peer;

/// The media type of a signed answer (RFC 9701 §5).
const SIGNED: &str = "application/token-introspection+jwt";

/// Tells what a token is worth.
pub async fn introspect(
    State(app): State<App>,
    Extension(peer): Extension<Peer>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let reference = app.random.reference();
    let params = match form(&headers, body).await {
        Ok(params) => params,
        Err(fault) => {
            return render::json_problem(&app, &Problem { code: fault.code(), reference });
        }
    };
    let received = Received::of(&peer, &Method::POST, paths::INTROSPECT, &headers);
    match tell(&app, &received.call(Some(&params)), &params, wanted(&headers)).await {
        Ok(told) => answer(told),
        Err(fault) => {
            tracing::debug!(%reference, %fault, "nothing told of a token");
            render::json_problem(&app, &Problem { code: fault.code(), reference })
        }
    }
}

fn answer(told: Told) -> Response {
    let mut response = match told {
        Told::Plain(answer) => Json(answer).into_response(),
        Told::Signed(jwt) => {
            ([(CONTENT_TYPE, HeaderValue::from_static(SIGNED))], jwt).into_response()
        }
    };
    render::no_store(response.headers_mut());
    response
}

// RFC 9701 §4: named, and not with q=0 (RFC 9110 §12.4.2).
fn wanted(headers: &HeaderMap) -> Wanted {
    let fields = headers.get_all(ACCEPT).iter().filter_map(|field| field.to_str().ok());
    let is_signed = |range: &str| {
        let mut parts = range.split(';').map(str::trim);
        let is_named = parts.next().is_some_and(|name| name.eq_ignore_ascii_case(SIGNED));
        let refuses = |part: &str| {
            part.strip_prefix("q=").is_some_and(|q| q.parse().is_ok_and(|q: f32| q <= 0.0))
        };
        is_named && !parts.any(refuses)
    };
    if fields.flat_map(|field| field.split(',')).any(is_signed) {
        Wanted::Signed
    } else {
        Wanted::AsRegistered
    }
}
