//! Which endpoints scripts of other origins may call (CORS: the Fetch standard, §3.2).
//!
//! Discovery and keys are public. The token endpoint and UserInfo answer the origins that clients are
//! registered with, compared to the letter, for public clients that run in a browser. Everything else
//! answers nobody: a browser is *sent* to `/authorize`, and no script calls it (RFC 9700 §2.6). Must
//! never allow credentials: no cookie of ours is for a script.

use axum::extract::{Request, State};
use axum::http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_METHOD, ORIGIN,
    VARY,
};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};

use crate::oidc::metadata::paths;
use crate::state::App;

/// What a script may send besides what any form can.
const REQUEST_FIELDS: HeaderValue = HeaderValue::from_static("authorization, content-type, dpop");
/// What a script may read besides what any script can.
const RESPONSE_FIELDS: HeaderValue = HeaderValue::from_static("dpop-nonce, www-authenticate");
/// How long a browser keeps a permission, in seconds: as long an origin that was taken away is let in.
const MAX_AGE: HeaderValue = HeaderValue::from_static("600");

/// Who may call an endpoint, and how.
#[derive(Clone, Copy)]
enum Rule {
    /// Everybody, to read.
    Public,
    /// Registered origins, by these methods.
    Registered(&'static str),
}

/// The endpoints that scripts may call; there are no others.
fn rule(path: &str) -> Option<Rule> {
    match path {
        paths::DISCOVERY | paths::AUTHORIZATION_SERVER | paths::JWKS => Some(Rule::Public),
        paths::TOKEN => Some(Rule::Registered("POST")),
        paths::USERINFO => Some(Rule::Registered("GET, POST")),
        _ => None,
    }
}

/// Answers preflights, and marks the answers that a script may read.
pub async fn cors(State(app): State<App>, request: Request, next: Next) -> Response {
    let Some(rule) = rule(request.uri().path()) else { return next.run(request).await };
    let allowed = allowed_origin(&app, rule, request.headers());
    let mut response = match &allowed {
        Some(_) if is_preflight(&request) => preflight(rule),
        _ => next.run(request).await,
    };
    let headers = response.headers_mut();
    if matches!(rule, Rule::Registered(_)) {
        headers.append(VARY, HeaderValue::from_static("origin"));
    }
    if let Some(origin) = allowed {
        headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, RESPONSE_FIELDS);
    }
    response
}

/// The value that lets the script of a request in.
fn allowed_origin(app: &App, rule: Rule, headers: &HeaderMap) -> Option<HeaderValue> {
    match rule {
        // To requests of no script too, whose answers caches keep for scripts.
        Rule::Public => Some(HeaderValue::from_static("*")),
        Rule::Registered(_) => {
            let origin = one_origin(headers)?;
            is_registered(app, origin.to_str().ok()?).then(|| origin.clone())
        }
    }
}

fn one_origin(headers: &HeaderMap) -> Option<&HeaderValue> {
    let mut fields = headers.get_all(ORIGIN).iter();
    fields.next().filter(|_| fields.next().is_none())
}

/// Whether a client that is switched on is registered with an origin. Which client asks is not known
/// yet: a preflight does not tell. What is answered opens to the client's proof alone.
fn is_registered(app: &App, origin: &str) -> bool {
    let registry = app.registry.load();
    let mut enabled = registry.clients.values().filter(|client| client.enabled);
    enabled.any(|client| client.metadata.cors_origins.contains(origin))
}

fn is_preflight(request: &Request) -> bool {
    request.method() == Method::OPTIONS
        && request.headers().contains_key(ACCESS_CONTROL_REQUEST_METHOD)
}

fn preflight(rule: Rule) -> Response {
    let methods = match rule {
        Rule::Public => "GET",
        Rule::Registered(methods) => methods,
    };
    let fields = [
        (ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static(methods)),
        (ACCESS_CONTROL_ALLOW_HEADERS, REQUEST_FIELDS),
        (ACCESS_CONTROL_MAX_AGE, MAX_AGE),
    ];
    (StatusCode::NO_CONTENT, fields).into_response()
}
