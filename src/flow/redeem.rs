//! A code becomes tokens (RFC 6749 §4.1.3; OpenID Connect Core 1.0 §3.1.3).

use serde::Serialize;

use super::authorize::role_demand;
use crate::error::Code;
use crate::oidc::claims::{self, Issue};
use crate::oidc::client_auth::{AuthenticatedClient, ClientAuthFault, Presented, authenticate};
use crate::oidc::code::{GrantFault, LiveGrant, TokenRequest};
use crate::oidc::params::Params;
use crate::state::App;
use crate::store::StoreError;
use crate::store::codes::{Redemption, redeem as redeem_code};

/// The answer of the token endpoint (OpenID Connect Core 1.0 §3.1.3.3).
#[derive(Serialize)]
pub struct Tokens {
    /// The access token.
    pub access_token: String,
    /// `Bearer` (RFC 6750).
    pub token_type: &'static str,
    /// How long the access token lives, in seconds.
    pub expires_in: i64,
    /// The ID token.
    pub id_token: String,
    /// The scopes granted.
    pub scope: String,
}

/// Why there are no tokens.
#[derive(Debug, thiserror::Error)]
pub enum RedeemFault {
    /// The client did not prove who it is.
    #[error("client authentication: {0}")]
    Client(#[from] ClientAuthFault),
    /// The request or the code.
    #[error("token request: {0}")]
    Grant(#[from] GrantFault),
    /// The database.
    #[error("{0}")]
    Store(#[from] StoreError),
    /// No key signs, or signing failed.
    #[error("signing: {0}")]
    Signing(String),
}

impl RedeemFault {
    /// The code of the catalogue.
    #[must_use]
    pub fn code(&self) -> Code {
        match self {
            Self::Client(fault) => fault.code(),
            Self::Grant(fault) => fault.code(),
            Self::Store(error) => error.code(),
            Self::Signing(_) => Code::Internal,
        }
    }
}

/// Authenticates the client, redeems its code, checks the rest, and signs.
///
/// # Errors
/// [`RedeemFault`]. After a wrong redirect URI or verifier the code is spent all the same.
pub async fn redeem(
    app: &App,
    authorization: Option<&str>,
    params: &Params,
    address: &str,
) -> Result<Tokens, RedeemFault> {
    let by = client(app, authorization, params)?;
    let request = TokenRequest::parse(params)?;
    let now = app.clock.now();
    let issued = match redeem_code(&app.pool, &request.code, &by, address, now).await? {
        Redemption::Fresh(issued) => issued,
        Redemption::Replayed => return Err(GrantFault::CodeReplayed.into()),
        Redemption::Unknown => return Err(GrantFault::CodeUnknown.into()),
        Redemption::AssertionReplayed => return Err(ClientAuthFault::AssertionReplayed.into()),
    };
    let grant = issued.check(&request, role_demand(&by.client), now)?;
    sign(app, &by, &grant)
}

fn client(
    app: &App,
    authorization: Option<&str>,
    params: &Params,
) -> Result<AuthenticatedClient, ClientAuthFault> {
    let presented = Presented::parse(authorization, Some(params))?;
    authenticate(&presented, |id| app.client(id), &app.issuer, app.clock.now())
}

fn sign(app: &App, by: &AuthenticatedClient, grant: &LiveGrant) -> Result<Tokens, RedeemFault> {
    let now = app.clock.now();
    let registry = app.registry.load();
    let alg = by.client.signing_alg;
    let key = registry
        .keyring
        .at(now)
        .signing(alg)
        .ok_or_else(|| RedeemFault::Signing(format!("no key signs with {alg} now")))?;
    let lifetime = app.lifetimes.access_token;
    let issue = Issue { issuer: &app.issuer, client: &by.client, grant, key, now, lifetime };
    let access_token = claims::access_token(&issue, app.random.uuid(now))
        .map_err(|error| RedeemFault::Signing(error.to_string()))?;
    let id_token =
        claims::id_token(&Issue { lifetime: app.lifetimes.id_token, ..issue }, &access_token)
            .map_err(|error| RedeemFault::Signing(error.to_string()))?;
    let scopes: Vec<&str> = grant.scopes.iter().map(|scope| scope.name()).collect();
    Ok(Tokens {
        access_token,
        token_type: "Bearer",
        expires_in: lifetime.num_seconds(),
        id_token,
        scope: scopes.join(" "),
    })
}
