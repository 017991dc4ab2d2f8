//! Access tokens that are remembered: opaque ones, and signed ones that were revoked.
//!
//! Must never hold a token: only its SHA-256.

use chrono::{DateTime, Utc};
use serde_json::Value;
use sqlx::PgPool;
use uuid::Uuid;

use super::StoreError;
use crate::audit::Event;
use crate::oidc::access_token::AccessTokenClaims;
use crate::oidc::client_auth::AuthenticatedClient;

/// An opaque access token, on its way into the database.
pub struct NewAccessToken {
    /// Its SHA-256.
    pub hash: [u8; 32],
    /// What it says.
    pub claims: Value,
    /// The first moment at which it is too late.
    pub expires_at: DateTime<Utc>,
}

/// What an opaque access token says, if it was issued and not revoked.
///
/// # Errors
/// The database failed.
pub async fn by_hash(
    pool: &PgPool,
    hash: &[u8; 32],
) -> Result<Option<AccessTokenClaims>, StoreError> {
    let claims = sqlx::query_scalar!("select claims from access_tokens where hash = $1", &hash[..])
        .fetch_optional(pool)
        .await?;
    let unknown = |_| StoreError::Row { table: "access_tokens", column: "claims" };
    claims.map(|claims| serde_json::from_value(claims).map_err(unknown)).transpose()
}

/// Whether a signed access token was revoked.
///
/// # Errors
/// The database failed.
pub async fn is_revoked(pool: &PgPool, jti: Uuid) -> Result<bool, StoreError> {
    let revoked = sqlx::query_scalar!(
        r#"select exists (select from revoked_tokens where jti = $1) as "revoked!""#,
        jti,
    );
    Ok(revoked.fetch_one(pool).await?)
}

/// Writes that a client is given a token of its own: its assertion is marked, an opaque token kept and
/// the event recorded, by one statement. `false` where the assertion had been used before: then nothing is
/// written.
///
/// # Errors
/// The database failed.
pub async fn give_to_client(
    pool: &PgPool,
    by: &AuthenticatedClient,
    opaque: Option<&NewAccessToken>,
    given: Given<'_>,
) -> Result<bool, StoreError> {
    let Given { jti, scope, address, now } = given;
    let details = serde_json::json!({ "jti": jti, "scope": scope });
    let holds = sqlx::query_scalar!(
        r#"with assertion as (
            insert into client_assertions (client_id, jti_hash, expires_at, created_at)
            select $1, $2, $3, $4
            where $2::bytea is not null
            on conflict (client_id, jti_hash) do nothing
            returning client_id
        ), proof as (
            select $2::bytea is null or exists (select from assertion) as holds
        ), opaque as (
            insert into access_tokens (hash, client_id, claims, expires_at, created_at)
            select $5, $1, $6, $7, $4
            from proof
            where holds
                and $5::bytea is not null
        ), audit as (
            insert into audit_events (created_at, event, client_id, address, details)
            select $4, $8, $1, $9, $10
            from proof
            where holds
        )
        select holds as "holds!"
        from proof"#,
        by.client.id,
        by.assertion.as_ref().map(|used| used.jti_hash.to_vec()),
        by.assertion.as_ref().map(|used| used.expires_at),
        now,
        opaque.map(|token| token.hash.to_vec()),
        opaque.map(|token| token.claims.clone()),
        opaque.map(|token| token.expires_at),
        Event::TokenIssued.name(),
        address,
        details,
    )
    .fetch_one(pool)
    .await?;
    Ok(holds)
}

/// What is recorded of a token that a client is given of its own.
pub struct Given<'a> {
    /// Its id.
    pub jti: Uuid,
    /// Its scopes.
    pub scope: &'a str,
    /// The address of the client.
    pub address: &'a str,
    /// The present moment.
    pub now: DateTime<Utc>,
}
