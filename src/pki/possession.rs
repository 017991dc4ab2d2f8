//! The handshake verifier of the hosts that ask for a certificate: proves that the peer holds the key, defers trust.
//!
//! Any certificate or none gets through, so that a rejection can be a page and not a raw browser
//! error; the chain is judged afterwards by [`Trust::verify`](super::Trust::verify). Must never
//! assert a handshake signature that it has not verified: anybody can present a public certificate.

use rustls::client::danger::HandshakeSignatureValid;
use rustls::crypto::{WebPkiSupportedAlgorithms, verify_tls13_signature_with_raw_key};
use rustls::pki_types::{CertificateDer, SubjectPublicKeyInfoDer, UnixTime};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{
    CertificateError, DigitallySignedStruct, DistinguishedName, Error, PeerMisbehaved,
    SignatureScheme,
};
use webpki::RawPublicKeyEntity;

use super::profile;

/// Asks for a certificate, does not insist, and verifies the proof of possession of its key.
#[derive(Debug)]
pub struct Possession {
    hints: Vec<DistinguishedName>,
    algorithms: WebPkiSupportedAlgorithms,
    /// Told the scheme of each signature that holds.
    told: fn(SignatureScheme),
}

impl Possession {
    /// A verifier that names `hints` as the issuers whose certificates browsers should offer
    /// (RFC 8446 §4.2.4); they narrow the chooser and decide nothing.
    #[must_use]
    pub const fn new(hints: Vec<DistinguishedName>, algorithms: WebPkiSupportedAlgorithms) -> Self {
        Self { hints, algorithms, told: |_| () }
    }

    /// The same, telling somebody the scheme of each signature that holds.
    #[must_use]
    pub fn telling(self, told: fn(SignatureScheme)) -> Self {
        Self { told, ..self }
    }
}

impl ClientCertVerifier for Possession {
    fn client_auth_mandatory(&self) -> bool {
        false
    }

    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &self.hints
    }

    fn verify_client_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        Ok(ClientCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let key = public_key(cert)?;
        let key = RawPublicKeyEntity::try_from(&key).map_err(|_| bad_encoding())?;
        // In TLS 1.2 a scheme does not name the curve, so that several algorithms may fit.
        let (_, candidates) = self
            .algorithms
            .mapping
            .iter()
            .find(|(scheme, _)| *scheme == dss.scheme)
            .ok_or(PeerMisbehaved::SignedHandshakeWithUnadvertisedSigScheme)?;
        candidates
            .iter()
            .any(|candidate| key.verify_signature(*candidate, message, dss.signature()).is_ok())
            .then(|| {
                (self.told)(dss.scheme);
                HandshakeSignatureValid::assertion()
            })
            .ok_or(Error::InvalidCertificate(CertificateError::BadSignature))
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        // By the raw key: rustls' own way loads the certificate with webpki first, and so would
        // end the handshake for odd certificates that deserve a page.
        let key = public_key(cert)?;
        verify_tls13_signature_with_raw_key(message, &key, dss, &self.algorithms)
            .inspect(|_| (self.told)(dss.scheme))
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}

fn public_key<'a>(cert: &'a CertificateDer<'_>) -> Result<SubjectPublicKeyInfoDer<'a>, Error> {
    profile::public_key(cert).map(SubjectPublicKeyInfoDer::from).ok_or_else(bad_encoding)
}

const fn bad_encoding() -> Error {
    Error::InvalidCertificate(CertificateError::BadEncoding)
}
