//! The authorities as those who tell what they have revoked: lists, and answers to OCSP.
//!
//! Their keys are read once, and what was signed is kept, so that many responders of one PKI cost
//! one signature for each list.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use chrono::{DateTime, TimeDelta, Utc};
use rcgen::{
    CertificateParams, CustomExtension, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa,
    KeyPair, KeyUsagePurpose, PublicKeyData as _, date_time_ymd,
};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer};
use x509_parser::prelude::{FromDer as _, X509Certificate};

use super::authority::{CaName, IssuerName, issuer, serial};
use super::crl::List;
pub use super::crl::Revoked;
use super::ocsp::{Answer, Hashed, Request, SignedBy, Signer, Status};
use super::{PkiError, certificate, folder, pem_error};

/// How long a list holds.
pub const CRL_LIFETIME: TimeDelta = TimeDelta::hours(24);
/// How long an answer to OCSP holds.
pub const OCSP_LIFETIME: TimeDelta = TimeDelta::hours(1);
/// Lists are issued at every full hour, and when something is revoked.
pub const CRL_INTERVAL: TimeDelta = TimeDelta::hours(1);

/// Lists that are kept.
const MOST_KEPT: usize = 256;

/// The authorities with their keys.
pub(in crate::dev) struct StatusAuthorities {
    dir: PathBuf,
    read: Mutex<HashMap<CaName, Arc<StatusAuthority>>>,
    lists: Mutex<HashMap<ListKey, Arc<Vec<u8>>>>,
}

/// What a list says, and who signed it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(in crate::dev) struct ListKey {
    pub(in crate::dev) ca: CaName,
    pub(in crate::dev) this_update: DateTime<Utc>,
    pub(in crate::dev) next_update: DateTime<Utc>,
    pub(in crate::dev) number: u64,
    pub(in crate::dev) revoked: Vec<Revoked>,
    /// Whether the key of another authority signs it.
    pub(in crate::dev) wrong_signer: bool,
}

/// An authority with its key.
struct StatusAuthority {
    issuer: rcgen::Issuer<'static, KeyPair>,
    key_id: Vec<u8>,
    hashed: Hashed,
    delegate: OnceLock<Delegate>,
}

/// A responder whom an authority lets answer for it (RFC 6960 §4.2.2.2).
struct Delegate {
    certificate: CertificateDer<'static>,
    key: KeyPair,
}

impl std::fmt::Debug for StatusAuthorities {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("StatusAuthorities").field("dir", &self.dir).finish_non_exhaustive()
    }
}

impl StatusAuthorities {
    pub(super) fn new(dir: &Path) -> Self {
        Self { dir: dir.to_owned(), read: Mutex::default(), lists: Mutex::default() }
    }

    /// The list as DER. Blocks: it is signed with RSA-4096 where it was not before.
    pub(in crate::dev) fn list(&self, key: &ListKey) -> Result<Arc<Vec<u8>>, PkiError> {
        let kept = || self.lists.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(list) = kept().get(key) {
            return Ok(Arc::clone(list));
        }
        let authority = self.authority(key.ca)?;
        let list = List {
            this_update: key.this_update,
            next_update: key.next_update,
            number: key.number,
            revoked: &key.revoked,
        };
        let der = if key.wrong_signer {
            // In the name of the authority, with its key identifier, by the key of another.
            let (name, _) = folder::ca_files(&self.dir, key.ca);
            let (_, other) = folder::ca_files(&self.dir, another(key.ca));
            list.sign(
                &issuer(&certificate(&name)?, &private_key(&other)?)?,
                authority.key_id.clone(),
            )
        } else {
            list.sign(&authority.issuer, authority.key_id.clone())
        }?;
        let mut kept = kept();
        if kept.len() >= MOST_KEPT {
            kept.clear();
        }
        Ok(Arc::clone(kept.entry(key.clone()).or_insert_with(|| Arc::new(der))))
    }

