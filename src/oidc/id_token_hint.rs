//! `id_token_hint`: an ID token of ours that comes back (OpenID Connect Core 1.0 §3.1.2.1; RP-Initiated
//! Logout 1.0 §2).
//!
//! It need not be fresh: it may have expired, and its key may have been withdrawn since, but not revoked.
//! Must never be taken for a login, nor another of our tokens for an ID token.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use url::Url;
use uuid::Uuid;

use super::reply_to::issuer_identifier;
use crate::keys::jwt;
use crate::keys::keyring::RingAt;

/// The provider, as its own ID tokens are known by.
#[derive(Clone, Copy, Debug)]
pub struct Ours<'a> {
    /// The issuer.
    pub issuer: &'a Url,
    /// The keys.
    pub ring: RingAt<'a>,
}

/// Whom an ID token was issued for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hint {
    /// `sub`, as the client knows the person.
    pub sub: String,
    /// The session.
    pub sid: Option<Uuid>,
    /// The client: `aud`.
    pub client_id: String,
}

/// The claims by which an ID token of ours is known: those that §2 requires of every ID token.
#[derive(Deserialize)]
struct Claims {
    iss: String,
    sub: String,
    aud: Audience,
    #[serde(rename = "exp")]
    _exp: i64,
    #[serde(rename = "iat")]
    _iat: i64,
    sid: Option<Uuid>,
    /// Logout tokens have them (Back-Channel Logout 1.0 §2.4), ID tokens have not.
    events: Option<Value>,
}

/// One string, or a list of one (OpenID Connect Core 1.0 §2): no token of ours has two.
#[derive(Deserialize)]
#[serde(untagged)]
enum Audience {
    One(String),
    List([String; 1]),
}

/// Whom an ID token that was issued here was issued for, whatever its age; also one that the client
/// encrypted to us (Core §3.1.2.1). `None` where it is none of ours.
#[must_use]
pub fn verified(token: &str, ours: Ours<'_>) -> Option<Hint> {
    if is_encrypted(token) {
        let plain = ours.ring.decrypt(token).ok()?;
        return signed(std::str::from_utf8(&plain).ok()?, ours);
    }
    signed(token, ours)
}

// RFC 7516 §7.1: five parts, where what is signed has three.
fn is_encrypted(token: &str) -> bool {
    token.split('.').count() == 5
}

fn signed(token: &str, ours: Ours<'_>) -> Option<Hint> {
    let header = jwt::unverified_header(token).ok()?;
    // RFC 8725 §3.11: a token of another type is no ID token, whatever it holds.
    if header.typ.is_some_and(|typ| !typ.eq_ignore_ascii_case("JWT")) {
        return None;
    }
    let claims: Claims = ours.ring.recognising(&header.kid?)?.verify(token).ok()?;
    if claims.iss != issuer_identifier(ours.issuer) || claims.events.is_some() {
        return None;
    }
    let (Audience::One(client_id) | Audience::List([client_id])) = claims.aud;
    Some(Hint { sub: claims.sub, sid: claims.sid, client_id })
}
