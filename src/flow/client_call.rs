//! A client calls an endpoint, and proves who it is: the same for every endpoint that clients call.
//!
//! Must never answer a call whose assertion was not marked as used: [`proved`] marks it at once,
//! [`authenticated`] leaves it to the one statement that the caller makes anyway.

use std::sync::Arc;

use super::{client_certificate, client_keys};
use crate::error::Code;
use crate::oidc::client_auth::{
    AuthenticatedClient, Circumstances, ClientAuthFault, Presented, authenticate,
};
use crate::oidc::params::Params;
use crate::pki::PresentedChain;
use crate::state::App;
use crate::store::{StoreError, assertions};

/// What a client brings to an endpoint.
pub struct Call<'a> {
    /// The HTTP method.
    pub method: &'a str,
    /// The path of the endpoint, under the issuer.
    pub path: &'a str,
    /// The host that the connection is for, where it is not the issuer's: `mtls_endpoint_aliases`.
    pub alias_host: Option<&'a str>,
    /// The Authorization field; empty where it was sent twice.
    pub authorization: Option<&'a str>,
    /// The DPoP fields (RFC 9449 §4.1).
    pub dpop: &'a [String],
    /// The client certificate of the connection, unjudged; its key is proved.
    pub chain: Option<&'a PresentedChain>,
    /// The form, where there is one.
    pub params: Option<&'a Params>,
    /// The address it comes from.
    pub address: &'a str,
}

/// Why a call is not answered.
#[derive(Debug, thiserror::Error)]
pub enum CallFault {
    /// The client did not prove who it is.
    #[error("client authentication: {0}")]
    Client(#[from] ClientAuthFault),
    /// The database.
    #[error("{0}")]
    Store(#[from] StoreError),
}

impl CallFault {
    /// The code of the catalogue.
    #[must_use]
    pub fn code(&self) -> Code {
        match self {
            Self::Client(fault) => fault.code(),
            Self::Store(error) => error.code(),
        }
    }
}

/// The client of a call, authenticated; an assertion must still be marked as used.
///
/// # Errors
/// [`CallFault`].
pub async fn authenticated(app: &App, call: &Call<'_>) -> Result<AuthenticatedClient, CallFault> {
    let presented = match Presented::parse(call.authorization, call.params) {
        // RFC 8705 §2: the certificate does not say which client it is.
        Err(ClientAuthFault::Missing) if call.chain.is_some() => {
            return Err(ClientAuthFault::NameMissing.into());
        }
        presented => presented?,
    };
    let client = app
        .client(&presented.client_id()?)
        .filter(|client| client.enabled)
        .ok_or(ClientAuthFault::Unknown)?;
    if presented.is_name() && client.authentication.is_by_certificate() {
        return Ok(client_certificate::authenticated(app, client, call.chain).await?);
    }
    let keys = match &presented {
        Presented::Assertion { jwt, .. } => client_keys::signing_with(app, &client, jwt).await,
        Presented::Basic { .. } | Presented::Post { .. } | Presented::Name { .. } => Arc::default(),
    };
    let at = Circumstances {
        issuer: &app.issuer,
        path: call.path,
        alias_host: call.alias_host,
        now: app.clock.now(),
    };
    Ok(authenticate(&presented, client, &keys, at)?)
}

/// The client of a call, authenticated, with its assertion marked as used.
///
/// # Errors
/// [`CallFault`].
pub async fn proved(app: &App, call: &Call<'_>) -> Result<AuthenticatedClient, CallFault> {
    let by = authenticated(app, call).await?;
    if !assertions::mark(&app.pool, &by, app.clock.now()).await? {
        return Err(ClientAuthFault::AssertionReplayed.into());
    }
    Ok(by)
}
