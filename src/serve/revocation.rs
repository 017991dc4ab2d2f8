//! Revocation of an installation: the rows of the configuration, matched to the authorities of
//! `[trust]` by key. Every authority has a row, or the node does not start.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use rustls::pki_types::CertificateDer;

use super::trust::{TrustFileFault, certificate};
use crate::clock::Clock;
use crate::config::{Config, RevocationOrder, RevocationSettings};
use crate::fetch::{FetchFault, Fetcher};
use crate::pki::revocation::{Authority, AuthorityFault, CaId, Order, Policy};
use crate::random::Random;
use crate::revocation::{Revocation, RevocationParts, Watch};
use crate::store::PgPool;

/// Why a node does not start for want of a source of revocation.
#[derive(Debug, thiserror::Error)]
pub enum RevocationFault {
    /// A file.
    #[error(transparent)]
    File(#[from] TrustFileFault),
    /// A certificate that is no authority's.
    #[error("{file}: {fault}", file = file.display())]
    Authority {
        /// The file.
        file: PathBuf,
        /// Why.
        fault: AuthorityFault,
    },
    /// Authorities of `[trust]` without a row.
    #[error(
        "no [[revocation.authorities]] for {}: say where its revocation list and OCSP are, or \
         order = \"off\", by which its revoked certificates are accepted",
        .0.iter().map(|file| file.display().to_string()).collect::<Vec<_>>().join(", ")
    )]
    Missing(Vec<PathBuf>),
    /// A row for a certificate that is not in `[trust]`.
    #[error(
        "[[revocation.authorities]] {}: \"{name}\" is none of trust.roots, \
         trust.intermediates and trust.issuers",
        file.display()
    )]
    NotTrusted {
        /// The file.
        file: PathBuf,
        /// Its common name.
        name: String,
    },
    /// Two rows for one key.
    #[error("[[revocation.authorities]] {}: \"{name}\" has a row already", file.display())]
    Repeated {
        /// The file.
        file: PathBuf,
        /// Its common name.
        name: String,
    },
    /// A CA whose key may not sign CRLs, in a row that has its CRL asked.
    #[error(
        "[[revocation.authorities]] {}: the certificate of \"{name}\" does not allow its key to sign \
         CRLs (cRLSign in keyUsage): order = \"ocsp\" or \"off\"",
        file.display()
    )]
    MayNotSign {
        /// The file.
        file: PathBuf,
        /// Its common name.
        name: String,
    },
    /// The fetcher.
    #[error("nothing can be fetched on this machine: {0}")]
    Fetch(#[from] FetchFault),
}

/// Where a node keeps and takes from.
pub struct Means {
    /// The database.
    pub pool: PgPool,
    /// The clock.
    pub clock: Clock,
    /// Randomness.
    pub random: Random,
}

/// What the configuration says of revocation, ready to be asked; nothing is fetched yet.
///
/// # Errors
/// [`RevocationFault`].
pub fn revocation(config: &Config, means: Means) -> Result<Revocation, RevocationFault> {
    let authorities = watches(config)?;
    let unasked: Vec<&str> = authorities
        .iter()
        .filter(|watch| watch.policy.order == Order::Off)
        .map(|watch| watch.authority.common_name())
        .collect();
    if !unasked.is_empty() {
        tracing::warn!(
            authorities = unasked.join(", "),
            "revocation is OFF: revoked certificates of these authorities are accepted"
        );
    }
    let addresses: Vec<_> =
        authorities.iter().flat_map(|watch| watch.crl.iter().chain(&watch.ocsp)).collect();
    let connect = config.revocation.connect_timeout.to_std().unwrap_or_default();
    let fetcher = Fetcher::new(&config.revocation.private_networks, connect, &addresses)?;
    let others_unasked = config.revocation.defaults.order == RevocationOrder::Off;
    let Means { pool, clock, random } = means;
    Ok(Revocation::new(RevocationParts {
        authorities,
        others_unasked,
        fetcher,
        pool,
        clock,
        random,
    }))
}

fn watches(config: &Config) -> Result<Vec<Watch>, RevocationFault> {
    let roots = config.trust.roots.iter();
    let issuers = config.trust.issuers.iter().map(|issuer| &issuer.certificate);
    let mut trusted: Vec<(CaId, &Path, Authority)> = Vec::new();
    // An intermediate has issued issuing CAs, which it may have revoked.
    for file in roots.chain(&config.trust.intermediates).chain(issuers) {
        let authority = read(file)?;
        if trusted.iter().all(|(id, ..)| *id != authority.id()) {
            trusted.push((authority.id(), file, authority));
        }
    }
    let mut watches = Vec::new();
    let mut seen = HashSet::new();
    for row in &config.revocation.authorities {
        let file = row.certificate.clone();
        let named = read(&file)?;
        let (id, name) = (named.id(), named.common_name().to_owned());
        let Some((.., authority)) = trusted.iter().find(|(trusted, ..)| *trusted == id) else {
            return Err(RevocationFault::NotTrusted { file, name });
        };
        if !seen.insert(id) {
            return Err(RevocationFault::Repeated { file, name });
        }
        if row.settings.order.asks_crl() && !authority.may_sign_crls() {
            return Err(RevocationFault::MayNotSign { file, name });
        }
        watches.push(Watch {
            authority: authority.clone(),
            policy: policy(&row.settings),
            crl: row.crl.clone(),
            ocsp: row.ocsp.clone(),
            settings: row.settings.clone(),
        });
    }
    let without = trusted.iter().filter(|(id, ..)| !seen.contains(id));
    if config.revocation.defaults.order != RevocationOrder::Off {
        let files: Vec<PathBuf> = without.map(|(_, file, _)| (*file).to_owned()).collect();
        return if files.is_empty() { Ok(watches) } else { Err(RevocationFault::Missing(files)) };
    }
    watches.extend(without.map(|(.., authority)| Watch {
        authority: authority.clone(),
        policy: policy(&config.revocation.defaults),
        crl: Vec::new(),
        ocsp: Vec::new(),
        settings: config.revocation.defaults.clone(),
    }));
    Ok(watches)
}

fn read(file: &Path) -> Result<Authority, RevocationFault> {
    let certificate: CertificateDer<'static> = certificate(file)?;
    Authority::new(&certificate)
        .map_err(|fault| RevocationFault::Authority { file: file.to_owned(), fault })
}

fn policy(settings: &RevocationSettings) -> Policy {
    let order = match settings.order {
        RevocationOrder::OcspThenCrl => Order::OcspThenCrl,
        RevocationOrder::CrlThenOcsp => Order::CrlThenOcsp,
        RevocationOrder::Ocsp => Order::Ocsp,
        RevocationOrder::Crl => Order::Crl,
        RevocationOrder::Off => Order::Off,
    };
    Policy { order, grace: Some(settings.grace).filter(|grace| !grace.is_zero()) }
}
