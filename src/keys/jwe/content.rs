//! Content encryption (RFC 7518 §5): AES-GCM, and AES-CBC with HMAC.
//!
//! Must never hand out plaintext before the tag was found right, nor use an initialization vector twice.

use aws_lc_rs::aead::{AES_128_GCM, AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::cipher::{
    self, DecryptionContext, EncryptionContext, PaddedBlockDecryptingKey, PaddedBlockEncryptingKey,
    UnboundCipherKey,
};
use aws_lc_rs::hmac;
use aws_lc_rs::iv::FixedLength;
use zeroize::Zeroizing;

use super::{EncryptFault, JweFault};
use crate::keys::client_alg::JweEnc;
use crate::secret::equal;

/// Ciphertext and what goes with it.
pub(super) struct Sealed {
    pub ciphertext: Vec<u8>,
    pub tag: Vec<u8>,
}

/// What a kind of content encryption is made by.
enum Kind {
    Gcm(&'static aws_lc_rs::aead::Algorithm),
    Cbc(&'static cipher::Algorithm, hmac::Algorithm),
}

/// The length of a tag of AES-GCM.
const GCM_TAG: usize = 16;

impl JweEnc {
    fn kind(self) -> Kind {
        match self {
            Self::A128Gcm => Kind::Gcm(&AES_128_GCM),
            Self::A256Gcm => Kind::Gcm(&AES_256_GCM),
            Self::A128CbcHs256 => Kind::Cbc(&cipher::AES_128, hmac::HMAC_SHA256),
            Self::A256CbcHs512 => Kind::Cbc(&cipher::AES_256, hmac::HMAC_SHA512),
        }
    }

    /// How many bytes its content encryption key has.
    pub(super) const fn key_len(self) -> usize {
        match self {
            Self::A128Gcm => 16,
            Self::A256Gcm | Self::A128CbcHs256 => 32,
            Self::A256CbcHs512 => 64,
        }
    }

    /// How many bytes its initialization vector has.
    pub(super) const fn iv_len(self) -> usize {
        match self {
            Self::A128Gcm | Self::A256Gcm => 12,
            Self::A128CbcHs256 | Self::A256CbcHs512 => 16,
        }
    }

    /// Encrypts under a key and an initialization vector that are used this once.
    pub(super) fn seal(
        self,
        cek: &[u8],
        iv: &[u8],
        aad: &[u8],
        plain: &[u8],
    ) -> Result<Sealed, EncryptFault> {
        let mut text = plain.to_vec();
        match self.kind() {
            Kind::Gcm(by) => {
                let key = LessSafeKey::new(UnboundKey::new(by, cek)?);
                let nonce = Nonce::try_assume_unique_for_key(iv)?;
                let tag = key.seal_in_place_separate_tag(nonce, Aad::from(aad), &mut text)?;
                Ok(Sealed { ciphertext: text, tag: tag.as_ref().to_vec() })
            }
            Kind::Cbc(by, mac) => {
                let (mac_key, key) = cek.split_at_checked(cek.len() / 2).ok_or(EncryptFault)?;
                let key = PaddedBlockEncryptingKey::cbc_pkcs7(UnboundCipherKey::new(by, key)?)?;
                let context = EncryptionContext::Iv128(FixedLength::try_from(iv)?);
                key.less_safe_encrypt(&mut text, context)?;
                let tag = mac_tag(mac, mac_key, aad, iv, &text);
                Ok(Sealed { ciphertext: text, tag })
            }
        }
    }

    /// Checks the tag, then decrypts.
    pub(super) fn open(
        self,
        cek: &[u8],
        iv: &[u8],
        aad: &[u8],
        sealed: &Sealed,
    ) -> Result<Zeroizing<Vec<u8>>, JweFault> {
        let Sealed { ciphertext, tag } = sealed;
        let mut text = Zeroizing::new(ciphertext.clone());
        let length = match self.kind() {
            Kind::Gcm(by) => {
                // RFC 7518 §5.3: 128 bits; a shorter tag would move bytes between it and the text.
                if tag.len() != GCM_TAG {
                    return Err(JweFault);
                }
                text.extend_from_slice(tag);
                let key = LessSafeKey::new(UnboundKey::new(by, cek)?);
                let nonce = Nonce::try_assume_unique_for_key(iv)?;
                key.open_in_place(nonce, Aad::from(aad), &mut text)?.len()
            }
            Kind::Cbc(by, mac) => {
                let (mac_key, key) = cek.split_at_checked(cek.len() / 2).ok_or(JweFault)?;
                // RFC 7518 §5.2.2.2: the tag first, so that padding tells nobody anything.
                if !equal(tag, &mac_tag(mac, mac_key, aad, iv, ciphertext)) {
                    return Err(JweFault);
                }
                let key = PaddedBlockDecryptingKey::cbc_pkcs7(UnboundCipherKey::new(by, key)?)?;
                let context = DecryptionContext::Iv128(FixedLength::try_from(iv)?);
                key.decrypt(&mut text, context)?.len()
            }
        };
        text.truncate(length);
        Ok(text)
    }
}

// RFC 7518 §5.2.2.1: over the additional data, the vector, the ciphertext and the first one's length in
// bits; the first half of it.
fn mac_tag(by: hmac::Algorithm, key: &[u8], aad: &[u8], iv: &[u8], ciphertext: &[u8]) -> Vec<u8> {
    let mut mac = hmac::Context::with_key(&hmac::Key::new(by, key));
    for part in [aad, iv, ciphertext, &(aad.len() as u64 * 8).to_be_bytes()] {
        mac.update(part);
    }
    let tag = mac.sign();
    let (half, _) = tag.as_ref().split_at(tag.as_ref().len() / 2);
    half.to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hex(text: &str) -> Vec<u8> {
        let digits: Vec<u8> =
            text.chars().filter_map(|c| c.to_digit(16)).map(|d| d as u8).collect();
        digits.chunks(2).map(|pair| pair[0] << 4 | pair[1]).collect()
    }

    /// RFC 7518 appendix B: plaintext, vector and additional data of its test cases.
    fn kerckhoffs() -> (Vec<u8>, Vec<u8>, Vec<u8>) {
        let plain = "A cipher system must not be required to be secret, and it must be able to fall \
                     into the hands of the enemy without inconvenience";
        let aad = "The second principle of Auguste Kerckhoffs";
        let iv = hex("1a f3 8c 2d c2 b9 6f fd d8 66 94 09 23 41 bc 04");
        (plain.into(), iv, aad.into())
    }

    #[test]
    fn the_test_cases_of_rfc_7518_appendix_b_come_out() {
        let (plain, iv, aad) = kerckhoffs();
        for (enc, beginning, tag) in [
            (
                JweEnc::A128CbcHs256,
                "c8 0e df a3 2d df 39 d5 ef 00 c0 b4 68 83 42 79",
                "65 2c 3f a3 6b 0a 7c 5b 32 19 fa b3 a3 0b c1 c4",
            ),
            (
                JweEnc::A256CbcHs512,
                "4a ff aa ad b7 8c 31 c5 da 4b 1b 59 0d 10 ff bd",
                "4d d3 b4 c0 88 a7 f4 5c 21 68 39 64 5b 20 12 bf \
                 2e 62 69 a8 c5 6a 81 6d bc 1b 26 77 61 95 5b c5",
            ),
        ] {
            let cek: Vec<u8> = (0..).take(enc.key_len()).collect();
            let sealed = enc.seal(&cek, &iv, &aad, &plain).unwrap();
            assert_eq!(sealed.ciphertext[..16], hex(beginning), "{enc}");
            assert_eq!(sealed.tag, hex(tag), "{enc}");
            assert_eq!(*enc.open(&cek, &iv, &aad, &sealed).unwrap(), plain);
        }
    }

    #[test]
    fn every_altered_bit_and_every_other_length_is_refused() {
        for enc in JweEnc::ALL {
            let (cek, iv) = (vec![7; enc.key_len()], vec![9; enc.iv_len()]);
            let sealed = enc.seal(&cek, &iv, b"header", b"content").unwrap();
            let opens = |iv: &[u8], aad: &[u8], ciphertext: &[u8], tag: &[u8]| {
                let sealed = Sealed { ciphertext: ciphertext.to_vec(), tag: tag.to_vec() };
                enc.open(&cek, iv, aad, &sealed).is_ok()
            };
            let Sealed { ciphertext, tag } = &sealed;
            assert!(opens(&iv, b"header", ciphertext, tag));
            assert!(!opens(&iv, b"headers", ciphertext, tag), "{enc}");
            assert!(!opens(&iv[1..], b"header", ciphertext, tag), "{enc}");
            let altered = |bytes: &[u8], at: usize| {
                let mut altered = bytes.to_vec();
                altered[at / 8] ^= 1 << (at % 8);
                altered
            };
            for at in 0..tag.len() * 8 {
                assert!(!opens(&iv, b"header", ciphertext, &altered(tag, at)), "{enc} {at}");
            }
            for at in 0..ciphertext.len() * 8 {
                assert!(!opens(&iv, b"header", &altered(ciphertext, at), tag), "{enc} {at}");
            }
            for length in 0..tag.len() {
                assert!(!opens(&iv, b"header", ciphertext, &tag[..length]), "{enc} {length}");
                // Bytes of the tag moved to the text.
                let moved = [ciphertext, &tag[..tag.len() - length]].concat();
                assert!(!opens(&iv, b"header", &moved, &tag[tag.len() - length..]), "{enc}");
            }
            assert!(enc.open(&cek[1..], &iv, b"header", &sealed).is_err());
        }
    }
}
