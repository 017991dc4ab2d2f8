//! Which key signs, which open what was encrypted to us and which are published, as a function of time
//! alone.
//!
//! Must never keep a state: announced, active, retired, withdrawn and revoked follow from the
//! timestamps, so that every node agrees by the clock.

use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use zeroize::Zeroizing;

use super::alg::SigningAlg;
use super::jwe::{self, DecryptionKey, JweFault, KeyFamily};
use super::jwt::{PublicKey, VerifyFault};
use super::signer::PrivateKey;

/// The dates of a key's life.
#[derive(Clone, Copy, Debug)]
pub struct Life {
    /// Published from then on.
    pub publish_at: DateTime<Utc>,
    /// Signs from then on, until a newer one does.
    pub activate_at: DateTime<Utc>,
    /// Does not sign from then on.
    pub retire_at: Option<DateTime<Utc>>,
    /// Not published from then on.
    pub withdraw_at: Option<DateTime<Utc>>,
    /// Neither signs nor opens nor is published nor believed from then on.
    pub revoked_at: Option<DateTime<Utc>>,
}

impl Life {
    fn is_revoked(&self, now: DateTime<Utc>) -> bool {
        self.revoked_at.is_some_and(|at| at <= now)
    }

    /// Whether it is in the JWK Set, and so may be used by others.
    fn is_published(&self, now: DateTime<Utc>) -> bool {
        self.publish_at <= now
            && self.withdraw_at.is_none_or(|at| now < at)
            && !self.is_revoked(now)
    }

    /// Whether we may use it ourselves.
    fn is_active(&self, now: DateTime<Utc>) -> bool {
        self.is_published(now)
            && self.activate_at <= now
            && self.retire_at.is_none_or(|at| now < at)
    }
}

/// A key with the dates of its life: one that signs, unless something else is said.
#[derive(Debug)]
pub struct KeyRecord<K = PrivateKey> {
    /// The RFC 7638 thumbprint.
    pub kid: String,
    /// The public half as it is published.
    pub public_jwk: Value,
    /// The private half.
    pub private: K,
    /// Its dates.
    pub life: Life,
}

impl KeyRecord {
    /// The algorithm it signs with; one key, one algorithm.
    #[must_use]
    pub const fn alg(&self) -> SigningAlg {
        self.private.alg()
    }
}

/// Every key of the installation.
#[derive(Debug, Default)]
pub struct KeyRing {
    signing: Vec<(KeyRecord, PublicKey)>,
    encryption: Vec<KeyRecord<DecryptionKey>>,
}

impl KeyRing {
    /// A ring of the keys given.
    ///
    /// # Errors
    /// [`VerifyFault::NotAKey`] when a public half is no JWK.
    pub fn new(
        signing: Vec<KeyRecord>,
        encryption: Vec<KeyRecord<DecryptionKey>>,
    ) -> Result<Self, VerifyFault> {
        let signing = signing
            .into_iter()
            .map(|record| {
                let public = PublicKey::from_jwk(&record.public_jwk)?;
                Ok((record, public))
            })
            .collect::<Result<_, VerifyFault>>()?;
        Ok(Self { signing, encryption })
    }

    /// The ring as it stands at a moment.
    #[must_use]
    pub const fn at(&self, now: DateTime<Utc>) -> RingAt<'_> {
        RingAt { ring: self, now }
    }
}

/// The ring at one moment.
#[derive(Clone, Copy, Debug)]
pub struct RingAt<'a> {
    ring: &'a KeyRing,
    now: DateTime<Utc>,
}

