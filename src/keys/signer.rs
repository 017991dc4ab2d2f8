//! A private signing key in memory, and the JWS it makes.
//!
//! Key pairs are kept parsed: signing parses nothing. Must never print or return the private half,
//! but for [`PrivateKey::generate`], whose PKCS#8 is sealed at once.

use aws_lc_rs::encoding::{AsDer as _, Pkcs8V1Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _, RSA_PKCS1_SHA256, RsaKeyPair,
};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Serialize;
use serde_json::json;
use zeroize::Zeroizing;

use super::alg::SigningAlg;
use crate::secret::sha256;

/// A private key that could not be used.
#[derive(Debug, thiserror::Error)]
pub enum KeyFault {
    /// The bytes are no PKCS#8 key of the algorithm.
    #[error("not a PKCS#8 key for {0}")]
    NotAKey(SigningAlg),
    /// The cryptographic library refused.
    #[error("the key for {0} cannot be used")]
    Unusable(SigningAlg),
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
    Rsa(Box<RsaKeyPair>),
}

impl std::fmt::Debug for PrivateKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PrivateKey").field("alg", &self.alg).finish_non_exhaustive()
    }
}

impl PrivateKey {
    /// Makes a new key: P-256, or RSA of 2048 bits. Returns it as PKCS#8 (RFC 5208) to be sealed.
    ///
    /// # Errors
    /// [`KeyFault::Unusable`] when the library cannot make one.
    pub fn generate(alg: SigningAlg) -> Result<Zeroizing<Vec<u8>>, KeyFault> {
        let fault = || KeyFault::Unusable(alg);
        match alg {
            SigningAlg::Es256 => {
                let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING)
                    .map_err(|_| fault())?;
                let pkcs8 = pair.to_pkcs8v1().map_err(|_| fault())?;
                Ok(Zeroizing::new(pkcs8.as_ref().to_vec()))
            }
            SigningAlg::Rs256 => {
                let pair = RsaKeyPair::generate(KeySize::Rsa2048).map_err(|_| fault())?;
                let pkcs8: Pkcs8V1Der<'_> = pair.as_der().map_err(|_| fault())?;
                Ok(Zeroizing::new(pkcs8.as_ref().to_vec()))
            }
        }
    }

    /// Takes a PKCS#8 key into use.
    ///
    /// # Errors
    /// [`KeyFault::NotAKey`] when the bytes are not a key of the algorithm.
    pub fn from_pkcs8(alg: SigningAlg, pkcs8: &[u8]) -> Result<Self, KeyFault> {
        let fault = |_| KeyFault::NotAKey(alg);
        let pair = match alg {
            SigningAlg::Es256 => Pair::Ec(Box::new(
                EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, pkcs8).map_err(fault)?,
            )),
            SigningAlg::Rs256 => Pair::Rsa(Box::new(RsaKeyPair::from_pkcs8(pkcs8).map_err(fault)?)),
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
    pub fn public_jwk(&self) -> serde_json::Value {
        // RFC 7638 §3.2: the required members alone, in lexicographic order, without white space.
        let (members, thumbprint_input) = match &self.pair {
            Pair::Ec(pair) => {
                // SEC 1 §2.3.3: 04 || x || y.
                let (x, y) = pair.public_key().as_ref()[1..].split_at(32);
                let (x, y) = (URL_SAFE_NO_PAD.encode(x), URL_SAFE_NO_PAD.encode(y));
                let input = format!(r#"{{"crv":"P-256","kty":"EC","x":"{x}","y":"{y}"}}"#);
                (json!({ "kty": "EC", "crv": "P-256", "x": x, "y": y }), input)
            }
            Pair::Rsa(pair) => {
                let public = pair.public_key();
                let n = URL_SAFE_NO_PAD.encode(public.modulus().big_endian_without_leading_zero());
                let e = URL_SAFE_NO_PAD.encode(public.exponent().big_endian_without_leading_zero());
                let input = format!(r#"{{"e":"{e}","kty":"RSA","n":"{n}"}}"#);
                (json!({ "kty": "RSA", "n": n, "e": e }), input)
            }
        };
        let mut jwk = members;
        jwk["kid"] = URL_SAFE_NO_PAD.encode(sha256(thumbprint_input.as_bytes())).into();
        jwk["use"] = "sig".into();
        jwk["alg"] = self.alg.name().into();
        jwk
    }

    /// Signs bytes as the algorithm says (RFC 7518 §3.3, §3.4).
    ///
    /// # Errors
    /// [`KeyFault::Unusable`] when the library refuses.
    pub fn sign(&self, message: &[u8]) -> Result<Vec<u8>, KeyFault> {
        let fault = |_| KeyFault::Unusable(self.alg);
        match &self.pair {
            Pair::Ec(pair) => {
                pair.sign(&self.random, message).map(|s| s.as_ref().to_vec()).map_err(fault)
            }
            Pair::Rsa(pair) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(&RSA_PKCS1_SHA256, &self.random, message, &mut signature)
                    .map_err(fault)?;
                Ok(signature)
            }
        }
    }

    /// A JWT in the compact serialisation (RFC 7515 §7.1) with `alg`, `kid` and `typ` in its header.
    ///
    /// # Errors
    /// [`KeyFault`] when the claims do not serialise or the library refuses.
    pub fn sign_jwt<C: Serialize>(
        &self,
        kid: &str,
        typ: &str,
        claims: &C,
    ) -> Result<String, KeyFault> {
        let header = json!({ "alg": self.alg.name(), "kid": kid, "typ": typ });
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
    fn a_key_of_one_algorithm_is_no_key_of_the_other() {
        let ec = PrivateKey::generate(SigningAlg::Es256).unwrap();
        assert!(PrivateKey::from_pkcs8(SigningAlg::Rs256, &ec).is_err());
    }
}
