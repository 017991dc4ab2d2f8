//! A throw-away PostgreSQL for development and tests, from the programs that are installed.
//!
//! It listens on a Unix socket only, in a folder that nobody else on the machine can enter (it
//! trusts whoever connects), and it ends with this process, also after `kill -9`: a watchdog
//! (`postgres/watchdog.sh`) holds the other end of a pipe. Must never be used for data that matters:
//! it writes nothing to disk with care.

mod folder;
mod programs;
#[cfg(test)]
mod tests;

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use sqlx::{AssertSqlSafe, Connection as _, Executor as _, PgConnection};

use self::folder::{Account, Kept, Run};
pub use self::programs::{find_programs, install, install_hint};

/// How long a start may take, `initdb` included.
const PATIENCE: Duration = Duration::from_secs(60);

/// What a server is started with.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// The folder whose data is kept between runs; without it the data goes with the server.
    pub keep: Option<PathBuf>,
}

/// A running server; dropping it stops it and removes what it left.
#[derive(Debug)]
pub struct Server {
    /// Its standard input is the pipe whose end ends the server.
    watchdog: Child,
    run: Run,
}

/// Why there is no server, or no database in it.
#[derive(Debug, thiserror::Error)]
pub enum PostgresError {
    /// No folder has `initdb` and `postgres`.
    #[error("PostgreSQL is not installed: {hint}")]
    NotInstalled {
        /// What to type on this system.
        hint: String,
    },
    /// The folder that the environment names has not `initdb` and `postgres`.
    #[error("SITHS_IDP_PG_BIN is {}, which has no initdb and postgres", .0.display())]
    NotPrograms(PathBuf),
    /// The installation did not succeed, or nothing here can install it.
    #[error("PostgreSQL could not be installed: {0}")]
    NotInstallable(String),
    /// Running as root, and there is no other user to run PostgreSQL as.
    #[error("PostgreSQL refuses to run as root, and there is no user postgres or nobody")]
    NoAccount,
    /// The user that runs PostgreSQL cannot enter a folder above the data.
    #[error(
        "the user {account}, who runs PostgreSQL, cannot enter {}: \
         keep the data elsewhere, or type `chmod o+x {}`",
        .folder.display(), .folder.display()
    )]
    NotReachable {
        /// The folder that is closed.
        folder: PathBuf,
        /// The user's name.
        account: String,
    },
    /// Another live server uses the kept folder.
    #[error("the data in {} is in use by process {process}", .folder.display())]
    InUse {
        /// The kept folder.
        folder: PathBuf,
        /// The process that uses it.
        process: i32,
    },
    /// A file or a process could not be handled.
    #[error("{what}: {source}")]
    Io {
        /// What was tried.
        what: String,
        /// What the system said.
        source: io::Error,
    },
    /// PostgreSQL ended while starting.
    #[error("PostgreSQL did not start:\n{log}")]
    Ended {
        /// The last lines of its log.
        log: String,
    },
    /// PostgreSQL is not ready after a minute.
    #[error("PostgreSQL was not ready in time:\n{log}")]
    Slow {
        /// The last lines of its log.
        log: String,
    },
    /// A database name that is not of `a-z`, `0-9` and `_`.
    #[error("not a database name: {0:?}")]
    DatabaseName(String),
    /// A statement failed.
    #[error(transparent)]
    Database(#[from] sqlx::Error),
}

impl PostgresError {
    /// Whether a database of that name is there already (SQLSTATE 42P04).
    #[must_use]
    pub fn is_duplicate_database(&self) -> bool {
        let Self::Database(sqlx::Error::Database(error)) = self else { return false };
        error.code().as_deref() == Some("42P04")
    }
}

