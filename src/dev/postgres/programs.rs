//! Finds the programs of PostgreSQL, says how to get them, and gets them when asked to.
//!
//! Must never install anything unasked.

use std::path::{Path, PathBuf};
use std::process::Command;

use rustix::process::geteuid;

use super::PostgresError;

/// The folder that has `initdb` and `postgres`: `SITHS_IDP_PG_BIN`, else the first of `PATH`, what
/// `pg_config` says, and the newest version where distributions put them.
///
/// # Errors
/// [`PostgresError::NotInstalled`] with what to type, or [`PostgresError::NotPrograms`] where the
/// environment names a folder without them.
pub fn find_programs() -> Result<PathBuf, PostgresError> {
    if let Some(folder) = std::env::var_os("SITHS_IDP_PG_BIN").map(PathBuf::from) {
        return programs_in(&folder).ok_or(PostgresError::NotPrograms(folder));
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    first_of(
        std::env::split_paths(&path)
            .chain(pg_config())
            .chain(newest("/usr/lib/postgresql", "", "bin"))
            .chain(newest("/opt/homebrew/opt", "postgresql@", "bin"))
            .chain(newest("/usr/local/opt", "postgresql@", "bin"))
            .chain(newest("/usr", "pgsql-", "bin")),
    )
}

/// One line: what to type on this system to install PostgreSQL.
#[must_use]
pub fn install_hint() -> String {
    let sudo = if geteuid().is_root() { "" } else { "sudo " };
    match Installer::here() {
        Some(Installer::Brew) => "type `brew install postgresql`".to_owned(),
        Some(Installer::Apt) => {
            format!("type `{sudo}apt-get update && {sudo}apt-get install -y postgresql`")
        }
        Some(Installer::Dnf) => format!("type `{sudo}dnf install -y postgresql-server`"),
        Some(Installer::Apk) => format!("type `{sudo}apk add postgresql`"),
        Some(Installer::Zypper) => format!("type `{sudo}zypper install -y postgresql-server`"),
        Some(Installer::Pacman) => format!("type `{sudo}pacman -S --noconfirm postgresql`"),
        None => "install it, and set SITHS_IDP_PG_BIN to the folder of initdb".to_owned(),
    }
}

/// Installs PostgreSQL by the system's package manager; by `sudo` where we are not root. No cluster
/// of the package's own is made or started.
///
/// # Errors
/// [`PostgresError::NotInstallable`]: no package manager that is known here, or it failed.
pub fn install() -> Result<(), PostgresError> {
    let installer = Installer::here()
        .ok_or_else(|| PostgresError::NotInstallable("no known package manager".to_owned()))?;
    let mut command = if geteuid().is_root() || installer == Installer::Brew {
        Command::new("/bin/sh")
    } else {
        let mut sudo = Command::new("sudo");
        sudo.arg("/bin/sh");
        sudo
    };
    let status = command.args(["-c", installer.script()]).status();
    match status {
        Ok(status) if status.success() => find_programs().map(drop),
        Ok(status) => Err(PostgresError::NotInstallable(format!("{installer:?}: {status}"))),
        Err(error) => Err(PostgresError::NotInstallable(format!("{installer:?}: {error}"))),
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Installer {
    Apt,
    Dnf,
    Apk,
    Zypper,
    Pacman,
    Brew,
}

impl Installer {
    fn here() -> Option<Self> {
        if cfg!(target_os = "macos") {
            return Some(Self::Brew);
        }
        let release = std::fs::read_to_string("/etc/os-release")
            .or_else(|_| std::fs::read_to_string("/usr/lib/os-release"))
            .ok()?;
        Self::of_release(&release)
    }

    /// os-release(5): `ID`, then `ID_LIKE` from the closest to the farthest.
    fn of_release(release: &str) -> Option<Self> {
        let field = |name: &str| {
            let line = release.lines().find_map(|line| line.strip_prefix(name))?;
            Some(line.trim_matches(['"', '\'']))
        };
        let (id, like) = (field("ID=").unwrap_or(""), field("ID_LIKE=").unwrap_or(""));
        [id].into_iter().chain(like.split_whitespace()).find_map(|id| match id {
            "debian" | "ubuntu" => Some(Self::Apt),
            "fedora" | "rhel" | "centos" => Some(Self::Dnf),
            "alpine" => Some(Self::Apk),
            "suse" | "opensuse" | "sles" => Some(Self::Zypper),
            "arch" => Some(Self::Pacman),
            _ => None,
        })
    }

    const fn script(self) -> &'static str {
        match self {
            // Debian's package makes and starts a cluster unless told not to beforehand.
            Self::Apt => {
                "export DEBIAN_FRONTEND=noninteractive
                conf=/etc/postgresql-common/createcluster.conf
                if [ ! -e $conf ]; then
                    mkdir -p /etc/postgresql-common && echo 'create_main_cluster = false' >$conf
                fi
                apt-get update && apt-get install -y postgresql"
            }
            Self::Dnf => "dnf install -y postgresql-server",
            Self::Apk => "apk add postgresql",
            Self::Zypper => "zypper --non-interactive install postgresql-server",
            Self::Pacman => "pacman -Sy --noconfirm postgresql",
            Self::Brew => "brew install postgresql",
        }
    }
}

fn first_of(folders: impl IntoIterator<Item = PathBuf>) -> Result<PathBuf, PostgresError> {
    let mut found = folders.into_iter().filter_map(|folder| programs_in(&folder));
    found.next().ok_or_else(|| PostgresError::NotInstalled { hint: install_hint() })
}

/// The folder behind the links: Debian has links elsewhere to some of the programs, not to all.
fn programs_in(folder: &Path) -> Option<PathBuf> {
    let initdb = folder.join("initdb").canonicalize().ok()?;
    let folder = initdb.parent()?;
    folder.join("postgres").is_file().then(|| folder.to_owned())
}

fn pg_config() -> Option<PathBuf> {
    let output = Command::new("pg_config").arg("--bindir").output().ok()?;
    let folder = String::from_utf8(output.stdout).ok()?;
    output.status.success().then(|| PathBuf::from(folder.trim()))
}

/// `<place>/<prefix><version>/<inside>`, newest version first.
fn newest(place: &str, prefix: &str, inside: &str) -> impl Iterator<Item = PathBuf> {
    let entries = std::fs::read_dir(place).into_iter().flatten().flatten();
    let mut versions: Vec<(u32, PathBuf)> = entries
        .filter_map(|entry| {
            let name = entry.file_name().into_string().ok()?;
            let version = name.strip_prefix(prefix)?.split('.').next()?.parse().ok()?;
            Some((version, entry.path().join(inside)))
        })
        .collect();
    versions.sort_by_key(|(version, _)| std::cmp::Reverse(*version));
    versions.into_iter().map(|(_, folder)| folder)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_programs_the_answer_is_what_to_type() {
        let refused = first_of([PathBuf::from("/nowhere")]).unwrap_err();
        let text = refused.to_string();
        assert!(text.ends_with(&install_hint()), "{text}");
        assert!(!text.contains('\n'));
    }

    #[test]
    fn the_package_manager_follows_from_the_release() {
        let ubuntu = "NAME=\"Linux Mint\"\nID=linuxmint\nID_LIKE=\"ubuntu debian\"\n";
        assert_eq!(Installer::of_release(ubuntu), Some(Installer::Apt));
        let rocky = "ID=\"rocky\"\nID_LIKE=\"rhel centos fedora\"\n";
        assert_eq!(Installer::of_release(rocky), Some(Installer::Dnf));
        assert_eq!(Installer::of_release("ID=plan9\n"), None);
    }

    #[test]
    fn the_newest_version_comes_first() {
        let label = crate::random::Random::system().label();
        let place = std::env::temp_dir().join(format!("siths-idp-programs-{label}"));
        for version in ["9.6", "16", "15"] {
            std::fs::create_dir_all(place.join(version)).unwrap();
        }
        let found: Vec<_> = newest(place.to_str().unwrap(), "", "bin").collect();
        std::fs::remove_dir_all(&place).unwrap();
        let expected: Vec<_> = ["16", "15", "9.6"].map(|v| place.join(v).join("bin")).into();
        assert_eq!(found, expected);
    }
}
