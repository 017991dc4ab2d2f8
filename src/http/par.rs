//! `POST /par` (RFC 9126 §2.1).

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode};
use axum::response::{IntoResponse as _, Response};
use axum::{Extension, Json};

use super::client_call::Received;
use super::dpop::with_nonce;
use super::form::form;
use super::render;
use crate::flow::par::push;
use crate::oidc::metadata::paths;
use crate::oidc::problem::Problem;
use crate::state::App;
use crate::tls::Peer;

/// Takes an authorization request, and answers with its reference.
pub async fn par(
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
    let received = Received::of(&peer, &Method::POST, paths::PAR, &headers);
    let response = match push(&app, &received.call(Some(&params)), &params).await {
        Ok(pushed) => {
            // RFC 9126 §2.2.
            let mut response = (StatusCode::CREATED, Json(pushed)).into_response();
            render::no_store(response.headers_mut());
            response
        }
        Err(fault) => {
            tracing::debug!(%reference, %fault, "not pushed");
            render::json_problem(&app, &Problem { code: fault.code(), reference })
        }
    };
    with_nonce(&app, &received, response)
}
