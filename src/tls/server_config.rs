//! The server's own certificate, and the TLS configurations: of the issuer host, of card hosts by
//! what browsers are told to offer, and of the hosts for relying parties.
//!
//! Must never share session storage between the issuer host and those that ask: a session that began
//! without a certificate could be resumed where one is asked for (rustls,
//! `ServerConfig::session_storage`).

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::pem::{self, PemObject as _};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::server::NoServerSessionStorage;
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::version::{TLS12, TLS13};
use rustls::{
    CipherSuite, DistinguishedName, Error, InconsistentKeys, ServerConfig, SupportedProtocolVersion,
};
use webpki::EndEntityCert;

use super::listener::TlsParts;
use super::proof;
use crate::card_hosts::{Asks, Chooser};
use crate::pki::Possession;

/// A server certificate with its chain and key, which fit each other.
#[derive(Clone)]
pub struct Identity(Arc<CertifiedKey>);

impl Identity {
    /// From DER, leaf first.
    ///
    /// # Errors
    /// When the key cannot be used or is not the certificate's.
    pub fn new(
        chain: Vec<CertificateDer<'static>>,
        key: PrivateKeyDer<'static>,
    ) -> Result<Self, Error> {
        CertifiedKey::from_der(chain, key, &aws_lc_rs::default_provider())
            .map(|certified| Self(Arc::new(certified)))
    }

    /// From PEM files: the chain, leaf first, and the key.
    ///
    /// # Errors
    /// Which file will not do, and why.
    pub fn load(certificate: &Path, key: &Path) -> Result<Self, IdentityFault> {
        let chain_fault = |source| IdentityFault::Certificate { file: certificate.into(), source };
        let chain = CertificateDer::pem_file_iter(certificate)
            .map_err(chain_fault)?
            .collect::<Result<Vec<_>, _>>()
            .map_err(chain_fault)?;
        if chain.is_empty() {
            return Err(chain_fault(pem::Error::NoItemsFound));
        }
        let private = PrivateKeyDer::from_pem_file(key)
            .map_err(|source| IdentityFault::Key { file: key.into(), source })?;
        Self::new(chain, private).map_err(|source| match source {
            Error::InconsistentKeys(InconsistentKeys::KeyMismatch) => {
                IdentityFault::Mismatch { certificate: certificate.into(), key: key.into() }
            }
            // rustls puts a key it cannot use under General, and all else is the certificate's.
            Error::General(_) => IdentityFault::KeyUnusable { file: key.into(), source },
            _ => IdentityFault::CertificateUnusable { file: certificate.into(), source },
        })
    }
}

impl Identity {
    /// Whether the certificate is for a host name.
    #[must_use]
    pub fn is_for(&self, host: &str) -> bool {
        let (Ok(leaf), Ok(name)) = (self.0.end_entity_cert(), ServerName::try_from(host)) else {
            return false;
        };
        EndEntityCert::try_from(leaf)
            .is_ok_and(|leaf| leaf.verify_is_valid_for_subject_name(&name).is_ok())
    }

    /// Shows the certificate in every handshake.
    pub(super) fn resolver(&self) -> Arc<SingleCertAndKey> {
        Arc::new(SingleCertAndKey::from(self.0.clone()))
    }
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Identity({} certificates)", self.0.cert.len())
    }
}

/// A server certificate or key that will not do.
#[derive(Debug, thiserror::Error)]
pub enum IdentityFault {
    /// The certificate file cannot be read as PEM.
    #[error("{}: no certificate in PEM can be read: {source}", file.display())]
    Certificate {
        /// The file.
        file: PathBuf,
        /// Why.
        source: pem::Error,
    },
    /// The key file cannot be read as PEM.
    #[error("{}: no private key in PEM can be read: {source}", file.display())]
    Key {
        /// The file.
        file: PathBuf,
        /// Why.
        source: pem::Error,
    },
    /// The certificate is none that TLS can use.
    #[error("{}: the certificate cannot be used: {source}", file.display())]
    CertificateUnusable {
        /// The file.
        file: PathBuf,
        /// Why.
        source: Error,
    },
    /// The key is none that TLS can use.
    #[error("{}: the private key cannot be used: {source}", file.display())]
    KeyUnusable {
        /// The file.
        file: PathBuf,
        /// Why.
        source: Error,
    },
    /// Certificate and key are not of one pair.
    #[error("{}: is not the private key of the certificate in {}", key.display(), certificate.display())]
    Mismatch {
        /// The file of the certificate.
        certificate: PathBuf,
        /// The file of the key.
        key: PathBuf,
    },
}

/// The issuers that browsers are told of, as whose certificates to offer (RFC 8446 §4.2.4).
#[derive(Clone, Debug, Default)]
pub struct Hints {
    /// Where those are offered that log in; none named means any.
    pub hsa_id: Vec<DistinguishedName>,
    /// Where those of every configured issuing CA are; none named means any.
    pub siths: Vec<DistinguishedName>,
}

