//! `POST /revoke` (RFC 7009 §2).

use axum::Extension;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode};
use axum::response::{IntoResponse as _, Response};

use super::client_call::Received;
use super::form::form;
use super::render;
use crate::flow::revoke::revoke as give_back;
use crate::oidc::metadata::paths;
use crate::oidc::problem::Problem;
use crate::state::App;
use crate::tls::Peer;

/// Revokes a token; the answer has no body (RFC 7009 §2.2).
pub async fn revoke(
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
    let received = Received::of(&peer, &Method::POST, paths::REVOKE, &headers);
    match give_back(&app, &received.call(Some(&params)), &params).await {
        Ok(()) => {
            let mut response = StatusCode::OK.into_response();
            render::no_store(response.headers_mut());
            response
        }
        Err(fault) => {
            tracing::debug!(%reference, %fault, "not revoked");
            render::json_problem(&app, &Problem { code: fault.code(), reference })
        }
    }
}
