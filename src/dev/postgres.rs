//! A throw-away PostgreSQL for development and tests, from the programs that are installed.
//!
//! It listens on a Unix socket only, in a folder that nobody else on the machine can enter (it
//! trusts whoever connects), and it ends with this process, also after `kill -9`: a watchdog
//! (`postgres/watchdog.sh`) holds the other end of a pipe. Must never be used for data that matters:
//! it writes nothing to disk with care.

mod folder;
mod programs;

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

#[cfg(test)]
mod tests {
    use super::*;

    /// Polls, with a limit, instead of sleeping for a guess.
    fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
        let began = Instant::now();
        while !holds() {
            assert!(began.elapsed() < Duration::from_secs(30), "never: {what}");
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    fn kept_folder() -> PathBuf {
        let label = crate::random::Random::system().label();
        std::env::temp_dir().join(format!("siths-idp-kept-{label}"))
    }

    fn keeping(folder: &Path) -> Options {
        Options { keep: Some(folder.to_owned()) }
    }

    async fn number(server: &Server, database: &str, statement: &'static str) -> i32 {
        let mut connection = PgConnection::connect(&server.url(database)).await.unwrap();
        sqlx::query_scalar(statement).fetch_one(&mut connection).await.unwrap()
    }

    #[tokio::test]
    async fn a_name_that_could_hide_a_statement_is_no_database() {
        let server = Server::start(&Options::default()).unwrap();
        for name in ["", "x\" template \"y", "å", "X"] {
            let refused = server.create_database(name, None).await;
            assert!(matches!(refused, Err(PostgresError::DatabaseName(_))), "{name}");
        }
    }

    #[tokio::test]
    async fn it_answers_clones_a_template_and_leaves_no_folder() {
        let server = Server::start(&Options::default()).unwrap();
        assert_eq!(number(&server, "postgres", "select 1").await, 1);

        server.create_database("template_x", None).await.unwrap();
        let mut connection = PgConnection::connect(&server.url("template_x")).await.unwrap();
        connection.execute("create table t as select 7 as n").await.unwrap();
        connection.close().await.unwrap();
        server.create_database("copy_1", Some("template_x")).await.unwrap();
        assert_eq!(number(&server, "copy_1", "select n from t").await, 7);

        let folder = server.run.folder.clone();
        assert!(server.log_file().exists());
        drop(server);
        assert!(!folder.exists());
    }

    #[tokio::test]
    async fn nobody_else_can_enter_the_folder_of_the_socket() {
        use std::os::unix::fs::PermissionsExt as _;
        let server = Server::start(&Options::default()).unwrap();
        let mode = std::fs::metadata(&server.run.folder).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o700);
        let settings = "select count(*)::int from pg_settings where name = 'listen_addresses' \
                        and setting = '' or name = 'unix_socket_permissions' and setting = '0700'";
        assert_eq!(number(&server, "postgres", settings).await, 2);
    }

    #[tokio::test]
    async fn kept_data_is_there_again_and_is_refused_to_a_second_server() {
        let folder = kept_folder();
        let server = Server::start(&keeping(&folder)).unwrap();
        server.create_database("kept", None).await.unwrap();
        let Err(PostgresError::InUse { process, .. }) = Server::start(&keeping(&folder)) else {
            panic!("two servers on one folder");
        };
        assert_eq!(process, i32::try_from(std::process::id()).unwrap());
        drop(server);

        let server = Server::start(&keeping(&folder)).unwrap();
        assert_eq!(number(&server, "kept", "select 1").await, 1);
        drop(server);
        std::fs::remove_dir_all(&folder).unwrap();
    }

    #[tokio::test]
    async fn a_pid_file_that_a_crash_left_does_not_stop_the_next_start() {
        let folder = kept_folder();
        drop(Server::start(&keeping(&folder)).unwrap());
        // Process 1 exists everywhere and is no PostgreSQL of this folder.
        let stale = format!("1\n{}\n0\n5432\n/tmp\n\n1 1\nready\n", folder.display());
        std::fs::write(folder.join("cluster/data/postmaster.pid"), stale).unwrap();
        let server = Server::start(&keeping(&folder)).unwrap();
        assert_eq!(number(&server, "postgres", "select 1").await, 1);
        drop(server);
        std::fs::remove_dir_all(&folder).unwrap();
    }

    #[test]
    fn a_start_that_fails_says_what_postgres_said() {
        let folder = kept_folder();
        drop(Server::start(&keeping(&folder)).unwrap());
        let settings = folder.join("cluster/data/postgresql.conf");
        std::fs::write(&settings, "no_such_setting = 1\n").unwrap();
        let refused = Server::start(&keeping(&folder)).unwrap_err();
        assert!(refused.to_string().contains("no_such_setting"), "{refused}");
        std::fs::remove_dir_all(&folder).unwrap();
    }

    #[test]
    fn a_closed_folder_is_named_to_root() {
        if !rustix::process::geteuid().is_root() {
            return;
        }
        use std::os::unix::fs::DirBuilderExt as _;
        let folder = kept_folder();
        std::fs::DirBuilder::new().mode(0o700).create(&folder).unwrap();
        let refused = Server::start(&keeping(&folder.join("pg"))).unwrap_err();
        assert!(refused.to_string().contains("chmod o+x"), "{refused}");
        std::fs::remove_dir_all(&folder).unwrap();
    }

    const OWNER: &str = "SITHS_IDP_TEST_POSTGRES_OWNER";

    /// The other process of the test below: starts a server, says where, and waits to be killed.
    #[test]
    fn owner_that_is_killed() {
        let Some(report) = std::env::var_os(OWNER).map(PathBuf::from) else {
            return;
        };
        let keep = report.with_extension("keep");
        let options = Options { keep: keep.exists().then_some(keep) };
        let server = Server::start(&options).unwrap();
        let draft = report.with_extension("draft");
        std::fs::write(&draft, server.run.folder.to_str().unwrap()).unwrap();
        std::fs::rename(draft, report).unwrap();
        loop {
            std::thread::park();
        }
    }

    fn killed_owner(report: &Path) -> (PathBuf, rustix::process::Pid) {
        let mut owner = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "dev::postgres::tests::owner_that_is_killed"])
            .env(OWNER, report)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        eventually("the server starts", || report.exists());
        let run = PathBuf::from(std::fs::read_to_string(report).unwrap());
        let keep = report.with_extension("keep");
        let home = if keep.exists() { keep.join("cluster") } else { run.clone() };
        let pid = std::fs::read_to_string(home.join("data/postmaster.pid")).unwrap();
        let pid = pid.lines().next().unwrap().parse().unwrap();
        owner.kill().unwrap();
        owner.wait().unwrap();
        std::fs::remove_file(report).unwrap();
        (run, rustix::process::Pid::from_raw(pid).unwrap())
    }

    #[test]
    fn nothing_is_left_when_the_owner_is_killed() {
        let (run, postgres) = killed_owner(&kept_folder());
        eventually("the folder goes", || !run.exists());
        eventually("the process goes", || rustix::process::test_kill_process(postgres).is_err());
    }

    #[test]
    fn the_next_start_waits_for_the_server_of_a_killed_owner() {
        let report = kept_folder();
        let keep = report.with_extension("keep");
        std::fs::create_dir(&keep).unwrap();
        let (run, _) = killed_owner(&report);
        drop(Server::start(&keeping(&keep)).unwrap());
        eventually("the folder goes", || !run.exists());
        std::fs::remove_dir_all(&keep).unwrap();
    }
}