/// The configurations, built once.
#[derive(Clone)]
pub(super) struct Configs {
    pub(super) issuer: Arc<ServerConfig>,
    pub(super) mtls: Arc<ServerConfig>,
    card: Cards,
}

#[derive(Clone)]
struct Cards {
    nothing: Arc<ServerConfig>,
    hsa_id: Arc<ServerConfig>,
    siths: Arc<ServerConfig>,
    any: Arc<ServerConfig>,
}

impl Configs {
    /// # Errors
    /// When card hosts are left without a TLS version.
    pub(super) fn new(parts: &TlsParts) -> Result<Self, Error> {
        let provider = Arc::new(provider());
        let settings = &parts.settings;
        let versions: Vec<_> = [(settings.card_tls13, &TLS13), (settings.card_tls12, &TLS12)]
            .into_iter()
            .filter_map(|(on, version)| on.then_some(version))
            .collect();
        let algorithms = provider.signature_verification_algorithms;
        let card = |hints: Option<&[DistinguishedName]>| {
            let asks =
                hints.map(|hints| Possession::new(hints.to_vec(), algorithms).telling(proof::note));
            card(provider.clone(), &parts.card_identity, asks, &versions).map(Arc::new)
        };
        // No issuer is named: a self-signed certificate (RFC 8705 §2.2) would not be offered.
        let possession = Possession::new(Vec::new(), algorithms);
        Ok(Self {
            mtls: Arc::new(mtls(provider.clone(), &parts.identity, possession)?),
            card: Cards {
                nothing: card(None)?,
                hsa_id: card(Some(&parts.hints.hsa_id))?,
                siths: card(Some(&parts.hints.siths))?,
                any: card(Some(&[]))?,
            },
            issuer: Arc::new(issuer(provider, &parts.identity)?),
        })
    }

    /// That of the card hosts which ask for this.
    pub(super) const fn card(&self, asks: Asks) -> &Arc<ServerConfig> {
        match asks {
            Asks::ForNothing => &self.card.nothing,
            Asks::For(Chooser::HsaId) => &self.card.hsa_id,
            Asks::For(Chooser::Siths) => &self.card.siths,
            Asks::For(Chooser::Any) => &self.card.any,
        }
    }
}

/// What is spoken: of TLS 1.2 the four suites that RFC 9325 §4.2 recommends, as FAPI 2.0 §5.2.2 demands.
fn provider() -> CryptoProvider {
    const LEFT_OUT: [CipherSuite; 2] = [
        CipherSuite::TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
        CipherSuite::TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
    ];
    let mut provider = aws_lc_rs::default_provider();
    provider.cipher_suites.retain(|suite| !LEFT_OUT.contains(&suite.suite()));
    provider
}

/// The issuer host: no certificate is asked for; resumption is welcome.
fn issuer(provider: Arc<CryptoProvider>, identity: &Identity) -> Result<ServerConfig, Error> {
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&TLS13, &TLS12])?
        .with_no_client_auth()
        .with_cert_resolver(Arc::new(SingleCertAndKey::from(identity.0.clone())));
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(config)
}

/// The hosts for relying parties: any certificate or none, and nothing that outlives the connection,
/// since a resumed session would carry a certificate whose key was proved at another time. One
/// connection is one client's, so it may serve many requests, over HTTP/2 too.
fn mtls(
    provider: Arc<CryptoProvider>,
    identity: &Identity,
    possession: Possession,
) -> Result<ServerConfig, Error> {
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&TLS13, &TLS12])?
        .with_client_cert_verifier(Arc::new(possession))
        .with_cert_resolver(identity.resolver());
    config.session_storage = Arc::new(NoServerSessionStorage {});
    config.send_tls13_tickets = 0;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(config)
}

/// The card hosts: any certificate or none (or they do not ask), and nothing that outlives the connection, since a
/// resumed session would carry the old certificate without the card.
fn card(
    provider: Arc<CryptoProvider>,
    identity: &Identity,
    asks: Option<Possession>,
    versions: &[&'static SupportedProtocolVersion],
) -> Result<ServerConfig, Error> {
    let config = ServerConfig::builder_with_provider(provider).with_protocol_versions(versions)?;
    let mut config = match asks {
        Some(possession) => config.with_client_cert_verifier(Arc::new(possession)),
        None => config.with_no_client_auth(),
    }
    .with_cert_resolver(Arc::new(SingleCertAndKey::from(identity.0.clone())));
    config.session_storage = Arc::new(NoServerSessionStorage {});
    config.send_tls13_tickets = 0;
    // HTTP/2 would let a browser reuse the connection for other hosts of the same certificate.
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(config)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fapi_2_5_2_2_of_tls_1_2_the_suites_of_rfc_9325_are_spoken_and_no_others() {
        let suites = provider().cipher_suites;
        let of_tls_1_2 = suites.iter().filter(|suite| suite.tls13().is_none());
        let mut names: Vec<_> = of_tls_1_2.map(|suite| format!("{:?}", suite.suite())).collect();
        names.sort();
        assert_eq!(
            names,
            [
                "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256",
                "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384",
                "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
                "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384",
            ]
        );
    }
}
