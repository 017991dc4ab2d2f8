//! A look-alike SITHS PKI in a folder: authorities, people with cards, and the servers' certificate.
//!
//! For development and tests. Must never be trusted by an installation: its private keys lie beside
//! the certificates. Every name begins with `DEV `.

mod authority;
pub mod card;
mod crl;
pub(in crate::dev) mod der;
mod folder;
mod mould;
pub mod ocsp;
mod people;
pub(in crate::dev) mod raw_rsa;
pub mod status;
#[cfg(test)]
pub(super) mod tests;
mod web;
pub mod zoo;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use chrono::{DateTime, Utc};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer};

pub use self::authority::{Authority, CaName, IssuerName, ROOT_NAME};
pub use self::people::{Person, Registration, Standing};
use self::status::StatusAuthorities;

/// The PKI, read from its folder.
#[derive(Debug)]
pub struct Pki {
    dir: PathBuf,
    root: Root,
    issuers: Vec<Issuer>,
    people: Vec<Person>,
    web_ca_pem: PathBuf,
    server_chain_pem: PathBuf,
    server_key_pem: PathBuf,
    status: Arc<StatusAuthorities>,
}

/// The root authority's certificate.
#[derive(Debug)]
pub struct Root {
    /// As a file (PEM).
    pub pem: PathBuf,
    /// As DER.
    pub der: CertificateDer<'static>,
}

/// An issuing authority's certificate.
#[derive(Debug)]
pub struct Issuer {
    /// Which one.
    pub name: IssuerName,
    /// As a file (PEM).
    pub pem: PathBuf,
    /// As DER.
    pub der: CertificateDer<'static>,
}

/// The PKI could not be read or made.
#[derive(Debug, thiserror::Error)]
pub enum PkiError {
    /// A file or folder.
    #[error("{}: {source}", .path.display())]
    Io {
        /// Which one.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A file is not PEM of what it should be.
    #[error("{}: {source}", .path.display())]
    Pem {
        /// Which one.
        path: PathBuf,
        /// What is wrong with it.
        source: rustls::pki_types::pem::Error,
    },
    /// A key or certificate could not be made.
    #[error(transparent)]
    Certificate(#[from] rcgen::Error),
    /// A PKCS #12 file could not be made.
    #[error(transparent)]
    P12(#[from] p12_keystore::error::Error),
}

impl Pki {
    /// Reads the PKI from a folder, or makes it there: when there is none, when it is incomplete or
    /// of another version of this program, and 30 days before the first of its certificates ends.
    /// One process makes it, others wait for that. The first time takes some seconds. Blocks.
    ///
    /// `dir` is replaced as a whole: it must be a folder for this alone.
    ///
    /// # Errors
    /// When the folder cannot be read or written.
    pub fn load_or_create(dir: &Path, now: DateTime<Utc>) -> Result<Self, PkiError> {
        let _lock = folder::lock(dir)?;
        if folder::is_current(dir, now)
            && let Ok(pki) = Self::load(dir)
        {
            return Ok(pki);
        }
        folder::make(dir, now)?;
        Self::load(dir)
    }

    /// The folder.
    #[must_use]
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// The root authority.
    #[must_use]
    pub const fn root(&self) -> &Root {
        &self.root
    }

    /// The issuing authorities, all of [`IssuerName::ALL`].
    #[must_use]
    pub fn issuers(&self) -> &[Issuer] {
        &self.issuers
    }

    /// An issuing authority with its key, to issue more certificates by.
    ///
    /// # Errors
    /// When its files cannot be read.
    pub fn authority(&self, name: IssuerName) -> Result<Authority, PkiError> {
        let (pem, key) = folder::issuer_files(&self.dir, name);
        let key = PrivatePkcs8KeyDer::from_pem_file(&key).map_err(pem_error(&key))?;
        Authority::restore(name, certificate(&pem)?, &key)
    }

    /// The certificate of any authority.
    #[must_use]
    pub fn certificate(&self, name: CaName) -> &CertificateDer<'static> {
        let issuing = self.issuers.iter().find(|issuer| CaName::Issuing(issuer.name) == name);
        issuing.map_or(&self.root.der, |issuer| &issuer.der)
    }

    /// The authorities with their keys, to sign what tells of revocation. Shared, so that what one
    /// has signed need not be signed again.
    pub(super) fn status(&self) -> Arc<StatusAuthorities> {
        Arc::clone(&self.status)
    }

    /// The authority of the web servers, for browsers and relying parties to trust (PEM).
    #[must_use]
    pub fn web_ca_pem(&self) -> &Path {
        &self.web_ca_pem
    }

    /// The certificate of all servers of the demonstration, with its authority's (PEM).
    #[must_use]
    pub fn server_chain_pem(&self) -> &Path {
        &self.server_chain_pem
    }

    /// Its private key (PEM, PKCS #8).
    #[must_use]
    pub fn server_key_pem(&self) -> &Path {
        &self.server_key_pem
    }

    /// The people with cards, those who log in first.
    #[must_use]
    pub fn people(&self) -> &[Person] {
        &self.people
    }

    /// The person that the command line calls by this name.
    #[must_use]
    pub fn person(&self, name: &str) -> Option<&Person> {
        self.people.iter().find(|person| person.name == name)
    }

    fn load(dir: &Path) -> Result<Self, PkiError> {
        let pem = folder::root_file(dir);
        let root = Root { der: certificate(&pem)?, pem };
        let issuers = IssuerName::ALL.into_iter().map(|name| {
            let (pem, _) = folder::issuer_files(dir, name);
            Ok(Issuer { name, der: certificate(&pem)?, pem })
        });
        let [web_ca_pem, server_chain_pem, server_key_pem] = folder::web_files(dir);
        let pki = Self {
            root,
            issuers: issuers.collect::<Result<_, PkiError>>()?,
            people: folder::people(dir),
            web_ca_pem,
            server_chain_pem,
            server_key_pem,
            status: Arc::new(StatusAuthorities::new(dir)),
            dir: dir.to_owned(),
        };
        let web = [&pki.web_ca_pem, &pki.server_chain_pem, &pki.server_key_pem];
        let cards = pki.people.iter().flat_map(|p| [&p.cert_pem, &p.key_pem, &p.p12]);
        for file in web.into_iter().chain(cards) {
            file.metadata().map_err(io_error(file))?;
        }
        Ok(pki)
    }
}

fn certificate(pem: &Path) -> Result<CertificateDer<'static>, PkiError> {
    CertificateDer::from_pem_file(pem).map_err(pem_error(pem))
}

fn pem_error(path: &Path) -> impl FnOnce(rustls::pki_types::pem::Error) -> PkiError {
    let path = path.to_owned();
    move |source| PkiError::Pem { path, source }
}

fn io_error(path: &Path) -> impl FnOnce(io::Error) -> PkiError {
    let path = path.to_owned();
    move |source| PkiError::Io { path, source }
}
