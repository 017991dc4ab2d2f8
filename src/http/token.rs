//! `POST /token` (RFC 6749 §3.2).

use axum::body::Body;
use axum::extract::State;
use axum::http::header::AUTHORIZATION;
use axum::http::{HeaderMap, Method};
use axum::response::{IntoResponse as _, Response};
use axum::{Extension, Json};

use super::client_call::Received;
use super::dpop::with_nonce;
use super::form::form;
use super::render;
use crate::flow::token::token as exchange;
use crate::oidc::metadata::paths;
use crate::oidc::problem::Problem;
use crate::state::App;
use crate::tls::Peer;

/// Exchanges a grant for tokens.
pub async fn token(
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
    let received = Received::of(&peer, &Method::POST, paths::TOKEN, &headers);
    let response = match exchange(&app, &received.call(Some(&params)), &params).await {
        Ok(tokens) => {
            let mut response = Json(tokens).into_response();
            render::no_store(response.headers_mut());
            response
        }
        Err(fault) => {
            tracing::debug!(%reference, %fault, "no tokens");
            render::json_problem(&app, &Problem { code: fault.code(), reference })
        }
    };
    with_nonce(&app, &received, response)
}

/// The Authorization field; one that was sent twice reads as one that cannot be read.
#[must_use]
pub fn authorization(headers: &HeaderMap) -> Option<String> {
    let mut fields = headers.get_all(AUTHORIZATION).iter();
    let first = fields.next()?;
    if fields.next().is_some() {
        return Some(String::new());
    }
    Some(first.to_str().unwrap_or("").to_owned())
}
