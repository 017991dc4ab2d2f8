//! Our own keys for encryption, and opening what was encrypted to them.
//!
//! Must never tell a wrong key from an altered text (RFC 7516 §11.5): where the content key does not
//! come out, one of chance takes its place, and the tag fails as it would for any other.

use aws_lc_rs::agreement::{ECDH_P256, PrivateKey};
use aws_lc_rs::encoding::{AsDer as _, Pkcs8V1Der};
use aws_lc_rs::rand;
use aws_lc_rs::rsa::{
    KeySize, OAEP_SHA1_MGF1SHA1, OAEP_SHA256_MGF1SHA256, OaepPrivateDecryptingKey,
    PrivateDecryptingKey,
};
use aws_lc_rs::signature::{KeyPair as _, RsaKeyPair};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;
use serde_json::Value;
use zeroize::Zeroizing;

use super::agreement::{Parties, crv, point_on, unwrap};
use super::content::Sealed;
use super::{JweFault, LONGEST};
use crate::keys::client_alg::{JweAlg, JweEnc};
use crate::keys::jwk;
use crate::keys::jwt::is_there;
use crate::keys::signer::KeyFault;
use crate::named::named;

named! {
    /// The kinds of our own keys, each by the name of the first algorithm that it opens.
    pub enum KeyFamily {
        /// RSA of 3072 bits, for RSA-OAEP and RSA-OAEP-256. Longer than keys that sign: what was encrypted
        /// stays worth opening after the key is gone.
        Rsa = "RSA-OAEP",
        /// P-256, for ECDH-ES with and without wrapping.
        Ec = "ECDH-ES",
    }
}

impl KeyFamily {
    /// Whose keys open what is encrypted by an algorithm.
    #[must_use]
    pub const fn of(alg: JweAlg) -> Self {
        if alg.is_rsa() { Self::Rsa } else { Self::Ec }
    }
}

/// A private key of ours, ready to open.
pub struct DecryptionKey {
    key: Key,
    public_jwk: Value,
}

enum Key {
    Rsa(Box<OaepPrivateDecryptingKey>),
    Ec(Box<PrivateKey>),
}

impl std::fmt::Debug for DecryptionKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("DecryptionKey").finish_non_exhaustive()
    }
}

impl DecryptionKey {
    /// Makes a new key. Returns it as PKCS#8 (RFC 5208) to be sealed.
    ///
    /// # Errors
    /// [`KeyFault::Unusable`] when the library cannot make one.
    pub fn generate(family: KeyFamily) -> Result<Zeroizing<Vec<u8>>, KeyFault> {
        let fault = |_| KeyFault::Unusable(family.name());
        let pkcs8: Pkcs8V1Der<'_> = match family {
            KeyFamily::Rsa => {
                let key = PrivateDecryptingKey::generate(KeySize::Rsa3072).map_err(fault)?;
                key.as_der().map_err(fault)?
            }
            KeyFamily::Ec => {
                let key = PrivateKey::generate(&ECDH_P256).map_err(fault)?;
                key.as_der().map_err(fault)?
            }
        };
        Ok(Zeroizing::new(pkcs8.as_ref().to_vec()))
    }

    /// Takes a PKCS#8 key into use.
    ///
    /// # Errors
    /// [`KeyFault::NotAKey`] when the bytes are not a key of the family.
    pub fn from_pkcs8(family: KeyFamily, pkcs8: &[u8]) -> Result<Self, KeyFault> {
        let fault = || KeyFault::NotAKey(family.name());
        match family {
            KeyFamily::Rsa => {
                let public = RsaKeyPair::from_pkcs8(pkcs8).map_err(|_| fault())?;
                let members = jwk::rsa(
                    public.public_key().modulus().big_endian_without_leading_zero(),
                    public.public_key().exponent().big_endian_without_leading_zero(),
                );
                let key = PrivateDecryptingKey::from_pkcs8(pkcs8).map_err(|_| fault())?;
                let key = OaepPrivateDecryptingKey::new(key).map_err(|_| fault())?;
                Ok(Self::new(Key::Rsa(Box::new(key)), members))
            }
            KeyFamily::Ec => {
                let key = PrivateKey::from_private_key_der(&ECDH_P256, pkcs8);
                Self::ec(key.map_err(|_| fault())?)
            }
        }
    }

    pub(super) fn ec(key: PrivateKey) -> Result<Self, KeyFault> {
        let fault = |_| KeyFault::Unusable(KeyFamily::Ec.name());
        let public = key.compute_public_key().map_err(fault)?;
        let members = jwk::ec(crv(key.algorithm()), public.as_ref());
        Ok(Self::new(Key::Ec(Box::new(key)), members))
    }

    fn new(key: Key, members: Value) -> Self {
        // No `alg`: the key opens every algorithm of its family.
        let mut public_jwk = jwk::with_thumbprint(members);
        public_jwk["use"] = "enc".into();
        Self { key, public_jwk }
    }

    /// Under a name of somebody else's choice.
    #[cfg(test)]
    pub(super) fn named(mut self, kid: &str) -> Self {
        self.public_jwk["kid"] = kid.into();
        self
    }

    /// The public half as a JWK (RFC 7517) with `kid` (RFC 7638 thumbprint) and `use`.
    #[must_use]
    pub const fn public_jwk(&self) -> &Value {
        &self.public_jwk
    }

    /// Its family.
    #[must_use]
    pub const fn family(&self) -> KeyFamily {
        match self.key {
            Key::Rsa(_) => KeyFamily::Rsa,
            Key::Ec(_) => KeyFamily::Ec,
        }
    }

    fn fits(&self, alg: JweAlg) -> bool {
        KeyFamily::of(alg) == self.family()
    }

    /// The content encryption key, where it comes out.
    fn cek(&self, header: &Header, encrypted: &[u8]) -> Result<Zeroizing<Vec<u8>>, JweFault> {
        match &self.key {
            Key::Rsa(key) => {
                let by = match header.alg {
                    JweAlg::RsaOaep => &OAEP_SHA1_MGF1SHA1,
                    _ => &OAEP_SHA256_MGF1SHA256,
                };
                let mut cek = Zeroizing::new(vec![0; key.min_output_size()]);
                let length = key.decrypt(by, encrypted, &mut cek, None)?.len();
                cek.truncate(length);
                Ok(cek)
            }
            Key::Ec(key) => {
                let epk = header.epk.as_ref().ok_or(JweFault)?;
                let theirs = point_on(key.algorithm(), epk).ok_or(JweFault)?;
                let (apu, apv) = (decoded(&header.apu)?, decoded(&header.apv)?);
                let Header { alg, enc, .. } = *header;
                let agreed = Parties { alg, enc, apu: &apu, apv: &apv }.agreed(key, &theirs)?;
                if header.alg == JweAlg::EcdhEs {
                    // RFC 7516 §5.2, step 10: nothing is sent where the key is agreed.
                    return if encrypted.is_empty() { Ok(agreed) } else { Err(JweFault) };
                }
                Ok(unwrap(&agreed, encrypted)?)
            }
        }
    }
}

