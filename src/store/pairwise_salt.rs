//! The salt of pairwise subjects: made once, the same for every node.

use chrono::{DateTime, Utc};
use sqlx::PgPool;

use super::StoreError;
use crate::oidc::subject::Subjects;

/// Keeps a salt where there is none yet, however many nodes start at once.
///
/// # Errors
/// The database failed.
pub async fn add_first(
    pool: &PgPool,
    salt: &[u8; 32],
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    sqlx::query!(
        "insert into pairwise_salt (salt, created_at)
        values ($1, $2)
        on conflict (id) do nothing",
        &salt[..],
        now,
    )
    .execute(pool)
    .await?;
    Ok(())
}

/// What subjects are made with.
///
/// # Errors
/// The database failed, or there is no salt: a node makes it at its start.
pub async fn load(pool: &PgPool) -> Result<Subjects, StoreError> {
    let missing = || StoreError::Row { table: "pairwise_salt", column: "salt" };
    let salt = sqlx::query_scalar!("select salt from pairwise_salt").fetch_optional(pool).await?;
    let salt: [u8; 32] = salt.and_then(|salt| salt.try_into().ok()).ok_or_else(missing)?;
    Ok(Subjects::new(salt))
}
