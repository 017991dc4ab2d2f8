//! Checking the signatures of JWTs: our own access tokens, clients' assertions and request objects.
//!
//! Only signatures, never claims: `exp`, `aud` and the rest are judged by the caller, who has `now`.
//! Must never take a key or an algorithm from the token's own header: a key says which algorithms it may
//! be used with (RFC 8725 §3.1), and the caller can narrow them.

use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P384_SHA384_FIXED, ECDSA_P521_SHA512_FIXED, ED25519,
    ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_2048_8192_SHA384,
    RSA_PKCS1_2048_8192_SHA512, RSA_PSS_2048_8192_SHA256, RSA_PSS_2048_8192_SHA384,
    RSA_PSS_2048_8192_SHA512, RsaParameters, RsaPublicKeyComponents, UnparsedPublicKey,
    VerificationAlgorithm,
};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::de::{DeserializeOwned, IgnoredAny};
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use super::client_alg::ClientAlg;
use super::jwk;

/// Why a JWT or a key was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum VerifyFault {
    /// The JWK is not one that is supported (RSA of 2048 bits or more, P-256, P-384, P-521, Ed25519), or
    /// not one for signatures.
    #[error("the JWK is no RSA, P-256, P-384, P-521 or Ed25519 public key of sufficient size")]
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
    algs: Vec<ClientAlg>,
    material: Material,
}

#[derive(Clone)]
enum Material {
    Rsa(RsaPublicKeyComponents<Vec<u8>>),
    /// A point of a curve, as the library takes it.
    Point(Vec<u8>),
}

impl std::fmt::Debug for Material {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Rsa(_) => "Rsa",
            Self::Point(_) => "Point",
        })
    }
}

/// The header members that choose a key (RFC 7515 §4.1); unverified.
#[derive(Clone, Debug, Deserialize)]
pub struct UnverifiedHeader {
    /// The algorithm that the token names.
    pub alg: String,
    /// The key id that the token names.
    pub kid: Option<String>,
    /// The type that the token names.
    pub typ: Option<String>,
    #[serde(default, deserialize_with = "is_there")]
    crit: bool,
}

/// For members that matter by being there, whatever they hold.
pub(super) fn is_there<'de, D: Deserializer<'de>>(value: D) -> Result<bool, D::Error> {
    IgnoredAny::deserialize(value).map(|_| true)
}

/// How an algorithm is checked.
enum Check {
    Rsa(&'static RsaParameters),
    Point(&'static dyn VerificationAlgorithm),
}

const fn check(alg: ClientAlg) -> Check {
    match alg {
        ClientAlg::Es256 => Check::Point(&ECDSA_P256_SHA256_FIXED),
        ClientAlg::Es384 => Check::Point(&ECDSA_P384_SHA384_FIXED),
        ClientAlg::Es512 => Check::Point(&ECDSA_P521_SHA512_FIXED),
        ClientAlg::EdDsa => Check::Point(&ED25519),
        ClientAlg::Rs256 => Check::Rsa(&RSA_PKCS1_2048_8192_SHA256),
        ClientAlg::Rs384 => Check::Rsa(&RSA_PKCS1_2048_8192_SHA384),
        ClientAlg::Rs512 => Check::Rsa(&RSA_PKCS1_2048_8192_SHA512),
        ClientAlg::Ps256 => Check::Rsa(&RSA_PSS_2048_8192_SHA256),
        ClientAlg::Ps384 => Check::Rsa(&RSA_PSS_2048_8192_SHA384),
        ClientAlg::Ps512 => Check::Rsa(&RSA_PSS_2048_8192_SHA512),
    }
}

impl PublicKey {
    /// Reads a public JWK. An `alg` member narrows what it may be used with; `use` and `key_ops` may
    /// forbid it (RFC 7517 §4.2, §4.3).
    ///
    /// # Errors
    /// [`VerifyFault::NotAKey`]: a symmetric key, a short RSA key, an unknown curve, a private key, a key
    /// for encryption.
    pub fn from_jwk(jwk: &Value) -> Result<Self, VerifyFault> {
        if jwk::is_private(jwk) || !jwk::may(jwk, "sig", "verify") {
            return Err(VerifyFault::NotAKey);
        }
        let (mut algs, material) = material(jwk).ok_or(VerifyFault::NotAKey)?;
        if let Some(alg) = jwk.get("alg") {
            algs.retain(|known| alg == known.name());
        }
        if algs.is_empty() {
            return Err(VerifyFault::NotAKey);
        }
        Ok(Self { kid: jwk::text(jwk, "kid").map(str::to_owned), algs, material })
    }

    /// The keys of a JWK Set (RFC 7517 §5) that can verify; others are passed over, as §5 says of what
    /// is not understood.
    ///
    /// # Errors
    /// [`VerifyFault::NotAKey`] when it is no JWK Set or no key of it can verify.
    pub fn from_jwks(set: &Value) -> Result<Vec<Self>, VerifyFault> {
        let keys = set.get("keys").and_then(Value::as_array).ok_or(VerifyFault::NotAKey)?;
        let usable: Vec<_> = keys.iter().filter_map(|key| Self::from_jwk(key).ok()).collect();
        if usable.is_empty() { Err(VerifyFault::NotAKey) } else { Ok(usable) }
    }

    /// Checks the signature and returns the claims, which the caller must judge.
    ///
    /// # Errors
    /// [`VerifyFault::Malformed`] or [`VerifyFault::Signature`].
    pub fn verify<C: DeserializeOwned>(&self, token: &str) -> Result<C, VerifyFault> {
        let parts = Parts::split(token)?;
        self.check(&parts, &ClientAlg::ALL)?;
        parts.claims()
    }

    fn check(&self, parts: &Parts<'_>, allowed: &[ClientAlg]) -> Result<(), VerifyFault> {
        let named = |alg: &&ClientAlg| alg.name() == parts.header.alg;
        let alg = self.algs.iter().filter(|alg| allowed.contains(alg)).find(named);
        let (Some(alg), signed) = (alg, parts.signed.as_bytes()) else {
            return Err(VerifyFault::Signature);
        };
        let checked = match (&self.material, check(*alg)) {
            (Material::Rsa(key), Check::Rsa(by)) => key.verify(by, signed, &parts.signature),
            (Material::Point(key), Check::Point(by)) => {
                UnparsedPublicKey::new(by, key).verify(signed, &parts.signature)
            }
            _ => return Err(VerifyFault::Signature),
        };
        checked.map_err(|_| VerifyFault::Signature)
    }
}

/// The algorithms that a kind of key can be used with, and the key as the library takes it.
fn material(jwk: &Value) -> Option<(Vec<ClientAlg>, Material)> {
    use ClientAlg::{EdDsa, Es256, Es384, Es512, Ps256, Ps384, Ps512, Rs256, Rs384, Rs512};
    if jwk::text(jwk, "kty")? == "RSA" {
        let (n, e) = jwk::rsa_members(jwk)?;
        let key = RsaPublicKeyComponents { n, e };
        key.to_parsed_public_key(&RSA_PSS_2048_8192_SHA256).ok()?;
        return Some((vec![Rs256, Rs384, Rs512, Ps256, Ps384, Ps512], Material::Rsa(key)));
    }
    let alg = match (jwk::text(jwk, "kty")?, jwk::text(jwk, "crv")?) {
        ("EC", "P-256") => Es256,
        ("EC", "P-384") => Es384,
        ("EC", "P-521") => Es512,
        ("OKP", "Ed25519") => EdDsa,
        _ => return None,
    };
    let point = if alg == EdDsa { jwk::bytes(jwk, "x")? } else { jwk::ec_point(jwk)? };
    let Check::Point(by) = check(alg) else { return None };
    ParsedPublicKey::new(by, &point).ok()?;
    Some((vec![alg], Material::Point(point)))
}

/// A JWS in the compact serialisation (RFC 7515 §7.1), taken apart.
struct Parts<'a> {
    header: UnverifiedHeader,
    signed: &'a str,
    payload: &'a str,
    signature: Vec<u8>,
}

impl<'a> Parts<'a> {
    fn split(token: &'a str) -> Result<Self, VerifyFault> {
        let (signed, signature) = token.rsplit_once('.').ok_or(VerifyFault::Malformed)?;
        let (header, payload) = signed.split_once('.').ok_or(VerifyFault::Malformed)?;
        let signature = URL_SAFE_NO_PAD.decode(signature).map_err(|_| VerifyFault::Malformed)?;
        Ok(Self { header: read_header(header)?, signed, payload, signature })
    }

