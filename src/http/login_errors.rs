//! `GET` and `POST /login-errors/{ref}`: the story of a failed login, for its client.
//!
//! `GET` for clients that authenticate in the header; `POST` with a form for the others, because
//! neither a secret nor an assertion has a place in an address.

use axum::Extension;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, Method};
use axum::response::Response;

use super::client_call::Received;
use super::form::form;
use super::render;
use crate::flow::client_call::Call;
use crate::flow::login_error::login_error;
use crate::oidc::metadata::paths;
use crate::oidc::problem::Problem;
use crate::state::App;
use crate::tls::Peer;

/// By the Authorization header.
pub async fn by_header(
    State(app): State<App>,
    Extension(peer): Extension<Peer>,
    Path(reference): Path<String>,
    headers: HeaderMap,
) -> Response {
    let received = Received::of(&peer, &Method::GET, paths::LOGIN_ERRORS, &headers);
    respond(&app, &reference, &received.call(None)).await
}

/// By a form.
pub async fn by_form(
    State(app): State<App>,
    Extension(peer): Extension<Peer>,
    Path(reference): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    match form(&headers, body).await {
        Ok(params) => {
            let received = Received::of(&peer, &Method::POST, paths::LOGIN_ERRORS, &headers);
            respond(&app, &reference, &received.call(Some(&params))).await
        }
        Err(fault) => {
            let problem = Problem { code: fault.code(), reference: app.random.reference() };
            render::json_problem(&app, &problem)
        }
    }
}

async fn respond(app: &App, reference: &str, call: &Call<'_>) -> Response {
    match login_error(app, reference, call).await {
        Ok(story) => render::story(&story),
        Err(fault) => {
            let reference = app.random.reference();
            tracing::debug!(%reference, %fault, "no story of a failed login");
            render::json_problem(app, &Problem { code: fault.code(), reference })
        }
    }
}
