//! What issuers say of revocation: the CRL in use of each authority, and OCSP answers.
//!
//! An authority is named by the SHA-256 of its SubjectPublicKeyInfo. Must never put an older list in
//! the place of a newer one: the statements that write compare.

use chrono::{DateTime, Utc};
use sqlx::PgPool;

use super::StoreError;

/// For the few statements that move a whole list: much longer than the others may take.
const PATIENCE: &str = "select set_config('statement_timeout', '60s', true)";

/// The most characters of an error that are kept.
const MAX_ERROR: usize = 300;

/// A row without the list itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    /// The authority.
    pub authority: Vec<u8>,
    /// SHA-256 of the list; none where there is no list yet.
    pub sha256: Option<Vec<u8>>,
    /// The address that gave it.
    pub source: Option<String>,
    /// `ETag` of that address.
    pub etag: Option<String>,
    /// `Last-Modified` of that address.
    pub last_modified: Option<String>,
    /// When a source last gave it, or said that it is unchanged.
    pub confirmed_at: Option<DateTime<Utc>>,
    /// Nobody fetches before.
    pub fetch_after: DateTime<Utc>,
    /// How often fetching failed since it last succeeded.
    pub failures: i32,
    /// Why it failed the last time.
    pub last_error: Option<String>,
}

/// A list that was fetched and found good.
pub struct NewList<'a> {
    /// The authority.
    pub authority: &'a [u8],
    /// The list.
    pub der: &'a [u8],
    /// Its SHA-256.
    pub sha256: &'a [u8],
    /// `cRLNumber`, big-endian without leading zeros.
    pub number: &'a [u8],
    /// `thisUpdate`.
    pub this_update: DateTime<Utc>,
    /// `nextUpdate`.
    pub next_update: DateTime<Utc>,
    /// Which address gave it.
    pub source: &'a str,
    /// Its `ETag`.
    pub etag: Option<&'a str>,
    /// Its `Last-Modified`.
    pub last_modified: Option<&'a str>,
}

/// An OCSP answer that says good or revoked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// Since when it is revoked; good where there is none.
    pub revoked_at: Option<DateTime<Utc>>,
    /// Why it was revoked, where the answer says.
    pub reason: Option<String>,
    /// `thisUpdate`.
    pub this_update: DateTime<Utc>,
    /// `nextUpdate`.
    pub next_update: Option<DateTime<Utc>>,
    /// `producedAt`.
    pub produced_at: DateTime<Utc>,
    /// Until when it holds.
    pub holds_until: DateTime<Utc>,
    /// When it was fetched.
    pub fetched_at: DateTime<Utc>,
    /// Until then it is not asked for again.
    pub ask_after: DateTime<Utc>,
}

/// Makes a row for each authority that has none: it is due at once.
///
/// # Errors
/// The database failed.
pub async fn ensure(
    pool: &PgPool,
    authorities: &[Vec<u8>],
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    sqlx::query!(
        "insert into revocation_lists (authority, fetch_after, created_at)
        select authority, $2, $2
        from unnest($1::bytea[]) as authority
        on conflict (authority) do nothing",
        authorities,
        now,
    )
    .execute(pool)
    .await?;
    Ok(())
}

/// Every row, without the lists.
///
/// # Errors
/// The database failed.
pub async fn heads(pool: &PgPool) -> Result<Vec<Head>, StoreError> {
    let heads = sqlx::query_as!(
        Head,
        "select
            authority, sha256, source, etag, last_modified, confirmed_at, fetch_after, failures,
            last_error
        from revocation_lists",
    )
    .fetch_all(pool)
    .await?;
    Ok(heads)
}

/// Takes the fetching of a list upon oneself until a moment, if it is due and no other node has.
///
/// # Errors
/// The database failed.
pub async fn claim(
    pool: &PgPool,
    authority: &[u8],
    now: DateTime<Utc>,
    until: DateTime<Utc>,
) -> Result<Option<Head>, StoreError> {
    let head = sqlx::query_as!(
        Head,
        "update revocation_lists
        set fetch_after = $3
        where authority = $1
            and fetch_after <= $2
        returning
            authority, sha256, source, etag, last_modified, confirmed_at, fetch_after, failures,
            last_error",
        authority,
        now,
        until,
    )
    .fetch_optional(pool)
    .await?;
    Ok(head)
}

/// The list of an authority with its SHA-256. It may be large: call it where waiting and copying
/// stand in nobody's way.
///
/// # Errors
/// The database failed.
pub async fn list(
    pool: &PgPool,
    authority: &[u8],
) -> Result<Option<(Vec<u8>, Vec<u8>)>, StoreError> {
    let mut transaction = pool.begin().await?;
    sqlx::query(PATIENCE).execute(&mut *transaction).await?;
    let row = sqlx::query!(
        r#"select der as "der!", sha256 as "sha256!"
        from revocation_lists
        where authority = $1
            and der is not null"#,
        authority,
    )
    .fetch_optional(&mut *transaction)
    .await?;
    transaction.commit().await?;
    Ok(row.map(|row| (row.der, row.sha256)))
}

