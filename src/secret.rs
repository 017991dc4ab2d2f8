//! Handling of secrets: hashing what is stored, comparing in constant time.
//!
//! Must never print: secrets in memory are [`secrecy::SecretString`] or [`secrecy::SecretBox`].

use aws_lc_rs::digest;
use subtle::ConstantTimeEq as _;

/// SHA-256 of `bytes` (FIPS 180-4). Fit for secrets of 256 random bits, not for passwords.
#[must_use]
pub fn sha256(bytes: &[u8]) -> [u8; 32] {
    let mut out = [0; 32];
    out.copy_from_slice(digest::digest(&digest::SHA256, bytes).as_ref());
    out
}

/// Whether two byte strings are equal, in a time that depends on their lengths alone.
#[must_use]
pub fn equal(left: &[u8], right: &[u8]) -> bool {
    left.ct_eq(right).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_compares_every_byte() {
        assert!(equal(b"abc", b"abc"));
        assert!(!equal(b"abc", b"abd"));
        assert!(!equal(b"abc", b"ab"));
    }
}
