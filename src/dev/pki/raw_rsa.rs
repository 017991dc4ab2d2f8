//! RSA by hand (RFC 8017), for signatures that no library makes any more: by SHA-1, and with keys
//! of 1024 bits or of the kind RSASSA-PSS.
//!
//! Not in constant time, not blinded, slow: for cards of the zoo alone. Must never sign with a key
//! that protects anything.

use aws_lc_rs::digest;
use der::{Any, Decode as _};
use x509_parser::num_bigint::BigUint;

use super::der::{OCTET_STRING, bit_string, integer, oid, sequence, tlv};
use crate::random::Random;

/// rsaEncryption (RFC 8017, appendix A.1).
const RSA: [u64; 7] = [1, 2, 840, 113_549, 1, 1, 1];
/// id-RSASSA-PSS (RFC 8017, appendix A.2.3): the key signs in no other way.
const RSA_PSS: [u64; 7] = [1, 2, 840, 113_549, 1, 1, 10];

/// A private key.
#[derive(Clone)]
pub(in crate::dev) struct RawRsa {
    modulus: BigUint,
    public: BigUint,
    private: BigUint,
    is_pss: bool,
}

impl std::fmt::Debug for RawRsa {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("RawRsa")
    }
}

impl RawRsa {
    /// A key of 1024 bits, as cards had them before 2012.
    pub(super) fn generate_1024() -> Self {
        let public = BigUint::from(65_537_u32);
        let one = BigUint::from(1_u32);
        loop {
            let (p, q) = (prime_512(), prime_512());
            let phi = (&p - &one) * (&q - &one);
            if let Some(private) = public.modinv(&phi) {
                return Self { modulus: p * q, public, private, is_pss: false };
            }
        }
    }

    /// The same key, called one for RSASSA-PSS.
    pub(super) const fn for_pss(mut self) -> Self {
        self.is_pss = true;
        self
    }

    /// Reads a PKCS #8 (RFC 5208 §5) private key of either kind.
    pub(in crate::dev) fn from_pkcs8(der: &[u8]) -> Option<Self> {
        let info = Vec::<Any>::from_der(der).ok()?;
        let [_, algorithm, key, ..] = info.as_slice() else { return None };
        let is_pss = algorithm.value().starts_with(&oid(&RSA_PSS));
        if !is_pss && !algorithm.value().starts_with(&oid(&RSA)) {
            return None;
        }
        let key = Vec::<Any>::from_der(key.value()).ok()?;
        let [_, modulus, public, private, ..] = key.as_slice() else { return None };
        let number = |any: &Any| BigUint::from_bytes_be(any.value());
        Some(Self {
            modulus: number(modulus),
            public: number(public),
            private: number(private),
            is_pss,
        })
    }

    /// PKCS #8. The parts that only speed up are left out: no library need read it.
    pub(super) fn to_pkcs8(&self) -> Vec<u8> {
        let number = |number: &BigUint| integer(&number.to_bytes_be());
        let nothing = integer(&[0]);
        let key = sequence(&[
            &nothing,
            &number(&self.modulus),
            &number(&self.public),
            &number(&self.private),
            &[&nothing[..]; 5].concat(),
        ]);
        sequence(&[&nothing, &self.algorithm(), &tlv(OCTET_STRING, &key)])
    }

    /// SubjectPublicKeyInfo (RFC 5280 §4.1.2.7).
    pub(super) fn public_key(&self) -> Vec<u8> {
        let number = |number: &BigUint| integer(&number.to_bytes_be());
        let key = sequence(&[&number(&self.modulus), &number(&self.public)]);
        sequence(&[&self.algorithm(), &bit_string(&key)])
    }

    pub(in crate::dev) const fn is_pss(&self) -> bool {
        self.is_pss
    }

    fn algorithm(&self) -> Vec<u8> {
        if self.is_pss { sequence(&[&oid(&RSA_PSS)]) } else { sequence(&[&oid(&RSA), &[5, 0]]) }
    }

    /// RSASSA-PKCS1-v1_5 (§8.2.1) with SHA-1.
    pub(super) fn sign_sha1(&self, message: &[u8]) -> Vec<u8> {
        let hash = digest::digest(&digest::SHA1_FOR_LEGACY_USE_ONLY, message);
        self.pkcs1(&[1, 3, 14, 3, 2, 26], hash.as_ref())
    }

    /// RSASSA-PKCS1-v1_5 (§8.2.1) with SHA-256.
    pub(in crate::dev) fn sign_sha256(&self, message: &[u8]) -> Vec<u8> {
        let hash = digest::digest(&digest::SHA256, message);
        self.pkcs1(&[2, 16, 840, 1, 101, 3, 4, 2, 1], hash.as_ref())
    }

