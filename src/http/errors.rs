//! The catalogue, a page for each code, the start page, and what is not there.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::http::{HeaderMap, Uri};
use axum::response::{Html, IntoResponse as _, Response};

use super::pages::{CodePage, STYLESHEET, StartPage};
use super::render::{self, Reader};
use crate::error::{Code, tables};
use crate::flow::answer::Answer;
use crate::oidc::metadata::paths;
use crate::oidc::problem::Problem;
use crate::oidc::reply_to::issuer_identifier;
use crate::state::App;

/// `GET /errors`: the whole catalogue as JSON.
pub async fn catalogue() -> Response {
    ([(CACHE_CONTROL, "public, max-age=3600")], Json(tables::as_json())).into_response()
}

/// `GET /errors/{code}`: one code explained.
pub async fn code_page(
    State(app): State<App>,
    Path(name): Path<String>,
    uri: Uri,
    headers: HeaderMap,
) -> Response {
    let reader = Reader::of(&uri, &headers);
    match Code::by_name(&name) {
        Some(code) => {
            Html(CodePage { language: reader.language(None), code }.render()).into_response()
        }
        None => render::page(&app, Code::NotFound, &reader),
    }
}

/// `GET /`: what this is.
pub async fn start_page(State(app): State<App>, uri: Uri, headers: HeaderMap) -> Response {
    let language = Reader::of(&uri, &headers).language(None);
    Html(StartPage { language, issuer: issuer_identifier(&app.issuer) }.render()).into_response()
}

/// The style of every page: named by its content, so kept forever.
pub async fn stylesheet() -> Response {
    (
        [
            (CONTENT_TYPE, "text/css; charset=utf-8"),
            (CACHE_CONTROL, "public, max-age=31536000, immutable"),
        ],
        STYLESHEET,
    )
        .into_response()
}

/// No such address.
pub async fn not_found(State(app): State<App>, uri: Uri, headers: HeaderMap) -> Response {
    render::page(&app, Code::NotFound, &Reader::of(&uri, &headers))
}

/// No such address, on a host that people never see.
pub async fn nothing_for_clients(State(app): State<App>) -> Response {
    let problem = Problem { code: Code::NotFound, reference: app.random.reference() };
    render::json_problem(&app, &problem)
}

/// Another method than the address takes, on a host that people never see.
pub async fn wrong_method_for_clients(State(app): State<App>) -> Response {
    let problem = Problem { code: Code::MethodNotAllowed, reference: app.random.reference() };
    render::json_problem(&app, &problem)
}

/// Another method than the address takes.
pub async fn method_not_allowed(State(app): State<App>, uri: Uri, headers: HeaderMap) -> Response {
    let problem = Problem { code: Code::MethodNotAllowed, reference: app.random.reference() };
    told(&app, problem, &uri, &headers)
}

/// A problem that is not an endpoint's own: JSON where clients call, a page for people.
#[must_use]
pub fn told(app: &App, problem: Problem, uri: &Uri, headers: &HeaderMap) -> Response {
    let for_clients = [
        paths::PAR,
        paths::TOKEN,
        paths::REVOKE,
        paths::INTROSPECT,
        paths::USERINFO,
        paths::JWKS,
        paths::DISCOVERY,
        paths::AUTHORIZATION_SERVER,
    ];
    if for_clients.contains(&uri.path()) || uri.path().starts_with(paths::LOGIN_ERRORS) {
        return render::json_problem(app, &problem);
    }
    let Problem { code, reference } = problem;
    render::answer(Answer::page(code, reference, None), &Reader::of(uri, headers))
}
