//! Authorization requests that were pushed (RFC 9126): kept sealed, found by the hash of their reference.
//!
//! That each is used once is settled where the code is written: [`super::logins`].

use chrono::{DateTime, Utc};
use sqlx::PgPool;

use super::StoreError;
use crate::oidc::client_auth::{AuthenticatedClient, UsedAssertion};
use crate::oidc::request_uri::RequestUriHash;

/// A request to keep.
pub struct NewRequest<'a> {
    /// What it is found by.
    pub hash: RequestUriHash,
    /// The parameters, sealed.
    pub sealed: Vec<u8>,
    /// The request object that it came in, where that is single-use.
    pub object: Option<&'a UsedAssertion>,
    /// The end of its time.
    pub expires_at: DateTime<Utc>,
}

/// What came of pushing a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pushed {
    /// It is kept.
    Kept,
    /// The client assertion had been used before: nothing was written.
    AssertionReplayed,
    /// The request object had been used before: the assertion alone was marked.
    ObjectReplayed,
}

/// A request that was kept. It has no `Debug`: it holds what was pushed.
pub struct KeptRequest {
    /// Who pushed it.
    pub client_id: String,
    /// The parameters, sealed.
    pub sealed: Vec<u8>,
    /// The end of its time.
    pub expires_at: DateTime<Utc>,
    /// When a code was issued for it.
    pub used_at: Option<DateTime<Utc>>,
}

/// Keeps a request, and marks the client's assertion and the request object as used: one statement.
///
/// # Errors
/// The database failed.
pub async fn keep(
    pool: &PgPool,
    by: &AuthenticatedClient,
    new: &NewRequest<'_>,
    now: DateTime<Utc>,
) -> Result<Pushed, StoreError> {
    let row = sqlx::query!(
        r#"with assertion as (
            insert into client_assertions (client_id, jti_hash, expires_at, created_at)
            select $1, $2, $3, $4
            where $2::bytea is not null
            on conflict (client_id, jti_hash) do nothing
            returning client_id
        ), proof as (
            select $2::bytea is null or exists (select from assertion) as holds
        ), object as (
            insert into client_assertions (client_id, jti_hash, expires_at, created_at)
            select $1, $5, $6, $4
            where $5::bytea is not null
                and (select holds from proof)
            on conflict (client_id, jti_hash) do nothing
            returning client_id
        ), pushed as (
            insert into pushed_requests (hash, client_id, sealed_request, expires_at, created_at)
            select $7, $1, $8, $9, $4
            where (select holds from proof)
                and ($5::bytea is null or exists (select from object))
            returning hash
        )
        select
            (select holds from proof) as "proof_holds!",
            exists (select from pushed) as "kept!""#,
        by.client.id,
        by.assertion.as_ref().map(|used| used.jti_hash.to_vec()),
        by.assertion.as_ref().map(|used| used.expires_at),
        now,
        new.object.map(|used| used.jti_hash.to_vec()),
        new.object.map(|used| used.expires_at),
        &new.hash.0[..],
        new.sealed,
        new.expires_at,
    )
    .fetch_one(pool)
    .await?;
    Ok(match (row.proof_holds, row.kept) {
        (false, _) => Pushed::AssertionReplayed,
        (true, false) => Pushed::ObjectReplayed,
        (true, true) => Pushed::Kept,
    })
}

/// The request that a reference leads to, used or not, whoever pushed it.
///
/// # Errors
/// The database failed.
pub async fn by_hash(
    pool: &PgPool,
    hash: RequestUriHash,
) -> Result<Option<KeptRequest>, StoreError> {
    let found = sqlx::query_as!(
        KeptRequest,
        "select client_id, sealed_request as sealed, expires_at, used_at
        from pushed_requests
        where hash = $1",
        &hash.0[..],
    )
    .fetch_optional(pool)
    .await?;
    Ok(found)
}
