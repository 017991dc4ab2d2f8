//! The schema: migrations embedded in the program, applied in order.

use sqlx::Connection as _;
use sqlx::PgPool;

use super::StoreError;

static MIGRATOR: sqlx::migrate::Migrator = sqlx::migrate!();

/// Applies what has not been applied, and says how many migrations there are. Safe when several nodes
/// run it at once: all but one wait for an advisory lock, and then find nothing to do.
///
/// # Errors
/// A migration that fails, or one that was edited after it was applied.
pub async fn run(pool: &PgPool) -> Result<usize, StoreError> {
    let mut connection = pool.acquire().await?.detach();
    // Waiting for another node, or building an index, may take longer than a statement of a login.
    sqlx::query("set statement_timeout = 0").execute(&mut connection).await?;
    MIGRATOR.run(&mut connection).await?;
    connection.close().await?;
    Ok(MIGRATOR.iter().count())
}
