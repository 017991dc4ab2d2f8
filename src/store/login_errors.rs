//! Failed logins, as the relying party that they concern may read them.

use chrono::{DateTime, TimeDelta, Utc};
use sqlx::PgPool;
use uuid::Uuid;

use super::StoreError;
use crate::audit::Event;
use crate::error::Code;
use crate::oidc::client_auth::AuthenticatedClient;

/// How long a relying party may ask, and how long a submitted value is kept.
pub const READABLE: TimeDelta = TimeDelta::minutes(10);

/// A failed login.
pub struct LoginError {
    /// The attempt.
    pub id: Uuid,
    /// Why it failed.
    pub code: Code,
    /// What the certificate held, sealed.
    pub sealed_submitted_value: Option<Vec<u8>>,
    /// When it failed.
    pub created_at: DateTime<Utc>,
}

/// What came of asking.
pub enum Reading {
    /// Here it is.
    Found(LoginError),
    /// No such failure of this client in the last ten minutes.
    Unknown,
    /// The client assertion had been used before.
    AssertionReplayed,
}

/// Reads a failed login of the client, marking its assertion as used and noting who read.
///
/// # Errors
/// The database failed, or a row holds an unknown code.
pub async fn read(
    pool: &PgPool,
    reference: &str,
    by: &AuthenticatedClient,
    address: &str,
    now: DateTime<Utc>,
) -> Result<Reading, StoreError> {
    let row = sqlx::query!(
        r#"with assertion as (
            insert into client_assertions (client_id, jti_hash, expires_at, created_at)
            select $2, $3, $4, $5
            where $3::bytea is not null
            on conflict (client_id, jti_hash) do nothing
            returning client_id
        ), proof as (
            select $3::bytea is null or exists (select from assertion) as holds
        ), attempt as (
            select a.id, a.code, a.sealed_submitted_value, a.created_at
            from login_attempts a
            where a.ref = $1
                and a.client_id = $2
                and a.code is not null
                and a.created_at > $6
                and (select holds from proof)
            order by a.created_at desc
            limit 1
        ), audit as (
            insert into audit_events (created_at, event, ref, client_id, address, details)
            select $5, $7, $1, $2, $8, '{}'
            from attempt
        )
        select
            p.holds as "proof_holds!",
            a.id as "id?",
            a.code as "code?",
            a.sealed_submitted_value as "sealed_submitted_value?",
            a.created_at as "created_at?"
        from proof p
        left join attempt a on true"#,
        reference,
        by.client.id,
        by.assertion.as_ref().map(|used| used.jti_hash.to_vec()),
        by.assertion.as_ref().map(|used| used.expires_at),
        now,
        now - READABLE,
        Event::LoginErrorRead.name(),
        address,
    )
    .fetch_one(pool)
    .await?;
    if !row.proof_holds {
        return Ok(Reading::AssertionReplayed);
    }
    let (Some(id), Some(code), Some(created_at)) = (row.id, row.code, row.created_at) else {
        return Ok(Reading::Unknown);
    };
    let code =
        Code::by_name(&code).ok_or(StoreError::Row { table: "login_attempts", column: "code" })?;
    Ok(Reading::Found(LoginError {
        id,
        code,
        sealed_submitted_value: row.sealed_submitted_value,
        created_at,
    }))
}
