//! A protected resource, or a client, asks what a token is worth (RFC 7662), and may get a signed answer
//! (RFC 9701).
//!
//! Asked of the database each time, so that what was revoked is inactive at once. Must never say why a token
//! is inactive.

use serde_json::Value;

use super::access_token;
use super::client_call::{Call, CallFault, proved};
use super::refresh;
use super::token::TokenRefusal;
use super::tokens::signing_key;
use super::user_info::TokenFault;
use crate::error::Code;
use crate::keys::SigningAlg;
use crate::oidc::client::Client;
use crate::oidc::client_auth::ClientAuthFault;
use crate::oidc::client_metadata::Profile;
use crate::oidc::introspection::{
    SIGNED_TYPE, SignedAnswer, concern, inactive, is_owner, of_access_token, of_refresh_token,
};
use crate::oidc::params::{Params, ParamsFault};
use crate::oidc::reply_to::issuer_identifier;
use crate::secret::sha256;
use crate::state::App;
use crate::store::{StoreError, refresh_tokens};

/// What is answered.
pub enum Told {
    /// JSON (RFC 7662 §2.2).
    Plain(Value),
    /// A JWT (RFC 9701 §5).
    Signed(String),
}

/// Why nothing is told.
#[derive(Debug, thiserror::Error)]
pub enum IntrospectionRefusal {
    /// The caller did not prove who it is.
    #[error("client authentication: {0}")]
    Client(#[from] ClientAuthFault),
    /// A parameter sent more than once.
    #[error(transparent)]
    Params(#[from] ParamsFault),
    /// No `token`.
    #[error("no token")]
    Missing,
    /// The database.
    #[error("{0}")]
    Store(#[from] StoreError),
    /// No key signs, or signing failed.
    #[error("{0}")]
    Signing(TokenRefusal),
}

impl From<CallFault> for IntrospectionRefusal {
    fn from(fault: CallFault) -> Self {
        match fault {
            CallFault::Client(fault) => Self::Client(fault),
            CallFault::Store(error) => Self::Store(error),
        }
    }
}

impl IntrospectionRefusal {
    /// The code of the catalogue.
    #[must_use]
    pub fn code(&self) -> Code {
        match self {
            Self::Client(fault) => fault.code(),
            Self::Params(fault) => fault.code(),
            Self::Missing => Code::TokenParameterMissing,
            Self::Store(error) => error.code(),
            Self::Signing(refusal) => refusal.code(),
        }
    }
}

/// How an answer is wanted (RFC 9701 §4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// As the caller is registered.
    AsRegistered,
    /// A JWT: `Accept: application/token-introspection+jwt`.
    Signed,
}

/// Tells a caller what a token is worth.
///
/// # Errors
/// [`IntrospectionRefusal`].
pub async fn introspect(
    app: &App,
    call: &Call<'_>,
    params: &Params,
    wanted: Wanted,
) -> Result<Told, IntrospectionRefusal> {
    let by = proved(app, call).await?;
    let caller = &*by.client;
    let token = params.get("token")?.ok_or(IntrospectionRefusal::Missing)?;
    params.get("token_type_hint")?;
    let answer = match access_token(app, caller, token).await? {
        Some(answer) => answer,
        None => refresh_token(app, caller, token).await?.unwrap_or_else(inactive),
    };
    match caller.metadata.introspection_signed_response_alg {
        Some(alg) => signed(app, caller, &answer, alg).map(Told::Signed),
        None if wanted == Wanted::Signed => {
            // RFC 9701 §6: the default is RS256, which FAPI 2.0 §5.4.1 does not know.
            let alg = match caller.metadata.profile {
                Profile::Fapi2 => caller.signing_alg,
                Profile::Oidc | Profile::Sweden => SigningAlg::Rs256,
            };
            signed(app, caller, &answer, alg).map(Told::Signed)
        }
        None => Ok(Told::Plain(answer)),
    }
}

async fn access_token(
    app: &App,
    caller: &Client,
    token: &str,
) -> Result<Option<Value>, StoreError> {
    let claims = match access_token::issued(app, token).await {
        Ok(claims) => claims,
        Err(fault) => return doubtful(fault),
    };
    // Before anything is looked up: whom it does not concern learns nothing, by time neither.
    let Some(concern) = concern(caller, &claims) else { return Ok(None) };
    match access_token::stands(app, &claims).await {
        Ok(_) => Ok(Some(of_access_token(&claims, concern))),
        Err(fault) => doubtful(fault),
    }
}

// Whatever is wrong with a token, it is inactive; a database that is away says nothing of it.
fn doubtful(fault: TokenFault) -> Result<Option<Value>, StoreError> {
    match fault {
        TokenFault::Store(error) => Err(error),
        _ => Ok(None),
    }
}

async fn refresh_token(
    app: &App,
    caller: &Client,
    token: &str,
) -> Result<Option<Value>, StoreError> {
    if !is_owner(caller, &caller.id) {
        return Ok(None);
    }
    let held = refresh_tokens::by_hash(&app.pool, &sha256(token.as_bytes()), caller).await?;
    let Some(held) = held else { return Ok(None) };
    // Asked by its own client, which proved itself: the key is shown when it is used.
    if held.token.check(&held.token.confirmation, app.clock.now()).is_err() {
        return Ok(None);
    }
    let grant = refresh::in_force(app, caller, &held).await?;
    Ok(grant.map(|grant| {
        let sub = app.subject(caller, grant.user.id());
        of_refresh_token(&held.token, caller, &grant, (&app.issuer, &sub))
    }))
}

fn signed(
    app: &App,
    caller: &Client,
    answer: &Value,
    alg: SigningAlg,
) -> Result<String, IntrospectionRefusal> {
    let (now, registry) = (app.clock.now(), app.registry.load());
    let ring = registry.keyring.at(now);
    let key = signing_key(&ring, alg).map_err(IntrospectionRefusal::Signing)?;
    let claims = SignedAnswer {
        iss: issuer_identifier(&app.issuer),
        aud: &caller.id,
        iat: now.timestamp(),
        token_introspection: answer,
    };
    key.private
        .sign_jwt(&key.kid, SIGNED_TYPE, &claims)
        .map_err(|error| IntrospectionRefusal::Signing(TokenRefusal::Signing(error.to_string())))
}
