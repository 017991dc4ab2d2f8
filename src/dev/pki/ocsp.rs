//! OCSP (RFC 6960) as the look-alike PKI answers it.
//!
//! What is written here is written by hand, so that whoever reads it with a library reads what
//! another hand has made. Must never be taken for a judge of certificates: it knows what was
//! revoked, not what was issued.

use aws_lc_rs::digest;
use chrono::{DateTime, Utc};
use der::{Decode as _, Encode as _};
use rcgen::{KeyPair, PKCS_ECDSA_P256_SHA256, PublicKeyData as _, SigningKey as _};
use rustls::pki_types::CertificateDer;
use x509_ocsp::{CertId, OcspRequest};

use super::PkiError;
use super::der::{
    OCTET_STRING, SEQUENCE, bit_string, explicit, generalized_time, oid, sequence, tlv,
};

/// id-pkix-ocsp-basic (RFC 6960 §4.2.1).
const BASIC: [u64; 10] = [1, 3, 6, 1, 5, 5, 7, 48, 1, 1];
/// id-pkix-ocsp-nonce (RFC 6960 §4.4.1).
const NONCE: [u64; 10] = [1, 3, 6, 1, 5, 5, 7, 48, 1, 2];

/// What the responder does with a nonce (RFC 6960 §4.4.1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Nonce {
    /// Puts it into the answer, where there is one.
    #[default]
    Echo,
    /// Leaves it out, as most public responders do.
    Leave,
    /// Puts another into the answer.
    Wrong,
}

/// Who signs answers (RFC 6960 §4.2.2.2).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Signer {
    /// A responder with a certificate of the authority, for OCSP signing.
    #[default]
    Delegated,
    /// The authority itself.
    Authority,
}

/// A request, read.
pub(in crate::dev) struct Request {
    certificates: Vec<CertId>,
    /// The content of the extension: the DER of an OCTET STRING.
    nonce: Option<Vec<u8>>,
}

impl Request {
    pub(in crate::dev) fn read(der: &[u8]) -> Option<Self> {
        let request = OcspRequest::from_der(der).ok()?.tbs_request;
        let nonce = request.request_extensions.into_iter().flatten().find_map(|extension| {
            let is_nonce = extension.extn_id.to_der().is_ok_and(|id| id == oid(&NONCE));
            is_nonce.then(|| extension.extn_value.as_bytes().to_vec())
        });
        let certificates: Vec<_> = request.request_list.into_iter().map(|r| r.req_cert).collect();
        (!certificates.is_empty()).then_some(Self { certificates, nonce })
    }

    pub(in crate::dev) fn is_about(&self, issuer: &Hashed) -> bool {
        self.certificates.iter().all(|certificate| issuer.is_named_by(certificate))
    }
}

/// The hashes that requests name an authority by (RFC 6960 §4.1.1).
pub(in crate::dev) struct Hashed([(Vec<u8>, [Vec<u8>; 2]); 2]);

impl Hashed {
    /// Of the subject (DER) and the public key (the bits alone).
    pub(super) fn of(subject: &[u8], key: &[u8]) -> Self {
        let by = |algorithm: &'static digest::Algorithm, arcs: &[u64]| {
            let hash = |bytes| digest::digest(algorithm, bytes).as_ref().to_vec();
            (oid(arcs), [hash(subject), hash(key)])
        };
        Self([
            // SHA-1 as a name, never under a signature.
            by(&digest::SHA1_FOR_LEGACY_USE_ONLY, &[1, 3, 14, 3, 2, 26]),
            by(&digest::SHA256, &[2, 16, 840, 1, 101, 3, 4, 2, 1]),
        ])
    }

    fn is_named_by(&self, id: &CertId) -> bool {
        let algorithm = id.hash_algorithm.oid.to_der().unwrap_or_default();
        self.0.iter().any(|(oid, [name, key])| {
            *oid == algorithm
                && name == id.issuer_name_hash.as_bytes()
                && key == id.issuer_key_hash.as_bytes()
        })
    }
}

/// The status of a certificate (RFC 6960 §2.2).
#[derive(Clone, Copy, Debug)]
pub(in crate::dev) enum Status {
    Good,
    Revoked(DateTime<Utc>),
    Unknown,
}

