//! Being told that clients or keys have changed (LISTEN/NOTIFY).

use sqlx::PgPool;
use sqlx::postgres::PgListener;

use super::StoreError;

/// The channel of `migrations/0006_registry_notify.sql`.
const CHANNEL: &str = "siths_idp_registry";

/// A connection that is told of changes.
pub struct Changes(PgListener);

impl Changes {
    /// Begins to listen.
    ///
    /// # Errors
    /// The database failed.
    pub async fn listen(pool: &PgPool) -> Result<Self, StoreError> {
        let mut listener = PgListener::connect_with(pool).await?;
        listener.listen(CHANNEL).await?;
        Ok(Self(listener))
    }

    /// Waits for a change, or for a lost connection, which may have hidden one.
    ///
    /// # Errors
    /// The database failed.
    pub async fn next(&mut self) -> Result<(), StoreError> {
        self.0.try_recv().await?;
        Ok(())
    }
}
