//! PostgreSQL: what is kept, by subject. Rows become domain types here.
//!
//! Must never decide: invariants are constraints, single use is one statement, and the rest is for
//! the flows. Only this module knows `sqlx`.

pub mod access_tokens;
pub mod assertions;
pub mod audit;
pub mod clients;
pub mod codes;
mod columns;
pub mod dpop_proofs;
pub mod grants;
pub mod housekeeping;
pub mod login_errors;
pub mod logins;
pub mod logout;
pub mod logout_notices;
pub mod migrate;
pub mod pairwise_salt;
pub mod people;
pub mod pushed_requests;
pub mod refresh_tokens;
pub mod registry;
pub mod revocation;
pub mod roles;
pub mod sessions;
pub mod signing_keys;
pub mod token_revocation;

use std::net::IpAddr;
use std::str::FromStr as _;
use std::time::Duration;

use secrecy::ExposeSecret as _;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions, PgSslMode};
use sqlx::{ConnectOptions as _, Connection as _};
pub use sqlx::{PgConnection, PgPool};
use url::Url;

use crate::config::Database;
use crate::error::Code;

/// How long a request waits for a connection.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(3);

/// A connection that rested longer than this is tried before it is used.
const TRUSTED_IDLE: Duration = Duration::from_secs(5);

/// Set after connecting, since poolers refuse such parameters at the start of a connection.
const TIMEOUTS: &str = "select
    set_config('statement_timeout', '5s', false),
    set_config('idle_in_transaction_session_timeout', '10s', false)";

/// Connections are renewed, so that they follow a failover and a changed schema.
const MAX_LIFETIME: Duration = Duration::from_secs(30 * 60);

/// Why the database did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The database, or the way to it, failed.
    #[error("the database failed: {0}")]
    Sql(#[from] sqlx::Error),
    /// A migration failed.
    #[error("the migration failed: {0}")]
    Migration(#[from] sqlx::migrate::MigrateError),
    /// A row holds what no version of this program writes.
    #[error("a row of {table} holds an unknown {column}")]
    Row {
        /// The table.
        table: &'static str,
        /// The column.
        column: &'static str,
    },
    /// A document that does not serialise.
    #[error("a document does not serialise: {0}")]
    Document(serde_json::Error),
    /// A registration that this version does not understand: a later one may have written it.
    #[error("client {id} has a {column} that this version does not know")]
    Client {
        /// The `client_id`.
        id: String,
        /// The column.
        column: &'static str,
    },
    /// Another machine's database without a verified connection.
    #[error(
        "the database at {host} is on another machine: its address must end in sslmode=verify-full \
         (and sslrootcert=/path/to/ca.pem), not {sslmode}; or set database.insecure_plaintext = true"
    )]
    Insecure {
        /// The host of the database.
        host: String,
        /// What the address asks for.
        sslmode: String,
    },
}

impl StoreError {
    /// The code of the catalogue: whether waiting helps.
    #[must_use]
    pub fn code(&self) -> Code {
        match self {
            Self::Sql(error) => sql_code(error),
            Self::Migration(_)
            | Self::Row { .. }
            | Self::Document(_)
            | Self::Client { .. }
            | Self::Insecure { .. } => Code::Internal,
        }
    }

    /// Whether a table is missing: `siths-idp migrate` has not run (SQLSTATE 42P01).
    #[must_use]
    pub fn is_unmigrated(&self) -> bool {
        let Self::Sql(sqlx::Error::Database(error)) = self else {
            return false;
        };
        error.code().as_deref() == Some("42P01")
    }
}

fn sql_code(error: &sqlx::Error) -> Code {
    match error {
        sqlx::Error::Io(_)
        | sqlx::Error::Tls(_)
        | sqlx::Error::PoolTimedOut
        | sqlx::Error::PoolClosed
        | sqlx::Error::WorkerCrashed => Code::Unavailable,
        // PostgreSQL appendix A: connection, resources, shutdown, read-only standby, timeout, deadlock,
        // a database that lets nobody in, a lock that is not to be had.
        sqlx::Error::Database(error) => match error.code().as_deref() {
            Some("25006" | "57014" | "40001" | "40P01" | "55000" | "55P03") => Code::Unavailable,
            Some(state) if ["08", "53", "57P"].iter().any(|class| state.starts_with(class)) => {
                Code::Unavailable
            }
            _ => Code::Internal,
        },
        _ => Code::Internal,
    }
}

/// The name of the constraint that a statement broke.
fn broken_constraint(error: &sqlx::Error) -> Option<&str> {
    error.as_database_error().and_then(|error| error.constraint())
}