/// An answer to be signed.
pub(in crate::dev) struct Answer<'a> {
    pub(in crate::dev) request: &'a Request,
    pub(in crate::dev) produced_at: DateTime<Utc>,
    pub(in crate::dev) this_update: DateTime<Utc>,
    pub(in crate::dev) next_update: DateTime<Utc>,
    pub(in crate::dev) nonce: Nonce,
}

/// Whose key signs, and the certificate to send along, where that is not the authority's own.
pub(super) struct SignedBy<'a> {
    pub(super) key: &'a KeyPair,
    pub(super) delegate: Option<&'a CertificateDer<'static>>,
}

impl Answer<'_> {
    /// The answer as DER. `status` is asked by serial number, without leading zeros.
    pub(super) fn sign(
        &self,
        by: &SignedBy<'_>,
        status: impl Fn(&[u8]) -> Status,
    ) -> Result<Vec<u8>, PkiError> {
        let mut singles = Vec::new();
        for id in &self.request.certificates {
            let content = id.serial_number.as_bytes();
            let zeros = content.iter().take_while(|byte| **byte == 0).count();
            let status = match status(content.get(zeros..).unwrap_or_default()) {
                Status::Good => tlv(0x80, &[]),
                Status::Revoked(at) => tlv(0xa1, &generalized_time(at)),
                Status::Unknown => tlv(0x82, &[]),
            };
            let id = id.to_der().map_err(|_| rcgen::Error::Time)?;
            let this_update = generalized_time(self.this_update);
            let next_update = explicit(0, &generalized_time(self.next_update));
            singles.extend(sequence(&[&id, &status, &this_update, &next_update]));
        }
        // ResponderID by key: the SHA-1 of its bits.
        let key_hash = digest::digest(&digest::SHA1_FOR_LEGACY_USE_ONLY, by.key.der_bytes());
        let responder = explicit(2, &tlv(OCTET_STRING, key_hash.as_ref()));
        let produced_at = generalized_time(self.produced_at);
        let data = sequence(&[
            &responder,
            &produced_at,
            &tlv(SEQUENCE, &singles),
            &self.extensions().unwrap_or_default(),
        ]);
        let signature = bit_string(&by.key.sign(&data)?);
        let certificates =
            by.delegate.map(|der| explicit(0, &tlv(SEQUENCE, der))).unwrap_or_default();
        let basic = sequence(&[&data, &algorithm(by.key), &signature, &certificates]);
        let bytes = sequence(&[&oid(&BASIC), &tlv(OCTET_STRING, &basic)]);
        Ok(sequence(&[&status_of_response(0), &explicit(0, &bytes)]))
    }

    fn extensions(&self) -> Option<Vec<u8>> {
        let asked = self.request.nonce.as_ref()?;
        let nonce = match self.nonce {
            Nonce::Leave => return None,
            Nonce::Echo => asked.clone(),
            Nonce::Wrong => tlv(OCTET_STRING, &[0x5a; 32]),
        };
        let extension = sequence(&[&oid(&NONCE), &tlv(OCTET_STRING, &nonce)]);
        Some(explicit(1, &tlv(SEQUENCE, &extension)))
    }
}

/// An answer without a signature: that there is none (RFC 6960 §4.2.1).
pub(in crate::dev) fn refusal(status: u8) -> Vec<u8> {
    sequence(&[&status_of_response(status)])
}

/// malformedRequest.
pub(in crate::dev) const MALFORMED: u8 = 1;
/// internalError.
pub(in crate::dev) const INTERNAL: u8 = 2;
/// unauthorized: the responder does not speak for that authority.
pub(in crate::dev) const UNAUTHORIZED: u8 = 6;

fn status_of_response(status: u8) -> Vec<u8> {
    tlv(0x0a, &[status])
}

fn algorithm(key: &KeyPair) -> Vec<u8> {
    if key.algorithm() == &PKCS_ECDSA_P256_SHA256 {
        // ecdsa-with-SHA256 (RFC 5758 §3.2)
        sequence(&[&oid(&[1, 2, 840, 10045, 4, 3, 2])])
    } else {
        // sha512WithRSAEncryption (RFC 4055 §5), with its NULL
        sequence(&[&oid(&[1, 2, 840, 113_549, 1, 1, 13]), &[5, 0]])
    }
}