    /// RSASSA-PSS (§8.1.1) with SHA-256 and a salt of its length.
    pub(in crate::dev) fn sign_pss_sha256(&self, message: &[u8]) -> Vec<u8> {
        let hash = |parts: &[&[u8]]| digest::digest(&digest::SHA256, &parts.concat());
        let length = self.length();
        let salt = Random::system().bytes::<32>();
        let h = hash(&[&[0; 8], hash(&[message]).as_ref(), &salt]);
        // DB (§9.1.1): zeros, 01, salt; masked with MGF1 (appendix B.2.1).
        let mut block = vec![0; length - 32 - 1 - 32 - 1];
        block.push(1);
        block.extend(salt);
        let mut mask = Vec::new();
        for counter in 0_u32.. {
            if mask.len() >= block.len() {
                break;
            }
            mask.extend_from_slice(hash(&[h.as_ref(), &counter.to_be_bytes()]).as_ref());
        }
        for (byte, mask) in block.iter_mut().zip(mask) {
            *byte ^= mask;
        }
        // emBits is one less than the bits of the modulus, which are whole bytes.
        if let Some(first) = block.first_mut() {
            *first &= 0x7f;
        }
        self.raw(&[&block, h.as_ref(), &[0xbc]].concat())
    }

    fn pkcs1(&self, algorithm: &[u64], hash: &[u8]) -> Vec<u8> {
        let info = sequence(&[&sequence(&[&oid(algorithm), &[5, 0]]), &tlv(OCTET_STRING, hash)]);
        let padding = vec![0xff; self.length() - info.len() - 3];
        self.raw(&[&[0, 1], &padding[..], &[0], &info].concat())
    }

    fn raw(&self, block: &[u8]) -> Vec<u8> {
        let signature = BigUint::from_bytes_be(block).modpow(&self.private, &self.modulus);
        let bytes = signature.to_bytes_be();
        let mut out = vec![0; self.length().saturating_sub(bytes.len())];
        out.extend(bytes);
        out
    }

    /// Of the modulus, in bytes.
    fn length(&self) -> usize {
        usize::try_from(self.modulus.bits().div_ceil(8)).unwrap_or(0)
    }
}

/// A prime of 512 bits with the highest two set, so that two make 1024.
fn prime_512() -> BigUint {
    loop {
        let mut bytes = Random::system().bytes::<64>();
        (bytes[0], bytes[63]) = (bytes[0] | 0xc0, bytes[63] | 1);
        let candidate = BigUint::from_bytes_be(&bytes);
        let has_small_factor = [3_u32, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47]
            .iter()
            .any(|small| &candidate % *small == BigUint::from(0_u32));
        if !has_small_factor && is_prime(&candidate) {
            return candidate;
        }
    }
}

/// Miller and Rabin's test, enough for a number that was not chosen by an adversary.
fn is_prime(number: &BigUint) -> bool {
    let one = BigUint::from(1_u32);
    let less = number - &one;
    let twos = less.trailing_zeros().unwrap_or(0);
    let odd = &less >> twos;
    [2_u32, 3, 5, 7, 11, 13, 17, 19].iter().all(|base| {
        let mut power = BigUint::from(*base).modpow(&odd, number);
        let mut passed = power == one || power == less;
        for _ in 1..twos {
            power = power.modpow(&BigUint::from(2_u32), number);
            passed = passed || power == less;
        }
        passed
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustls::pki_types::SubjectPublicKeyInfoDer;
    use webpki::RawPublicKeyEntity;

    #[test]
    fn what_is_signed_by_hand_verifies_by_a_library() {
        let key =
            rcgen::KeyPair::generate_rsa_for(&rcgen::PKCS_RSA_SHA256, rcgen::RsaKeySize::_2048);
        let key = RawRsa::from_pkcs8(key.unwrap().serialized_der()).unwrap();
        let public = key.public_key();
        let public = SubjectPublicKeyInfoDer::from(public.as_slice());
        let public = RawPublicKeyEntity::try_from(&public).unwrap();
        for (algorithm, signature) in [
            (webpki::aws_lc_rs::RSA_PKCS1_2048_8192_SHA256, key.sign_sha256(b"message")),
            (
                webpki::aws_lc_rs::RSA_PSS_2048_8192_SHA256_LEGACY_KEY,
                key.sign_pss_sha256(b"message"),
            ),
        ] {
            public.verify_signature(algorithm, b"message", &signature).unwrap();
            assert!(public.verify_signature(algorithm, b"massage", &signature).is_err());
        }
    }

    #[test]
    fn a_small_key_and_sha1_verify_where_they_still_may() {
        use aws_lc_rs::signature::{self, UnparsedPublicKey};
        let key = RawRsa::generate_1024();
        assert_eq!(key.length(), 128);
        let again = RawRsa::from_pkcs8(&key.to_pkcs8()).unwrap();
        let public =
            sequence(&[&integer(&key.modulus.to_bytes_be()), &integer(&key.public.to_bytes_be())]);
        UnparsedPublicKey::new(&signature::RSA_PKCS1_1024_8192_SHA1_FOR_LEGACY_USE_ONLY, &public)
            .verify(b"message", &again.sign_sha1(b"message"))
            .unwrap();
        assert!(!again.is_pss());
        let pss = RawRsa::from_pkcs8(&key.for_pss().to_pkcs8()).unwrap();
        assert!(pss.is_pss());
    }
}
