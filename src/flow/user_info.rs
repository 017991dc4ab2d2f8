//! An access token opens the claims of its person (OpenID Connect Core 1.0 §5.3).

use secrecy::ExposeSecret as _;
use serde_json::Value;

use super::access_token::{self, Standing};
use super::client_call::Call;
use super::protected::{Encryption, ProtectFault};
use super::sender::{self, PresentedToken, SenderFault};
use crate::error::Code;
use crate::keys::SigningAlg;
use crate::keys::signer::KeyFault;
use crate::oidc::claims;
use crate::oidc::client::Client;
use crate::oidc::profile::Rules;
use crate::oidc::release::Claims;
use crate::oidc::reply_to::issuer_identifier;
use crate::oidc::scope::Scope;
use crate::state::App;
use crate::store::StoreError;

/// Why an access token opens nothing (RFC 6750 §3.1).
#[derive(Debug, thiserror::Error)]
pub enum TokenFault {
    /// None was sent.
    #[error("no access token")]
    Missing,
    /// In more than one way.
    #[error("sent in more than one way")]
    Repeated,
    /// In the address.
    #[error("in the query")]
    InQuery,
    /// No access token of ours.
    #[error("no access token of ours")]
    Malformed,
    /// Past its time.
    #[error("expired")]
    Expired,
    /// Whoever sent it did not prove what it is bound to.
    #[error("{0}")]
    Sender(#[from] SenderFault),
    /// For another resource.
    #[error("for another resource")]
    Audience,
    /// Of no person, or without `openid`.
    #[error("without the scope openid")]
    Scope,
    /// Revoked, logged out, disabled, or without a role.
    #[error("no longer in force")]
    Revoked,
    /// The database.
    #[error("{0}")]
    Store(#[from] StoreError),
    /// No key signs by the algorithm now.
    #[error("no key signs with {0} now")]
    NoKey(SigningAlg),
    /// The answer cannot be signed.
    #[error("{0}")]
    Signing(#[from] KeyFault),
    /// The answer cannot be encrypted to the client.
    #[error("encryption: {0}")]
    Encryption(#[from] ProtectFault),
}

/// An answer of UserInfo (OpenID Connect Core 1.0 §5.3.2).
#[derive(Debug)]
pub enum UserInfo {
    /// `application/json`.
    Json(Value),
    /// `application/jwt`: signed, encrypted, or both.
    Jwt(String),
}

impl TokenFault {
    /// The code of the catalogue.
    #[must_use]
    pub fn code(&self) -> Code {
        match self {
            Self::Missing => Code::TokenMissing,
            Self::Repeated => Code::TokenRepeated,
            Self::InQuery => Code::TokenInQuery,
            Self::Malformed => Code::TokenMalformed,
            Self::Expired => Code::TokenExpired,
            Self::Sender(fault) => fault.code(),
            Self::Audience => Code::TokenAudienceWrong,
            Self::Scope => Code::TokenScopeInsufficient,
            Self::Revoked => Code::TokenRevoked,
            Self::Store(error) => error.code(),
            Self::NoKey(_) | Self::Signing(_) => Code::Internal,
            Self::Encryption(fault) => fault.code(),
        }
    }
}

/// The claims that an access token opens over a connection, as registered now.
///
/// # Errors
/// [`TokenFault`].
pub async fn user_info(
    app: &App,
    call: &Call<'_>,
    presented: &PresentedToken,
) -> Result<UserInfo, TokenFault> {
    let claims = access_token::issued(app, presented.token.expose_secret()).await?;
    // RFC 9068 §4: a token for another resource is none for this one.
    if !claims.aud.contains(issuer_identifier(&app.issuer)) {
        return Err(TokenFault::Audience);
    }
    let owner = app.client(&claims.client_id).ok_or(TokenFault::Revoked)?;
    let bound = (&claims.cnf, Rules::of(&owner).client_algs);
    sender::satisfies(app, call, bound, presented).await?;
    let Standing::OfPerson(client, grant) = access_token::stands(app, &claims).await? else {
        return Err(TokenFault::Scope);
    };
    // OpenID Connect Core 1.0 §5.3: it is the token of a login.
    if !grant.scopes.contains(&Scope::OpenId) {
        return Err(TokenFault::Scope);
    }
    let profile = app.claim_profiles.of(&client);
    answer(app, &client, claims::user_info(&client, &grant, profile, &claims.sub)).await
}

// OpenID Connect Core 1.0 §5.3.2: signed, then encrypted, as the client is registered and its profile
// says.
async fn answer(app: &App, client: &Client, claims: Claims) -> Result<UserInfo, TokenFault> {
    let metadata = &client.metadata;
    let encryption = Encryption {
        alg: metadata.userinfo_encrypted_response_alg,
        enc: metadata.userinfo_encrypted_response_enc,
    };
    if let Some(alg) = Rules::of(client).userinfo_alg {
        let registry = app.registry.load();
        let ring = registry.keyring.at(app.clock.now());
        let key = ring.signing(alg).ok_or(TokenFault::NoKey(alg))?;
        let jwt = claims::user_info_jwt(claims, &app.issuer, client, key)?;
        return Ok(UserInfo::Jwt(encryption.jwt(app, client, jwt).await?));
    }
    let claims = Value::Object(claims);
    Ok(match encryption.claims(app, client, &claims).await? {
        Some(jwe) => UserInfo::Jwt(jwe),
        None => UserInfo::Json(claims),
    })
}
