//! Signatures of CRLs and OCSP answers, over the bytes as they were received.
//!
//! Verifying is webpki's, and so is the list of algorithms: no SHA-1, no MD5, no RSA under 2048
//! bits. Must never verify over bytes that were encoded anew.

use der::asn1::{AnyRef, BitStringRef};
use der::{Decode as _, Reader as _, SliceReader, Tag, Tagged as _};
use rustls::pki_types::SubjectPublicKeyInfoDer;
use webpki::{ALL_VERIFICATION_ALGS, RawPublicKeyEntity};

/// Something signed (RFC 5280 §4.1.1, §5.1.1; RFC 6960 §4.2.1).
pub(super) struct Signed<'a> {
    /// What was signed, with its header.
    pub(super) message: &'a [u8],
    /// The content of the AlgorithmIdentifier.
    pub(super) algorithm: &'a [u8],
    pub(super) signature: &'a [u8],
}

/// What is wrong with a signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SignatureFault {
    /// An algorithm that is not allowed, or not for this key.
    Algorithm,
    /// Not made by this key over these bytes.
    Wrong,
}

impl<'a> Signed<'a> {
    /// Cuts a signed structure at the start of `content`, the content of its SEQUENCE; what follows
    /// stays in the reader.
    pub(super) fn cut(content: &mut SliceReader<'a>) -> der::Result<Self> {
        let message = content.tlv_bytes()?;
        let algorithm: AnyRef<'a> = content.decode()?;
        algorithm.tag().assert_eq(Tag::Sequence)?;
        let signature: BitStringRef<'a> = content.decode()?;
        let signature = signature.as_bytes().ok_or_else(|| Tag::BitString.value_error())?;
        Ok(Self { message, algorithm: algorithm.value(), signature })
    }

    /// Whether `key` (SubjectPublicKeyInfo in DER) made the signature.
    pub(super) fn verify(&self, key: &[u8]) -> Result<(), SignatureFault> {
        let key = SubjectPublicKeyInfoDer::from(key);
        let key = RawPublicKeyEntity::try_from(&key).map_err(|_| SignatureFault::Algorithm)?;
        let allowed = ALL_VERIFICATION_ALGS
            .iter()
            .filter(|candidate| candidate.signature_alg_id().as_ref() == self.algorithm);
        // An algorithm of ECDSA is there once for each curve.
        let mut fault = SignatureFault::Algorithm;
        for algorithm in allowed {
            match key.verify_signature(*algorithm, self.message, self.signature) {
                Ok(()) => return Ok(()),
                Err(webpki::Error::InvalidSignatureForPublicKey) => fault = SignatureFault::Wrong,
                Err(_) => {}
            }
        }
        Err(fault)
    }
}

/// The content of the one SEQUENCE that `der` is, with nothing after it.
pub(super) fn sequence(der: &[u8]) -> der::Result<SliceReader<'_>> {
    let outer = AnyRef::from_der(der)?;
    outer.tag().assert_eq(Tag::Sequence)?;
    SliceReader::new(outer.value())
}
