//! Being told that clients, keys or revocation lists have changed, or of logouts (LISTEN/NOTIFY).

use sqlx::PgPool;
use sqlx::postgres::PgListener;

use super::StoreError;

/// The channel of `migrations/0006_registry_notify.sql`.
const REGISTRY: &str = "siths_idp_registry";
/// The channel of `migrations/0007_revocation.sql`.
const REVOCATION: &str = "siths_idp_revocation";

/// The channel of `migrations/0071_logout_notices.sql`.
const LOGOUT: &str = "siths_idp_logout";

/// What has changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// Clients or keys.
    Registry,
    /// A revocation list.
    Revocation,
    /// There are notices of logouts.
    Logout,
    /// Anything: the connection was lost for a while.
    Anything,
}

/// A connection that is told of changes.
pub struct Changes(PgListener);

impl Changes {
    /// Begins to listen.
    ///
    /// # Errors
    /// The database failed.
    pub async fn listen(pool: &PgPool) -> Result<Self, StoreError> {
        let mut listener = PgListener::connect_with(pool).await?;
        listener.listen_all([REGISTRY, REVOCATION, LOGOUT]).await?;
        Ok(Self(listener))
    }

    /// Waits for a change, or for a lost connection, which may have hidden one.
    ///
    /// # Errors
    /// The database failed.
    pub async fn next(&mut self) -> Result<Change, StoreError> {
        Ok(match self.0.try_recv().await? {
            Some(notice) if notice.channel() == REVOCATION => Change::Revocation,
            Some(notice) if notice.channel() == LOGOUT => Change::Logout,
            Some(_) => Change::Registry,
            None => Change::Anything,
        })
    }
}
