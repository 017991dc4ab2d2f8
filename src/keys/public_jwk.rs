//! Public keys of clients: from PEM to JWK, and what a JWK set must be.
//!
//! Must never take a private key: whoever sends one by mistake is told so, and it is not stored.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use x509_parser::pem::Pem;
use x509_parser::prelude::FromDer as _;
use x509_parser::public_key::PublicKey;
use x509_parser::x509::SubjectPublicKeyInfo;

/// The members that only private and symmetric keys have (RFC 7518 §6.2.2, §6.3.2, §6.4.1).
const PRIVATE_MEMBERS: [&str; 8] = ["d", "p", "q", "dp", "dq", "qi", "oth", "k"];

/// The shortest RSA modulus that is taken, in bits (RFC 7518 §3.3).
const RSA_MIN_BITS: usize = 2048;

/// Why a client's keys are not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PublicKeyFault {
    /// No PEM, or of another kind.
    #[error("expected PEM that begins with -----BEGIN PUBLIC KEY-----")]
    NotPem,
    /// A private key.
    #[error("this holds a private key: give the public one alone, and keep the private one secret")]
    Private,
    /// Neither RSA nor P-256, or with an `alg` that such a key does not have here.
    #[error("expected an RSA or an EC P-256 key, and an alg (if any) of ES256, RS256 or PS256")]
    Kind,
    /// RSA under 2048 bits.
    #[error("expected RSA of 2048 bits or more")]
    TooShort,
    /// No JWK set.
    #[error("expected a JWK set: {{\"keys\": [ … ]}} with at least one key")]
    NotAJwkSet,
    /// A JWK without the members of its kind.
    #[error("a key lacks members: EC has crv, x, y; RSA has n, e; all in base64url")]
    Incomplete,
}

/// The JWK set (RFC 7517 §5) of one public key in PEM (SubjectPublicKeyInfo, RFC 7468 §13).
///
/// # Errors
/// Another kind of PEM or of key.
pub fn from_pem(pem: &[u8]) -> Result<Value, PublicKeyFault> {
    let pem =
        Pem::iter_from_buffer(pem).next().and_then(Result::ok).ok_or(PublicKeyFault::NotPem)?;
    if pem.label.contains("PRIVATE") {
        return Err(PublicKeyFault::Private);
    }
    if pem.label != "PUBLIC KEY" {
        return Err(PublicKeyFault::NotPem);
    }
    let (_, info) =
        SubjectPublicKeyInfo::from_der(&pem.contents).map_err(|_| PublicKeyFault::NotPem)?;
    let jwk = match info.parsed().map_err(|_| PublicKeyFault::Kind)? {
        PublicKey::RSA(key) => json!({
            "kty": "RSA",
            "n": URL_SAFE_NO_PAD.encode(without_leading_zeros(key.modulus)),
            "e": URL_SAFE_NO_PAD.encode(without_leading_zeros(key.exponent)),
        }),
        PublicKey::EC(point) => match point.data() {
            // Uncompressed (SEC 1 §2.3.3): 04, x, y. Other curves have points as long.
            [4, xy @ ..] if xy.len() == 64 && is_p256(&info) => json!({
                "kty": "EC",
                "crv": "P-256",
                "x": URL_SAFE_NO_PAD.encode(&xy[..32]),
                "y": URL_SAFE_NO_PAD.encode(&xy[32..]),
            }),
            _ => return Err(PublicKeyFault::Kind),
        },
        _ => return Err(PublicKeyFault::Kind),
    };
    let set = json!({ "keys": [jwk] });
    check_set(&set)?;
    Ok(set)
}

/// Whether every key of a JWK set is public, of a kind that is verified here, and whole.
///
/// # Errors
/// The first fault found.
pub fn check_set(set: &Value) -> Result<(), PublicKeyFault> {
    let keys = set.get("keys").and_then(Value::as_array).ok_or(PublicKeyFault::NotAJwkSet)?;
    if keys.is_empty() {
        return Err(PublicKeyFault::NotAJwkSet);
    }
    keys.iter().try_for_each(check_key)
}

