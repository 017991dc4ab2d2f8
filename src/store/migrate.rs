//! The schema: migrations embedded in the program, applied in order, and compared with a database.

use std::collections::BTreeMap;

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

/// How the schema of a database stands to the one of this program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Schema {
    /// It is the same.
    Same,
    /// It is a later one: the next version may be running beside.
    Later {
        /// The newest migration.
        version: i64,
    },
    /// A migration was not applied, or failed.
    Behind {
        /// Which.
        version: i64,
    },
    /// A migration was applied with another text.
    Other {
        /// Which.
        version: i64,
    },
}

/// Compares the migrations that were applied with those of this program.
///
/// # Errors
/// The database failed; [`StoreError::is_unmigrated`] where nothing was ever applied.
pub async fn compare(pool: &PgPool) -> Result<Schema, StoreError> {
    let rows: Vec<(i64, Vec<u8>, bool)> =
        sqlx::query_as("select version, checksum, success from _sqlx_migrations")
            .fetch_all(pool)
            .await?;
    let newest = rows.iter().map(|(version, ..)| *version).max();
    let applied: BTreeMap<_, _> = rows
        .into_iter()
        .map(|(version, checksum, success)| (version, (checksum, success)))
        .collect();
    let mut last = None;
    for known in MIGRATOR.iter() {
        let version = known.version;
        match applied.get(&version) {
            None | Some((_, false)) => return Ok(Schema::Behind { version }),
            Some((checksum, true)) if checksum[..] != known.checksum[..] => {
                return Ok(Schema::Other { version });
            }
            Some((_, true)) => last = Some(version),
        }
    }
    match newest {
        Some(version) if newest > last => Ok(Schema::Later { version }),
        _ => Ok(Schema::Same),
    }
}
