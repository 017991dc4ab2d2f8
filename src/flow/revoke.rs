//! A client gives a token back (RFC 7009).

use chrono::DateTime;

use super::access_token;
use super::client_call::{Call, CallFault, authenticated};
use crate::error::Code;
use crate::oidc::client_auth::ClientAuthFault;
use crate::oidc::params::{Params, ParamsFault};
use crate::secret::sha256;
use crate::state::App;
use crate::store::StoreError;
use crate::store::token_revocation::{self, Revocation, Revoked, Signed};

/// Why a token is not revoked.
#[derive(Debug, thiserror::Error)]
pub enum RevocationRefusal {
    /// The client did not prove who it is.
    #[error("client authentication: {0}")]
    Client(#[from] ClientAuthFault),
    /// A parameter sent more than once.
    #[error(transparent)]
    Params(#[from] ParamsFault),
    /// No `token`.
    #[error("no token")]
    Missing,
    /// Another client's.
    #[error("a token of another client")]
    OfAnotherClient,
    /// The database.
    #[error("{0}")]
    Store(#[from] StoreError),
}

impl From<CallFault> for RevocationRefusal {
    fn from(fault: CallFault) -> Self {
        match fault {
            CallFault::Client(fault) => Self::Client(fault),
            CallFault::Store(error) => Self::Store(error),
        }
    }
}

impl RevocationRefusal {
    /// The code of the catalogue.
    #[must_use]
    pub fn code(&self) -> Code {
        match self {
            Self::Client(fault) => fault.code(),
            Self::Params(fault) => fault.code(),
            Self::Missing => Code::TokenParameterMissing,
            Self::OfAnotherClient => Code::TokenOfAnotherClient,
            Self::Store(error) => error.code(),
        }
    }
}

/// Revokes a token of the client that calls; one that is unknown is no fault (RFC 7009 §2.2). The hint is
/// not needed: what a token is can be seen, or is found by its hash.
///
/// # Errors
/// [`RevocationRefusal`].
pub async fn revoke(app: &App, call: &Call<'_>, params: &Params) -> Result<(), RevocationRefusal> {
    let by = authenticated(app, call).await?;
    let token = params.get("token")?.ok_or(RevocationRefusal::Missing)?;
    params.get("token_type_hint")?;
    let now = app.clock.now();
    let claims = access_token::signed(app, token).ok().filter(|claims| !claims.has_expired(now));
    // RFC 7009 §2.1: whether the token was issued to the client that asks.
    if claims.as_ref().is_some_and(|claims| claims.client_id != by.client.id) {
        return Err(RevocationRefusal::OfAnotherClient);
    }
    let signed = claims.and_then(|claims| {
        let expires_at = DateTime::from_timestamp(claims.exp, 0)?;
        Some(Signed { jti: claims.jti, grant: claims.grant, expires_at })
    });
    let hash = sha256(token.as_bytes());
    let revocation = Revocation { by: &by, hash, signed, address: call.address, now };
    match token_revocation::revoke(&app.pool, &revocation).await? {
        Revoked::Done => Ok(()),
        Revoked::OfAnotherClient => Err(RevocationRefusal::OfAnotherClient),
        Revoked::AssertionReplayed => Err(ClientAuthFault::AssertionReplayed.into()),
    }
}
