//! The token endpoint (RFC 6749 §3.2): which grant is it, and may the client use it?

use serde::Serialize;

use super::client_call::{Call, CallFault, authenticated};
use super::client_credentials;
use super::protected::ProtectFault;
use super::redeem;
use super::refresh;
use super::sender::{self, SenderFault};
use crate::error::Code;
use crate::oidc::client_auth::{AuthenticatedClient, ClientAuthFault};
use crate::oidc::client_metadata::GrantType;
use crate::oidc::code::GrantFault;
use crate::oidc::confirmation::Confirmation;
use crate::oidc::params::{Params, ParamsFault};
use crate::state::App;
use crate::store::StoreError;

/// The answer of the token endpoint (RFC 6749 §5.1; OpenID Connect Core 1.0 §3.1.3.3).
#[derive(Serialize)]
pub struct Tokens {
    /// The access token.
    pub access_token: String,
    /// `Bearer` (RFC 6750) or `DPoP` (RFC 9449 §5).
    pub token_type: &'static str,
    /// How long the access token lives, in seconds.
    pub expires_in: i64,
    /// The ID token, where a person logged in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id_token: Option<String>,
    /// The refresh token, where there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refresh_token: Option<String>,
    /// The scopes granted; left out where there are none.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub scope: String,
}

/// Why there are no tokens.
#[derive(Debug, thiserror::Error)]
pub enum TokenRefusal {
    /// The client did not prove who it is.
    #[error("client authentication: {0}")]
    Client(#[from] ClientAuthFault),
    /// It did not prove what its tokens are to be bound to.
    #[error("{0}")]
    Sender(#[from] SenderFault),
    /// The request or what it is to be exchanged.
    #[error("token request: {0}")]
    Grant(#[from] GrantFault),
    /// The database.
    #[error("{0}")]
    Store(#[from] StoreError),
    /// No key signs, or signing failed.
    #[error("signing: {0}")]
    Signing(String),
    /// Nothing can be encrypted to the client.
    #[error("encryption: {0}")]
    Encryption(#[from] ProtectFault),
}

impl From<CallFault> for TokenRefusal {
    fn from(fault: CallFault) -> Self {
        match fault {
            CallFault::Client(fault) => Self::Client(fault),
            CallFault::Store(error) => Self::Store(error),
        }
    }
}

impl TokenRefusal {
    /// The code of the catalogue.
    #[must_use]
    pub fn code(&self) -> Code {
        match self {
            Self::Client(fault) => fault.code(),
            Self::Sender(fault) => fault.code(),
            Self::Grant(fault) => fault.code(),
            Self::Store(error) => error.code(),
            Self::Signing(_) => Code::Internal,
            Self::Encryption(fault) => fault.code(),
        }
    }
}

/// A call of the token endpoint whose client has proved who it is. Its assertion must be marked as
/// used by the statement that gives something, or before.
pub struct TokenCall<'a> {
    /// The client.
    pub by: AuthenticatedClient,
    /// Its form.
    pub params: &'a Params,
    /// What it brought.
    pub call: &'a Call<'a>,
    /// The keys that it proves, and that its new tokens are bound to.
    pub confirmation: Confirmation,
}

/// Authenticates the client and exchanges what it brought.
///
/// # Errors
/// [`TokenRefusal`].
pub async fn token(app: &App, call: &Call<'_>, params: &Params) -> Result<Tokens, TokenRefusal> {
    // Before the request is read: who asks is told more than strangers are.
    let by = authenticated(app, call).await?;
    let grant_type = grant_type(params)?;
    if !by.client.metadata.may_use(grant_type) {
        return Err(GrantFault::GrantTypeUnregistered.into());
    }
    // RFC 6749 §4.4: only a confidential client may ask in its own name.
    if grant_type == GrantType::ClientCredentials && by.is_public() {
        return Err(GrantFault::GrantTypeUnregistered.into());
    }
    // Before anything is spent: a client that must send another proof sends the same code again.
    let confirmation = sender::confirmation(app, call, &by.client).await?;
    let call = TokenCall { by, params, call, confirmation };
    match grant_type {
        GrantType::AuthorizationCode => redeem::redeem(app, call).await,
        GrantType::RefreshToken => refresh::refresh(app, call).await,
        GrantType::ClientCredentials => client_credentials::client_credentials(app, call).await,
    }
}

fn grant_type(params: &Params) -> Result<GrantType, GrantFault> {
    let name = params.get("grant_type").map_err(|fault: ParamsFault| GrantFault::Params(fault))?;
    name.ok_or(GrantFault::GrantTypeMissing)?.parse().map_err(|_| GrantFault::GrantType)
}