impl Server {
    /// Starts a server and waits until it answers. Blocks for about a second, and for a
    /// tenth of one where kept data is there already.
    ///
    /// # Errors
    /// No programs, no user to run them as, a kept folder that is closed or in use, or a server
    /// that ends at once; each says what to do.
    pub fn start(options: &Options) -> Result<Self, PostgresError> {
        let programs = find_programs()?;
        let account = Account::choose()?;
        let kept = match &options.keep {
            Some(folder) => Some(Kept::claim(folder, account.as_ref())?),
            None => None,
        };
        let run = Run::create(account.as_ref())?;

        let (home, signal, lock) = match kept {
            // INT: a checkpoint, so that the next start need not recover.
            Some(kept) => (kept.home, "INT", Stdio::from(kept.lock)),
            // QUIT: at once, nothing is worth writing.
            None => (run.folder.clone(), "QUIT", Stdio::null()),
        };
        let log_end = run.log.try_clone().map_err(io_error("sharing the log"))?;
        let path =
            std::env::var_os("PATH").unwrap_or_else(|| "/usr/local/bin:/usr/bin:/bin".into());
        let mut command = Command::new("/bin/sh");
        command
            .args(["-c", include_str!("postgres/watchdog.sh"), "siths-idp-postgres"])
            .args([&programs, &home, &run.folder])
            .arg(signal)
            .current_dir("/")
            .env_clear()
            .envs([("LC_ALL", "C.UTF-8".into()), ("PATH", path)])
            .stdin(Stdio::piped())
            .stdout(lock)
            .stderr(log_end)
            // A group of its own, so that Ctrl-C in the terminal does not reach the server first.
            .process_group(0);
        if let Some(account) = &account {
            command.gid(account.gid).uid(account.uid);
        }
        let watchdog = command.spawn().map_err(io_error("starting /bin/sh"))?;
        // The command holds our copy of the lock: from here on the watchdog alone holds it.
        drop(command);

        let mut server = Self { watchdog, run };
        server.wait_until_ready(&home.join("data/postmaster.pid"))?;
        Ok(server)
    }

    /// The address of a database: Unix socket, superuser `idp`, no password.
    #[must_use]
    pub fn url(&self, database: &str) -> String {
        let query = url::form_urlencoded::Serializer::new(String::new())
            .append_pair("host", &self.run.folder.to_string_lossy())
            .append_pair("sslmode", "disable")
            .finish();
        format!("postgres://idp@localhost/{database}?{query}")
    }

    /// The server's log; it goes with the server. Statements are in it for connections that set
    /// `log_statement`.
    #[must_use]
    pub fn log_file(&self) -> &Path {
        &self.run.log_file
    }

    /// Makes a database, as a copy of `template` where one is given (nobody may be connected to the
    /// template meanwhile).
    ///
    /// # Errors
    /// A name that is not of `a-z`, `0-9` and `_`, or what PostgreSQL answers.
    pub async fn create_database(
        &self,
        name: &str,
        template: Option<&str>,
    ) -> Result<(), PostgresError> {
        for name in [Some(name), template].into_iter().flatten() {
            if name.is_empty()
                || !name.bytes().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'_'))
            {
                return Err(PostgresError::DatabaseName(name.to_owned()));
            }
        }
        let mut connection = PgConnection::connect(&self.url("postgres")).await?;
        // An identifier cannot be a parameter; both were checked above.
        let mut statement = format!("create database \"{name}\"");
        if let Some(template) = template {
            statement += &format!(" template \"{template}\"");
        }
        // Copying files is twice as fast as logging pages; before version 15 it is the only way.
        if connection.server_version_num().is_some_and(|version| version >= 150_000) {
            statement += " strategy file_copy";
        }
        connection.execute(AssertSqlSafe(statement)).await?;
        connection.close().await?;
        Ok(())
    }

    /// `postmaster.pid` says "ready" in its eighth line once connections are answered.
    fn wait_until_ready(&mut self, pid_file: &Path) -> Result<(), PostgresError> {
        let began = Instant::now();
        loop {
            let state = std::fs::read_to_string(pid_file).unwrap_or_default();
            if state.lines().nth(7).is_some_and(|line| line.trim() == "ready") {
                return Ok(());
            }
            if self.watchdog.try_wait().map_err(io_error("watching PostgreSQL"))?.is_some() {
                return Err(PostgresError::Ended { log: last_lines(&self.run.log) });
            }
            if began.elapsed() > PATIENCE {
                return Err(PostgresError::Slow { log: last_lines(&self.run.log) });
            }
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // `wait` closes the pipe first; the watchdog then stops the server and removes the folder.
        // Nothing can be done here if it fails, and the watchdog does its work all the same.
        let _ = self.watchdog.wait();
    }
}

fn io_error(what: impl Into<String>) -> impl FnOnce(io::Error) -> PostgresError {
    let what = what.into();
    move |source| PostgresError::Io { what, source }
}

/// The end of the log, readable though its file may be removed already.
fn last_lines(log: &File) -> String {
    let length = log.metadata().map_or(0, |metadata| metadata.len());
    let mut bytes = vec![0; 2048];
    let read = log.read_at(&mut bytes, length.saturating_sub(2048)).unwrap_or(0);
    bytes.truncate(read);
    let text = String::from_utf8_lossy(&bytes);
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(8)..].join("\n")
}