/// Puts a list in the place of the one before, unless that one is newer: false then. As large as
/// [`list`].
///
/// # Errors
/// The database failed.
pub async fn replace(
    pool: &PgPool,
    list: &NewList<'_>,
    now: DateTime<Utc>,
    fetch_after: DateTime<Utc>,
) -> Result<bool, StoreError> {
    let mut transaction = pool.begin().await?;
    sqlx::query(PATIENCE).execute(&mut *transaction).await?;
    let done = sqlx::query!(
        "update revocation_lists
        set der = $2, sha256 = $3, number = $4, this_update = $5, next_update = $6, source = $7,
            etag = $8, last_modified = $9, confirmed_at = $10, fetch_after = $11, failures = 0,
            last_error = null
        where authority = $1
            and (this_update is null or this_update <= $5)
            and (number is null or (octet_length(number), number) <= (octet_length($4::bytea), $4::bytea))",
        list.authority,
        list.der,
        list.sha256,
        list.number,
        list.this_update,
        list.next_update,
        list.source,
        list.etag,
        list.last_modified,
        now,
        fetch_after,
    )
    .execute(&mut *transaction)
    .await?;
    transaction.commit().await?;
    Ok(done.rows_affected() == 1)
}

/// Notes that a source has the list that is in use already, with what to ask it by the next time.
///
/// # Errors
/// The database failed.
pub async fn confirm(
    pool: &PgPool,
    list: &Head,
    now: DateTime<Utc>,
    fetch_after: DateTime<Utc>,
) -> Result<(), StoreError> {
    sqlx::query!(
        "update revocation_lists
        set confirmed_at = $2, fetch_after = $3, source = $4, etag = $5, last_modified = $6,
            failures = 0, last_error = null
        where authority = $1
            and sha256 = $7",
        list.authority,
        now,
        fetch_after,
        list.source,
        list.etag,
        list.last_modified,
        list.sha256,
    )
    .execute(pool)
    .await?;
    Ok(())
}

/// Notes that nothing good could be fetched.
///
/// # Errors
/// The database failed.
pub async fn failed(
    pool: &PgPool,
    authority: &[u8],
    error: &str,
    failures: i32,
    fetch_after: DateTime<Utc>,
) -> Result<(), StoreError> {
    let error: String = error.chars().take(MAX_ERROR).collect();
    sqlx::query!(
        "update revocation_lists
        set failures = $3, last_error = $2, fetch_after = $4
        where authority = $1",
        authority,
        error,
        failures,
        fetch_after,
    )
    .execute(pool)
    .await?;
    Ok(())
}

/// The last OCSP answer about a certificate.
///
/// # Errors
/// The database failed.
pub async fn answer(
    pool: &PgPool,
    authority: &[u8],
    serial: &[u8],
) -> Result<Option<Answer>, StoreError> {
    let answer = sqlx::query_as!(
        Answer,
        "select
            revoked_at, reason, this_update, next_update, produced_at, holds_until, fetched_at,
            ask_after
        from ocsp_answers
        where authority = $1
            and serial = $2",
        authority,
        serial,
    )
    .fetch_optional(pool)
    .await?;
    Ok(answer)
}

/// Keeps an OCSP answer, unless the one that is there is newer.
///
/// # Errors
/// The database failed.
pub async fn keep_answer(
    pool: &PgPool,
    authority: &[u8],
    serial: &[u8],
    answer: &Answer,
) -> Result<(), StoreError> {
    sqlx::query!(
        "insert into ocsp_answers
            (authority, serial, revoked_at, reason, this_update, next_update, produced_at,
            holds_until, fetched_at, ask_after, created_at)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $9)
        on conflict (authority, serial) do update
        set revoked_at = $3, reason = $4, this_update = $5, next_update = $6, produced_at = $7,
            holds_until = $8, fetched_at = $9, ask_after = $10
        where ocsp_answers.this_update <= $5",
        authority,
        serial,
        answer.revoked_at,
        answer.reason,
        answer.this_update,
        answer.next_update,
        answer.produced_at,
        answer.holds_until,
        answer.fetched_at,
        answer.ask_after,
    )
    .execute(pool)
    .await?;
    Ok(())
}

/// Forgets what a responder said of a certificate, unless it said that it is revoked.
///
/// # Errors
/// When the database is away.
pub async fn forget_answer(
    pool: &PgPool,
    authority: &[u8],
    serial: &[u8],
) -> Result<(), StoreError> {
    sqlx::query!(
        "delete from ocsp_answers
        where authority = $1 and serial = $2 and revoked_at is null",
        authority,
        serial,
    )
    .execute(pool)
    .await?;
    Ok(())
}
