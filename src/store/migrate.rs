//! The schema: migrations embedded in the program, applied in order.

use sqlx::Connection as _;
use sqlx::PgPool;

use super::StoreError;

static MIGRATOR: sqlx::migrate::Migrator = sqlx::migrate!();

/// Applies what has not been applied, and says how many migrations that was. Safe when several nodes
/// run it at once: all but one wait for an advisory lock, and then find nothing to do.
///
/// # Errors
/// A migration that fails, or one that was edited after it was applied.
pub async fn run(pool: &PgPool) -> Result<u64, StoreError> {
    let mut connection = pool.acquire().await?.detach();
    // Waiting for another node, or building an index, may take longer than a statement of a login.
    sqlx::query("set statement_timeout = 0").execute(&mut connection).await?;
    let before = applied(&mut connection).await?;
    MIGRATOR.run(&mut connection).await?;
    let after = applied(&mut connection).await?;
    connection.close().await?;
    Ok(after.saturating_sub(before))
}

/// How many migrations have been applied; none where their table does not exist yet.
async fn applied(connection: &mut sqlx::PgConnection) -> Result<u64, StoreError> {
    let exists: bool = sqlx::query_scalar("select to_regclass('_sqlx_migrations') is not null")
        .fetch_one(&mut *connection)
        .await?;
    if !exists {
        return Ok(0);
    }
    let count: i64 =
        sqlx::query_scalar("select count(*) from _sqlx_migrations").fetch_one(connection).await?;
    Ok(u64::try_from(count).unwrap_or(0))
}