impl<'a> RingAt<'a> {
    /// The key that signs: the newest `activate_at` not after now.
    #[must_use]
    pub fn signing(&self, alg: SigningAlg) -> Option<&'a KeyRecord> {
        self.ring
            .signing
            .iter()
            .map(|(record, _)| record)
            .filter(|key| key.alg() == alg && key.life.is_active(self.now))
            .max_by(|a, b| (a.life.activate_at, &a.kid).cmp(&(b.life.activate_at, &b.kid)))
    }

    /// Whether a key of the family can be encrypted to.
    #[must_use]
    pub fn can_decrypt(&self, family: KeyFamily) -> bool {
        let of_family = |key: &&KeyRecord<DecryptionKey>| key.private.family() == family;
        self.ring.encryption.iter().filter(of_family).any(|key| key.life.is_active(self.now))
    }

    /// The keys that are published, as a JWK Set (RFC 7517 §5). Keys for encryption are among them only
    /// while they are active: others choose by what they see, and an announced one is not in use yet.
    #[must_use]
    pub fn jwks(&self) -> Value {
        let signing = self.ring.signing.iter().map(|(record, _)| record);
        let signing = signing.filter(|key| key.life.is_published(self.now));
        let encryption = self.ring.encryption.iter().filter(|key| key.life.is_active(self.now));
        let keys: Vec<&Value> = signing
            .map(|key| &key.public_jwk)
            .chain(encryption.map(|key| &key.public_jwk))
            .collect();
        json!({ "keys": keys })
    }

    /// The public key of a published key, with its algorithm, for checking tokens of our own.
    #[must_use]
    pub fn verifying(&self, kid: &str) -> Option<&'a PublicKey> {
        self.ring
            .signing
            .iter()
            .find(|(record, _)| record.kid == kid && record.life.is_published(self.now))
            .map(|(_, public)| public)
    }

    /// Opens a JWE that was encrypted to a key of ours. A retired key opens until it is withdrawn: who
    /// has cached the JWK Set still encrypts to it.
    ///
    /// # Errors
    /// [`JweFault`], whatever the reason.
    pub fn decrypt(&self, jwe: &str) -> Result<Zeroizing<Vec<u8>>, JweFault> {
        let keys = self.ring.encryption.iter().filter(|key| key.life.is_published(self.now));
        jwe::decrypt(jwe, keys.map(|key| &key.private))
    }

    /// The public key of a key that was published once and not revoked, for ID tokens of our own that come
    /// back as a hint, perhaps long after their time.
    #[must_use]
    pub fn recognising(&self, kid: &str) -> Option<&'a PublicKey> {
        self.ring
            .signing
            .iter()
            .find(|(record, _)| {
                record.kid == kid
                    && record.life.publish_at <= self.now
                    && !record.life.is_revoked(self.now)
            })
            .map(|(_, public)| public)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keys::client_alg::{JweAlg, JweEnc};
    use crate::keys::jwe::RecipientKey;
    use chrono::TimeDelta;

    fn at(day: i64) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + TimeDelta::days(day)
    }

    fn key(activate: i64) -> KeyRecord {
        let private = PrivateKey::from_pkcs8(
            SigningAlg::Es256,
            &PrivateKey::generate(SigningAlg::Es256).unwrap(),
        )
        .unwrap();
        let public_jwk = private.public_jwk();
        let kid = public_jwk["kid"].as_str().unwrap().to_owned();
        KeyRecord { kid, public_jwk, private, life: life(activate) }
    }

    fn life(activate: i64) -> Life {
        Life {
            publish_at: at(activate - 14),
            activate_at: at(activate),
            retire_at: None,
            withdraw_at: None,
            revoked_at: None,
        }
    }

    fn encryption_key(life: Life) -> KeyRecord<DecryptionKey> {
        let pkcs8 = DecryptionKey::generate(KeyFamily::Ec).unwrap();
        let private = DecryptionKey::from_pkcs8(KeyFamily::Ec, &pkcs8).unwrap();
        let public_jwk = private.public_jwk().clone();
        let kid = public_jwk["kid"].as_str().unwrap().to_owned();
        KeyRecord { kid, public_jwk, private, life }
    }

    #[test]
    fn the_newest_activated_key_signs_and_both_are_published() {
        let (old, new) = (key(0), key(90));
        let (old_kid, new_kid) = (old.kid.clone(), new.kid.clone());
        let ring = KeyRing::new(vec![old, new], Vec::new()).unwrap();
        assert_eq!(ring.at(at(75)).signing(SigningAlg::Es256).unwrap().kid, old_kid);
        assert_eq!(ring.at(at(75)).jwks()["keys"].as_array().unwrap().len(), 1);
        assert_eq!(ring.at(at(76)).jwks()["keys"].as_array().unwrap().len(), 2);
        assert_eq!(
            ring.at(at(90) - TimeDelta::microseconds(1)).signing(SigningAlg::Es256).unwrap().kid,
            old_kid
        );
        assert_eq!(ring.at(at(90)).signing(SigningAlg::Es256).unwrap().kid, new_kid);
        assert!(ring.at(at(90)).verifying(&old_kid).is_some());
        assert!(ring.at(at(90)).signing(SigningAlg::Rs256).is_none());
    }

    #[test]
    fn a_revoked_key_neither_signs_nor_is_believed() {
        let mut revoked = key(0);
        revoked.life.revoked_at = Some(at(5));
        let kid = revoked.kid.clone();
        let ring = KeyRing::new(vec![revoked], Vec::new()).unwrap();
        assert!(ring.at(at(4)).signing(SigningAlg::Es256).is_some());
        assert!(ring.at(at(5)).signing(SigningAlg::Es256).is_none());
        assert!(ring.at(at(5)).verifying(&kid).is_none());
        assert!(ring.at(at(4)).recognising(&kid).is_some());
        assert!(ring.at(at(5)).recognising(&kid).is_none());
    }

    #[test]
    fn a_retired_key_is_published_until_withdrawn() {
        let mut old = key(0);
        old.life.retire_at = Some(at(5));
        old.life.withdraw_at = Some(at(9));
        let kid = old.kid.clone();
        let ring = KeyRing::new(vec![old], Vec::new()).unwrap();
        assert!(ring.at(at(5)).signing(SigningAlg::Es256).is_none());
        assert!(ring.at(at(8)).verifying(&kid).is_some());
        assert!(ring.at(at(9)).verifying(&kid).is_none());
        assert!(ring.at(at(9)).recognising(&kid).is_some());
        assert!(ring.at(at(-15)).recognising(&kid).is_none());
    }

    #[test]
    fn an_encryption_key_is_offered_while_active_and_opens_until_withdrawn() {
        let retired = Life { retire_at: Some(at(5)), withdraw_at: Some(at(9)), ..life(0) };
        let revoked = Life { revoked_at: Some(at(5)), ..life(0) };
        for (life, opens_at_8) in [(retired, true), (revoked, false)] {
            let ring = KeyRing::new(Vec::new(), vec![encryption_key(life)]).unwrap();
            let offered = |day| ring.at(at(day)).jwks()["keys"].as_array().unwrap().len();
            let jwks = ring.at(at(4)).jwks();
            assert_eq!(jwks["keys"][0]["use"], "enc");
            let alg = JweAlg::EcdhEs;
            let recipient = RecipientKey::choose(&jwks, alg).unwrap();
            let jwe = recipient.nest(JweEnc::A256Gcm, "a.b.c").unwrap();
            assert_eq!(*ring.at(at(4)).decrypt(&jwe).unwrap(), b"a.b.c");
            // Announced: not offered yet.
            assert_eq!([-1, 0, 5].map(offered), [0, 1, 0]);
            assert!(ring.at(at(4)).can_decrypt(KeyFamily::Ec));
            assert!(!ring.at(at(5)).can_decrypt(KeyFamily::Ec));
            assert_eq!(ring.at(at(8)).decrypt(&jwe).is_ok(), opens_at_8);
            assert!(ring.at(at(9)).decrypt(&jwe).is_err());
        }
    }
}
