//! Signing keys of a node: made where an installation has none, unsealed into the ring.

use std::time::Duration;

use chrono::TimeDelta;

use super::ServeError;
use crate::keys::jwt::VerifyFault;
use crate::keys::signer::{KeyFault, PrivateKey};
use crate::keys::{KeyRecord, KeyRing, Purpose, SigningAlg};
use crate::state::App;
use crate::store::StoreError;
use crate::store::signing_keys::{self, SealedKey};

/// Why there are no signing keys.
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
    NotInForce(SigningAlg),
    /// The database.
    #[error("{0}")]
    Store(#[from] StoreError),
}

/// How long ago a first key is said to have begun, so that it is in force by clocks that are behind.
const CLOCKS_DIFFER: TimeDelta = TimeDelta::minutes(1);

/// How often, and how far apart, a key that another node made is waited for.
const LOOKS: (u32, Duration) = (5, Duration::from_millis(500));

/// Makes a first key for each algorithm that has none, so that an empty installation can sign.
///
/// # Errors
/// [`ServeError`]; [`KeysFault::NotInForce`] where another node's key is not in force after a while.
pub async fn ensure(app: &App) -> Result<(), ServeError> {
    for alg in missing(app).await? {
        if add_first(app, alg).await? {
            tracing::info!(%alg, "made the first signing key");
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
        Some(alg) => Err(KeysFault::NotInForce(*alg).into()),
    }
}

/// The algorithms that no key signs with now.
async fn missing(app: &App) -> Result<Vec<SigningAlg>, KeysFault> {
    let ring = load(app).await?;
    let ring = ring.at(app.clock.now());
    Ok(SigningAlg::ALL.into_iter().filter(|alg| ring.signing(*alg).is_none()).collect())
}

async fn add_first(app: &App, alg: SigningAlg) -> Result<bool, KeysFault> {
    // RSA keys take a while to find.
    let pkcs8 = tokio::task::spawn_blocking(move || PrivateKey::generate(alg))
        .await
        .map_err(|_| KeyFault::Unusable(alg))??;
    let public_jwk = PrivateKey::from_pkcs8(alg, &pkcs8)?.public_jwk();
    let kid = public_jwk["kid"].as_str().unwrap_or_default().to_owned();
    let now = app.clock.now();
    let key = SealedKey {
        sealed_private_key: app.sealer.seal(Purpose::SigningKey, kid.as_bytes(), &pkcs8),
        kid,
        alg,
        public_jwk,
        publish_at: now - CLOCKS_DIFFER,
        activate_at: now - CLOCKS_DIFFER,
        retire_at: None,
        withdraw_at: None,
        revoked_at: None,
    };
    Ok(signing_keys::add_first(&app.pool, &key, now).await?)
}

/// The ring as it stands in the database, unsealed.
///
/// # Errors
/// [`KeysFault`]: one key that cannot be unsealed is a wrong sealing key, and no ring.
pub async fn load(app: &App) -> Result<KeyRing, KeysFault> {
    let rows = signing_keys::all(&app.pool, app.clock.now()).await?;
    let records = rows
        .into_iter()
        .map(|row| {
            let pkcs8 = app
                .sealer
                .open(Purpose::SigningKey, row.kid.as_bytes(), &row.sealed_private_key)
                .map_err(|_| KeysFault::Sealed { kid: row.kid.clone() })?;
            Ok(KeyRecord {
                private: PrivateKey::from_pkcs8(row.alg, &pkcs8)?,
                kid: row.kid,
                alg: row.alg,
                public_jwk: row.public_jwk,
                publish_at: row.publish_at,
                activate_at: row.activate_at,
                retire_at: row.retire_at,
                withdraw_at: row.withdraw_at,
                revoked_at: row.revoked_at,
            })
        })
        .collect::<Result<_, KeysFault>>()?;
    Ok(KeyRing::new(records)?)
}
