//! Handshakes signed with the keys of odd cards, which the library has refused to read.
//!
//! Must never hold a key that protects anything: see [`RawRsa`].

use std::sync::Arc;

use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::{CertifiedKey, Signer, SigningKey, SingleCertAndKey};
use rustls::{Error, SignatureAlgorithm, SignatureScheme};

use super::pki::raw_rsa::RawRsa;

/// rsa_pss_pss_sha256 (RFC 8446 §4.2.3): the only schemes of keys for RSASSA-PSS.
const PSS_PSS_SHA256: SignatureScheme = SignatureScheme::Unknown(0x0809);

/// What a client shows whose key is odd; `None` where the key is none of this kind.
pub(super) fn resolver(
    chain: &[CertificateDer<'static>],
    key: &PrivateKeyDer<'_>,
) -> Option<Arc<SingleCertAndKey>> {
    let PrivateKeyDer::Pkcs8(der) = key else { return None };
    let key = OddKey(RawRsa::from_pkcs8(der.secret_pkcs8_der())?);
    Some(Arc::new(CertifiedKey::new(chain.to_vec(), Arc::new(key)).into()))
}

#[derive(Clone, Debug)]
struct OddKey(RawRsa);

impl SigningKey for OddKey {
    fn choose_scheme(&self, offered: &[SignatureScheme]) -> Option<Box<dyn Signer>> {
        let able: &[SignatureScheme] = if self.0.is_pss() {
            &[PSS_PSS_SHA256]
        } else {
            &[SignatureScheme::RSA_PSS_SHA256, SignatureScheme::RSA_PKCS1_SHA256]
        };
        let scheme = *able.iter().find(|scheme| offered.contains(scheme))?;
        Some(Box::new(OddSigner { key: self.0.clone(), scheme }))
    }

    fn algorithm(&self) -> SignatureAlgorithm {
        SignatureAlgorithm::RSA
    }
}

#[derive(Debug)]
struct OddSigner {
    key: RawRsa,
    scheme: SignatureScheme,
}

impl Signer for OddSigner {
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, Error> {
        Ok(match self.scheme {
            SignatureScheme::RSA_PKCS1_SHA256 => self.key.sign_sha256(message),
            _ => self.key.sign_pss_sha256(message),
        })
    }

    fn scheme(&self) -> SignatureScheme {
        self.scheme
    }
}
