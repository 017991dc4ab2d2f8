//! Checking the signatures of JWTs: our own access tokens and clients' assertions.
//!
//! Only signatures, never claims: `exp`, `aud` and the rest are judged by the caller, who has `now`.
//! Must never take a key or an algorithm from the token's own header.

use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED, ECDSA_P384_SHA384_FIXED, ParsedPublicKey};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk};
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde::de::DeserializeOwned;
use serde_json::Value;

/// The members that only private and symmetric keys have (RFC 7518 §6.2.2, §6.3.2, §6.4.1).
const PRIVATE_MEMBERS: [&str; 8] = ["d", "p", "q", "dp", "dq", "qi", "oth", "k"];

/// The shortest RSA modulus that is taken, in bits (RFC 7518 §3.3).
const RSA_MIN_BITS: usize = 2048;

/// Why a JWT or a key was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum VerifyFault {
    /// The JWK is not one that is supported (RSA of 2048 bits or more, P-256, P-384, Ed25519).
    #[error("the JWK is no RSA, P-256, P-384 or Ed25519 public key of sufficient size")]
    NotAKey,
    /// Not a JWT of the expected shape.
    #[error("not a JWT of the expected shape")]
    Malformed,
    /// No key of those given has signed it, with an algorithm that key may be used with.
    #[error("none of the keys has signed it")]
    Signature,
}

/// A public key with the algorithms it may be used with.
#[derive(Clone, Debug)]
pub struct PublicKey {
    kid: Option<String>,
    key: DecodingKey,
    algorithms: Vec<Algorithm>,
}

/// The header members that choose a key; unverified.
#[derive(Clone, Debug)]
pub struct UnverifiedHeader {
    /// The key id that the token names.
    pub kid: Option<String>,
    /// The type that the token names.
    pub typ: Option<String>,
    /// The algorithm that the token names, as RFC 7518 §3.1 writes it.
    pub alg: String,
}

impl PublicKey {
    /// Reads a public JWK. An `alg` member narrows what it may be used with.
    ///
    /// # Errors
    /// [`VerifyFault::NotAKey`]: a symmetric key, a short RSA key, an unknown curve, a private key.
    pub fn from_jwk(value: &Value) -> Result<Self, VerifyFault> {
        if is_private(value) {
            return Err(VerifyFault::NotAKey);
        }
        let jwk: Jwk = serde_json::from_value(value.clone()).map_err(|_| VerifyFault::NotAKey)?;
        let (mut algorithms, is_whole) = match &jwk.algorithm {
            AlgorithmParameters::RSA(rsa) => {
                let is_whole = bits(&rsa.n) >= RSA_MIN_BITS && bits(&rsa.e) > 1;
                (vec![Algorithm::RS256, Algorithm::PS256], is_whole)
            }
            AlgorithmParameters::EllipticCurve(ec) => {
                let (algorithm, on_curve) = match ec.curve {
                    EllipticCurve::P256 => (Algorithm::ES256, &ECDSA_P256_SHA256_FIXED),
                    EllipticCurve::P384 => (Algorithm::ES384, &ECDSA_P384_SHA384_FIXED),
                    _ => return Err(VerifyFault::NotAKey),
                };
                // Uncompressed (SEC 1 §2.3.3): 04, x, y.
                let point = [vec![4], decoded(&ec.x), decoded(&ec.y)].concat();
                (vec![algorithm], ParsedPublicKey::new(on_curve, &point).is_ok())
            }
            AlgorithmParameters::OctetKeyPair(okp) if okp.curve == EllipticCurve::Ed25519 => {
                (vec![Algorithm::EdDSA], decoded(&okp.x).len() == 32)
            }
            _ => return Err(VerifyFault::NotAKey),
        };
        if !is_whole {
            return Err(VerifyFault::NotAKey);
        }
        if let Some(alg) = value.get("alg").and_then(Value::as_str) {
            algorithms.retain(|known| format!("{known:?}") == alg);
            if algorithms.is_empty() {
                return Err(VerifyFault::NotAKey);
            }
        }
        let key = DecodingKey::from_jwk(&jwk).map_err(|_| VerifyFault::NotAKey)?;
        Ok(Self { kid: jwk.common.key_id, key, algorithms })
    }

