//! Public keys in PEM, as an administrator has them, to JWK.
//!
//! Must never take a private key: whoever gives one by mistake is told so.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use x509_parser::pem::Pem;
use x509_parser::prelude::FromDer as _;
use x509_parser::public_key::PublicKey;
use x509_parser::x509::SubjectPublicKeyInfo;

/// Why a file is no public key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PemFault {
    /// No PEM, or of another kind.
    #[error("expected PEM that begins with -----BEGIN PUBLIC KEY-----")]
    NotPem,
    /// A private key.
    #[error("this holds a private key: give the public one alone, and keep the private one secret")]
    Private,
    /// Of no kind that clients sign with.
    #[error("expected an RSA, EC P-256, EC P-384 or Ed25519 key")]
    Kind,
}

/// The JWK (RFC 7517 §4) of a public key in PEM (SubjectPublicKeyInfo, RFC 7468 §13). Whether the
/// key is long enough is for [`keys`](crate::keys::public_jwk::check_set) to say.
///
/// # Errors
/// Another kind of PEM or of key.
pub fn from_pem(pem: &[u8]) -> Result<Value, PemFault> {
    let pem = Pem::iter_from_buffer(pem).next().and_then(Result::ok).ok_or(PemFault::NotPem)?;
    if pem.label.contains("PRIVATE") {
        return Err(PemFault::Private);
    }
    if pem.label != "PUBLIC KEY" {
        return Err(PemFault::NotPem);
    }
    from_der(&pem.contents)
}

/// The JWK of a SubjectPublicKeyInfo in DER.
pub(super) fn from_der(der: &[u8]) -> Result<Value, PemFault> {
    let (_, info) = SubjectPublicKeyInfo::from_der(der).map_err(|_| PemFault::NotPem)?;
    // RFC 8410 §4: the key is the bit string itself.
    if info.algorithm.algorithm.to_id_string() == "1.3.101.112" {
        let x = URL_SAFE_NO_PAD.encode(&info.subject_public_key.data);
        return Ok(json!({ "kty": "OKP", "crv": "Ed25519", "x": x }));
    }
    match info.parsed().map_err(|_| PemFault::Kind)? {
        PublicKey::RSA(key) => Ok(json!({
            "kty": "RSA",
            "n": URL_SAFE_NO_PAD.encode(without_leading_zeros(key.modulus)),
            "e": URL_SAFE_NO_PAD.encode(without_leading_zeros(key.exponent)),
        })),
        PublicKey::EC(point) => {
            let curve = curve(&info).ok_or(PemFault::Kind)?;
            // Uncompressed (SEC 1 §2.3.3): 04, x, y.
            let [4, xy @ ..] = point.data() else { return Err(PemFault::Kind) };
            let (x, y) = xy.split_at(xy.len() / 2);
            Ok(json!({
                "kty": "EC",
                "crv": curve,
                "x": URL_SAFE_NO_PAD.encode(x),
                "y": URL_SAFE_NO_PAD.encode(y),
            }))
        }
        _ => Err(PemFault::Kind),
    }
}

/// The name of the curve (RFC 5480 §2.1.1.1; RFC 7518 §6.2.1.1).
fn curve(info: &SubjectPublicKeyInfo<'_>) -> Option<&'static str> {
    let curve = info.algorithm.parameters.as_ref()?.as_oid().ok()?;
    match curve.to_id_string().as_str() {
        "1.2.840.10045.3.1.7" => Some("P-256"),
        "1.3.132.0.34" => Some("P-384"),
        _ => None,
    }
}

fn without_leading_zeros(number: &[u8]) -> &[u8] {
    let start = number.iter().position(|byte| *byte != 0).unwrap_or(number.len());
    &number[start..]
}

#[cfg(test)]
mod tests {
    use super::*;
    use rcgen::{KeyPair, PKCS_ECDSA_P256_SHA256, PKCS_ECDSA_P384_SHA384, PKCS_ED25519};

    #[test]
    fn what_is_no_public_key_is_refused_and_a_private_key_is_named() {
        let private = KeyPair::generate().unwrap().serialize_pem();
        assert_eq!(from_pem(private.as_bytes()), Err(PemFault::Private));
        let wrong = "-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n";
        let broken = "-----BEGIN PUBLIC KEY-----\nMAA=\n-----END PUBLIC KEY-----\n";
        for text in ["nothing", wrong, broken] {
            assert_eq!(from_pem(text.as_bytes()), Err(PemFault::NotPem), "{text}");
        }
    }

    #[test]
    fn each_kind_becomes_a_key_that_verifies() {
        for (alg, name) in [
            (&PKCS_ECDSA_P256_SHA256, "P-256"),
            (&PKCS_ECDSA_P384_SHA384, "P-384"),
            (&PKCS_ED25519, "Ed25519"),
        ] {
            let pem = KeyPair::generate_for(alg).unwrap().public_key_pem();
            let jwk = from_pem(pem.as_bytes()).unwrap();
            assert_eq!(jwk["crv"], name);
            assert!(crate::keys::jwt::PublicKey::from_jwk(&jwk).is_ok(), "{jwk}");
        }
    }
}
