//! What tokens and UserInfo hold: the ID token, and the answer of UserInfo.
//!
//! Which claims about the person are among it is [`super::release`]'s to say, and `sub`
//! [`super::subject`]'s. Must never hold anything of the person besides.

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Map, Value, json};
use url::Url;

use super::claim_profile::ClaimProfile;
use super::client::Client;
use super::code::LiveGrant;
use super::release::{Claims, Place, released};
use super::reply_to::issuer_identifier;
use crate::keys::keyring::KeyRecord;
use crate::keys::signer::KeyFault;

/// How the card was shown (RFC 8176 §2): a smart card, and its PIN beside it.
pub const AMR: [&str; 2] = ["sc", "mfa"];

/// What an ID token is made from.
#[derive(Clone, Copy)]
pub struct Issue<'a> {
    /// The issuer.
    pub issuer: &'a Url,
    /// The client.
    pub client: &'a Client,
    /// What it was granted.
    pub grant: &'a LiveGrant,
    /// The key that signs.
    pub key: &'a KeyRecord,
    /// The present moment.
    pub now: DateTime<Utc>,
    /// How long the token lives.
    pub lifetime: TimeDelta,
    /// Who the person is to the client.
    pub sub: &'a str,
    /// The names that claims go by; none are told without.
    pub profile: Option<&'a ClaimProfile>,
}

impl std::fmt::Debug for Issue<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Issue").field("grant", &self.grant.id).finish_non_exhaustive()
    }
}

/// The ID token (OpenID Connect Core 1.0 §2) with `at_hash` of the access token (§3.1.3.6).
///
/// # Errors
/// [`KeyFault`] when it cannot be signed.
pub fn id_token(issue: &Issue<'_>, access_token: &str) -> Result<String, KeyFault> {
    let Issue { grant, key, now, .. } = *issue;
    let authentication = &grant.authentication;
    let mut claims: Claims = Map::new();
    let mut put = |name: &str, value: Value| claims.insert(name.to_owned(), value);
    put("iss", issuer_identifier(issue.issuer).into());
    put("sub", issue.sub.into());
    put("aud", issue.client.id.as_str().into());
    put("exp", (now + issue.lifetime).timestamp().into());
    put("iat", now.timestamp().into());
    put("auth_time", authentication.auth_time.timestamp().into());
    if let Some(nonce) = &grant.nonce {
        put("nonce", nonce.as_str().into());
    }
    put("acr", authentication.loa.acr().into());
    put("amr", json!(AMR));
    put("sid", authentication.session_id.to_string().into());
    put("at_hash", key.private.half_hash(access_token).into());
    claims.extend(released(issue.client, grant, issue.profile, Place::IdToken));
    // Without typ (RFC 7519 §5.1: optional), and so never taken for an access token.
    key.private.sign_jwt(&key.kid, None, &claims)
}

/// The UserInfo answer (OpenID Connect Core 1.0 §5.3.2): `sub` and the claims that are released.
#[must_use]
pub fn user_info(
    client: &Client,
    grant: &LiveGrant,
    profile: Option<&ClaimProfile>,
    sub: &str,
) -> Claims {
    let mut claims = released(client, grant, profile, Place::UserInfo);
    claims.insert("sub".to_owned(), sub.into());
    claims
}

/// The UserInfo answer as a signed JWT: with issuer and audience (§5.3.2).
///
/// # Errors
/// [`KeyFault`] when it cannot be signed.
pub fn user_info_jwt(
    mut claims: Claims,
    issuer: &Url,
    client: &Client,
    key: &KeyRecord,
) -> Result<String, KeyFault> {
    claims.insert("iss".to_owned(), issuer_identifier(issuer).into());
    claims.insert("aud".to_owned(), client.id.as_str().into());
    key.private.sign_jwt(&key.kid, None, &claims)
}
