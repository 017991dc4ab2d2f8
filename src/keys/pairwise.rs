//! Pairwise subjects: a keyed hash of a sector and a person (OpenID Connect Core 1.0 §8.1, third example
//! kind: not to be turned back).
//!
//! Must never be made with a key that is changed: who comes back must be who came.

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// HMAC-SHA-256 of sector and person, as base64url.
#[must_use]
pub fn subject(salt: &[u8; 32], sector: &str, person: &[u8; 16]) -> String {
    let mut mac = hmac::Context::with_key(&hmac::Key::new(hmac::HMAC_SHA256, salt));
    // The person first, whose length is fixed: no two pairs are the same bytes.
    mac.update(person);
    mac.update(sector.as_bytes());
    URL_SAFE_NO_PAD.encode(mac.sign())
}
