//! Tokens, made: the same whether a code, a refresh token or a client's own credentials were exchanged.
//!
//! Must never answer with an opaque token that was not kept: [`Made`] holds what its caller must keep, by
//! the one statement that it makes anyway.

use std::collections::BTreeSet;

use chrono::DateTime;

use super::protected::Encryption;
use super::token::{TokenRefusal, Tokens};
use crate::keys::keyring::RingAt;
use crate::keys::{KeyRecord, SigningAlg};
use crate::oidc::access_token::{self, AccessTokenClaims, Making};
use crate::oidc::audience::Audience;
use crate::oidc::claims::{self, Issue};
use crate::oidc::client::Client;
use crate::oidc::client_metadata::AccessTokenFormat;
use crate::oidc::code::LiveGrant;
use crate::oidc::confirmation::Confirmation;
use crate::oidc::scope::Scope;
use crate::oidc::system_scope::SystemScope;
use crate::secret::sha256;
use crate::state::App;
use crate::store::access_tokens::NewAccessToken;

/// Whom tokens are for, and what they are bound to.
pub struct Bound<'a> {
    /// The client.
    pub client: &'a Client,
    /// What it must prove to use them.
    pub confirmation: Confirmation,
    /// Who takes the access token.
    pub audience: Audience,
}

/// Tokens, and what must be kept before they are answered.
pub struct Made {
    /// The answer.
    pub tokens: Tokens,
    /// What the access token says.
    pub claims: AccessTokenClaims,
    /// The access token, where it is opaque.
    pub opaque: Option<NewAccessToken>,
}

/// Access token and ID token of a grant that is in force; no ID token where the scopes were narrowed
/// to none of a login.
///
/// # Errors
/// [`TokenRefusal::Signing`], [`TokenRefusal::Encryption`].
pub async fn of_grant(app: &App, to: Bound<'_>, grant: &LiveGrant) -> Result<Made, TokenRefusal> {
    let client = to.client;
    let sub = app.subject(client, grant.user.id());
    let claims = AccessTokenClaims::of_grant(making(app, to, sub.clone()), grant);
    let mut made = made(app, client, claims)?;
    if grant.scopes.contains(&Scope::OpenId) {
        let id_token = id_token(app, client, grant, &sub, &made.tokens.access_token)?;
        let encryption = Encryption::of_id_tokens(client);
        made.tokens.id_token = Some(encryption.jwt(app, client, id_token).await?);
    }
    Ok(made)
}

fn id_token(
    app: &App,
    client: &Client,
    grant: &LiveGrant,
    sub: &str,
    access_token: &str,
) -> Result<String, TokenRefusal> {
    let (now, registry) = (app.clock.now(), app.registry.load());
    let issue = Issue {
        issuer: &app.issuer,
        client,
        grant,
        key: signing_key(&registry.keyring.at(now), client.signing_alg)?,
        now,
        lifetime: app.lifetimes.id_token,
        sub,
        profile: app.claim_profiles.of(client),
    };
    claims::id_token(&issue, access_token).map_err(|error| TokenRefusal::Signing(error.to_string()))
}

/// An access token of a client itself.
///
/// # Errors
/// [`TokenRefusal::Signing`].
pub fn of_client(
    app: &App,
    to: Bound<'_>,
    scopes: &BTreeSet<SystemScope>,
) -> Result<Made, TokenRefusal> {
    let client = to.client;
    // RFC 9068 §2.2: without a person, sub is the client.
    let making = making(app, to, client.id.clone());
    made(app, client, AccessTokenClaims::of_client(making, scopes))
}

fn making<'a>(app: &'a App, to: Bound<'a>, sub: String) -> Making<'a> {
    let now = app.clock.now();
    Making {
        issuer: &app.issuer,
        client: to.client,
        sub,
        audience: to.audience,
        confirmation: to.confirmation,
        jti: app.random.uuid(now),
        now,
        lifetime: app.lifetimes.access_token,
    }
}

fn made(app: &App, client: &Client, claims: AccessTokenClaims) -> Result<Made, TokenRefusal> {
    let (access_token, opaque) = match client.metadata.access_token_format {
        AccessTokenFormat::Jwt => (signed(app, client, &claims)?, None),
        AccessTokenFormat::Opaque => {
            let token = app.random.token();
            let opaque = opaque(&token, &claims)?;
            (token, Some(opaque))
        }
    };
    let tokens = Tokens {
        access_token,
        token_type: claims.token_type(),
        expires_in: claims.exp - claims.iat,
        id_token: None,
        refresh_token: None,
        scope: claims.scope.clone(),
    };
    Ok(Made { tokens, claims, opaque })
}

// RFC 9068 §2.
fn signed(app: &App, client: &Client, claims: &AccessTokenClaims) -> Result<String, TokenRefusal> {
    let registry = app.registry.load();
    let key = signing_key(&registry.keyring.at(app.clock.now()), client.signing_alg)?;
    let signed = key.private.sign_jwt(&key.kid, Some(access_token::TYPE), claims);
    signed.map_err(|error| TokenRefusal::Signing(error.to_string()))
}

fn opaque(token: &str, claims: &AccessTokenClaims) -> Result<NewAccessToken, TokenRefusal> {
    let fault = |text: String| TokenRefusal::Signing(text);
    Ok(NewAccessToken {
        hash: sha256(token.as_bytes()),
        claims: serde_json::to_value(claims).map_err(|error| fault(error.to_string()))?,
        expires_at: DateTime::from_timestamp(claims.exp, 0)
            .ok_or_else(|| fault("no such moment".to_owned()))?,
    })
}

/// The key that signs with an algorithm now.
///
/// # Errors
/// [`TokenRefusal::Signing`] where there is none.
pub fn signing_key<'r>(ring: &RingAt<'r>, alg: SigningAlg) -> Result<&'r KeyRecord, TokenRefusal> {
    ring.signing(alg).ok_or_else(|| TokenRefusal::Signing(format!("no key signs with {alg} now")))
}
