//! `GET` and `POST /userinfo` (OpenID Connect Core 1.0 §5.3; RFC 6750 §2).

use axum::body::Body;
use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, Uri};
use axum::response::{IntoResponse as _, Response};
use axum::{Extension, Json};

use super::form::form;
use super::render;
use super::token::authorization;
use crate::flow::user_info::{TokenFault, UserInfo, user_info};
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
    let token = if is_in_query(&uri) { Err(TokenFault::InQuery) } else { bearer(&headers) };
    respond(&app, &peer, token).await
}

/// The access token in the Authorization header or in the form (RFC 6750 §2.2).
pub async fn by_form(
    State(app): State<App>,
    Extension(peer): Extension<Peer>,
    uri: Uri,
    headers: HeaderMap,
    body: Body,
) -> Response {
    if is_in_query(&uri) {
        return respond(&app, &peer, Err(TokenFault::InQuery)).await;
    }
    let in_form = if headers.contains_key(CONTENT_TYPE) {
        match form(&headers, body).await {
            Ok(params) => params.get("access_token").map(|token| token.map(str::to_owned)),
            Err(fault) => {
                let problem = Problem { code: fault.code(), reference: app.random.reference() };
                return render::bearer_problem(&app, &problem);
            }
        }
    } else {
        Ok(None)
    };
    let token = match (bearer(&headers), in_form) {
        (_, Err(_)) | (Ok(_), Ok(Some(_))) => Err(TokenFault::Repeated),
        (Err(TokenFault::Missing), Ok(Some(token))) => Ok(token),
        (in_header, Ok(_)) => in_header,
    };
    respond(&app, &peer, token).await
}

async fn respond(app: &App, peer: &Peer, token: Result<String, TokenFault>) -> Response {
    let told = match token {
        Ok(token) => user_info(app, &token, peer.chain.as_ref()).await,
        Err(fault) => Err(fault),
    };
    match told {
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
            render::bearer_problem(app, &Problem { code: fault.code(), reference })
        }
    }
}

fn is_in_query(uri: &Uri) -> bool {
    let query = uri.query().unwrap_or("").as_bytes();
    url::form_urlencoded::parse(query).any(|(name, _)| name == "access_token")
}

fn bearer(headers: &HeaderMap) -> Result<String, TokenFault> {
    let Some(field) = authorization(headers) else { return Err(TokenFault::Missing) };
    match field.split_once(' ') {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => {
            Ok(token.trim().to_owned())
        }
        _ => Err(TokenFault::Malformed),
    }
}
