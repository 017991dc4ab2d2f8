//! Where a throw-away PostgreSQL lives and who runs it.
//!
//! Must never make a folder that another user of the machine can enter: the server trusts whoever
//! reaches its socket.

use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::io::{Read as _, Seek as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _, chown};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rustix::process::{Pid, geteuid, test_kill_process};

use super::{PostgresError, io_error};
use crate::random::Random;

/// How long the server of a dead owner may take to stop.
const FAREWELL: Duration = Duration::from_secs(15);

/// Who runs the server where we are root; `initdb` and `postgres` refuse root.
#[derive(Debug)]
pub(super) struct Account {
    pub(super) name: String,
    pub(super) uid: u32,
    pub(super) gid: u32,
}

impl Account {
    /// `postgres`, else `nobody`, where we are root; `None` where we run the server ourselves.
    pub(super) fn choose() -> Result<Option<Self>, PostgresError> {
        if !geteuid().is_root() {
            return Ok(None);
        }
        let users =
            std::fs::read_to_string("/etc/passwd").map_err(io_error("reading /etc/passwd"))?;
        let account = Self::find("postgres", &users).or_else(|| Self::find("nobody", &users));
        account.map(Some).ok_or(PostgresError::NoAccount)
    }

    /// passwd(5): name, password, uid, gid, ….
    fn find(name: &str, users: &str) -> Option<Self> {
        users.lines().find_map(|line| {
            let mut fields = line.split(':');
            if fields.next()? != name {
                return None;
            }
            let uid = fields.nth(1)?.parse().ok()?;
            let gid = fields.next()?.parse().ok()?;
            Some(Self { name: name.to_owned(), uid, gid })
        })
    }

    fn can_enter(&self, folder: &Path) -> bool {
        folder.metadata().is_ok_and(|m| {
            m.mode() & 0o001 != 0
                || (m.uid() == self.uid && m.mode() & 0o100 != 0)
                || (m.gid() == self.gid && m.mode() & 0o010 != 0)
        })
    }

    /// The first folder on the way to `folder`, itself included, that the account cannot enter.
    fn obstacle<'a>(&self, folder: &'a Path) -> Option<&'a Path> {
        let way: Vec<&Path> = folder.ancestors().collect();
        way.into_iter().rev().find(|folder| !self.can_enter(folder))
    }
}

/// The folder of one run, with socket and log (and the data, where it is not kept). Goes when
/// dropped.
#[derive(Debug)]
pub(super) struct Run {
    pub(super) folder: PathBuf,
    pub(super) log_file: PathBuf,
    pub(super) log: File,
}

impl Run {
    pub(super) fn create(account: Option<&Account>) -> Result<Self, PostgresError> {
        let mut label = Random::system().label();
        label.truncate(12);
        let folder = room(account)?.join(format!("siths-idp-pg-{label}"));
        DirBuilder::new()
            .mode(0o700)
            .create(&folder)
            .map_err(io_error(format!("making {}", folder.display())))?;
        let log_file = folder.join("server.log");
        // Opened before the folder changes hands, so that nobody can put a link there.
        let log = OpenOptions::new().create_new(true).read(true).append(true).open(&log_file);
        let log = log.map_err(io_error(format!("making {}", log_file.display())))?;
        let run = Self { folder, log_file, log };
        give(&run.folder, account)?;
        Ok(run)
    }
}