/// Connects, and fails at once where the database does not answer.
///
/// # Errors
/// An address that cannot be read, that is not safe enough, or where no database answers.
pub async fn connect(database: &Database) -> Result<PgPool, StoreError> {
    let options = options(database)?;
    // A pool tries again until its time is out, and then says no more than that: the first
    // connection is made by hand, to learn the reason.
    let first = tokio::time::timeout(ACQUIRE_TIMEOUT, options.connect()).await;
    first.map_err(|_| sqlx::Error::PoolTimedOut)??.close().await?;
    Ok(PgPoolOptions::new()
        .max_connections(database.max_connections)
        .acquire_timeout(ACQUIRE_TIMEOUT)
        .max_lifetime(MAX_LIFETIME)
        .test_before_acquire(false)
        .after_connect(|connection, _| {
            Box::pin(async move {
                sqlx::query(TIMEOUTS).execute(connection).await?;
                Ok(())
            })
        })
        .before_acquire(|connection, meta| {
            Box::pin(async move {
                // A ping for every use is a round trip for every use; a short rest is trusted.
                Ok(meta.idle_for < TRUSTED_IDLE || connection.ping().await.is_ok())
            })
        })
        .connect_lazy_with(options))
}

/// Asks the database for a sign of life.
///
/// # Errors
/// It gives none.
pub async fn ping(pool: &PgPool) -> Result<(), StoreError> {
    sqlx::query("select 1").execute(pool).await?;
    Ok(())
}

fn options(database: &Database) -> Result<PgConnectOptions, StoreError> {
    let url = database.url.expose_secret();
    let mut options = PgConnectOptions::from_str(url)?
        .application_name("siths-idp")
        // No float is read; poolers refuse the parameter.
        .extra_float_digits(None)
        .statement_cache_capacity(256);
    if database.insecure_plaintext || is_on_this_machine(&options) {
        return Ok(options);
    }
    // sqlx takes "prefer" where nothing is asked for: plaintext, or a certificate of anyone's.
    match asked_sslmode(url) {
        None => options = options.ssl_mode(PgSslMode::VerifyFull),
        Some(mode) if mode == "verify-full" => {}
        Some(sslmode) => {
            return Err(StoreError::Insecure { host: options.get_host().to_owned(), sslmode });
        }
    }
    Ok(options)
}

fn is_on_this_machine(options: &PgConnectOptions) -> bool {
    let host = options.get_host().trim_start_matches('[').trim_end_matches(']');
    options.get_socket().is_some()
        || host == "localhost"
        || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

fn asked_sslmode(url: &str) -> Option<String> {
    let url = Url::parse(url).ok()?;
    let asked = url.query_pairs().filter(|(key, _)| key == "sslmode" || key == "ssl-mode").last();
    asked.map(|(_, mode)| mode.into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn database(url: &str) -> Database {
        Database { url: url.into(), max_connections: 1, insecure_plaintext: false }
    }

    #[test]
    fn another_machine_is_reached_by_verified_tls_alone() {
        for mode in ["disable", "allow", "prefer", "require", "verify-ca"] {
            let asked = database(&format!("postgres://idp@db.example/idp?sslmode={mode}"));
            let refusal = options(&asked).unwrap_err();
            assert!(matches!(&refusal, StoreError::Insecure { sslmode, .. } if sslmode == mode));
        }
        let silent = options(&database("postgres://idp@db.example/idp")).unwrap();
        assert!(matches!(silent.get_ssl_mode(), PgSslMode::VerifyFull));
        let twice = database("postgres://idp@db.example/idp?sslmode=verify-full&sslmode=disable");
        assert!(options(&twice).is_err());
    }

    #[test]
    fn this_machine_needs_no_tls() {
        for url in [
            "postgres://idp@localhost/idp",
            "postgres://idp@127.0.0.1/idp?sslmode=disable",
            "postgres://idp@[::1]/idp",
            "postgres://idp@localhost/idp?host=/run/postgresql",
        ] {
            assert!(options(&database(url)).is_ok(), "{url}");
        }
        let open = Database {
            insecure_plaintext: true,
            ..database("postgres://idp@db.example/idp?sslmode=disable")
        };
        assert!(options(&open).is_ok());
    }

    #[test]
    fn no_options_are_sent_but_those_of_the_address() {
        let silent = options(&database("postgres://idp@localhost/idp")).unwrap();
        assert_eq!(silent.get_options(), None);
        let asked = database("postgres://idp@localhost/idp?options[log_statement]=all");
        assert_eq!(options(&asked).unwrap().get_options(), Some("-c log_statement=all"));
    }

    #[test]
    fn what_passes_by_waiting_is_unavailable() {
        assert_eq!(StoreError::from(sqlx::Error::PoolTimedOut).code(), Code::Unavailable);
        assert_eq!(StoreError::from(sqlx::Error::RowNotFound).code(), Code::Internal);
    }
}
