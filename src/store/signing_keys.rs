//! Signing keys: public halves as they are published, private halves sealed.

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::Value;
use sqlx::PgPool;

use super::StoreError;
use crate::audit::Event;
use crate::keys::SigningAlg;

/// A row of the ring, its private half still sealed.
pub struct SealedKey {
    /// The RFC 7638 thumbprint.
    pub kid: String,
    /// The algorithm it signs with.
    pub alg: SigningAlg,
    /// The public JWK.
    pub public_jwk: Value,
    /// PKCS#8, sealed.
    pub sealed_private_key: Vec<u8>,
    /// See [`crate::keys::KeyRecord`].
    pub publish_at: DateTime<Utc>,
    /// See [`crate::keys::KeyRecord`].
    pub activate_at: DateTime<Utc>,
    /// See [`crate::keys::KeyRecord`].
    pub retire_at: Option<DateTime<Utc>>,
    /// See [`crate::keys::KeyRecord`].
    pub withdraw_at: Option<DateTime<Utc>>,
    /// See [`crate::keys::KeyRecord`].
    pub revoked_at: Option<DateTime<Utc>>,
}

/// How long a withdrawn key is remembered: ID tokens come back as hints when nobody trusts them any more.
const REMEMBERED: TimeDelta = TimeDelta::days(30);

/// Every key that was not withdrawn long ago.
///
/// # Errors
/// The database failed, or a row holds an unknown algorithm.
pub async fn all(pool: &PgPool, now: DateTime<Utc>) -> Result<Vec<SealedKey>, StoreError> {
    let rows = sqlx::query!(
        "select
            kid, alg, public_jwk, sealed_private_key,
            publish_at, activate_at, retire_at, withdraw_at, revoked_at
        from signing_keys
        where withdraw_at is null
            or withdraw_at > $1
        order by activate_at, kid",
        now - REMEMBERED,
    )
    .fetch_all(pool)
    .await?;
    rows.into_iter()
        .map(|row| {
            Ok(SealedKey {
                alg: row
                    .alg
                    .parse()
                    .map_err(|_| StoreError::Row { table: "signing_keys", column: "alg" })?,
                kid: row.kid,
                public_jwk: row.public_jwk,
                sealed_private_key: row.sealed_private_key,
                publish_at: row.publish_at,
                activate_at: row.activate_at,
                retire_at: row.retire_at,
                withdraw_at: row.withdraw_at,
                revoked_at: row.revoked_at,
            })
        })
        .collect()
}

/// Adds a first key of its algorithm, made `now`: nobody can have cached the ring without it.
/// Does nothing where the algorithm has an unrevoked key, however many nodes start at once.
///
/// # Errors
/// The database failed.
pub async fn add_first(
    pool: &PgPool,
    key: &SealedKey,
    now: DateTime<Utc>,
) -> Result<bool, StoreError> {
    let mut transaction = pool.begin().await?;
    // Nodes that start together wait here for one another.
    sqlx::query!("lock table signing_keys in share row exclusive mode")
        .execute(&mut *transaction)
        .await?;
    let added = sqlx::query!(
        "with added as (
            insert into signing_keys
                (kid, alg, public_jwk, sealed_private_key, publish_at, activate_at, created_at)
            select $1, $2, $3, $4, $5, $6, $7
            where not exists (
                select
                from signing_keys k
                where k.alg = $2
                    and k.revoked_at is null
                    and (k.retire_at is null or k.retire_at > $7)
            )
            returning kid
        )
        insert into audit_events (created_at, event, details)
        select $7, $8, jsonb_build_object('kid', kid, 'alg', $2::text)
        from added",
        key.kid,
        key.alg.name(),
        key.public_jwk,
        key.sealed_private_key,
        key.publish_at,
        key.activate_at,
        now,
        Event::SigningKeyAdded.name(),
    )
    .execute(&mut *transaction)
    .await?;
    transaction.commit().await?;
    Ok(added.rows_affected() == 1)
}