impl Drop for Run {
    fn drop(&mut self) {
        // The watchdog has removed it where there was one; a folder that stays harms nobody.
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

/// A folder whose data outlives the server, and the lock that keeps a second server out.
///
/// The lock belongs to the open file, so it lasts as long as the watchdog that is given it.
pub(super) struct Kept {
    /// Holds the data folder; belongs to the account that runs the server.
    pub(super) home: PathBuf,
    pub(super) lock: File,
}

impl Kept {
    pub(super) fn claim(folder: &Path, account: Option<&Account>) -> Result<Self, PostgresError> {
        let failed = || io_error(format!("preparing {}", folder.display()));
        std::fs::create_dir_all(folder).map_err(failed())?;
        let folder = &folder.canonicalize().map_err(failed())?;
        if let Some(account) = account
            && let Some(obstacle) = account.obstacle(folder)
        {
            let (folder, account) = (obstacle.to_owned(), account.name.clone());
            return Err(PostgresError::NotReachable { folder, account });
        }
        let lock = lock(folder)?;
        let home = folder.join("cluster");
        if !home.exists() {
            DirBuilder::new().mode(0o700).create(&home).map_err(failed())?;
            give(&home, account)?;
        }
        forget_stale_process(folder, &home.join("data"))?;
        Ok(Self { home, lock })
    }
}

/// Takes the lock and writes our process into it. A lock whose owner is dead is that of a server
/// which is just stopping: it is waited for.
fn lock(folder: &Path) -> Result<File, PostgresError> {
    let failed = || io_error(format!("locking {}", folder.display()));
    let began = Instant::now();
    let mut options = OpenOptions::new();
    options.create(true).truncate(false).read(true).write(true).mode(0o600);
    let mut lock = options.open(folder.join("lock")).map_err(failed())?;
    loop {
        match lock.try_lock() {
            Ok(()) => break,
            Err(TryLockError::Error(source)) => return Err(failed()(source)),
            Err(TryLockError::WouldBlock) => {}
        }
        let mut owner = String::new();
        lock.rewind().map_err(failed())?;
        lock.read_to_string(&mut owner).map_err(failed())?;
        let process = owner.trim().parse().unwrap_or(0);
        let alive = Pid::from_raw(process).is_some_and(|pid| test_kill_process(pid).is_ok());
        if alive || began.elapsed() > FAREWELL {
            return Err(PostgresError::InUse { folder: folder.to_owned(), process });
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    lock.set_len(0).map_err(failed())?;
    lock.rewind().map_err(failed())?;
    write!(lock, "{}", std::process::id()).map_err(failed())?;
    Ok(lock)
}

/// Removes the `postmaster.pid` of a crash, which would stop PostgreSQL where its process number
/// has gone to somebody else; refuses where that process is a server on this very data.
fn forget_stale_process(folder: &Path, data: &Path) -> Result<(), PostgresError> {
    let file = data.join("postmaster.pid");
    let Ok(text) = std::fs::read_to_string(&file) else {
        return Ok(());
    };
    if !Path::new("/proc/self").exists() {
        return Ok(());
    }
    let process = text.lines().next().and_then(|line| line.trim().parse::<i32>().ok()).unwrap_or(0);
    // PostgreSQL works in its data folder.
    if std::fs::read_link(format!("/proc/{process}/cwd")).is_ok_and(|place| place == data) {
        return Err(PostgresError::InUse { folder: folder.to_owned(), process });
    }
    std::fs::remove_file(&file).map_err(io_error(format!("removing {}", file.display())))
}

fn give(folder: &Path, account: Option<&Account>) -> Result<(), PostgresError> {
    let Some(account) = account else {
        return Ok(());
    };
    chown(folder, Some(account.uid), Some(account.gid)).map_err(io_error(format!(
        "giving {} to {}",
        folder.display(),
        account.name
    )))
}

/// A place for temporary folders that the account can enter and write to, with a path so short and
/// plain that a socket's address in it is allowed (unix(7): under 108 bytes; 104 on macOS).
fn room(account: Option<&Account>) -> Result<PathBuf, PostgresError> {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"/-_.+".contains(&b);
    let fits = |place: &PathBuf| {
        let path = place.as_os_str().as_encoded_bytes();
        place.is_dir() && path.len() < 58 && path.iter().copied().all(plain)
    };
    let open = |place: &PathBuf| match account {
        None => true,
        Some(account) => {
            account.obstacle(place).is_none()
                && place.metadata().is_ok_and(|metadata| metadata.mode() & 0o002 != 0)
        }
    };
    let places = [std::env::temp_dir(), "/tmp".into(), "/var/tmp".into()];
    let mut places = places.into_iter().filter_map(|place| place.canonicalize().ok());
    places.find(|place| fits(place) && open(place)).ok_or_else(|| {
        io_error("looking for a temporary folder")(std::io::ErrorKind::NotFound.into())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_is_found_by_its_whole_name() {
        let users = "postgresql:x:1:1::/:/bin/sh\npostgres:x:101:104:,,,:/var:/bin/bash\n";
        let account = Account::find("postgres", users).unwrap();
        assert_eq!((account.uid, account.gid), (101, 104));
        assert!(Account::find("nobody", users).is_none());
    }
}
