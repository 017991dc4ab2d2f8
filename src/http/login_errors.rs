//! `GET` and `POST /login-errors/{ref}`: the story of a failed login, for its client.
//!
//! `GET` for clients that authenticate in the header; `POST` with a form for the others, because
//! neither a secret nor an assertion has a place in an address.

use axum::Extension;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::response::Response;

use super::form::form;
use super::render;
use super::token::authorization;
use crate::flow::login_error::login_error;
use crate::oidc::params::Params;
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
    respond(&app, &peer, &headers, &reference, None).await
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
        Ok(params) => respond(&app, &peer, &headers, &reference, Some(&params)).await,
        Err(fault) => {
            let problem = Problem { code: fault.code(), reference: app.random.reference() };
            render::json_problem(&app, &problem)
        }
    }
}

async fn respond(
    app: &App,
    peer: &Peer,
    headers: &HeaderMap,
    reference: &str,
    params: Option<&Params>,
) -> Response {
    let address = peer.addr.ip().to_string();
    let authorization = authorization(headers);
    match login_error(app, reference, authorization.as_deref(), params, &address).await {
        Ok(story) => render::story(&story),
        Err(fault) => {
            let reference = app.random.reference();
            tracing::debug!(%reference, %fault, "no story of a failed login");
            render::json_problem(app, &Problem { code: fault.code(), reference })
        }
    }
}
