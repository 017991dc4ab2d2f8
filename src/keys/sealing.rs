//! Sealing: what travels through a browser or lies in the database, readable by our nodes alone.
//!
//! AES-256-GCM (NIST SP 800-38D) with random nonces, one key a purpose, derived by HKDF-SHA-256
//! (RFC 5869) from the sealing key of the installation. Must never tell why opening failed.

use aws_lc_rs::aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey};
use aws_lc_rs::hkdf::{HKDF_SHA256, KeyType, Salt};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Serialize;
use serde::de::DeserializeOwned;
use zeroize::Zeroizing;

use crate::secret::sha256;

/// What is sealed: a value sealed for one purpose does not open for another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// An authorization request on its way to a card host.
    Login,
    /// A judgement on its way back to the issuer host.
    Ticket,
    /// An answer to a relying party that a page leads to.
    Reply,
    /// What a certificate held, kept for the relying party's back channel.
    SubmittedValue,
    /// A private signing key in the database.
    SigningKey,
    /// A private key for encryption in the database.
    EncryptionKey,
    /// A pushed authorization request in the database.
    PushedRequest,
    /// A request to log out, while the person is asked.
    Logout,
}

impl Purpose {
    const ALL: [Self; 8] = [
        Self::Login,
        Self::Ticket,
        Self::Reply,
        Self::SubmittedValue,
        Self::SigningKey,
        Self::EncryptionKey,
        Self::PushedRequest,
        Self::Logout,
    ];

    const fn label(self) -> &'static [u8] {
        match self {
            Self::Login => b"siths-idp login",
            Self::Ticket => b"siths-idp ticket",
            Self::Reply => b"siths-idp reply",
            Self::SubmittedValue => b"siths-idp submitted value",
            Self::SigningKey => b"siths-idp signing key",
            Self::EncryptionKey => b"siths-idp encryption key",
            Self::PushedRequest => b"siths-idp pushed request",
            Self::Logout => b"siths-idp logout",
        }
    }
}

/// Bytes before the nonce that name the format and the sealing key: 1 for the version, 4 for the key.
const PREFIX: usize = 5;
const VERSION: u8 = 1;

/// The value was not sealed by this installation for this purpose, or was altered.
#[derive(Debug, thiserror::Error)]
#[error("not sealed by this installation for this purpose, or altered")]
pub struct NotSealedHere;

/// Seals and opens under the sealing key of the installation, which all nodes share.
pub struct Sealer {
    key_id: [u8; 4],
    keys: Vec<RandomizedNonceKey>,
}

impl std::fmt::Debug for Sealer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sealer").finish_non_exhaustive()
    }
}

struct Aes256;

impl KeyType for Aes256 {
    fn len(&self) -> usize {
        32
    }
}

impl Sealer {
    /// Derives a key for each purpose from the 256 bits of the sealing key.
    ///
    /// # Panics
    /// Never: HKDF gives 32 bytes and AES-256 takes 32 bytes.
    #[must_use]
    #[expect(clippy::expect_used, reason = "lengths are constants that fit each other")]
    pub fn new(sealing_key: &[u8; 32]) -> Self {
        let prk = Salt::new(HKDF_SHA256, b"siths-idp sealing v1").extract(sealing_key);
        let derive = |label: &[u8]| {
            let mut key = Zeroizing::new([0_u8; 32]);
            prk.expand(&[label], Aes256)
                .and_then(|okm| okm.fill(key.as_mut_slice()))
                .expect("HKDF-SHA-256 gives 32 bytes");
            key
        };
        let keys = Purpose::ALL
            .iter()
            .map(|purpose| {
                let key = derive(purpose.label());
                RandomizedNonceKey::new(&AES_256_GCM, key.as_slice())
                    .expect("AES-256 takes 32 bytes")
            })
            .collect();
        let digest = sha256(derive(b"siths-idp key id").as_slice());
        let key_id = [digest[0], digest[1], digest[2], digest[3]];
        Self { key_id, keys }
    }

