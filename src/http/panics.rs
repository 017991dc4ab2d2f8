//! A handler that panics ends its own request alone.

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use tokio::task::JoinError;

use super::{card, errors};
use crate::error::Code;
use crate::oidc::problem::Problem;
use crate::state::App;

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
