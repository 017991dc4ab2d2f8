//! The folder of `dev`: what stays between two starts, so that a browser's imports stay good.
//!
//! Git ignores it. Holds secrets of a throw-away installation, readable by their owner alone.

use std::fs;
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use crate::config::SealingKey;
use crate::random::Random;

/// The folder.
#[derive(Clone, Debug)]
pub struct Folder(PathBuf);

impl Folder {
    /// Opens the folder, or makes it.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn open(path: &Path) -> io::Result<Self> {
        // Readable by others, because a kept database below it belongs to another account.
        fs::DirBuilder::new().recursive(true).mode(0o755).create(path)?;
        Ok(Self(path.canonicalize()?))
    }

    /// Where the look-alike PKI lies.
    #[must_use]
    pub fn pki(&self) -> PathBuf {
        self.0.join("pki")
    }

    /// Where odd cards lie that were asked for.
    #[must_use]
    pub fn zoo(&self) -> PathBuf {
        self.0.join("zoo")
    }

    /// Where a kept database lies.
    #[must_use]
    pub fn database(&self) -> PathBuf {
        self.0.join("pg")
    }

    /// The secret of Demo-Symfoni.
    ///
    /// # Errors
    /// When the file can neither be read nor written.
    pub fn client_secret(&self, random: &Random) -> io::Result<String> {
        self.secret("demo-symfoni.secret", random)
    }

    /// The sealing key, kept so that a kept database can be read again.
    ///
    /// # Errors
    /// When the file can neither be read nor written.
    pub fn sealing_key(&self, random: &Random) -> io::Result<SealingKey> {
        Ok(SealingKey::new(crate::secret::sha256(self.secret("sealing.key", random)?.as_bytes())))
    }

    fn secret(&self, name: &str, random: &Random) -> io::Result<String> {
        let path = self.0.join(name);
        match fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path) {
            Ok(mut file) => {
                let secret = random.token();
                file.write_all(secret.as_bytes())?;
                Ok(secret)
            }
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                Ok(fs::read_to_string(&path)?.trim().to_owned())
            }
            Err(error) => Err(error),
        }
    }
}