    /// Which authority a request asks about.
    pub(in crate::dev) fn asked(&self, request: &Request) -> Result<Option<CaName>, PkiError> {
        for ca in CaName::all() {
            if request.is_about(&self.authority(ca)?.hashed) {
                return Ok(Some(ca));
            }
        }
        Ok(None)
    }

    /// An answer as DER. With `wrong_signer` another authority, or its delegate, signs. Blocks.
    pub(in crate::dev) fn answer(
        &self,
        ca: CaName,
        answer: &Answer<'_>,
        (signer, wrong_signer): (Signer, bool),
        status: impl Fn(&[u8]) -> Status,
    ) -> Result<Vec<u8>, PkiError> {
        let authority = self.authority(if wrong_signer { another(ca) } else { ca })?;
        let by = match signer {
            Signer::Authority => SignedBy { key: authority.issuer.key(), delegate: None },
            Signer::Delegated => {
                let delegate = authority.delegate()?;
                SignedBy { key: &delegate.key, delegate: Some(&delegate.certificate) }
            }
        };
        answer.sign(&by, status)
    }

    fn authority(&self, name: CaName) -> Result<Arc<StatusAuthority>, PkiError> {
        let mut read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(authority) = read.get(&name) {
            return Ok(Arc::clone(authority));
        }
        let (certificate_file, key_file) = folder::ca_files(&self.dir, name);
        let certificate = certificate(&certificate_file)?;
        let authority = Arc::new(StatusAuthority::new(
            &certificate,
            issuer(&certificate, &private_key(&key_file)?)?,
        )?);
        read.insert(name, Arc::clone(&authority));
        Ok(authority)
    }
}

impl StatusAuthority {
    fn new(
        certificate: &CertificateDer<'_>,
        issuer: rcgen::Issuer<'static, KeyPair>,
    ) -> Result<Self, PkiError> {
        let (_, read) = X509Certificate::from_der(certificate)
            .map_err(|_| rcgen::Error::CouldNotParseCertificate)?;
        let key_id =
            read.iter_extensions().find_map(|extension| match extension.parsed_extension() {
                x509_parser::extensions::ParsedExtension::SubjectKeyIdentifier(id) => {
                    Some(id.0.to_vec())
                }
                _ => None,
            });
        let hashed = Hashed::of(read.subject().as_raw(), issuer.key().der_bytes());
        Ok(Self { key_id: key_id.unwrap_or_default(), hashed, issuer, delegate: OnceLock::new() })
    }

    fn delegate(&self) -> Result<&Delegate, PkiError> {
        if let Some(delegate) = self.delegate.get() {
            return Ok(delegate);
        }
        let mut params = CertificateParams::default();
        let mut name = DistinguishedName::new();
        name.push(DnType::CommonName, "DEV SITHS OCSP responder");
        params.distinguished_name = name;
        (params.not_before, params.not_after) =
            (date_time_ymd(2019, 5, 15), date_time_ymd(2049, 9, 15));
        params.serial_number = Some(serial());
        params.is_ca = IsCa::ExplicitNoCa;
        params.use_authority_key_identifier_extension = true;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::OcspSigning];
        // id-pkix-ocsp-nocheck (RFC 6960 §4.2.2.2.1): NULL
        let nocheck = &[1, 3, 6, 1, 5, 5, 7, 48, 1, 5];
        params.custom_extensions = vec![CustomExtension::from_oid_content(nocheck, vec![5, 0])];
        let key = KeyPair::generate()?;
        let certificate = params.signed_by(&key, &self.issuer)?.der().clone();
        Ok(self.delegate.get_or_init(|| Delegate { certificate, key }))
    }
}

/// An authority that must not sign for `ca`.
const fn another(ca: CaName) -> CaName {
    match ca {
        CaName::Issuing(IssuerName::PersonId3) => CaName::Issuing(IssuerName::Function),
        _ => CaName::Issuing(IssuerName::PersonId3),
    }
}

fn private_key(pem: &Path) -> Result<PrivatePkcs8KeyDer<'static>, PkiError> {
    PrivatePkcs8KeyDer::from_pem_file(pem).map_err(pem_error(pem))
}
