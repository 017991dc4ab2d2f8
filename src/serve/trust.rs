//! The trust files of an installation: read, and made into [`Trust`].

use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;

use crate::config::{IssuerKind, TrustFiles, UnknownPolicy};
use crate::identity::hsa_id::HsaIdGrammar;
use crate::pki::{self, IssuerRow, Kind, PolicyRow, Trust, TrustFault, TrustSource};

/// Why a trust file is not taken.
#[derive(Debug, thiserror::Error)]
pub enum TrustFileFault {
    /// Not one certificate in PEM.
    #[error("{file}: expected one certificate in PEM: {reason}", file = file.display())]
    File {
        /// The file.
        file: PathBuf,
        /// Why.
        reason: String,
    },
    /// What the certificates are.
    #[error("{0}")]
    Trust(#[from] TrustFault),
}

impl TrustFileFault {
    /// Whether time alone may cure it: a root is not valid yet where the clock is not set.
    #[must_use]
    pub const fn may_pass(&self) -> bool {
        match self {
            Self::File { .. } => false,
            Self::Trust(fault) => matches!(fault.reason, pki::TrustFaultReason::NotCurrent),
        }
    }
}

/// Reads the roots and the issuing CAs.
///
/// # Errors
/// [`TrustFileFault`], naming the file or the certificate.
pub fn trust(files: &TrustFiles, now: DateTime<Utc>) -> Result<Trust, TrustFileFault> {
    let roots = files.roots.iter().map(|file| certificate(file)).collect::<Result<_, _>>()?;
    let intermediates =
        files.intermediates.iter().map(|file| certificate(file)).collect::<Result<_, _>>()?;
    let issuers = files
        .issuers
        .iter()
        .map(|issuer| {
            let policies = issuer.policies.iter().map(|policy| PolicyRow {
                oid: policy.oid.clone(),
                kind: kind(policy.kind),
                loa: policy.loa,
            });
            Ok(IssuerRow {
                certificate: certificate(&issuer.certificate)?,
                kind: kind(issuer.kind),
                loa: issuer.loa,
                policies: policies.collect(),
            })
        })
        .collect::<Result<_, TrustFileFault>>()?;
    let source = TrustSource {
        roots,
        issuers,
        intermediates,
        grammar: HsaIdGrammar { extra_prefixes: files.hsa_id_prefixes.clone() },
        unknown_policy: match files.unknown_policy {
            UnknownPolicy::FollowIssuer => pki::UnknownPolicy::FollowIssuer,
            UnknownPolicy::Refuse => pki::UnknownPolicy::Refuse,
        },
    };
    Ok(Trust::new(source, now)?)
}

/// Reads a file that holds one certificate.
///
/// # Errors
/// [`TrustFileFault::File`].
pub fn certificate(file: &Path) -> Result<CertificateDer<'static>, TrustFileFault> {
    let fault = |reason: String| TrustFileFault::File { file: file.to_owned(), reason };
    let mut found =
        CertificateDer::pem_file_iter(file).map_err(|error| fault(error.to_string()))?;
    let first = found
        .next()
        .ok_or_else(|| fault("there is none".to_owned()))?
        .map_err(|error| fault(error.to_string()))?;
    match found.next() {
        None => Ok(first),
        Some(_) => Err(fault("there is more than one".to_owned())),
    }
}

/// What a row of the configuration means.
#[must_use]
pub const fn kind(kind: IssuerKind) -> Kind {
    match kind {
        IssuerKind::HsaId => Kind::HsaId,
        IssuerKind::PersonId => Kind::PersonId,
        IssuerKind::Mobile => Kind::Mobile,
        IssuerKind::Function => Kind::Function,
    }
}
