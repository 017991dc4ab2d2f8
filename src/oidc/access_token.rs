//! Access tokens: what they say (RFC 9068 §2.2), whether they are JWTs or tell nothing by themselves.
//!
//! Must never say anything of a person but `sub` and how they logged in: names, HSA-id and roles are
//! for UserInfo.

use std::collections::BTreeSet;

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use url::Url;
use uuid::Uuid;

use super::audience::Audience;
use super::claims::AMR;
use super::client::Client;
use super::code::LiveGrant;
use super::confirmation::Confirmation;
use super::reply_to::issuer_identifier;
use super::scope::Scope;
use super::system_scope::SystemScope;

/// `typ` of an access token that is a JWT (RFC 9068 §2.1).
pub const TYPE: &str = "at+jwt";

/// Claims of an access token (RFC 9068 §2.2); of an opaque one they stay here.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct AccessTokenClaims {
    /// The issuer identifier.
    pub iss: String,
    /// The person; or the client, where it acts on its own behalf (RFC 9068 §2.2).
    pub sub: String,
    /// Who it is for (RFC 9068 §3).
    pub aud: Audience,
    /// The first second at which it is too late.
    pub exp: i64,
    /// When it was issued.
    pub iat: i64,
    /// Its own id.
    pub jti: Uuid,
    /// The client that it was issued to (RFC 8693 §4.3).
    pub client_id: String,
    /// The scopes granted, with spaces between (RFC 9068 §2.2.3).
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub scope: String,
    /// When the card was shown (RFC 9068 §2.2.1).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub auth_time: Option<i64>,
    /// The level of assurance (RFC 9068 §2.2.1).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub acr: Option<String>,
    /// How the card was shown (RFC 9068 §2.2.1).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub amr: Vec<String>,
    /// The grant of a person that it belongs to: revoked with it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grant: Option<Uuid>,
    /// What it is bound to (RFC 7800 §3.1).
    #[serde(default, skip_serializing_if = "Confirmation::is_bearer")]
    pub cnf: Confirmation,
}

/// What every access token is made from.
#[derive(Clone, Debug)]
pub struct Making<'a> {
    /// The issuer.
    pub issuer: &'a Url,
    /// The client.
    pub client: &'a Client,
    /// Who the person is to the client, or the client itself.
    pub sub: String,
    /// Who it is for.
    pub audience: Audience,
    /// What it is bound to.
    pub confirmation: Confirmation,
    /// Its own id.
    pub jti: Uuid,
    /// The present moment.
    pub now: DateTime<Utc>,
    /// How long it lives.
    pub lifetime: TimeDelta,
}

impl AccessTokenClaims {
    /// For a person's grant.
    #[must_use]
    pub fn of_grant(making: Making<'_>, grant: &LiveGrant) -> Self {
        let authentication = &grant.authentication;
        let scopes = grant.scopes.iter().map(|scope| scope.name());
        Self {
            auth_time: Some(authentication.auth_time.timestamp()),
            acr: Some(authentication.loa.acr().to_owned()),
            amr: AMR.iter().map(ToString::to_string).collect(),
            grant: Some(grant.id),
            ..Self::of(making, scopes)
        }
    }

    /// For a client that acts on its own behalf (RFC 6749 §4.4).
    #[must_use]
    pub fn of_client(making: Making<'_>, scopes: &BTreeSet<SystemScope>) -> Self {
        Self::of(making, scopes.iter().map(SystemScope::as_str))
    }

    fn of<'s>(making: Making<'_>, scopes: impl Iterator<Item = &'s str>) -> Self {
        Self {
            iss: issuer_identifier(making.issuer).to_owned(),
            sub: making.sub,
            aud: making.audience,
            exp: (making.now + making.lifetime).timestamp(),
            iat: making.now.timestamp(),
            jti: making.jti,
            client_id: making.client.id.clone(),
            scope: scopes.collect::<Vec<_>>().join(" "),
            auth_time: None,
            acr: None,
            amr: Vec::new(),
            grant: None,
            cnf: making.confirmation,
        }
    }

    /// The scopes of a person that it holds.
    #[must_use]
    pub fn scopes(&self) -> BTreeSet<Scope> {
        self.scope.split(' ').filter_map(|name| name.parse().ok()).collect()
    }

    /// Whether it is past its time.
    #[must_use]
    pub const fn has_expired(&self, now: DateTime<Utc>) -> bool {
        now.timestamp() >= self.exp
    }

    /// `token_type`: how it is used (RFC 6749 §7.1).
    #[must_use]
    pub const fn token_type(&self) -> &'static str {
        self.cnf.scheme().name()
    }
}
