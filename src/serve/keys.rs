//! Signing keys of a node: made where an installation has none, unsealed into the ring.

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
    /// The database.
    #[error("{0}")]
    Store(#[from] StoreError),
}

/// Makes a first key for each algorithm that has none, so that an empty installation can sign.
///
/// # Errors
/// [`ServeError`].
pub async fn ensure(app: &App) -> Result<(), ServeError> {
    let ring = load(app).await?;
    let now = app.clock.now();
    for alg in SigningAlg::ALL {
        if ring.at(now).signing(alg).is_none() && add_first(app, alg).await? {
            tracing::info!(%alg, "made the first signing key");
        }
    }
    Ok(())
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
        publish_at: now,
        activate_at: now,
        retire_at: None,
        withdraw_at: None,
        revoked_at: None,
    };
    Ok(signing_keys::add_first(&app.pool, &key).await?)
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