    /// Seals bytes; `context` must be given again to open them.
    ///
    /// # Panics
    /// Never: AES-GCM takes messages of this size.
    #[must_use]
    #[expect(clippy::expect_used, reason = "a message in memory is under the limit of AES-GCM")]
    pub fn seal(&self, purpose: Purpose, context: &[u8], plain: &[u8]) -> Vec<u8> {
        let mut body = plain.to_vec();
        let nonce = self
            .key(purpose)
            .seal_in_place_append_tag(Aad::from(context), &mut body)
            .expect("AES-GCM seals a message in memory");
        let mut sealed = Vec::with_capacity(PREFIX + NONCE_LEN + body.len());
        sealed.push(VERSION);
        sealed.extend_from_slice(&self.key_id);
        sealed.extend_from_slice(nonce.as_ref());
        sealed.extend_from_slice(&body);
        sealed
    }

    /// Opens what [`Sealer::seal`] made.
    ///
    /// # Errors
    /// [`NotSealedHere`], whatever the reason.
    pub fn open(
        &self,
        purpose: Purpose,
        context: &[u8],
        sealed: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, NotSealedHere> {
        let (prefix, rest) = sealed.split_at_checked(PREFIX).ok_or(NotSealedHere)?;
        if prefix[0] != VERSION || prefix[1..] != self.key_id {
            return Err(NotSealedHere);
        }
        let (nonce, body) = rest.split_at_checked(NONCE_LEN).ok_or(NotSealedHere)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| NotSealedHere)?;
        let mut body = Zeroizing::new(body.to_vec());
        let plain = self
            .key(purpose)
            .open_in_place(nonce, Aad::from(context), &mut body)
            .map_err(|_| NotSealedHere)?
            .len();
        body.truncate(plain);
        Ok(body)
    }

    /// Seals a value as text that fits a URL.
    ///
    /// # Errors
    /// When the value does not serialise.
    pub fn seal_value<T: Serialize>(
        &self,
        purpose: Purpose,
        value: &T,
    ) -> Result<String, serde_json::Error> {
        let plain = Zeroizing::new(serde_json::to_vec(value)?);
        Ok(URL_SAFE_NO_PAD.encode(self.seal(purpose, b"", &plain)))
    }

    /// Opens what [`Sealer::seal_value`] made.
    ///
    /// # Errors
    /// [`NotSealedHere`], whatever the reason.
    pub fn open_value<T: DeserializeOwned>(
        &self,
        purpose: Purpose,
        text: &str,
    ) -> Result<T, NotSealedHere> {
        let sealed = URL_SAFE_NO_PAD.decode(text).map_err(|_| NotSealedHere)?;
        let plain = self.open(purpose, b"", &sealed)?;
        serde_json::from_slice(&plain).map_err(|_| NotSealedHere)
    }

    fn key(&self, purpose: Purpose) -> &RandomizedNonceKey {
        &self.keys[purpose as usize]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn opens_for_its_purpose_context_and_key_alone() {
        let sealer = Sealer::new(&[7; 32]);
        let sealed = sealer.seal(Purpose::Login, b"context", b"plain");
        assert_eq!(*sealer.open(Purpose::Login, b"context", &sealed).unwrap(), b"plain");
        assert!(sealer.open(Purpose::Ticket, b"context", &sealed).is_err());
        assert!(sealer.open(Purpose::Login, b"other", &sealed).is_err());
        assert!(Sealer::new(&[8; 32]).open(Purpose::Login, b"context", &sealed).is_err());
    }

    #[test]
    fn every_altered_bit_and_every_cut_is_refused() {
        let sealer = Sealer::new(&[7; 32]);
        let sealed = sealer.seal(Purpose::Ticket, b"", b"verdict");
        for at in 0..sealed.len() * 8 {
            let mut altered = sealed.clone();
            altered[at / 8] ^= 1 << (at % 8);
            assert!(sealer.open(Purpose::Ticket, b"", &altered).is_err(), "bit {at}");
        }
        for length in 0..sealed.len() {
            assert!(sealer.open(Purpose::Ticket, b"", &sealed[..length]).is_err());
        }
    }

    #[test]
    fn each_purpose_has_its_own_key() {
        for (at, purpose) in Purpose::ALL.into_iter().enumerate() {
            assert_eq!(purpose as usize, at);
        }
    }
}
