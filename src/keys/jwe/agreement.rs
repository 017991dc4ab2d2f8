//! Key agreement by ephemeral-static ECDH (RFC 7518 §4.6), and the wrapping under what was agreed (§4.4).
//!
//! Must never agree with a point that is not on the recipient's curve: the library checks that.

use aws_lc_rs::agreement::{Algorithm, ECDH_P256, ECDH_P384, PrivateKey, UnparsedPublicKey, agree};
use aws_lc_rs::error::Unspecified;
use aws_lc_rs::kdf::{SskdfDigestAlgorithmId, get_sskdf_digest_algorithm, sskdf_digest};
use aws_lc_rs::key_wrap::{AES_128, AES_256, AesKek, KeyWrap as _};
use serde_json::Value;
use zeroize::Zeroizing;

use crate::keys::client_alg::{JweAlg, JweEnc};
use crate::keys::jwk;

/// The curves that keys for agreement are on (RFC 7518 §6.2.1.1).
pub(super) const CURVES: [(&str, &Algorithm); 2] = [("P-256", &ECDH_P256), ("P-384", &ECDH_P384)];

/// The curve of that name.
pub(super) fn curve(name: &str) -> Option<&'static Algorithm> {
    CURVES.iter().find(|(known, _)| *known == name).map(|(_, curve)| *curve)
}

/// The name of a curve.
pub(super) fn crv(curve: &Algorithm) -> &'static str {
    CURVES.iter().find(|(_, known)| *known == curve).map_or("", |(name, _)| name)
}

/// The point of an elliptic curve JWK that is on this curve.
pub(super) fn point_on(curve: &Algorithm, jwk: &Value) -> Option<Vec<u8>> {
    let fits = jwk::text(jwk, "kty") == Some("EC") && jwk::text(jwk, "crv") == Some(crv(curve));
    fits.then(|| jwk::ec_point(jwk))?
}

/// What both sides know beside the secret (RFC 7518 §4.6.2).
pub(super) struct Parties<'a> {
    pub alg: JweAlg,
    pub enc: JweEnc,
    /// `apu`, decoded.
    pub apu: &'a [u8],
    /// `apv`, decoded.
    pub apv: &'a [u8],
}

impl Parties<'_> {
    /// The agreed key: of the content, or to wrap that one under.
    pub(super) fn agreed(
        &self,
        ours: &PrivateKey,
        theirs: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, Unspecified> {
        let theirs = UnparsedPublicKey::new(ours.algorithm(), theirs);
        agree(ours, theirs, Unspecified, |secret| self.derived(secret))
    }

    // Concat KDF (NIST SP 800-56A §5.8.1) with SHA-256.
    fn derived(&self, secret: &[u8]) -> Result<Zeroizing<Vec<u8>>, Unspecified> {
        let (id, length) = match self.alg {
            JweAlg::EcdhEsA128Kw => (self.alg.name(), 16),
            JweAlg::EcdhEsA256Kw => (self.alg.name(), 32),
            _ => (self.enc.name(), self.enc.key_len()),
        };
        let mut info = Vec::new();
        for part in [id.as_bytes(), self.apu, self.apv] {
            let length = u32::try_from(part.len()).map_err(|_| Unspecified)?;
            info.extend_from_slice(&length.to_be_bytes());
            info.extend_from_slice(part);
        }
        let bits = u32::try_from(length * 8).map_err(|_| Unspecified)?;
        info.extend_from_slice(&bits.to_be_bytes());
        let by = get_sskdf_digest_algorithm(SskdfDigestAlgorithmId::Sha256).ok_or(Unspecified)?;
        let mut key = Zeroizing::new(vec![0; length]);
        sskdf_digest(by, secret, &info, &mut key)?;
        Ok(key)
    }
}

/// Wraps a content encryption key (RFC 3394), under a key of 16 or 32 bytes.
pub(super) fn wrap(under: &[u8], cek: &[u8]) -> Result<Vec<u8>, Unspecified> {
    let mut wrapped = vec![0; cek.len() + 8];
    Ok(kek(under)?.wrap(cek, &mut wrapped)?.to_vec())
}

/// Unwraps it.
pub(super) fn unwrap(under: &[u8], wrapped: &[u8]) -> Result<Zeroizing<Vec<u8>>, Unspecified> {
    let mut cek = Zeroizing::new(vec![0; wrapped.len()]);
    let length = kek(under)?.unwrap(wrapped, &mut cek)?.len();
    cek.truncate(length);
    Ok(cek)
}

fn kek(key: &[u8]) -> Result<AesKek, Unspecified> {
    AesKek::new(if key.len() == 16 { &AES_128 } else { &AES_256 }, key)
}

#[cfg(test)]
mod tests {
    use super::*;
    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    use serde_json::json;

    #[test]
    fn the_agreement_of_rfc_7518_appendix_c_comes_out() {
        let alice = URL_SAFE_NO_PAD.decode("0_NxaRPUMQoAJt50Gz8YiTr8gRTwyEaCumd-MToTmIo").unwrap();
        let alice = PrivateKey::from_private_key(&ECDH_P256, &alice).unwrap();
        let bob = json!({
            "kty": "EC",
            "crv": "P-256",
            "x": "weNJy2HscCSM6AEDTDg04biOvhFhyyWvOHQfeF_PxMQ",
            "y": "e8lnCO-AlStT-NJVX-crhB7QRYhiix03illJOVAOyck",
        });
        let parties =
            Parties { alg: JweAlg::EcdhEs, enc: JweEnc::A128Gcm, apu: b"Alice", apv: b"Bob" };
        let agreed = parties.agreed(&alice, &point_on(&ECDH_P256, &bob).unwrap()).unwrap();
        assert_eq!(URL_SAFE_NO_PAD.encode(&*agreed), "VqqN6vgjbSBcIijNcacQGg");
    }

    #[test]
    fn a_point_of_another_curve_or_of_none_agrees_on_nothing() {
        let ours = PrivateKey::generate(&ECDH_P256).unwrap();
        let other = PrivateKey::generate(&ECDH_P384).unwrap().compute_public_key().unwrap();
        let parties = Parties { alg: JweAlg::EcdhEs, enc: JweEnc::A128Gcm, apu: b"", apv: b"" };
        assert!(parties.agreed(&ours, other.as_ref()).is_err());
        assert!(parties.agreed(&ours, &[&[4], &[1; 64][..]].concat()).is_err());
        assert!(parties.agreed(&ours, &[0]).is_err());
    }
}
