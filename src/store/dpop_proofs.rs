//! DPoP proofs that were used: none is taken twice, on any node.

use chrono::{DateTime, Utc};
use sqlx::PgPool;

use super::StoreError;
use crate::oidc::dpop::Proof;

/// Marks a proof as used; `false` when it had been used before.
///
/// # Errors
/// The database failed.
pub async fn mark(pool: &PgPool, proof: &Proof, now: DateTime<Utc>) -> Result<bool, StoreError> {
    let marked = sqlx::query!(
        "insert into dpop_proofs (hash, expires_at, created_at)
        values ($1, $2, $3)
        on conflict (hash) do nothing",
        &proof.hash[..],
        proof.expires_at,
        now,
    )
    .execute(pool)
    .await?;
    Ok(marked.rows_affected() == 1)
}
