//! Which key signs and which keys are published, as a function of time alone.
//!
//! Must never keep a state: announced, active, retired, withdrawn and revoked follow from the
//! timestamps, so that every node agrees by the clock.

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use super::alg::SigningAlg;
use super::jwt::{PublicKey, VerifyFault};
use super::signer::PrivateKey;

/// A signing key with the dates of its life.
#[derive(Debug)]
pub struct KeyRecord {
    /// The RFC 7638 thumbprint.
    pub kid: String,
    /// The algorithm it signs with; one key, one algorithm.
    pub alg: SigningAlg,
    /// The public half as it is published.
    pub public_jwk: Value,
    /// The private half.
    pub private: PrivateKey,
    /// Published from then on.
    pub publish_at: DateTime<Utc>,
    /// Signs from then on, until a newer one does.
    pub activate_at: DateTime<Utc>,
    /// Does not sign from then on.
    pub retire_at: Option<DateTime<Utc>>,
    /// Not published from then on.
    pub withdraw_at: Option<DateTime<Utc>>,
    /// Neither signs nor is published nor believed from then on.
    pub revoked_at: Option<DateTime<Utc>>,
}

impl KeyRecord {
    fn is_revoked(&self, now: DateTime<Utc>) -> bool {
        self.revoked_at.is_some_and(|at| at <= now)
    }

    fn is_published(&self, now: DateTime<Utc>) -> bool {
        self.publish_at <= now
            && self.withdraw_at.is_none_or(|at| now < at)
            && !self.is_revoked(now)
    }

    fn may_sign(&self, now: DateTime<Utc>) -> bool {
        self.is_published(now)
            && self.activate_at <= now
            && self.retire_at.is_none_or(|at| now < at)
    }
}

/// Every signing key of the installation.
#[derive(Debug, Default)]
pub struct KeyRing {
    keys: Vec<(KeyRecord, PublicKey)>,
}

impl KeyRing {
    /// A ring of the keys given.
    ///
    /// # Errors
    /// [`VerifyFault::NotAKey`] when a public half is no JWK.
    pub fn new(records: Vec<KeyRecord>) -> Result<Self, VerifyFault> {
        let keys = records
            .into_iter()
            .map(|record| {
                let public = PublicKey::from_jwk(&record.public_jwk)?;
                Ok((record, public))
            })
            .collect::<Result<_, VerifyFault>>()?;
        Ok(Self { keys })
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
            .keys
            .iter()
            .map(|(record, _)| record)
            .filter(|key| key.alg == alg && key.may_sign(self.now))
            .max_by(|a, b| (a.activate_at, &a.kid).cmp(&(b.activate_at, &b.kid)))
    }

    /// The keys that are published, as a JWK Set (RFC 7517 §5).
    #[must_use]
    pub fn jwks(&self) -> Value {
        let keys: Vec<&Value> = self
            .ring
            .keys
            .iter()
            .filter(|(record, _)| record.is_published(self.now))
            .map(|(record, _)| &record.public_jwk)
            .collect();
        json!({ "keys": keys })
    }

    /// The public key of a published key, with its algorithm, for checking tokens of our own.
    #[must_use]
    pub fn verifying(&self, kid: &str) -> Option<&'a PublicKey> {
        self.ring
            .keys
            .iter()
            .find(|(record, _)| record.kid == kid && record.is_published(self.now))
            .map(|(_, public)| public)
    }

    /// The public key of a key that was published once and not revoked, for ID tokens of our own that come
    /// back as a hint, perhaps long after their time.
    #[must_use]
    pub fn recognising(&self, kid: &str) -> Option<&'a PublicKey> {
        self.ring
            .keys
            .iter()
            .find(|(record, _)| {
                record.kid == kid && record.publish_at <= self.now && !record.is_revoked(self.now)
            })
            .map(|(_, public)| public)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
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
        KeyRecord {
            kid: public_jwk["kid"].as_str().unwrap().to_owned(),
            alg: SigningAlg::Es256,
            public_jwk,
            private,
            publish_at: at(activate - 14),
            activate_at: at(activate),
            retire_at: None,
            withdraw_at: None,
            revoked_at: None,
        }
    }

    #[test]
    fn the_newest_activated_key_signs_and_both_are_published() {
        let (old, new) = (key(0), key(90));
        let (old_kid, new_kid) = (old.kid.clone(), new.kid.clone());
        let ring = KeyRing::new(vec![old, new]).unwrap();
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
        revoked.revoked_at = Some(at(5));
        let kid = revoked.kid.clone();
        let ring = KeyRing::new(vec![revoked]).unwrap();
        assert!(ring.at(at(4)).signing(SigningAlg::Es256).is_some());
        assert!(ring.at(at(5)).signing(SigningAlg::Es256).is_none());
        assert!(ring.at(at(5)).verifying(&kid).is_none());
        assert!(ring.at(at(4)).recognising(&kid).is_some());
        assert!(ring.at(at(5)).recognising(&kid).is_none());
    }

    #[test]
    fn a_retired_key_is_published_until_withdrawn() {
        let mut old = key(0);
        old.retire_at = Some(at(5));
        old.withdraw_at = Some(at(9));
        let kid = old.kid.clone();
        let ring = KeyRing::new(vec![old]).unwrap();
        assert!(ring.at(at(5)).signing(SigningAlg::Es256).is_none());
        assert!(ring.at(at(8)).verifying(&kid).is_some());
        assert!(ring.at(at(9)).verifying(&kid).is_none());
        assert!(ring.at(at(9)).recognising(&kid).is_some());
        assert!(ring.at(at(-15)).recognising(&kid).is_none());
    }
}
