//! JWTs that carry the public key they are signed with (RFC 7515 §4.1.3): proofs of possession.
//!
//! What they prove is that somebody holds a key, never who. Must never be used where a key is to be
//! known beforehand: that is [`super::jwt`]'s.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::client_alg::ClientAlg;
use super::jwt::{PublicKey, VerifyFault};
use crate::secret::sha256;

/// Why a JWT proves the possession of no key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PossessionFault {
    /// Not a JWT of the expected type and shape.
    #[error("not a JWT of the expected type and shape")]
    Malformed,
    /// Its algorithm is none of those that are taken.
    #[error("signed with an algorithm that is not taken")]
    Alg,
    /// Its `jwk` is missing, private, symmetric, too short, or none for its algorithm.
    #[error("no public key of sufficient size in its header")]
    Key,
    /// Its key has not signed it.
    #[error("not signed by the key in its header")]
    Signature,
}

/// What a JWT says whose own key has signed it.
#[derive(Clone, Debug)]
pub struct Possession<C> {
    /// Its claims, still to be judged.
    pub claims: C,
    /// The RFC 7638 thumbprint of the key, in base64url.
    pub thumbprint: String,
}

#[derive(Deserialize)]
struct Header {
    typ: Option<String>,
    alg: Option<String>,
    jwk: Option<Value>,
}

/// Checks type, algorithm, key and signature of a JWT, in this order.
///
/// # Errors
/// [`PossessionFault`].
pub fn verify<C: DeserializeOwned>(
    token: &str,
    typ: &str,
    algs: &[ClientAlg],
) -> Result<Possession<C>, PossessionFault> {
    let header = header(token).ok_or(PossessionFault::Malformed)?;
    if header.typ.as_deref() != Some(typ) {
        return Err(PossessionFault::Malformed);
    }
    let alg = header.alg.ok_or(PossessionFault::Malformed)?;
    if !algs.iter().any(|taken| taken.name() == alg) {
        return Err(PossessionFault::Alg);
    }
    let jwk = header.jwk.ok_or(PossessionFault::Key)?;
    let key = PublicKey::from_jwk(&jwk).map_err(|_| PossessionFault::Key)?;
    let thumbprint = thumbprint(&jwk).ok_or(PossessionFault::Key)?;
    let claims = key.verify(token).map_err(|fault| match fault {
        VerifyFault::Malformed => PossessionFault::Malformed,
        VerifyFault::Signature | VerifyFault::NotAKey => PossessionFault::Signature,
    })?;
    Ok(Possession { claims, thumbprint })
}

fn header(token: &str) -> Option<Header> {
    let parts: Vec<&str> = token.split('.').collect();
    // RFC 7515 §7.1: one JWT, of three parts.
    let [header, _, _] = parts.as_slice() else { return None };
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(header).ok()?).ok()
}

// RFC 7638 §3.2: the required members alone, in lexicographic order, without white space. Of a key
// that was read, they are names of curves and base64url: nothing in them is escaped.
fn thumbprint(jwk: &Value) -> Option<String> {
    let member = |name: &str| jwk.get(name).and_then(Value::as_str);
    let kty = member("kty")?;
    let names: &[&str] = match kty {
        "EC" => &["crv", "kty", "x", "y"],
        "OKP" => &["crv", "kty", "x"],
        "RSA" => &["e", "kty", "n"],
        _ => return None,
    };
    let members: Option<Vec<String>> =
        names.iter().map(|name| Some(format!(r#""{name}":"{}""#, member(name)?))).collect();
    let input = format!("{{{}}}", members?.join(","));
    Some(URL_SAFE_NO_PAD.encode(sha256(input.as_bytes())))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_thumbprint_of_rfc_7638_section_3_1_comes_out() {
        let n = "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tS\
                 oc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YG\
                 jQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-\
                 bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw";
        let jwk = json!({ "kty": "RSA", "n": n, "e": "AQAB", "alg": "RS256", "kid": "2011-04-29" });
        let expected = "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs";
        assert_eq!(thumbprint(&jwk).as_deref(), Some(expected));
        assert_eq!(thumbprint(&json!({ "kty": "oct", "k": "AA" })), None);
    }
}
