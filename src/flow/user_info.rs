//! An access token opens the claims of its person (OpenID Connect Core 1.0 §5.3).

use serde_json::Value;

use super::access_token::{self, Standing};
use crate::error::Code;
use crate::oidc::claims;
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
    /// Claims that do not serialise.
    #[error("{0}")]
    Claims(#[from] serde_json::Error),
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
            Self::Audience => Code::TokenAudienceWrong,
            Self::Scope => Code::TokenScopeInsufficient,
            Self::Revoked => Code::TokenRevoked,
            Self::Store(error) => error.code(),
            Self::Claims(_) => Code::Internal,
        }
    }
}

/// The claims that an access token opens, as registered now.
///
/// # Errors
/// [`TokenFault`].
pub async fn user_info(app: &App, token: &str) -> Result<Value, TokenFault> {
    let claims = access_token::issued(app, token).await?;
    // RFC 9068 §4: a token for another resource is none for this one.
    if !claims.aud.contains(issuer_identifier(&app.issuer)) {
        return Err(TokenFault::Audience);
    }
    let Standing::OfPerson(client, grant) = access_token::stands(app, &claims).await? else {
        return Err(TokenFault::Scope);
    };
    // OpenID Connect Core 1.0 §5.3: it is the token of a login.
    if !grant.scopes.contains(&Scope::OpenId) {
        return Err(TokenFault::Scope);
    }
    Ok(claims::user_info(&client, &grant)?)
}
