//! `id_token_hint`: an ID token of ours, shown again (OpenID Connect RP-Initiated Logout 1.0 §2).
//!
//! It need not be fresh: "OPs should accept ID Tokens … even when the exp time has passed". Must never
//! take another of our tokens for one.

use serde::{Deserialize, Serialize};
use url::Url;
use uuid::Uuid;

use super::LogoutFault;
use crate::keys::jwt;
use crate::keys::keyring::RingAt;
use crate::oidc::reply_to::issuer_identifier;

/// Whom an ID token was issued for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hint {
    /// `sub`, as the client of the request knows the person.
    pub sub: String,
    /// The session.
    pub sid: Option<Uuid>,
}

#[derive(Deserialize)]
struct Claims {
    iss: String,
    sub: String,
    aud: Audience,
    sid: Option<Uuid>,
}

/// One string, or a list of one (OpenID Connect Core 1.0 §2): no token of ours has two.
#[derive(Deserialize)]
#[serde(untagged)]
enum Audience {
    One(String),
    List([String; 1]),
}

/// The person and the `client_id` of an ID token that was issued here, whatever its age.
///
/// # Errors
/// [`LogoutFault::Hint`].
pub(super) fn verified(
    token: &str,
    issuer: &Url,
    ring: RingAt<'_>,
) -> Result<(Hint, String), LogoutFault> {
    let header = jwt::unverified_header(token).map_err(|_| LogoutFault::Hint)?;
    // Access tokens and logout tokens say what they are (RFC 8725 §3.11).
    if header.typ.is_some_and(|typ| !typ.eq_ignore_ascii_case("JWT")) {
        return Err(LogoutFault::Hint);
    }
    let key = header.kid.and_then(|kid| ring.recognising(&kid)).ok_or(LogoutFault::Hint)?;
    let claims: Claims = key.verify(token).map_err(|_| LogoutFault::Hint)?;
    if claims.iss != issuer_identifier(issuer) {
        return Err(LogoutFault::Hint);
    }
    let (Audience::One(client_id) | Audience::List([client_id])) = claims.aud;
    Ok((Hint { sub: claims.sub, sid: claims.sid }, client_id))
}
