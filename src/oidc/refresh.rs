//! Refresh tokens (RFC 6749 §6; RFC 9700 §4.14): what may be asked with one, and when it counts.
//!
//! That one that rotates is used once is settled by one SQL statement. Must never widen what was granted.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};

use super::client::{AuthMethod, Client};
use super::client_metadata::{GrantType, RefreshTokens};
use super::code::GrantFault;
use super::confirmation::Confirmation;
use super::params::Params;
use super::resource;
use super::scope::Scope;

/// The parameters of a refresh request (RFC 6749 §6; RFC 8707 §2.2).
pub struct RefreshRequest {
    /// The refresh token, as sent.
    pub token: String,
    /// `scope`, as sent.
    scope: Option<String>,
    /// The resources that it names.
    pub resources: BTreeSet<String>,
}

impl RefreshRequest {
    /// Reads the parameters.
    ///
    /// # Errors
    /// [`GrantFault`]: repeated parameters, no `refresh_token`, a malformed `resource`.
    pub fn parse(params: &Params) -> Result<Self, GrantFault> {
        Ok(Self {
            token: params.get("refresh_token")?.ok_or(GrantFault::RefreshTokenMissing)?.to_owned(),
            scope: params.get("scope")?.map(str::to_owned),
            resources: resource::asked(params)?,
        })
    }

    /// The scopes of the new access token: those asked for, which must all have been granted; left out,
    /// all that were (RFC 6749 §6). What the refresh token stands for stays as it is.
    ///
    /// # Errors
    /// [`GrantFault::ScopeExceedsGrant`].
    pub fn narrowed(&self, granted: &BTreeSet<Scope>) -> Result<BTreeSet<Scope>, GrantFault> {
        let Some(scope) = &self.scope else { return Ok(granted.clone()) };
        let names = scope.split(' ').filter(|name| !name.is_empty());
        let asked: Option<BTreeSet<Scope>> = names.map(|name| name.parse().ok()).collect();
        asked
            .filter(|asked| !asked.is_empty() && asked.is_subset(granted))
            .ok_or(GrantFault::ScopeExceedsGrant)
    }
}

/// A refresh token as it is kept.
#[derive(Clone, Debug)]
pub struct RefreshToken {
    /// When it was used, where it gave another in its place.
    pub used_at: Option<DateTime<Utc>>,
    /// The first moment at which it is too late.
    pub expires_at: DateTime<Utc>,
    /// The key that it is bound to.
    pub confirmation: Confirmation,
}

impl RefreshToken {
    /// Whether it counts now, for whoever proves to hold a key. A used one is told as such even after its
    /// time: whoever brings it may have stolen it (RFC 9700 §4.14.2).
    ///
    /// # Errors
    /// [`GrantFault`]: replayed, expired, bound to another key.
    pub fn check(&self, proved: &Confirmation, now: DateTime<Utc>) -> Result<(), GrantFault> {
        if self.used_at.is_some() {
            return Err(GrantFault::RefreshTokenReplayed);
        }
        if now >= self.expires_at {
            return Err(GrantFault::RefreshTokenExpired);
        }
        if !self.confirmation.is_held_by(proved) {
            return Err(GrantFault::RefreshTokenKey);
        }
        Ok(())
    }
}

/// Whether a client gets refresh tokens.
#[must_use]
pub fn is_given_to(client: &Client) -> bool {
    client.metadata.may_use(GrantType::RefreshToken)
}

/// Whether a refresh token outlives the session: as the client is registered, and as it asked for
/// (OpenID Connect Core 1.0 §11).
#[must_use]
pub fn outlives_session(client: &Client, granted: &BTreeSet<Scope>) -> bool {
    client.metadata.refresh_tokens == RefreshTokens::Offline
        && granted.contains(&Scope::OfflineAccess)
}

/// What a refresh token is bound to: the key of the first call, where the client has no other way to
/// prove itself (RFC 9449 §5; RFC 8705 §4). Those of others are bound by their authentication
/// (RFC 6749 §10.4), so that they may change their keys.
#[must_use]
pub fn bound_to(client: &Client, proved: &Confirmation) -> Confirmation {
    match client.authentication.method() {
        AuthMethod::None => proved.clone(),
        AuthMethod::ClientSecretBasic
        | AuthMethod::ClientSecretPost
        | AuthMethod::PrivateKeyJwt
        | AuthMethod::TlsClientAuth
        | AuthMethod::SelfSignedTlsClientAuth => Confirmation::default(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::oidc::client::ClientAuthentication;
    use crate::oidc::client::testing::client;

    fn at(second: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(second, 0).unwrap()
    }

    #[test]
    fn a_scope_is_narrowed_and_never_widened() {
        let granted = BTreeSet::from([Scope::OpenId, Scope::Profile]);
        let narrowed = |query: &str| {
            let params = Params::parse(&format!("refresh_token=x&{query}")).unwrap();
            RefreshRequest::parse(&params).unwrap().narrowed(&granted)
        };
        assert_eq!(narrowed(""), Ok(granted.clone()));
        assert_eq!(narrowed("scope=profile"), Ok(BTreeSet::from([Scope::Profile])));
        assert_eq!(narrowed("scope=profile++openid"), Ok(granted.clone()));
        for wider in ["scope=openid+systemRole", "scope=openid+unknown", "scope=+"] {
            assert_eq!(narrowed(wider), Err(GrantFault::ScopeExceedsGrant), "{wider}");
        }
    }

    #[test]
    fn replayed_is_told_before_expired_and_expired_before_the_key() {
        let key = Confirmation { jkt: Some("a".to_owned()), certificate: None };
        let token = RefreshToken { used_at: None, expires_at: at(10), confirmation: key.clone() };
        let none = Confirmation::default();
        assert_eq!(token.check(&key, at(9)), Ok(()));
        assert_eq!(token.check(&none, at(9)), Err(GrantFault::RefreshTokenKey));
        assert_eq!(token.check(&none, at(10)), Err(GrantFault::RefreshTokenExpired));
        let used = RefreshToken { used_at: Some(at(5)), ..token };
        assert_eq!(used.check(&none, at(10)), Err(GrantFault::RefreshTokenReplayed));
    }

    #[test]
    fn those_of_public_clients_alone_are_bound_to_the_first_key() {
        let key = Confirmation { jkt: Some("a".to_owned()), certificate: None };
        let mut client = client("client");
        assert_eq!(bound_to(&client, &key), Confirmation::default());
        client.authentication = ClientAuthentication::None;
        assert_eq!(bound_to(&client, &key), key);
    }
}
