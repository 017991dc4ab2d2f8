//! JWTs of clients that were used: none is taken twice, on any node.

use chrono::{DateTime, Utc};
use sqlx::PgPool;

use super::StoreError;
use crate::oidc::client_auth::{AuthenticatedClient, UsedAssertion};

/// Marks the assertion of a client as used; `false` when it had been used before. A client that used
/// none costs no statement.
///
/// # Errors
/// The database failed.
pub async fn mark(
    pool: &PgPool,
    by: &AuthenticatedClient,
    now: DateTime<Utc>,
) -> Result<bool, StoreError> {
    match &by.assertion {
        Some(used) => mark_of(pool, &by.client.id, used, now).await,
        None => Ok(true),
    }
}

/// Marks an assertion or a request object of a client as used; `false` when it had been used before.
///
/// # Errors
/// The database failed.
pub async fn mark_of(
    pool: &PgPool,
    client_id: &str,
    used: &UsedAssertion,
    now: DateTime<Utc>,
) -> Result<bool, StoreError> {
    let marked = sqlx::query!(
        "insert into client_assertions (client_id, jti_hash, expires_at, created_at)
        values ($1, $2, $3, $4)
        on conflict (client_id, jti_hash) do nothing",
        client_id,
        &used.jti_hash[..],
        used.expires_at,
        now,
    )
    .execute(pool)
    .await?;
    Ok(marked.rows_affected() == 1)
}
