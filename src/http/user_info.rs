//! `GET` and `POST /userinfo` (OpenID Connect Core 1.0 §5.3; RFC 6750 §2; RFC 9449 §7).

use axum::body::Body;
use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, Method, Uri};
use axum::response::{IntoResponse as _, Response};
use axum::{Extension, Json};

use super::client_call::Received;
use super::dpop::with_nonce;
use super::form::form;
use super::render;
use super::token::authorization;
use crate::flow::sender::PresentedToken;
use crate::flow::user_info::{TokenFault, UserInfo, user_info};
use crate::oidc::confirmation::TokenScheme;
use crate::oidc::metadata::paths;
use crate::oidc::problem::Problem;
use crate::state::App;
use crate::tls::Peer;

/// The access token in the Authorization header (RFC 6750 §2.1). In the query it is not taken
/// (RFC 9700 §4.3.2).
pub async fn by_header(
    State(app): State<App>,
    Extension(peer): Extension<Peer>,
    uri: Uri,
    headers: HeaderMap,
) -> Response {
    let received = Received::of(&peer, &Method::GET, paths::USERINFO, &headers);
    let token = if is_in_query(&uri) { Err(TokenFault::InQuery) } else { in_header(&headers) };
    respond(&app, &received, scheme(&headers), token).await
}

/// The access token in the Authorization header or in the form (RFC 6750 §2.2).
pub async fn by_form(
    State(app): State<App>,
    Extension(peer): Extension<Peer>,
    uri: Uri,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let received = Received::of(&peer, &Method::POST, paths::USERINFO, &headers);
    let scheme = scheme(&headers);
    if is_in_query(&uri) {
        return respond(&app, &received, scheme, Err(TokenFault::InQuery)).await;
    }
    let in_form = if headers.contains_key(CONTENT_TYPE) {
        match form(&headers, body).await {
            Ok(params) => params.get("access_token").map(|token| token.map(str::to_owned)),
            Err(fault) => {
                let problem = Problem { code: fault.code(), reference: app.random.reference() };
                return render::token_problem(&app, &problem, scheme);
            }
        }
    } else {
        Ok(None)
    };
    let token = match (in_header(&headers), in_form) {
        (_, Err(_)) | (Ok(_), Ok(Some(_))) => Err(TokenFault::Repeated),
        (Err(TokenFault::Missing), Ok(Some(token))) => {
            Ok(PresentedToken { scheme: TokenScheme::Bearer, token: token.into() })
        }
        (in_header, Ok(_)) => in_header,
    };
    respond(&app, &received, scheme, token).await
}

async fn respond(
    app: &App,
    received: &Received,
    scheme: TokenScheme,
    token: Result<PresentedToken, TokenFault>,
) -> Response {
    let told = match token {
        Ok(token) => user_info(app, &received.call(None), &token).await,
        Err(fault) => Err(fault),
    };
    let response = match told {
        Ok(answer) => {
            let mut response = match answer {
                UserInfo::Json(claims) => Json(claims).into_response(),
                UserInfo::Jwt(jwt) => ([(CONTENT_TYPE, "application/jwt")], jwt).into_response(),
            };
            render::no_store(response.headers_mut());
            response
        }
        Err(fault) => {
            let reference = app.random.reference();
            tracing::debug!(%reference, %fault, "no claims");
            render::token_problem(app, &Problem { code: fault.code(), reference }, scheme)
        }
    };
    with_nonce(app, received, response)
}

fn is_in_query(uri: &Uri) -> bool {
    let query = uri.query().unwrap_or("").as_bytes();
    url::form_urlencoded::parse(query).any(|(name, _)| name == "access_token")
}

fn in_header(headers: &HeaderMap) -> Result<PresentedToken, TokenFault> {
    let Some(field) = authorization(headers) else { return Err(TokenFault::Missing) };
    let (name, token) = field.split_once(' ').ok_or(TokenFault::Malformed)?;
    let scheme = scheme_named(name).ok_or(TokenFault::Malformed)?;
    Ok(PresentedToken { scheme, token: token.trim().into() })
}

/// The scheme that errors are told by.
fn scheme(headers: &HeaderMap) -> TokenScheme {
    let field = authorization(headers).unwrap_or_default();
    field.split(' ').next().and_then(scheme_named).unwrap_or(TokenScheme::Bearer)
}

// RFC 9110 §11.1: of any case.
fn scheme_named(name: &str) -> Option<TokenScheme> {
    TokenScheme::ALL.into_iter().find(|scheme| scheme.name().eq_ignore_ascii_case(name))
}