    /// Reads the keys of a JWK Set; every one must be usable.
    ///
    /// # Errors
    /// [`VerifyFault::NotAKey`] when it is no JWK Set, is empty, or holds an unusable key.
    pub fn from_jwks(value: &Value) -> Result<Vec<Self>, VerifyFault> {
        let keys = value.get("keys").and_then(Value::as_array).ok_or(VerifyFault::NotAKey)?;
        if keys.is_empty() {
            return Err(VerifyFault::NotAKey);
        }
        keys.iter().map(Self::from_jwk).collect()
    }

    /// Checks the signature and returns the claims, which the caller must judge.
    ///
    /// # Errors
    /// [`VerifyFault::Malformed`] or [`VerifyFault::Signature`].
    pub fn verify<C: DeserializeOwned>(&self, token: &str) -> Result<C, VerifyFault> {
        refuse_critical(token)?;
        let alg = jsonwebtoken::decode_header(token).map_err(|_| VerifyFault::Malformed)?.alg;
        if !self.algorithms.contains(&alg) {
            return Err(VerifyFault::Signature);
        }
        let mut validation = Validation::new(alg);
        validation.validate_exp = false;
        validation.validate_aud = false;
        validation.set_required_spec_claims::<&str>(&[]);
        match jsonwebtoken::decode(token, &self.key, &validation) {
            Ok(data) => Ok(data.claims),
            Err(error) => match error.kind() {
                ErrorKind::InvalidSignature | ErrorKind::InvalidAlgorithm => {
                    Err(VerifyFault::Signature)
                }
                _ => Err(VerifyFault::Malformed),
            },
        }
    }
}

// RFC 7515 §4.1.11: what must be understood and is not, must be refused; no extension is known here.
fn refuse_critical(token: &str) -> Result<(), VerifyFault> {
    let encoded = token.split('.').next().unwrap_or_default();
    let header = URL_SAFE_NO_PAD.decode(encoded).map_err(|_| VerifyFault::Malformed)?;
    let header: Value = serde_json::from_slice(&header).map_err(|_| VerifyFault::Malformed)?;
    if header.get("crit").is_some() { Err(VerifyFault::Malformed) } else { Ok(()) }
}

/// Reads the header of a JWT without believing it.
///
/// # Errors
/// [`VerifyFault::Malformed`]; also for `alg: none`, which is no algorithm here.
pub fn unverified_header(token: &str) -> Result<UnverifiedHeader, VerifyFault> {
    let header = jsonwebtoken::decode_header(token).map_err(|_| VerifyFault::Malformed)?;
    let alg = format!("{:?}", header.alg);
    Ok(UnverifiedHeader { kid: header.kid, typ: header.typ, alg })
}

/// Reads the claims of a JWT without believing them: only to find whose keys to check it with.
///
/// # Errors
/// [`VerifyFault::Malformed`].
pub fn unverified_claims<C: DeserializeOwned>(token: &str) -> Result<C, VerifyFault> {
    jsonwebtoken::dangerous::insecure_decode_claims(token).map_err(|_| VerifyFault::Malformed)
}

/// Checks a JWT against the keys of a client: the one that its `kid` names, or any when it names none.
///
/// # Errors
/// [`VerifyFault::Malformed`] or [`VerifyFault::Signature`].
pub fn verify_with_any<C: DeserializeOwned>(
    keys: &[PublicKey],
    token: &str,
) -> Result<C, VerifyFault> {
    let kid = unverified_header(token)?.kid;
    let candidates = keys.iter().filter(|key| kid.is_none() || key.kid.is_none() || key.kid == kid);
    let mut fault = VerifyFault::Signature;
    for key in candidates {
        match key.verify(token) {
            Ok(claims) => return Ok(claims),
            Err(found) => fault = found,
        }
    }
    Err(fault)
}

/// Whether a JWK has members that are nobody's business but its owner's.
pub(super) fn is_private(jwk: &Value) -> bool {
    PRIVATE_MEMBERS.iter().any(|member| jwk.get(member).is_some())
}

