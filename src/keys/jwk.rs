//! Public JWKs (RFC 7517): written by members and thumbprint, read member by member.
//!
//! Must never write a private member, nor take a key that has one.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use crate::secret::sha256;

/// An elliptic curve key from an uncompressed point (RFC 7518 §6.2; SEC 1 §2.3.3: 04, x, y).
pub(super) fn ec(crv: &str, point: &[u8]) -> Value {
    let coordinates = point.get(1..).unwrap_or_default();
    let (x, y) = coordinates.split_at(coordinates.len() / 2);
    json!({ "crv": crv, "kty": "EC", "x": encoded(x), "y": encoded(y) })
}

/// A key of RFC 8037 §2.
pub(super) fn okp(crv: &str, public: &[u8]) -> Value {
    json!({ "crv": crv, "kty": "OKP", "x": encoded(public) })
}

/// An RSA key (RFC 7518 §6.3) from modulus and exponent without leading zeros.
pub(super) fn rsa(modulus: &[u8], exponent: &[u8]) -> Value {
    json!({ "e": encoded(exponent), "kty": "RSA", "n": encoded(modulus) })
}

/// The key with its RFC 7638 thumbprint as `kid`; given the required members alone.
pub(super) fn with_thumbprint(mut required: Value) -> Value {
    // RFC 7638 §3.2: in lexicographic order, without white space: as serde_json writes a map.
    required["kid"] = encoded(&sha256(required.to_string().as_bytes())).into();
    required
}

/// The members that only private and symmetric keys have (RFC 7518 §6.2.2, §6.3.2, §6.4.1).
const PRIVATE_MEMBERS: [&str; 8] = ["d", "p", "q", "dp", "dq", "qi", "oth", "k"];

/// How many bits an RSA modulus may have: the least by RFC 7518 §3.3, the most by what checking costs.
const RSA_BITS: std::ops::RangeInclusive<usize> = 2048..=8192;

/// Whether a JWK has members that are nobody's business but its owner's.
pub(super) fn is_private(jwk: &Value) -> bool {
    PRIVATE_MEMBERS.iter().any(|member| jwk.get(member).is_some())
}

/// Whether `use` (RFC 7517 §4.2) and `key_ops` (§4.3), where they are there, allow it.
pub(super) fn may(jwk: &Value, purpose: &str, operation: &str) -> bool {
    let operations = jwk.get("key_ops").map(|all| all.as_array().map_or(&[][..], Vec::as_slice));
    jwk.get("use").is_none_or(|named| named == purpose)
        && operations.is_none_or(|all| all.iter().any(|one| one == operation))
}

/// A member that is a text.
pub(super) fn text<'a>(jwk: &'a Value, member: &str) -> Option<&'a str> {
    jwk.get(member)?.as_str()
}

/// A member that is base64url.
pub(super) fn bytes(jwk: &Value, member: &str) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(text(jwk, member)?).ok()
}

/// Modulus and exponent of an RSA key, without leading zeros.
pub(super) fn rsa_members(jwk: &Value) -> Option<(Vec<u8>, Vec<u8>)> {
    let number = |member| {
        let digits = bytes(jwk, member)?;
        Some(digits.into_iter().skip_while(|digit| *digit == 0).collect::<Vec<u8>>())
    };
    let (n, e) = (number("n")?, number("e")?);
    let bits = n.len() * 8 - n.first().map_or(0, |first| first.leading_zeros() as usize);
    (RSA_BITS.contains(&bits) && !e.is_empty() && e != [1]).then_some((n, e))
}

/// The point of an elliptic curve key, uncompressed (SEC 1 §2.3.3: 04, x, y). Whether it is on its curve
/// is for the library to say.
pub(super) fn ec_point(jwk: &Value) -> Option<Vec<u8>> {
    let (x, y) = (bytes(jwk, "x")?, bytes(jwk, "y")?);
    // RFC 7518 §6.2.1.2: of the size of the curve's field, both.
    (x.len() == y.len()).then(|| [vec![4], x, y].concat())
}

fn encoded(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}
