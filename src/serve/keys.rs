//! Keys of a node: made where an installation has none, unsealed into the ring.

use std::time::Duration;

use chrono::TimeDelta;
use serde_json::Value;
use zeroize::Zeroizing;

use super::ServeError;
use crate::keys::jwe::DecryptionKey;
use crate::keys::jwt::VerifyFault;
use crate::keys::signer::{KeyFault, PrivateKey};
use crate::keys::{KeyRecord, KeyRing, Life, Purpose};
use crate::state::App;
use crate::store::StoreError;
use crate::store::signing_keys::{self, KeyUse, SealedKey};

/// Why there are no keys.
#[derive(Debug, thiserror::Error)]
pub enum KeysFault {
    /// The sealing key is another than the one that sealed it.
    #[error(
        "signing key {kid} was sealed under another sealing key than the one configured: give this \
         node the sealing key of the installation"
    )]
    Sealed {
        /// The key.
        kid: String,
    },
    /// A key that cannot be used.
    #[error("signing key: {0}")]
    Key(#[from] KeyFault),
    /// A public half that cannot be used.
    #[error("signing key: {0}")]
    Public(#[from] VerifyFault),
    /// Another node's key is not in force by this clock.
    #[error(
        "no signing key for {0} is in force: another node made one whose time has not come by this \
         node's clock; set the clocks of all nodes (NTP) and start again"
    )]
    NotInForce(&'static str),
    /// The database.
    #[error("{0}")]
    Store(#[from] StoreError),
}

/// How long ago a first key is said to have begun, so that it is in force by clocks that are behind.
const CLOCKS_DIFFER: TimeDelta = TimeDelta::minutes(1);

/// How often, and how far apart, a key that another node made is waited for.
const LOOKS: (u32, Duration) = (5, Duration::from_millis(500));

/// Makes a first key for each algorithm that has none, so that an empty installation can sign and be
/// encrypted to, and one that is updated can do what is new.
///
/// # Errors
/// [`ServeError`]; [`KeysFault::NotInForce`] where another node's key is not in force after a while.
pub async fn ensure(app: &App) -> Result<(), ServeError> {
    for key_use in missing(app).await? {
        if add_first(app, key_use).await? {
            tracing::info!(alg = key_use.alg(), "made the first key");
        }
    }
    let (looks, apart) = LOOKS;
    for _ in 1..looks {
        if missing(app).await?.is_empty() {
            return Ok(());
        }
        tokio::time::sleep(apart).await;
    }
    match missing(app).await?.first() {
        None => Ok(()),
        Some(key_use) => Err(KeysFault::NotInForce(key_use.alg()).into()),
    }
}

/// The uses that no key is active for now.
async fn missing(app: &App) -> Result<Vec<KeyUse>, KeysFault> {
    let ring = load(app).await?;
    let ring = ring.at(app.clock.now());
    let is_missing = |key_use: &KeyUse| match key_use {
        KeyUse::Sign(alg) => ring.signing(*alg).is_none(),
        KeyUse::Encrypt(family) => !ring.can_decrypt(*family),
    };
    Ok(KeyUse::all().into_iter().filter(is_missing).collect())
}

/// A new private key as PKCS#8, and its public half.
fn generate(key_use: KeyUse) -> Result<(Zeroizing<Vec<u8>>, Value), KeyFault> {
    match key_use {
        KeyUse::Sign(alg) => {
            let pkcs8 = PrivateKey::generate(alg)?;
            let public_jwk = PrivateKey::from_pkcs8(alg, &pkcs8)?.public_jwk();
            Ok((pkcs8, public_jwk))
        }
        KeyUse::Encrypt(family) => {
            let pkcs8 = DecryptionKey::generate(family)?;
            let public_jwk = DecryptionKey::from_pkcs8(family, &pkcs8)?.public_jwk().clone();
            Ok((pkcs8, public_jwk))
        }
    }
}

/// What a private key is sealed for.
const fn purpose(key_use: KeyUse) -> Purpose {
    match key_use {
        KeyUse::Sign(_) => Purpose::SigningKey,
        KeyUse::Encrypt(_) => Purpose::EncryptionKey,
    }
}

async fn add_first(app: &App, key_use: KeyUse) -> Result<bool, KeysFault> {
    // RSA keys take a while to find.
    let (pkcs8, public_jwk) = tokio::task::spawn_blocking(move || generate(key_use))
        .await
        .map_err(|_| KeyFault::Unusable(key_use.alg()))??;
    let kid = public_jwk["kid"].as_str().unwrap_or_default().to_owned();
    let now = app.clock.now();
    let key = SealedKey {
        sealed_private_key: app.sealer.seal(purpose(key_use), kid.as_bytes(), &pkcs8),
        kid,
        key_use,
        public_jwk,
        life: Life {
            publish_at: now - CLOCKS_DIFFER,
            activate_at: now - CLOCKS_DIFFER,
            retire_at: None,
            withdraw_at: None,
            revoked_at: None,
        },
    };
    Ok(signing_keys::add_first(&app.pool, &key, now).await?)
}

/// The ring as it stands in the database, unsealed.
///
/// # Errors
/// [`KeysFault`]: one key that cannot be unsealed is a wrong sealing key, and no ring.
pub async fn load(app: &App) -> Result<KeyRing, KeysFault> {
    let rows = signing_keys::all(&app.pool, app.clock.now()).await?;
    let (mut signing, mut encryption) = (Vec::new(), Vec::new());
    for row in rows {
        let pkcs8 = app
            .sealer
            .open(purpose(row.key_use), row.kid.as_bytes(), &row.sealed_private_key)
            .map_err(|_| KeysFault::Sealed { kid: row.kid.clone() })?;
        let SealedKey { kid, public_jwk, life, .. } = row;
        match row.key_use {
            KeyUse::Sign(alg) => {
                let private = PrivateKey::from_pkcs8(alg, &pkcs8)?;
                signing.push(KeyRecord { kid, public_jwk, private, life });
            }
            KeyUse::Encrypt(family) => {
                let private = DecryptionKey::from_pkcs8(family, &pkcs8)?;
                encryption.push(KeyRecord { kid, public_jwk, private, life });
            }
        }
    }
    Ok(KeyRing::new(signing, encryption)?)
}
