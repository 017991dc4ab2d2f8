//! A client gives a token back (RFC 7009): one statement, whichever kind of token it is.

use chrono::{DateTime, Utc};
use sqlx::PgPool;
use uuid::Uuid;

use super::StoreError;
use crate::audit::Event;
use crate::oidc::client_auth::AuthenticatedClient;

/// A token to revoke.
pub struct Revocation<'a> {
    /// The client that asks.
    pub by: &'a AuthenticatedClient,
    /// The SHA-256 of what it sent.
    pub hash: [u8; 32],
    /// What it says, where it is a signed access token of that client.
    pub signed: Option<Signed>,
    /// The address of the client.
    pub address: &'a str,
    /// The present moment.
    pub now: DateTime<Utc>,
}

/// A signed access token that was checked.
pub struct Signed {
    /// Its id.
    pub jti: Uuid,
    /// The login that gave it.
    pub grant: Option<Uuid>,
    /// Until when it must be remembered.
    pub expires_at: DateTime<Utc>,
}

/// What came of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Revoked {
    /// It counts no more, if it ever did.
    Done,
    /// It is another client's: nothing was revoked.
    OfAnotherClient,
    /// The client assertion had been used before: nothing was written.
    AssertionReplayed,
}

/// Revokes a token of a client: of a refresh token the whole family, of an access token itself alone.
///
/// # Errors
/// The database failed.
pub async fn revoke(pool: &PgPool, revocation: &Revocation<'_>) -> Result<Revoked, StoreError> {
    let Revocation { by, hash, signed, address, now } = revocation;
    let row = sqlx::query!(
        r#"with assertion as (
            insert into client_assertions (client_id, jti_hash, expires_at, created_at)
            select $2, $3, $4, $5
            where $3::bytea is not null
            on conflict (client_id, jti_hash) do nothing
            returning client_id
        ), proof as (
            select $3::bytea is null or exists (select from assertion) as holds
        ), family as (
            update grants
            set revoked_at = $5
            where id = (select r.grant_id from refresh_tokens r where r.hash = $1 and r.client_id = $2)
                and revoked_at is null
                and (select holds from proof)
            returning id
        ), opaque as (
            delete from access_tokens
            where hash = $1
                and client_id = $2
                and (select holds from proof)
            returning grant_id
        ), signed as (
            insert into revoked_tokens (jti, client_id, expires_at, created_at)
            select $6, $2, $7, $5
            from proof
            where holds
                and $6::uuid is not null
            on conflict (jti) do nothing
            returning jti
        ), revoked as (
            select id as grant_id, 'refresh_token' as kind from family
            union all
            select grant_id, 'access_token' from opaque
            union all
            select $8::uuid, 'access_token' from signed
        ), audit as (
            insert into audit_events
                (created_at, event, client_id, user_id, address, details)
            select
                $5,
                $9,
                $2,
                (select g.user_id from grants g where g.id = r.grant_id),
                $10,
                jsonb_build_object('token', r.kind, 'grant', r.grant_id)
            from revoked r
        )
        select
            p.holds as "proof_holds!",
            exists (select from refresh_tokens r where r.hash = $1 and r.client_id <> $2)
                or exists (select from access_tokens a where a.hash = $1 and a.client_id <> $2)
                as "is_of_another!"
        from proof p"#,
        &hash[..],
        by.client.id,
        by.assertion.as_ref().map(|used| used.jti_hash.to_vec()),
        by.assertion.as_ref().map(|used| used.expires_at),
        now,
        signed.as_ref().map(|signed| signed.jti),
        signed.as_ref().map(|signed| signed.expires_at),
        signed.as_ref().and_then(|signed| signed.grant),
        Event::TokenRevoked.name(),
        address,
    )
    .fetch_one(pool)
    .await?;
    Ok(match (row.proof_holds, row.is_of_another) {
        (false, _) => Revoked::AssertionReplayed,
        (true, true) => Revoked::OfAnotherClient,
        (true, false) => Revoked::Done,
    })
}
