//! Encrypting to a client: its key chosen from its JWK Set, the JWT put into a JWE.
//!
//! Must never encrypt to a key that is not for encryption, nor under a content key that was used before.

use aws_lc_rs::agreement::{self, PrivateKey};
use aws_lc_rs::encoding::AsDer as _;
use aws_lc_rs::rand;
use aws_lc_rs::rsa::{
    OAEP_SHA1_MGF1SHA1, OAEP_SHA256_MGF1SHA256, OaepPublicEncryptingKey, PublicEncryptingKey,
};
use aws_lc_rs::signature::{RSA_PSS_2048_8192_SHA256, RsaPublicKeyComponents};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use zeroize::Zeroizing;

use super::EncryptFault;
use super::agreement::{Parties, crv, curve, point_on, wrap};
use crate::keys::client_alg::{JweAlg, JweEnc};
use crate::keys::jwk;

/// A client's public key, with the algorithm it is encrypted to by.
pub struct RecipientKey {
    kid: Option<String>,
    alg: JweAlg,
    key: Key,
}

enum Key {
    Rsa(OaepPublicEncryptingKey),
    Ec(&'static agreement::Algorithm, Vec<u8>),
}

impl std::fmt::Debug for RecipientKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RecipientKey").field("alg", &self.alg).finish_non_exhaustive()
    }
}

impl RecipientKey {
    /// The key of a JWK Set (RFC 7517 §5) to encrypt to by an algorithm: one that says so by `alg` or `use`
    /// before one that says nothing; among equals the first.
    #[must_use]
    pub fn choose(jwks: &Value, alg: JweAlg) -> Option<Self> {
        let keys = jwks.get("keys")?.as_array()?;
        let silence = |jwk: &&Value| (jwk.get("alg").is_none(), jwk.get("use").is_none());
        let mut keys: Vec<&Value> = keys.iter().collect();
        keys.sort_by_key(silence);
        keys.into_iter().find_map(|jwk| Self::from_jwk(jwk, alg))
    }

    /// The key of a JWK, if it can be encrypted to by the algorithm.
    #[must_use]
    pub fn from_jwk(jwk: &Value, alg: JweAlg) -> Option<Self> {
        let operation = if alg.is_rsa() { "wrapKey" } else { "deriveKey" };
        let named = jwk.get("alg").is_none_or(|named| named == alg.name());
        if jwk::is_private(jwk) || !jwk::may(jwk, "enc", operation) || !named {
            return None;
        }
        let key = if alg.is_rsa() { rsa(jwk)? } else { ec(jwk)? };
        Some(Self { kid: jwk::text(jwk, "kid").map(str::to_owned), alg, key })
    }

    /// Puts a signed JWT into a JWE: a Nested JWT, and so `cty` is `JWT` (RFC 7519 §5.2).
    ///
    /// # Errors
    /// [`EncryptFault`] when the library refuses.
    pub fn nest(&self, enc: JweEnc, jwt: &str) -> Result<String, EncryptFault> {
        self.encrypt(json!({ "alg": self.alg.name(), "enc": enc.name(), "cty": "JWT" }), enc, jwt)
    }

    /// Encrypts claims that nobody signed: a JWT whose content is them (RFC 7519 §7.1).
    ///
    /// # Errors
    /// [`EncryptFault`] when the library refuses.
    pub fn enclose(&self, enc: JweEnc, claims: &Value) -> Result<String, EncryptFault> {
        let header = json!({ "alg": self.alg.name(), "enc": enc.name() });
        self.encrypt(header, enc, &claims.to_string())
    }

    fn encrypt(&self, mut header: Value, enc: JweEnc, text: &str) -> Result<String, EncryptFault> {
        if let Some(kid) = &self.kid {
            header["kid"] = kid.as_str().into();
        }
        let mut cek = Zeroizing::new(vec![0; enc.key_len()]);
        rand::fill(&mut cek)?;
        let encrypted_key = match &self.key {
            Key::Rsa(key) => oaep(key, self.alg, &cek)?,
            Key::Ec(curve, point) => {
                let ephemeral = PrivateKey::generate(curve)?;
                header["epk"] = jwk::ec(crv(curve), ephemeral.compute_public_key()?.as_ref());
                let parties = Parties { alg: self.alg, enc, apu: b"", apv: b"" };
                let agreed = parties.agreed(&ephemeral, point)?;
                if self.alg == JweAlg::EcdhEs {
                    // RFC 7516 §5.1: the agreed key is that of the content, and none is sent.
                    cek = agreed;
                    Vec::new()
                } else {
                    wrap(&agreed, &cek)?
                }
            }
        };
        let header = URL_SAFE_NO_PAD.encode(serde_json::to_vec(&header)?);
        let mut iv = vec![0; enc.iv_len()];
        rand::fill(&mut iv)?;
        let sealed = enc.seal(&cek, &iv, header.as_bytes(), text.as_bytes())?;
        let parts = [&encrypted_key, &iv, &sealed.ciphertext, &sealed.tag];
        let parts = parts.map(|part| URL_SAFE_NO_PAD.encode(part));
        Ok(format!("{header}.{}", parts.join(".")))
    }
}

fn rsa(jwk: &Value) -> Option<Key> {
    if jwk::text(jwk, "kty")? != "RSA" {
        return None;
    }
    let (n, e) = jwk::rsa_members(jwk)?;
    // The library takes a public key to encrypt to as DER alone, and writes that of one to verify by.
    let key =
        RsaPublicKeyComponents { n, e }.to_parsed_public_key(&RSA_PSS_2048_8192_SHA256).ok()?;
    let key = PublicEncryptingKey::from_der(key.as_der().ok()?.as_ref()).ok()?;
    Some(Key::Rsa(OaepPublicEncryptingKey::new(key).ok()?))
}

fn ec(jwk: &Value) -> Option<Key> {
    let curve = curve(jwk::text(jwk, "crv")?)?;
    let point = point_on(curve, jwk)?;
    let on_curve = agreement::UnparsedPublicKey::new(curve, &point);
    agreement::ParsedPublicKey::try_from(on_curve).ok()?;
    Some(Key::Ec(curve, point))
}

fn oaep(key: &OaepPublicEncryptingKey, alg: JweAlg, cek: &[u8]) -> Result<Vec<u8>, EncryptFault> {
    let by = match alg {
        JweAlg::RsaOaep => &OAEP_SHA1_MGF1SHA1,
        _ => &OAEP_SHA256_MGF1SHA256,
    };
    let mut encrypted = vec![0; key.ciphertext_size()];
    let length = key.encrypt(by, cek, &mut encrypted, None)?.len();
    encrypted.truncate(length);
    Ok(encrypted)
}
