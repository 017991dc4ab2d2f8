//! Logout tokens (OpenID Connect Back-Channel Logout 1.0 §2.4).
//!
//! Must never hold a `nonce`: it is what keeps one from being taken for an ID token.

use chrono::{DateTime, TimeDelta, Utc};
use serde::Serialize;
use serde_json::{Value, json};
use url::Url;
use uuid::Uuid;

use crate::keys::keyring::KeyRecord;
use crate::keys::signer::KeyFault;
use crate::oidc::client::Client;
use crate::oidc::reply_to::issuer_identifier;

/// The member of `events` that says what happened.
pub const EVENT: &str = "http://schemas.openid.net/event/backchannel-logout";

/// How long one is valid: "preferably at most two minutes in the future" (§2.4).
const LIFETIME: TimeDelta = TimeDelta::minutes(2);

/// What a logout token tells.
#[derive(Clone, Copy)]
pub struct LogoutNotice<'a> {
    /// The issuer.
    pub issuer: &'a Url,
    /// Who is told.
    pub client: &'a Client,
    /// Whose session ended, as the client knows the person.
    pub sub: &'a str,
    /// Which.
    pub session_id: Uuid,
    /// The present moment.
    pub now: DateTime<Utc>,
}

#[derive(Serialize)]
struct Claims<'a> {
    iss: &'a str,
    sub: &'a str,
    aud: &'a str,
    iat: i64,
    exp: i64,
    jti: Uuid,
    events: Value,
    sid: Uuid,
}

impl LogoutNotice<'_> {
    /// A token, typed `logout+jwt` and signed as the ID tokens of the client are (§2.4).
    ///
    /// # Errors
    /// [`KeyFault`] when it cannot be signed.
    pub fn sign(&self, key: &KeyRecord, jti: Uuid) -> Result<String, KeyFault> {
        let claims = Claims {
            iss: issuer_identifier(self.issuer),
            sub: self.sub,
            aud: &self.client.id,
            iat: self.now.timestamp(),
            exp: (self.now + LIFETIME).timestamp(),
            jti,
            events: json!({ EVENT: {} }),
            sid: self.session_id,
        };
        key.private.sign_jwt(&key.kid, "logout+jwt", &claims)
    }
}
