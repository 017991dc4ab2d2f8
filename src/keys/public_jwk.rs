//! JWK sets of clients: taken if every key in them can be verified by, or encrypted to, and not else.
//!
//! Must never take a private key: whoever sends one by mistake is told so, and it is not stored.

use serde_json::Value;

use super::client_alg::JweAlg;
use super::jwe::RecipientKey;
use super::jwk;
use super::jwt::PublicKey;

/// Why a client's keys are not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PublicKeyFault {
    /// No JWK set.
    #[error("expected a JWK set: {{\"keys\": [ … ]}} with at least one key")]
    NotAJwkSet,
    /// A private or symmetric key.
    #[error("this holds a private key: give the public one alone, and keep the private one secret")]
    Private,
    /// Another kind, a short RSA key, or a key without the members of its kind.
    #[error(
        "expected whole public keys: RSA of 2048 bits or more (n, e), EC P-256, P-384 or P-521 \
         (crv, x, y), or Ed25519 (crv, x), with a use and an alg that fit or none"
    )]
    Unusable,
}

/// Whether every key of a JWK set (RFC 7517 §5) can be verified by or encrypted to.
///
/// # Errors
/// The first fault found.
pub fn check_set(set: &Value) -> Result<(), PublicKeyFault> {
    let keys = set.get("keys").and_then(Value::as_array).filter(|keys| !keys.is_empty());
    let keys = keys.ok_or(PublicKeyFault::NotAJwkSet)?;
    if keys.iter().any(jwk::is_private) {
        return Err(PublicKeyFault::Private);
    }
    if keys.iter().all(is_usable) { Ok(()) } else { Err(PublicKeyFault::Unusable) }
}

fn is_usable(jwk: &Value) -> bool {
    let encrypts = |alg| RecipientKey::from_jwk(jwk, alg).is_some();
    PublicKey::from_jwk(jwk).is_ok() || JweAlg::ALL.into_iter().any(encrypts)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_private_key_is_refused_and_named() {
        for key in [
            json!({"kty": "EC", "crv": "P-256", "x": "", "y": "", "d": "AA"}),
            json!({"kty": "RSA", "n": "AQAB", "e": "AQAB", "p": "AA"}),
            json!({"kty": "oct", "k": "AA"}),
        ] {
            assert_eq!(check_set(&json!({ "keys": [key] })), Err(PublicKeyFault::Private));
        }
    }

    #[test]
    fn sets_without_usable_keys_are_refused() {
        for set in [json!({}), json!({"keys": []}), json!({"keys": {}}), json!([])] {
            assert_eq!(check_set(&set), Err(PublicKeyFault::NotAJwkSet), "{set}");
        }
        for key in [
            json!({"kty": "OKP"}),
            json!({"kty": "EC", "crv": "P-256", "x": "AA"}),
            json!({"kty": "RSA", "n": "AQAB", "e": "AQAB"}),
            json!("key"),
        ] {
            assert_eq!(check_set(&json!({ "keys": [key] })), Err(PublicKeyFault::Unusable));
        }
    }
}
