//! What is forgotten when its time is over; safe on every node at once.

use chrono::{DateTime, TimeDelta, Utc};
use sqlx::PgPool;

use super::StoreError;
use super::login_errors::READABLE;

/// How long a code is remembered after its end, so that a replay is still told from a fabrication
/// and revokes what it gave: longer than any token lives.
const CODE_MEMORY: TimeDelta = TimeDelta::hours(24);

/// Erases submitted values after ten minutes, and deletes old codes and used assertions.
///
/// # Errors
/// The database failed; what was done before stays done.
pub async fn run(pool: &PgPool, now: DateTime<Utc>) -> Result<(), StoreError> {
    sqlx::query!(
        "update login_attempts
        set sealed_submitted_value = null
        where sealed_submitted_value is not null
            and created_at <= $1",
        now - READABLE,
    )
    .execute(pool)
    .await?;
    sqlx::query!("delete from codes where expires_at < $1", now - CODE_MEMORY)
        .execute(pool)
        .await?;
    sqlx::query!("delete from client_assertions where expires_at < $1", now).execute(pool).await?;
    Ok(())
}
