//! What is forgotten when its time is over; safe on every node at once.

use chrono::{DateTime, TimeDelta, Utc};
use sqlx::PgPool;

use super::StoreError;
use super::login_errors::READABLE;

/// How long a code is remembered after its end, so that a replay is still told from a fabrication
/// and revokes what it gave: longer than any token lives.
const CODE_MEMORY: TimeDelta = TimeDelta::hours(24);

/// How long a session is remembered after its end: longer than any token that it gave lives.
const SESSION_MEMORY: TimeDelta = TimeDelta::hours(24);

/// How long a pushed request is remembered after its end: longer than a login that began with it lasts,
/// try again and all, since the code marks it as used.
const PUSHED_MEMORY: TimeDelta = TimeDelta::hours(3);
/// How long a refresh token is remembered after its end, so that a replay is told from a fabrication.
const REFRESH_MEMORY: TimeDelta = TimeDelta::hours(24);

/// How many rows of one table are changed at once, so that a statement stays short after a long rest.
const AT_ONCE: i64 = 10_000;

/// Erases submitted values after ten minutes, and deletes old codes, tokens, used assertions and proofs, pushed
/// requests, and sessions with their grants and codes, unless a refresh token outlives them. Audit rows stay.
/// Whether there may be more to forget.
///
/// # Errors
/// The database failed; what was done before stays done.
pub async fn run(pool: &PgPool, now: DateTime<Utc>) -> Result<bool, StoreError> {
    let mut most = 0;
    let done = sqlx::query!(
        "update login_attempts
        set sealed_submitted_value = null
        where id in (
            select id
            from login_attempts
            where sealed_submitted_value is not null
                and created_at <= $1
            limit $2
            for update skip locked
        )",
        now - READABLE,
        AT_ONCE,
    )
    .execute(pool)
    .await?;
    most = most.max(done.rows_affected());
    let done = sqlx::query!(
        "delete from codes
        where hash in (
            select hash
            from codes
            where expires_at < $1
            limit $2
            for update skip locked
        )",
        now - CODE_MEMORY,
        AT_ONCE,
    )
    .execute(pool)
    .await?;
    most = most.max(done.rows_affected());
    let done = sqlx::query!(
        "delete from client_assertions
        where (client_id, jti_hash) in (
            select client_id, jti_hash
            from client_assertions
            where expires_at < $1
            limit $2
            for update skip locked
        )",
        now,
        AT_ONCE,
    )
    .execute(pool)
    .await?;
    most = most.max(done.rows_affected());
    most = most.max(tokens(pool, now).await?);
    let done = sqlx::query!(
        "delete from dpop_proofs
        where hash in (
            select hash
            from dpop_proofs
            where expires_at < $1
            limit $2
            for update skip locked
        )",
        now,
        AT_ONCE,
    )
    .execute(pool)
    .await?;
    most = most.max(done.rows_affected());
    let done = sqlx::query!(
        "delete from pushed_requests
        where hash in (
            select hash
            from pushed_requests
            where expires_at < $1
            limit $2
            for update skip locked
        )",
        now - PUSHED_MEMORY,
        AT_ONCE,
    )
    .execute(pool)
    .await?;
    most = most.max(done.rows_affected());
    let done = sqlx::query!(
        "delete from sessions
        where id in (
            select s.id
            from sessions s
            where s.expires_at < $1
                and not exists (
                    select
                    from grants g
                    join refresh_tokens r on r.grant_id = g.id
                    where g.session_id = s.id
                )
            order by s.expires_at
            limit $2
            for update skip locked
        )",
        now - SESSION_MEMORY,
        AT_ONCE,
    )
    .execute(pool)
    .await?;
    most = most.max(done.rows_affected());
    Ok(most >= AT_ONCE.unsigned_abs())
}

/// How many rows of one table there were at the most.
async fn tokens(pool: &PgPool, now: DateTime<Utc>) -> Result<u64, StoreError> {
    let mut most = 0;
    let done = sqlx::query!(
        "delete from refresh_tokens
        where hash in (
            select hash
            from refresh_tokens
            where expires_at < $1
            limit $2
            for update skip locked
        )",
        now - REFRESH_MEMORY,
        AT_ONCE,
    )
    .execute(pool)
    .await?;
    most = most.max(done.rows_affected());
    let done = sqlx::query!(
        "delete from access_tokens
        where hash in (
            select hash
            from access_tokens
            where expires_at < $1
            limit $2
            for update skip locked
        )",
        now,
        AT_ONCE,
    )
    .execute(pool)
    .await?;
    most = most.max(done.rows_affected());
    let done = sqlx::query!(
        "delete from revoked_tokens
        where jti in (
            select jti
            from revoked_tokens
            where expires_at < $1
            limit $2
            for update skip locked
        )",
        now,
        AT_ONCE,
    )
    .execute(pool)
    .await?;
    most = most.max(done.rows_affected());
    Ok(most)
}

/// Deletes login attempts that were made before a moment, at least a day ago: the row is what makes a
/// ticket single-use.
///
/// # Errors
/// The database failed.
pub async fn forget_attempts(pool: &PgPool, before: DateTime<Utc>) -> Result<(), StoreError> {
    sqlx::query!(
        "delete from login_attempts
        where id in (
            select id
            from login_attempts
            where created_at < $1
            order by created_at
            limit $2
            for update skip locked
        )",
        before,
        AT_ONCE,
    )
    .execute(pool)
    .await?;
    Ok(())
}

/// Deletes OCSP answers that held until before a moment.
///
/// # Errors
/// The database failed.
pub async fn forget_answers(pool: &PgPool, before: DateTime<Utc>) -> Result<(), StoreError> {
    sqlx::query!(
        "delete from ocsp_answers
        where (authority, serial) in (
            select authority, serial
            from ocsp_answers
            where holds_until < $1
            order by holds_until
            limit $2
            for update skip locked
        )",
        before,
        AT_ONCE,
    )
    .execute(pool)
    .await?;
    Ok(())
}