    fn claims<C: DeserializeOwned>(&self) -> Result<C, VerifyFault> {
        json(self.payload)
    }
}

fn json<T: DeserializeOwned>(encoded: &str) -> Result<T, VerifyFault> {
    let text = URL_SAFE_NO_PAD.decode(encoded).map_err(|_| VerifyFault::Malformed)?;
    serde_json::from_slice(&text).map_err(|_| VerifyFault::Malformed)
}

fn read_header(encoded: &str) -> Result<UnverifiedHeader, VerifyFault> {
    let header: UnverifiedHeader = json(encoded)?;
    // RFC 7515 §4.1.11: what must be understood and is not, must be refused; no extension is known here.
    // RFC 7519 §6: a JWT without a signature is none that is taken.
    if header.crit || header.alg.eq_ignore_ascii_case("none") {
        return Err(VerifyFault::Malformed);
    }
    Ok(header)
}

/// Reads the header of a JWT without believing it.
///
/// # Errors
/// [`VerifyFault::Malformed`]; also for `alg: none`, which is no algorithm here.
pub fn unverified_header(token: &str) -> Result<UnverifiedHeader, VerifyFault> {
    Ok(Parts::split(token)?.header)
}

/// Reads the claims of a JWT without believing them: only to find whose keys to check it with.
///
/// # Errors
/// [`VerifyFault::Malformed`].
pub fn unverified_claims<C: DeserializeOwned>(token: &str) -> Result<C, VerifyFault> {
    Parts::split(token)?.claims()
}

/// Checks a JWT against the keys of a client: the one that its `kid` names, or any when it names none.
///
/// # Errors
/// [`VerifyFault::Malformed`] or [`VerifyFault::Signature`].
pub fn verify_with_any<C: DeserializeOwned>(
    keys: &[PublicKey],
    token: &str,
) -> Result<C, VerifyFault> {
    verify_with_any_by(keys, token, &ClientAlg::ALL)
}

/// The same, by the algorithms allowed alone: those that the client registered, or of its profile.
///
/// # Errors
/// As [`verify_with_any`]; an algorithm that is not allowed is [`VerifyFault::Signature`].
pub fn verify_with_any_by<C: DeserializeOwned>(
    keys: &[PublicKey],
    token: &str,
    allowed: &[ClientAlg],
) -> Result<C, VerifyFault> {
    let parts = Parts::split(token)?;
    let kid = &parts.header.kid;
    let fits = |key: &&PublicKey| kid.is_none() || key.kid.is_none() || key.kid == *kid;
    if keys.iter().filter(fits).any(|key| key.check(&parts, allowed).is_ok()) {
        parts.claims()
    } else {
        Err(VerifyFault::Signature)
    }
}

#[cfg(test)]
mod tests;