fn check_key(key: &Value) -> Result<(), PublicKeyFault> {
    if PRIVATE_MEMBERS.iter().any(|member| key.get(member).is_some()) {
        return Err(PublicKeyFault::Private);
    }
    let text = |member| key.get(member).and_then(Value::as_str);
    let bytes = |member| {
        let decoded = text(member).and_then(|value| URL_SAFE_NO_PAD.decode(value).ok());
        decoded.ok_or(PublicKeyFault::Incomplete)
    };
    match text("kty") {
        Some("EC") if text("crv") == Some("P-256") => {
            if bytes("x")?.len() != 32 || bytes("y")?.len() != 32 {
                return Err(PublicKeyFault::Incomplete);
            }
        }
        Some("RSA") => {
            bytes("e")?;
            let modulus = bytes("n")?;
            if without_leading_zeros(&modulus).len() * 8 < RSA_MIN_BITS {
                return Err(PublicKeyFault::TooShort);
            }
        }
        _ => return Err(PublicKeyFault::Kind),
    }
    // What assertions are verified with has the last word: on an alg that no such key has.
    super::jwt::PublicKey::from_jwk(key).map(drop).map_err(|_| PublicKeyFault::Kind)
}

/// Whether the curve is P-256: 1.2.840.10045.3.1.7 (RFC 5480 §2.1.1.1).
fn is_p256(info: &SubjectPublicKeyInfo<'_>) -> bool {
    let curve = info.algorithm.parameters.as_ref().and_then(|curve| curve.as_oid().ok());
    curve.is_some_and(|oid| oid.to_id_string() == "1.2.840.10045.3.1.7")
}

fn without_leading_zeros(number: &[u8]) -> &[u8] {
    let start = number.iter().position(|byte| *byte != 0).unwrap_or(number.len());
    &number[start..]
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Of no one: made for this test.
    const EC: &str = "-----BEGIN PUBLIC KEY-----
MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEZwJDJpnZ/zfvrvEtpnmbU08PSGRe
/9NMlozI3KjwCMr7pqSUhD80Zn1LxlQ/Op1OmH9X8H95JD2waOxdcd5CVg==
-----END PUBLIC KEY-----
";

    #[test]
    fn a_private_key_is_refused_and_named() {
        let pem = b"-----BEGIN PRIVATE KEY-----\nMAA=\n-----END PRIVATE KEY-----\n";
        assert_eq!(from_pem(pem), Err(PublicKeyFault::Private));
        let set = json!({"keys": [{"kty": "EC", "crv": "P-256", "x": "", "y": "", "d": "AA"}]});
        assert_eq!(check_set(&set), Err(PublicKeyFault::Private));
        assert_eq!(
            check_set(&json!({"keys": [{"kty": "oct", "k": "AA"}]})),
            Err(PublicKeyFault::Private)
        );
    }

    #[test]
    fn sets_without_usable_keys_are_refused() {
        let table = [
            (json!({}), PublicKeyFault::NotAJwkSet),
            (json!({"keys": []}), PublicKeyFault::NotAJwkSet),
            (json!({"keys": [{"kty": "OKP"}]}), PublicKeyFault::Kind),
            (
                json!({"keys": [{"kty": "EC", "crv": "P-256", "x": "AA"}]}),
                PublicKeyFault::Incomplete,
            ),
            (json!({"keys": [{"kty": "RSA", "n": "AQAB", "e": "AQAB"}]}), PublicKeyFault::TooShort),
        ];
        for (set, fault) in table {
            assert_eq!(check_set(&set), Err(fault), "{set}");
        }
    }

    #[test]
    fn a_key_whose_alg_does_not_fit_it_is_refused() {
        let set = from_pem(EC.as_bytes()).unwrap();
        for (alg, taken) in [("ES256", true), ("RS256", false), ("ES384", false), ("none", false)] {
            let mut set = set.clone();
            set["keys"][0]["alg"] = alg.into();
            assert_eq!(check_set(&set).is_ok(), taken, "{alg}");
        }
    }

    #[test]
    fn a_p256_key_becomes_a_set_of_one() {
        assert_eq!(from_pem(b"nothing"), Err(PublicKeyFault::NotPem));
        let set = from_pem(EC.as_bytes()).unwrap();
        assert_eq!(set["keys"][0]["crv"], "P-256");
        assert_eq!(set["keys"].as_array().unwrap().len(), 1);
    }
}