/// Nothing where it is no base64url.
fn decoded(text: &str) -> Vec<u8> {
    URL_SAFE_NO_PAD.decode(text).unwrap_or_default()
}

/// How many bits a Base64urlUInt (RFC 7518 §2) has.
fn bits(text: &str) -> usize {
    let number = decoded(text);
    let number = number.iter().skip_while(|byte| **byte == 0);
    let first = number.clone().next().map_or(0, |first| first.leading_zeros() as usize);
    number.count() * 8 - first
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keys::SigningAlg;
    use crate::keys::signer::PrivateKey;
    use serde_json::json;

    fn key(alg: SigningAlg) -> PrivateKey {
        PrivateKey::from_pkcs8(alg, &PrivateKey::generate(alg).unwrap()).unwrap()
    }

    #[test]
    fn a_token_is_verified_by_its_own_key_alone() {
        for alg in SigningAlg::ALL {
            let (ours, other) = (key(alg), key(alg));
            let token = ours.sign_jwt("k", "at+jwt", &json!({ "sub": "x" })).unwrap();
            let verify = |key: &PrivateKey| {
                PublicKey::from_jwk(&key.public_jwk()).unwrap().verify::<Value>(&token)
            };
            assert_eq!(verify(&ours).unwrap()["sub"], "x");
            assert_eq!(verify(&other).unwrap_err(), VerifyFault::Signature);
        }
    }

    #[test]
    fn an_extension_that_must_be_understood_is_refused() {
        let ours = key(SigningAlg::Es256);
        let public = PublicKey::from_jwk(&ours.public_jwk()).unwrap();
        let header = URL_SAFE_NO_PAD.encode(r#"{"alg":"ES256","crit":["b64"],"b64":false}"#);
        let claims = URL_SAFE_NO_PAD.encode(r#"{"sub":"x"}"#);
        let signed = format!("{header}.{claims}");
        let signature = URL_SAFE_NO_PAD.encode(ours.sign(signed.as_bytes()).unwrap());
        let token = format!("{signed}.{signature}");
        assert_eq!(public.verify::<Value>(&token).unwrap_err(), VerifyFault::Malformed);
    }

    #[test]
    fn no_other_algorithm_than_the_keys_is_taken() {
        use base64::Engine as _;
        let ours = key(SigningAlg::Rs256);
        let public = PublicKey::from_jwk(&ours.public_jwk()).unwrap();
        let token = ours.sign_jwt("k", "JWT", &json!({ "sub": "x" })).unwrap();
        let rest = token.split_once('.').unwrap().1;
        for alg in ["none", "HS256", "RS512", "PS256", "ES256"] {
            let header = base64::engine::general_purpose::URL_SAFE_NO_PAD
                .encode(format!(r#"{{"alg":"{alg}","kid":"k"}}"#));
            assert!(public.verify::<Value>(&format!("{header}.{rest}")).is_err(), "{alg}");
        }
    }

    #[test]
    fn symmetric_private_and_short_keys_are_no_keys() {
        let mut private = key(SigningAlg::Es256).public_jwk();
        private["d"] = "AAAA".into();
        for jwk in [
            private,
            json!({ "kty": "oct", "k": "AAAA" }),
            json!({ "kty": "RSA", "n": "AQAB", "e": "AQAB" }),
            json!({ "kty": "RSA", "n": "A".repeat(342), "e": "AQAB" }),
            json!({ "kty": "EC", "crv": "P-521", "x": "AA", "y": "AA" }),
            json!({ "kty": "EC", "crv": "P-256", "x": "A".repeat(43), "y": "A".repeat(43) }),
            json!({ "kty": "OKP", "crv": "Ed25519", "x": "AA" }),
        ] {
            assert_eq!(PublicKey::from_jwk(&jwk).unwrap_err(), VerifyFault::NotAKey);
        }
        assert_eq!(PublicKey::from_jwks(&json!({ "keys": [] })).unwrap_err(), VerifyFault::NotAKey);
    }
}
