//! The zoo: cards that are odd in every way that anybody thought of, and what becomes of each.
//!
//! Whoever is let in is the clinician of the table of `dev`, so that nothing but the judgement of
//! the card stands between a card that must be refused and a login. Cards are made when they are
//! asked for. A new oddity is a row in `zoo/table`.

mod build;
mod table;

use std::path::{Path, PathBuf};

pub use self::build::Keeper;
use super::card::CardFiles;
use super::{PkiError, folder};
use crate::error::Code;
use crate::pki::CertificateRejection;

/// The HSA-id of every card that does not say otherwise.
pub const HOLDER: &str = "SE2321000222-DEV1";
/// The HSA-id of the card with twelve digits after `SE`.
pub const HOLDER_SE16: &str = "SE162321000222-DEVZ";

/// An odd card.
#[derive(Clone, Copy)]
pub struct Specimen {
    /// What the command line calls it.
    pub name: &'static str,
    /// What is odd about it.
    pub oddity: &'static str,
    /// What becomes of it.
    pub outcome: Outcome,
    build: fn(&Keeper<'_>) -> Result<CardFiles, PkiError>,
}

/// What becomes of a card.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It logs in: odd, and right.
    LogsIn,
    /// It is refused, on a page or to the relying party, for a cause.
    Refused(CertificateRejection),
    /// The browser finds no algorithm that both can, and sends none: the page says that no card came.
    NotSent,
    /// The handshake is broken off, and the browser shows an error of its own: the proof that the
    /// holder has the key cannot be checked, or the chain is more than TLS carries.
    BreaksOff,
}

impl Outcome {
    /// The code that is told; `None` where the card logs in, or nobody is told anything.
    #[must_use]
    pub const fn code(self) -> Option<Code> {
        match self {
            Self::Refused(cause) => Some(cause.code()),
            Self::NotSent => Some(Code::CertificateMissing),
            Self::LogsIn | Self::BreaksOff => None,
        }
    }
}

/// Every specimen.
pub fn specimens() -> impl Iterator<Item = &'static Specimen> {
    table::SPECIMENS.into_iter().flatten()
}

/// The specimen that the command line calls by this name.
#[must_use]
pub fn specimen(name: &str) -> Option<&'static Specimen> {
    specimens().find(|specimen| specimen.name == name)
}

impl Specimen {
    /// The card, new.
    ///
    /// # Errors
    /// When a key or a certificate cannot be made.
    pub fn make(&self, keeper: &Keeper<'_>) -> Result<CardFiles, PkiError> {
        (self.build)(keeper)
    }

    /// Writes the card into a folder of its own below `dir`, in place of the one before, and says
    /// which files: certificates, key, and both for a browser, where that can be.
    ///
    /// # Errors
    /// When it cannot be made or written.
    pub fn write(&self, keeper: &Keeper<'_>, dir: &Path) -> Result<Vec<PathBuf>, PkiError> {
        let files = self.make(keeper)?;
        folder::write_card(&dir.join(self.name), &files, self.name)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::dev::pki::tests::pki;

    #[test]
    fn every_name_is_one_word_and_nobody_elses() {
        let mut seen: HashSet<&str> = pki().people().iter().map(|person| person.name).collect();
        for specimen in specimens() {
            let name = specimen.name;
            assert!(seen.insert(name), "{name} twice");
            assert!(
                name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
            );
            assert!(specimen.oddity.chars().count() <= 60, "{name} breaks the table");
        }
    }
}
