//! Refresh tokens: each that rotates is used once, by one statement.
//!
//! Must never hold a token: only its SHA-256.

use chrono::{DateTime, Utc};
use serde_json::Value;
use sqlx::PgPool;
use uuid::Uuid;

use super::StoreError;
use super::access_tokens::NewAccessToken;
use crate::audit::Event;
use crate::oidc::client::Client;
use crate::oidc::client_auth::AuthenticatedClient;
use crate::oidc::confirmation::Confirmation;
use crate::oidc::refresh::RefreshToken;

/// A refresh token of a client.
pub struct Held {
    /// The token.
    pub token: RefreshToken,
    /// Its family.
    pub grant_id: Uuid,
}

/// The refresh token of a client with a hash.
///
/// # Errors
/// The database failed.
pub async fn by_hash(
    pool: &PgPool,
    hash: &[u8; 32],
    client: &Client,
) -> Result<Option<Held>, StoreError> {
    let row = sqlx::query!(
        "select
            r.grant_id,
            r.confirmation,
            r.expires_at,
            r.used_at
        from refresh_tokens r
        where r.hash = $1
            and r.client_id = $2",
        &hash[..],
        client.id,
    )
    .fetch_optional(pool)
    .await?;
    row.map(|row| {
        let unknown = |_| StoreError::Row { table: "refresh_tokens", column: "confirmation" };
        let confirmation: Confirmation =
            serde_json::from_value(row.confirmation).map_err(unknown)?;
        let token = RefreshToken { used_at: row.used_at, expires_at: row.expires_at, confirmation };
        Ok(Held { token, grant_id: row.grant_id })
    })
    .transpose()
}

/// The first refresh token of a login, on its way into the database.
pub struct First {
    /// Its SHA-256.
    pub hash: [u8; 32],
    /// The key that the family is bound to.
    pub confirmation: Value,
    /// When it has rested too long.
    pub idle_until: DateTime<Utc>,
    /// The end of the family.
    pub ends_at: DateTime<Utc>,
    /// Whether the family ends with the session, where that is sooner.
    pub with_session: bool,
}

/// Keeps what a login gave: an opaque access token, the first refresh token. Whether the latter was kept:
/// not where its family has ended already.
///
/// # Errors
/// The database failed.
pub async fn keep(
    pool: &PgPool,
    grant_id: Uuid,
    (opaque, first): (Option<&NewAccessToken>, Option<&First>),
    now: DateTime<Utc>,
) -> Result<bool, StoreError> {
    let kept = sqlx::query!(
        "with opaque as (
            insert into access_tokens
                (hash, client_id, grant_id, claims, expires_at, created_at)
            select $3, client_id, id, $4, $5, $2
            from grants
            where id = $1
                and $3::bytea is not null
        )
        insert into refresh_tokens
            (hash, grant_id, client_id, confirmation, expires_at, ends_at, created_at)
        select $6, g.id, g.client_id, $7, least($8, family.ends_at), family.ends_at, $2
        from grants g
        join sessions s on s.id = g.session_id
        cross join lateral (
            select least($9, case when $10 then s.expires_at end) as ends_at
        ) family
        where g.id = $1
            and $6::bytea is not null
            and family.ends_at > $2",
        grant_id,
        now,
        opaque.map(|token| token.hash.to_vec()),
        opaque.map(|token| token.claims.clone()),
        opaque.map(|token| token.expires_at),
        first.map(|token| token.hash.to_vec()),
        first.map(|token| token.confirmation.clone()),
        first.map(|token| token.idle_until),
        first.map(|token| token.ends_at),
        first.is_some_and(|token| token.with_session),
    )
    .execute(pool)
    .await?;
    Ok(kept.rows_affected() == 1)
}

/// A use of a refresh token.
pub struct Use<'a> {
    /// The SHA-256 of the token.
    pub hash: [u8; 32],
    /// Who uses it.
    pub by: &'a AuthenticatedClient,
    /// The SHA-256 of the one that takes its place, where it rotates.
    pub next: Option<[u8; 32]>,
    /// When that, or the one that stays, has rested too long.
    pub idle_until: DateTime<Utc>,
    /// The opaque access token that it gives.
    pub opaque: Option<&'a NewAccessToken>,
    /// The address of the client.
    pub address: &'a str,
    /// The present moment.
    pub now: DateTime<Utc>,
}

/// What came of using a refresh token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Used {
    /// It was, and what it gave is kept.
    Fresh,
    /// It had been used before: its family is revoked now.
    Replayed,
    /// The client assertion had been used before: nothing was written.
    AssertionReplayed,
}

/// Uses a refresh token: marks it and the client's assertion, writes what takes its place and the
/// opaque access token, or revokes the family of one that was used before: one statement, so that of two at
/// once one wins, on one node or on ten.
///
/// # Errors
/// The database failed.
pub async fn use_once(pool: &PgPool, used: &Use<'_>) -> Result<Used, StoreError> {
    let row = sqlx::query!(
        r#"with assertion as (
            insert into client_assertions (client_id, jti_hash, expires_at, created_at)
            select $2, $3, $4, $5
            where $3::bytea is not null
            on conflict (client_id, jti_hash) do nothing
            returning client_id
        ), proof as (
            select $3::bytea is null or exists (select from assertion) as holds
        ), used as (
            update refresh_tokens
            set used_at = case when $6::bytea is not null then $5 end,
                expires_at = case when $6::bytea is null then least($7, ends_at) else expires_at end
            where hash = $1
                and client_id = $2
                and used_at is null
                and (select holds from proof)
            returning grant_id, client_id, confirmation, ends_at
        ), next as (
            insert into refresh_tokens
                (hash, grant_id, client_id, confirmation, expires_at, ends_at, created_at)
            select $6, grant_id, client_id, confirmation, least($7, ends_at), ends_at, $5
            from used
            where $6::bytea is not null
        ), opaque as (
            insert into access_tokens
                (hash, client_id, grant_id, claims, expires_at, created_at)
            select $8, client_id, grant_id, $9, $10, $5
            from used
            where $8::bytea is not null
        ), revoked as (
            update grants
            set revoked_at = $5
            where id = (select r.grant_id from refresh_tokens r where r.hash = $1 and r.client_id = $2)
                and revoked_at is null
                and (select holds from proof)
                and not exists (select from used)
        ), audit as (
            insert into audit_events
                (created_at, event, client_id, user_id, address, details)
            select
                $5,
                case when exists (select from used) then $11 else $12 end,
                $2,
                g.user_id,
                $13,
                jsonb_build_object('grant', g.id)
            from refresh_tokens r
            join grants g on g.id = r.grant_id
            where r.hash = $1
                and r.client_id = $2
                and (select holds from proof)
        )
        select
            p.holds as "proof_holds!",
            exists (select from used) as "fresh!"
        from proof p"#,
        &used.hash[..],
        used.by.client.id,
        used.by.assertion.as_ref().map(|used| used.jti_hash.to_vec()),
        used.by.assertion.as_ref().map(|used| used.expires_at),
        used.now,
        used.next.map(|hash| hash.to_vec()),
        used.idle_until,
        used.opaque.map(|token| token.hash.to_vec()),
        used.opaque.map(|token| token.claims.clone()),
        used.opaque.map(|token| token.expires_at),
        Event::TokenRefreshed.name(),
        Event::RefreshTokenReplayed.name(),
        used.address,
    )
    .fetch_one(pool)
    .await?;
    Ok(match (row.proof_holds, row.fresh) {
        (false, _) => Used::AssertionReplayed,
        (true, true) => Used::Fresh,
        (true, false) => Used::Replayed,
    })
}
