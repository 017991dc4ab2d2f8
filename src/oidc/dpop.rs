//! DPoP proofs (RFC 9449 §4): is this request made by the holder of a key?
//!
//! The checks of §4.3 in their order, but for those that need a database (`jti`, once) or the sealing
//! key of the installation (`nonce`): [`Proof`] hands both over, and is worth nothing before them.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, TimeDelta, Utc};
use serde::Deserialize;
use serde_json::Value;
use url::Url;

use super::numeric_date::moment;
use crate::keys::ClientAlg;
use crate::keys::possession::{self, PossessionFault};
use crate::secret::{equal, sha256};

/// `dpop_signing_alg_values_supported` (RFC 9449 §5.1).
pub const SIGNING_ALGS: [ClientAlg; ClientAlg::ALL.len()] = ClientAlg::ALL;

/// How far clocks may differ.
const SKEW: TimeDelta = TimeDelta::seconds(60);
/// How long a proof lives after it was made; so long, and twice the skew, its `jti` is remembered.
const LIFE: TimeDelta = TimeDelta::seconds(60);

/// The request that a proof came with.
#[derive(Clone, Copy, Debug)]
pub struct Called<'a> {
    /// Its method.
    pub method: &'a str,
    /// Its address, without query and fragment.
    pub address: &'a Url,
    /// The access token beside it, at a protected resource.
    pub access_token: Option<&'a str>,
    /// The algorithms that are taken.
    pub algs: &'a [ClientAlg],
    /// The present moment.
    pub now: DateTime<Utc>,
}

/// A proof that holds for this request, if its nonce is good and it was not used before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proof {
    /// The thumbprint of the key (RFC 9449 §6.1).
    pub jkt: String,
    /// SHA-256 of key and `jti`, to be marked as used.
    pub hash: [u8; 32],
    /// Until when it must be remembered.
    pub expires_at: DateTime<Utc>,
    /// The nonce in it.
    pub nonce: Option<String>,
}

/// Why a proof proves nothing (RFC 9449 §4.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProofFault {
    /// More than one field.
    #[error("more than one DPoP field")]
    Repeated,
    /// No JWT of type `dpop+jwt` with all the claims.
    #[error("no JWT of type dpop+jwt with jti, htm, htu and iat")]
    Malformed,
    /// An algorithm that is not taken.
    #[error("signed with an algorithm that is not taken")]
    Alg,
    /// No public key of sufficient size.
    #[error("no public key of sufficient size in its header")]
    Key,
    /// Not signed by its key.
    #[error("not signed by its key")]
    Signature,
    /// For another method or address.
    #[error("for another method or address")]
    Endpoint,
    /// Too old, or made in the future.
    #[error("outside its time")]
    Expired,
    /// For another access token.
    #[error("for another access token")]
    TokenHash,
}

impl From<PossessionFault> for ProofFault {
    fn from(fault: PossessionFault) -> Self {
        match fault {
            PossessionFault::Malformed => Self::Malformed,
            PossessionFault::Alg => Self::Alg,
            PossessionFault::Key => Self::Key,
            PossessionFault::Signature => Self::Signature,
        }
    }
}

/// Claims of a proof (RFC 9449 §4.2).
#[derive(Deserialize)]
struct Claims {
    jti: String,
    htm: String,
    htu: String,
    iat: Value,
    ath: Option<String>,
    nonce: Option<String>,
}

impl Proof {
    /// The proof in the DPoP fields of a request; none where there is no field.
    ///
    /// # Errors
    /// The first [`ProofFault`] found.
    pub fn of(fields: &[String], called: Called<'_>) -> Result<Option<Self>, ProofFault> {
        match fields {
            [] => Ok(None),
            [field] => Self::verify(field, called).map(Some),
            _ => Err(ProofFault::Repeated),
        }
    }

    fn verify(field: &str, called: Called<'_>) -> Result<Self, ProofFault> {
        let proved = possession::verify::<Claims>(field, "dpop+jwt", called.algs)?;
        let (claims, jkt) = (proved.claims, proved.thumbprint);
        if claims.jti.is_empty() {
            return Err(ProofFault::Malformed);
        }
        if claims.htm != called.method || !is_address(&claims.htu, called.address) {
            return Err(ProofFault::Endpoint);
        }
        let made_at = moment(&claims.iat).ok_or(ProofFault::Malformed)?;
        if made_at > called.now + SKEW || made_at + LIFE + SKEW <= called.now {
            return Err(ProofFault::Expired);
        }
        if !called.access_token.is_none_or(|token| is_hash_of(claims.ath.as_deref(), token)) {
            return Err(ProofFault::TokenHash);
        }
        let hash = sha256(format!("{jkt}.{}", claims.jti).as_bytes());
        Ok(Self { jkt, hash, expires_at: made_at + LIFE + SKEW, nonce: claims.nonce })
    }
}

// RFC 9449 §7: the SHA-256 of the ASCII of the token, in base64url.
fn is_hash_of(ath: Option<&str>, token: &str) -> bool {
    let hash = URL_SAFE_NO_PAD.encode(sha256(token.as_bytes()));
    ath.is_some_and(|ath| equal(ath.as_bytes(), hash.as_bytes()))
}

// RFC 9449 §4.3, item 9: query and fragment are ignored, and both are normalised (RFC 3986 §6.2.2,
// §6.2.3): the parser sees to case, default port and dot segments, `decoded` to the rest.
fn is_address(htu: &str, address: &Url) -> bool {
    let Ok(htu) = Url::parse(htu) else { return false };
    htu.scheme() == address.scheme()
        && htu.username().is_empty()
        && htu.password().is_none()
        && htu.host() == address.host()
        && htu.port_or_known_default() == address.port_or_known_default()
        && decoded(htu.path()) == decoded(address.path())
}

// RFC 3986 §6.2.2.1, §6.2.2.2: unreserved characters stand for themselves, other escapes are in upper
// case.
fn decoded(path: &str) -> String {
    let mut parts = path.split('%');
    let mut text = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let escape =
            part.get(..2).and_then(|hex| u8::from_str_radix(hex, 16).ok().map(|b| (hex, b)));
        match escape {
            Some((_, byte)) if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) => {
                text.push(char::from(byte));
                text.push_str(&part[2..]);
            }
            Some((hex, _)) => {
                text.push('%');
                text.push_str(&hex.to_ascii_uppercase());
                text.push_str(&part[2..]);
            }
            None => {
                text.push('%');
                text.push_str(part);
            }
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_compared_as_rfc_3986_section_6_2_2_normalises_it() {
        let address = Url::parse("https://idp.example/token").unwrap();
        for same in [
            "https://idp.example/token",
            "HTTPS://IDP.example:443/token",
            "https://idp.example/token?a=b#c",
            "https://idp.example/%74oken",
            "https://idp.example/a/../token",
        ] {
            assert!(is_address(same, &address), "{same}");
        }
        for other in [
            "",
            "/token",
            "http://idp.example/token",
            "https://idp.example:444/token",
            "https://idp.example/token/",
            "https://idp.example/Token",
            "https://idp.example/%2574oken",
            "https://x@idp.example/token",
            "https://:x@idp.example/token",
            "https://idp.example.evil.example/token",
            "https://card.idp.example/token",
        ] {
            assert!(!is_address(other, &address), "{other}");
        }
        assert_eq!(decoded("/%2f%7e%zz%"), "/%2F~%zz%");
    }
}
