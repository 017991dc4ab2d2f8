//! The seam for randomness: identifiers and secrets come from here alone.
//!
//! Must never be seeded outside the operating system's source.

use aws_lc_rs::rand::{SecureRandom, SystemRandom};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, Utc};
use uuid::Uuid;

/// The source of random values: the operating system's, through aws-lc.
#[derive(Clone, Debug, Default)]
pub struct Random(SystemRandom);

/// The alphabet of references that people read aloud: Crockford's base 32, without I, L, O, U.
const SPOKEN: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

impl Random {
    /// How long a label is.
    pub const LABEL_LENGTH: usize = 20;

    /// The system's source.
    #[must_use]
    pub fn system() -> Self {
        Self::default()
    }

    /// `N` random bytes.
    ///
    /// # Panics
    /// When the operating system has no randomness to give: nothing safe can be done then.
    #[must_use]
    pub fn bytes<const N: usize>(&self) -> [u8; N] {
        let mut bytes = [0; N];
        #[expect(clippy::expect_used, reason = "without randomness no safe answer exists")]
        self.0.fill(&mut bytes).expect("the operating system gives random bytes");
        bytes
    }

    /// A secret of 256 bits as 43 characters of base64url.
    #[must_use]
    pub fn token(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.bytes::<32>())
    }

    /// A host label: 100 bits as 20 lower-case letters and digits (RFC 1123 §2.1).
    #[must_use]
    pub fn label(&self) -> String {
        self.spoken::<{ Self::LABEL_LENGTH }>().to_ascii_lowercase()
    }

    /// A reference to read over the telephone, as `7F3K-92QD`: 40 bits.
    #[must_use]
    pub fn reference(&self) -> String {
        let spoken = self.spoken::<8>();
        let (left, right) = spoken.split_at(4);
        format!("{left}-{right}")
    }

    /// A UUID of version 7 (RFC 9562 §5.7): sorts by `now`, never a secret.
    #[must_use]
    pub fn uuid(&self, now: DateTime<Utc>) -> Uuid {
        let millis = u64::try_from(now.timestamp_millis()).unwrap_or(0);
        uuid::Builder::from_unix_timestamp_millis(millis, &self.bytes::<10>()).into_uuid()
    }

    fn spoken<const N: usize>(&self) -> String {
        self.bytes::<N>().iter().map(|byte| char::from(SPOKEN[usize::from(byte & 31)])).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reference_can_be_read_aloud() {
        let reference = Random::system().reference();
        assert_eq!(reference.len(), 9);
        assert_eq!(reference.as_bytes()[4], b'-');
        assert!(reference.bytes().all(|b| b == b'-' || SPOKEN.contains(&b)));
    }

    #[test]
    fn a_uuid_carries_its_time() {
        let now = DateTime::from_timestamp(1_700_000_000, 0).unwrap();
        let uuid = Random::system().uuid(now);
        assert_eq!(uuid.get_version_num(), 7);
        assert_eq!(uuid.get_timestamp().unwrap().to_unix().0, 1_700_000_000);
    }
}
