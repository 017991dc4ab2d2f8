//! Keys of the provider: public halves as they are published, private halves sealed.

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::Value;
use sqlx::PgPool;

use super::StoreError;
use crate::audit::Event;
use crate::keys::jwe::KeyFamily;
use crate::keys::{Life, SigningAlg};

/// What a key is for (RFC 7517 §4.2), and with which algorithm.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyUse {
    /// It signs.
    Sign(SigningAlg),
    /// Others encrypt to it.
    Encrypt(KeyFamily),
}

impl KeyUse {
    /// Every key that an installation has at least one of.
    #[must_use]
    pub fn all() -> Vec<Self> {
        let signs = SigningAlg::ALL.into_iter().map(Self::Sign);
        signs.chain(KeyFamily::ALL.into_iter().map(Self::Encrypt)).collect()
    }

    /// `use`, as in the JWK.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Sign(_) => "sig",
            Self::Encrypt(_) => "enc",
        }
    }

    /// The algorithm.
    #[must_use]
    pub const fn alg(self) -> &'static str {
        match self {
            Self::Sign(alg) => alg.name(),
            Self::Encrypt(family) => family.name(),
        }
    }

    fn parse(name: &str, alg: &str) -> Option<Self> {
        Self::all().into_iter().find(|known| known.name() == name && known.alg() == alg)
    }
}

/// A row of the ring, its private half still sealed.
pub struct SealedKey {
    /// The RFC 7638 thumbprint.
    pub kid: String,
    /// What it is for.
    pub key_use: KeyUse,
    /// The public JWK.
    pub public_jwk: Value,
    /// PKCS#8, sealed.
    pub sealed_private_key: Vec<u8>,
    /// Its dates.
    pub life: Life,
}

/// How long a withdrawn key is remembered: ID tokens come back as hints when nobody trusts them any more.
const REMEMBERED: TimeDelta = TimeDelta::days(30);

/// Every key that was not withdrawn long ago. One of an algorithm that this version does not know, made by a
/// newer one beside it, is left out: it stands in the way of no other.
///
/// # Errors
/// The database failed.
pub async fn all(pool: &PgPool, now: DateTime<Utc>) -> Result<Vec<SealedKey>, StoreError> {
    let rows = sqlx::query!(
        "select
            kid, use, alg, public_jwk, sealed_private_key,
            publish_at, activate_at, retire_at, withdraw_at, revoked_at
        from signing_keys
        where withdraw_at is null
            or withdraw_at > $1
        order by activate_at, kid",
        now - REMEMBERED,
    )
    .fetch_all(pool)
    .await?;
    let known = rows.into_iter().filter_map(|row| {
        Some(SealedKey {
            key_use: KeyUse::parse(&row.r#use, &row.alg)?,
            kid: row.kid,
            public_jwk: row.public_jwk,
            sealed_private_key: row.sealed_private_key,
            life: Life {
                publish_at: row.publish_at,
                activate_at: row.activate_at,
                retire_at: row.retire_at,
                withdraw_at: row.withdraw_at,
                revoked_at: row.revoked_at,
            },
        })
    });
    Ok(known.collect())
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
                (kid, use, alg, public_jwk, sealed_private_key, publish_at, activate_at, created_at)
            select $1, $9, $2, $3, $4, $5, $6, $7
            where not exists (
                select
                from signing_keys k
                where k.use = $9
                    and k.alg = $2
                    and k.revoked_at is null
                    and (k.retire_at is null or k.retire_at > $7)
            )
            returning kid
        )
        insert into audit_events (created_at, event, details)
        select $7, $8, jsonb_build_object('kid', kid, 'use', $9::text, 'alg', $2::text)
        from added",
        key.kid,
        key.key_use.alg(),
        key.public_jwk,
        key.sealed_private_key,
        key.life.publish_at,
        key.life.activate_at,
        now,
        Event::SigningKeyAdded.name(),
        key.key_use.name(),
    )
    .execute(&mut *transaction)
    .await?;
    transaction.commit().await?;
    Ok(added.rows_affected() == 1)
}
