//! A private signing key in memory, and the JWS it makes.
//!
//! Key pairs are kept parsed: signing parses nothing. Must never print or return the private half,
//! but for [`PrivateKey::generate`], whose PKCS#8 is sealed at once.

use aws_lc_rs::digest::{SHA256, SHA384, SHA512, digest};
use aws_lc_rs::encoding::{AsDer as _, Pkcs8V1Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair,
    EcdsaSigningAlgorithm, Ed25519KeyPair, KeyPair as _, RSA_PKCS1_SHA256, RSA_PSS_SHA256,
    RsaEncoding, RsaKeyPair,
};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Serialize;
use serde_json::{Value, json};
use zeroize::Zeroizing;

use super::alg::SigningAlg;
use super::jwk;

/// A private key that could not be used.
#[derive(Debug, thiserror::Error)]
pub enum KeyFault {
    /// The bytes are no PKCS#8 key of the algorithm.
    #[error("not a PKCS#8 key for {0}")]
    NotAKey(&'static str),
    /// The cryptographic library refused.
    #[error("the key for {0} cannot be used")]
    Unusable(&'static str),
    /// Claims that do not serialise.
    #[error("the claims do not serialise")]
    Claims(#[from] serde_json::Error),
}

/// A private signing key, ready to sign.
pub struct PrivateKey {
    alg: SigningAlg,
    pair: Pair,
    random: SystemRandom,
}

enum Pair {
    Ec(Box<EcdsaKeyPair>),
    Ed(Box<Ed25519KeyPair>),
    Rsa(Box<RsaKeyPair>),
}

impl std::fmt::Debug for PrivateKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PrivateKey").field("alg", &self.alg).finish_non_exhaustive()
    }
}

/// What a kind of key is made by.
enum Kind {
    Ec(&'static EcdsaSigningAlgorithm),
    Ed,
    Rsa(&'static dyn RsaEncoding),
}

const fn kind(alg: SigningAlg) -> Kind {
    match alg {
        SigningAlg::Es256 => Kind::Ec(&ECDSA_P256_SHA256_FIXED_SIGNING),
        SigningAlg::Es384 => Kind::Ec(&ECDSA_P384_SHA384_FIXED_SIGNING),
        SigningAlg::Ps256 => Kind::Rsa(&RSA_PSS_SHA256),
        SigningAlg::Rs256 => Kind::Rsa(&RSA_PKCS1_SHA256),
        SigningAlg::EdDsa => Kind::Ed,
    }
}

impl PrivateKey {
    /// Makes a new key: P-256, P-384, Ed25519, or RSA of 2048 bits. Returns it as PKCS#8 (RFC 5208) to
    /// be sealed.
    ///
    /// # Errors
    /// [`KeyFault::Unusable`] when the library cannot make one.
    pub fn generate(alg: SigningAlg) -> Result<Zeroizing<Vec<u8>>, KeyFault> {
        let fault = |_| KeyFault::Unusable(alg.name());
        let pkcs8 = match kind(alg) {
            Kind::Ec(curve) => {
                let pair = EcdsaKeyPair::generate(curve).map_err(fault)?;
                pair.to_pkcs8v1().map_err(fault)?.as_ref().to_vec()
            }
            Kind::Ed => {
                let pair = Ed25519KeyPair::generate().map_err(fault)?;
                pair.to_pkcs8v1().map_err(fault)?.as_ref().to_vec()
            }
            Kind::Rsa(_) => {
                let pair = RsaKeyPair::generate(KeySize::Rsa2048).map_err(fault)?;
                let pkcs8: Pkcs8V1Der<'_> = pair.as_der().map_err(fault)?;
                pkcs8.as_ref().to_vec()
            }
        };
        Ok(Zeroizing::new(pkcs8))
    }

    /// Takes a PKCS#8 key into use.
    ///
    /// # Errors
    /// [`KeyFault::NotAKey`] when the bytes are not a key of the algorithm.
    pub fn from_pkcs8(alg: SigningAlg, pkcs8: &[u8]) -> Result<Self, KeyFault> {
        let fault = |_| KeyFault::NotAKey(alg.name());
        let pair = match kind(alg) {
            Kind::Ec(curve) => {
                Pair::Ec(Box::new(EcdsaKeyPair::from_pkcs8(curve, pkcs8).map_err(fault)?))
            }
            Kind::Ed => Pair::Ed(Box::new(
                Ed25519KeyPair::from_pkcs8_maybe_unchecked(pkcs8).map_err(fault)?,
            )),
            Kind::Rsa(_) => Pair::Rsa(Box::new(RsaKeyPair::from_pkcs8(pkcs8).map_err(fault)?)),
        };
        Ok(Self { alg, pair, random: SystemRandom::new() })
    }

    /// The algorithm of the key.
    #[must_use]
    pub const fn alg(&self) -> SigningAlg {
        self.alg
    }

    /// The public half as a JWK (RFC 7517) with `kid` (RFC 7638 thumbprint), `use` and `alg`.
    #[must_use]
    pub fn public_jwk(&self) -> Value {
        let members = match &self.pair {
            Pair::Ec(pair) => {
                let crv = if self.alg == SigningAlg::Es384 { "P-384" } else { "P-256" };
                jwk::ec(crv, pair.public_key().as_ref())
            }
            Pair::Ed(pair) => jwk::okp("Ed25519", pair.public_key().as_ref()),
            Pair::Rsa(pair) => {
                let public = pair.public_key();
                jwk::rsa(
                    public.modulus().big_endian_without_leading_zero(),
                    public.exponent().big_endian_without_leading_zero(),
                )
            }
        };
        let mut jwk = jwk::with_thumbprint(members);
        jwk["use"] = "sig".into();
        jwk["alg"] = self.alg.name().into();
        jwk
    }

    /// Signs bytes as the algorithm says (RFC 7518 §3.3, §3.4, §3.5; RFC 8037 §3.1).
    ///
    /// # Errors
    /// [`KeyFault::Unusable`] when the library refuses.
    pub fn sign(&self, message: &[u8]) -> Result<Vec<u8>, KeyFault> {
        let fault = |_| KeyFault::Unusable(self.alg.name());
        match (&self.pair, kind(self.alg)) {
            (Pair::Ec(pair), _) => {
                pair.sign(&self.random, message).map(|s| s.as_ref().to_vec()).map_err(fault)
            }
            (Pair::Ed(pair), _) => {
                pair.try_sign(message).map(|s| s.as_ref().to_vec()).map_err(fault)
            }
            (Pair::Rsa(pair), Kind::Rsa(encoding)) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(encoding, &self.random, message, &mut signature).map_err(fault)?;
                Ok(signature)
            }
            (Pair::Rsa(_), _) => Err(KeyFault::Unusable(self.alg.name())),
        }
    }

    /// The left half of the hash that belongs to the algorithm, as base64url: `at_hash` and its kin
    /// (OpenID Connect Core 1.0 §3.1.3.6). Ed25519 hashes by SHA-512 (RFC 8032 §5.1).
    #[must_use]
    pub fn half_hash(&self, text: &str) -> String {
        let by = match self.alg {
            SigningAlg::Es256 | SigningAlg::Ps256 | SigningAlg::Rs256 => &SHA256,
            SigningAlg::Es384 => &SHA384,
            SigningAlg::EdDsa => &SHA512,
        };
        let hash = digest(by, text.as_bytes());
        let (left, _) = hash.as_ref().split_at(hash.as_ref().len() / 2);
        URL_SAFE_NO_PAD.encode(left)
    }

    /// A JWT in the compact serialisation (RFC 7515 §7.1) with `alg`, `kid` and, where there is one, `typ`
    /// in its header.
    ///
    /// # Errors
    /// [`KeyFault`] when the claims do not serialise or the library refuses.
    pub fn sign_jwt<'t, C: Serialize>(
        &self,
        kid: &str,
        typ: impl Into<Option<&'t str>>,
        claims: &C,
    ) -> Result<String, KeyFault> {
        let mut header = json!({ "alg": self.alg.name(), "kid": kid });
        if let Some(typ) = typ.into() {
            header["typ"] = typ.into();
        }
        let mut jwt = URL_SAFE_NO_PAD.encode(serde_json::to_vec(&header)?);
        jwt.push('.');
        jwt.push_str(&URL_SAFE_NO_PAD.encode(serde_json::to_vec(claims)?));
        let signature = self.sign(jwt.as_bytes())?;
        jwt.push('.');
        jwt.push_str(&URL_SAFE_NO_PAD.encode(signature));
        Ok(jwt)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kid_is_the_thumbprint_that_jsonwebtoken_computes() {
        for alg in SigningAlg::ALL {
            let key = PrivateKey::from_pkcs8(alg, &PrivateKey::generate(alg).unwrap()).unwrap();
            let jwk = key.public_jwk();
            let parsed: jsonwebtoken::jwk::Jwk = serde_json::from_value(jwk.clone()).unwrap();
            let thumbprint = parsed.thumbprint(jsonwebtoken::jwk::ThumbprintHash::SHA256).unwrap();
            assert_eq!(jwk["kid"], thumbprint.as_str());
        }
    }

    #[test]
    fn a_key_of_one_algorithm_is_no_key_of_another_kind() {
        let ec = PrivateKey::generate(SigningAlg::Es256).unwrap();
        for other in [SigningAlg::Rs256, SigningAlg::Es384, SigningAlg::EdDsa] {
            assert!(PrivateKey::from_pkcs8(other, &ec).is_err(), "{other}");
        }
    }
}
