//! An access token opens the claims of its person (OpenID Connect Core 1.0 §5.3).

use serde_json::Value;

use super::authorize::role_demand;
use super::binding::{self, NotHeld};
use super::protected::{Encryption, ProtectFault};
use crate::error::Code;
use crate::keys::signer::KeyFault;
use crate::keys::{SigningAlg, jwt};
use crate::oidc::claims::{self, AccessTokenClaims};
use crate::oidc::client::Client;
use crate::oidc::profile::Rules;
use crate::oidc::release::Claims;
use crate::oidc::reply_to::issuer_identifier;
use crate::pki::PresentedChain;
use crate::state::App;
use crate::store::{StoreError, grants};

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
    /// Revoked, logged out, disabled, or without a role.
    #[error("no longer in force")]
    Revoked,
    /// Bound to a certificate, and none was shown.
    #[error("bound to a certificate that was not shown")]
    CertificateMissing,
    /// Bound to another certificate.
    #[error("bound to another certificate")]
    CertificateMismatch,
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
            Self::Revoked => Code::TokenRevoked,
            Self::CertificateMissing => Code::TokenCertificateMissing,
            Self::CertificateMismatch => Code::TokenCertificateMismatch,
            Self::Store(error) => error.code(),
            Self::NoKey(_) | Self::Signing(_) => Code::Internal,
            Self::Encryption(fault) => fault.code(),
        }
    }
}

impl From<NotHeld> for TokenFault {
    fn from(fault: NotHeld) -> Self {
        match fault {
            NotHeld::Missing => Self::CertificateMissing,
            NotHeld::Mismatch => Self::CertificateMismatch,
        }
    }
}

/// The claims that an access token opens over a connection, as registered now.
///
/// # Errors
/// [`TokenFault`].
pub async fn user_info(
    app: &App,
    token: &str,
    chain: Option<&PresentedChain>,
) -> Result<UserInfo, TokenFault> {
    let claims = verify(app, token)?;
    binding::must_hold_certificate(&claims.cnf, chain)?;
    let client =
        app.client(&claims.client_id).filter(|client| client.enabled).ok_or(TokenFault::Revoked)?;
    let now = app.clock.now();
    let grant = grants::by_id(&app.pool, claims.grant, &client, now)
        .await?
        .and_then(|grant| grant.live(now, role_demand(&client)))
        .filter(|grant| app.subject(&client, grant.user.id()) == claims.sub)
        .ok_or(TokenFault::Revoked)?;
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

// RFC 9068 §4: type, signature, issuer, audience, expiry.
fn verify(app: &App, token: &str) -> Result<AccessTokenClaims, TokenFault> {
    let header = jwt::unverified_header(token).map_err(|_| TokenFault::Malformed)?;
    if header.typ.as_deref() != Some("at+jwt") {
        return Err(TokenFault::Malformed);
    }
    let now = app.clock.now();
    let registry = app.registry.load();
    let claims: AccessTokenClaims = header
        .kid
        .and_then(|kid| registry.keyring.at(now).verifying(&kid))
        .ok_or(TokenFault::Malformed)?
        .verify(token)
        .map_err(|_| TokenFault::Malformed)?;
    let issuer = issuer_identifier(&app.issuer);
    if claims.iss != issuer || claims.aud != issuer {
        return Err(TokenFault::Malformed);
    }
    if now.timestamp() >= claims.exp {
        return Err(TokenFault::Expired);
    }
    Ok(claims)
}