/// The header of a JWE (RFC 7516 §4.1). Algorithms that are not taken have no name, and so no header.
#[derive(Deserialize)]
struct Header {
    alg: JweAlg,
    enc: JweEnc,
    kid: Option<String>,
    cty: Option<String>,
    epk: Option<Value>,
    #[serde(default)]
    apu: String,
    #[serde(default)]
    apv: String,
    #[serde(default, deserialize_with = "is_there")]
    zip: bool,
    #[serde(default, deserialize_with = "is_there")]
    crit: bool,
}

impl Header {
    fn read(encoded: &str) -> Result<Self, JweFault> {
        let header: Self = serde_json::from_slice(&decoded(encoded)?).map_err(|_| JweFault)?;
        // RFC 7516 §4.1.13: no extension is known here. §4.1.3: compression is a way to learn of the
        // content, and a bomb (RFC 8725 §3.6).
        if header.crit || header.zip {
            return Err(JweFault);
        }
        // RFC 7519 §5.2: a Nested JWT says so; that it holds one is seen when its signature is checked.
        let is_jwt = |cty: &String| cty.eq_ignore_ascii_case("JWT");
        if header.cty.as_ref().is_some_and(|cty| !is_jwt(cty)) { Err(JweFault) } else { Ok(header) }
    }
}

/// Opens a JWE with the key that its `kid` names, or with whichever opens it where it names none.
///
/// # Errors
/// [`JweFault`], whatever the reason.
pub fn decrypt<'k>(
    jwe: &str,
    keys: impl Iterator<Item = &'k DecryptionKey>,
) -> Result<Zeroizing<Vec<u8>>, JweFault> {
    if jwe.len() > LONGEST {
        return Err(JweFault);
    }
    let parts: Vec<&str> = jwe.split('.').take(6).collect();
    let [protected, encrypted_key, iv, ciphertext, tag] = parts[..] else { return Err(JweFault) };
    let header = Header::read(protected)?;
    let [encrypted_key, iv] = [decoded(encrypted_key)?, decoded(iv)?];
    let sealed = Sealed { ciphertext: decoded(ciphertext)?, tag: decoded(tag)? };
    let named = |key: &&DecryptionKey| {
        header.kid.as_ref().is_none_or(|kid| jwk::text(&key.public_jwk, "kid") == Some(kid))
    };
    for key in keys.filter(|key| key.fits(header.alg)).filter(named) {
        let cek = match key.cek(&header, &encrypted_key) {
            Ok(cek) if cek.len() == header.enc.key_len() => cek,
            _ => chance(header.enc.key_len())?,
        };
        if let Ok(plain) = header.enc.open(&cek, &iv, protected.as_bytes(), &sealed) {
            return Ok(plain);
        }
    }
    Err(JweFault)
}

fn chance(length: usize) -> Result<Zeroizing<Vec<u8>>, JweFault> {
    let mut bytes = Zeroizing::new(vec![0; length]);
    rand::fill(&mut bytes)?;
    Ok(bytes)
}

fn decoded(text: &str) -> Result<Vec<u8>, JweFault> {
    URL_SAFE_NO_PAD.decode(text).map_err(|_| JweFault)
}
