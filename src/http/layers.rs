//! What every response has, and what happens when a handler panics.

use axum::extract::{Request, State};
use axum::http::HeaderValue;
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, HeaderName, REFERRER_POLICY, STRICT_TRANSPORT_SECURITY,
    X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use axum::middleware::Next;
use axum::response::Response;
use tokio::task::JoinError;

use super::pages;
use super::{card, errors};
use crate::error::Code;
use crate::oidc::problem::Problem;
use crate::state::App;

/// Headers that every response has; a handler's own `Cache-Control` stays.
pub async fn security_headers(request: Request, next: Next) -> Response {
    const FIELDS: [(HeaderName, &str); 6] = [
        (CONTENT_SECURITY_POLICY, pages::CONTENT_SECURITY_POLICY),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        // Addresses here hold sealed logins and codes: no other site is told of them.
        (REFERRER_POLICY, "no-referrer"),
        (X_FRAME_OPTIONS, "DENY"),
        (STRICT_TRANSPORT_SECURITY, "max-age=31536000"),
        (HeaderName::from_static("permissions-policy"), "interest-cohort=()"),
    ];
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    for (name, value) in FIELDS {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers.entry(CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    response
}

/// A panic in a handler is answered as `internal`, and the node lives on.
pub async fn catch_panic(State(app): State<App>, request: Request, next: Next) -> Response {
    let (uri, headers) = (request.uri().clone(), request.headers().clone());
    match guarded(&app, request, next).await {
        Ok(response) => response,
        Err(reference) => {
            errors::told(&app, Problem { code: Code::Internal, reference }, &uri, &headers)
        }
    }
}

/// The same on a card host, which answers with redirects alone.
pub async fn catch_panic_at_card(State(app): State<App>, request: Request, next: Next) -> Response {
    match guarded(&app, request, next).await {
        Ok(response) => response,
        Err(_) => card::lost(&app),
    }
}

async fn guarded(app: &App, request: Request, next: Next) -> Result<Response, String> {
    outliving_panics(next.run(request)).await.map_err(|error| {
        let reference = app.random.reference();
        tracing::error!(%reference, panic = error.is_panic(), "a handler failed");
        reference
    })
}

// In a task of its own, which a panic ends alone. It also outlives a client that hangs up, so that
// what was begun is finished.
async fn outliving_panics<T: Send + 'static>(
    work: impl Future<Output = T> + Send + 'static,
) -> Result<T, JoinError> {
    tokio::spawn(work).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_panic_ends_its_request_alone() {
        assert!(
            outliving_panics(async { panic!("a fault of ours") }).await.unwrap_err().is_panic()
        );
        assert_eq!(outliving_panics(async { 7 }).await.unwrap(), 7);
    }
}
