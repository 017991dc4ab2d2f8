//! The specimens: a row for each oddity.

mod identities;
mod keys;
mod paths;
mod profiles;

use super::build::Keeper;
use super::{Outcome, Specimen};
use crate::dev::pki::PkiError;
use crate::dev::pki::card::CardFiles;
use crate::pki::CertificateRejection as Cause;

/// Every row, by what it is about.
pub(super) const SPECIMENS: [&[Specimen]; 4] =
    [paths::SPECIMENS, profiles::SPECIMENS, identities::SPECIMENS, keys::SPECIMENS];

/// Under the number for documentation (RFC 5612 §2).
const ZOO_EXTENSION: [u64; 9] = [1, 3, 6, 1, 4, 1, 32473, 74, 99];

type Build = fn(&Keeper<'_>) -> Result<CardFiles, PkiError>;

const fn logs_in(name: &'static str, oddity: &'static str, build: Build) -> Specimen {
    Specimen { name, oddity, outcome: Outcome::LogsIn, build }
}

const fn refused(name: &'static str, oddity: &'static str, cause: Cause, build: Build) -> Specimen {
    Specimen { name, oddity, outcome: Outcome::Refused(cause), build }
}
