//! The authorization request (OpenID Connect Core 1.0 §3.1.2.1), parsed once, check by check.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::client::Client;
use super::params::{Params, ParamsFault};
use super::pkce::{self, ChallengeFault};
use super::reply_to::ReplyTo;
use super::scope::Scope;
use super::terms::GrantTerms;
use crate::error::Code;
use crate::identity::assurance::Loa;

/// A request that may be served: what it asks for, in types.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuthorizationRequest {
    /// The client that asks.
    pub client_id: String,
    /// Where the answer goes.
    pub reply_to: ReplyTo,
    /// The scopes asked for that exist; others are ignored (OpenID Connect Core 1.0 §3.1.2.1).
    pub scopes: BTreeSet<Scope>,
    /// `nonce`, to be repeated in the ID token.
    pub nonce: Option<String>,
    /// The S256 challenge (RFC 7636 §4.2).
    pub code_challenge: Option<String>,
    /// What `prompt` says of asking the person.
    pub prompt: Prompt,
    /// `max_age` in seconds.
    pub max_age: Option<u32>,
    /// The levels that will do; any when empty.
    pub acr_values: Vec<Loa>,
    /// `ui_locales`, for pages.
    pub ui_locales: Option<String>,
    /// What it asks for beyond that, kept with the grant.
    #[serde(default)]
    pub terms: GrantTerms,
}

/// What `prompt` says (OpenID Connect Core 1.0 §3.1.2.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Prompt {
    /// Left out: the registration of the client decides.
    Unspecified,
    /// `none`: no page and no card.
    None,
    /// `login` (and `select_account`, `consent`): the card is asked for.
    Login,
}

/// Why a request cannot be served; told to the client by redirect.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RequestFault {
    /// A parameter sent more than once.
    #[error(transparent)]
    Params(#[from] ParamsFault),
    /// PKCE.
    #[error(transparent)]
    Challenge(#[from] ChallengeFault),
    /// A `request` object.
    #[error("request objects are not supported")]
    RequestObject,
    /// A `request_uri`.
    #[error("request_uri is not supported")]
    RequestUri,
    /// A `registration`.
    #[error("registration is not supported")]
    Registration,
    /// No `response_type`.
    #[error("no response_type")]
    ResponseTypeMissing,
    /// Another than `code`.
    #[error("response_type is not code")]
    ResponseType,
    /// Another than `query`.
    #[error("response_mode is not query")]
    ResponseMode,
    /// No `openid` among the scopes.
    #[error("scope lacks openid")]
    ScopeOpenidMissing,
    /// A scope that exists and that the client may not ask for.
    #[error("a scope that the client is not registered for")]
    ScopeUnregistered,
    /// An unknown value, or `none` with another.
    #[error("prompt")]
    Prompt,
    /// No number of seconds.
    #[error("max_age")]
    MaxAge,
}

impl RequestFault {
    /// The code of the catalogue.
    #[must_use]
    pub const fn code(self) -> Code {
        match self {
            Self::Params(fault) => fault.code(),
            Self::Challenge(fault) => fault.code(),
            Self::RequestObject => Code::RequestObjectUnsupported,
            Self::RequestUri => Code::RequestUriUnsupported,
            Self::Registration => Code::RegistrationUnsupported,
            Self::ResponseTypeMissing => Code::ResponseTypeMissing,
            Self::ResponseType => Code::ResponseTypeUnsupported,
            Self::ResponseMode => Code::ResponseModeUnsupported,
            Self::ScopeOpenidMissing => Code::ScopeOpenidMissing,
            Self::ScopeUnregistered => Code::ScopeUnregistered,
            Self::Prompt => Code::PromptInvalid,
            Self::MaxAge => Code::MaxAgeInvalid,
        }
    }
}

impl AuthorizationRequest {
    /// Checks the parameters in the order of OpenID Connect Core 1.0 §3.1.2.1.
    ///
    /// # Errors
    /// The first [`RequestFault`] found.
    pub fn parse(
        params: &Params,
        client: &Client,
        reply_to: ReplyTo,
    ) -> Result<Self, RequestFault> {
        refuse_unsupported(params)?;
        check_response_type(params)?;
        check_response_mode(params)?;
        Ok(Self {
            client_id: client.id.clone(),
            reply_to,
            scopes: scopes(params, client)?,
            nonce: params.get("nonce")?.map(str::to_owned),
            code_challenge: pkce::challenge(params, client.pkce)?,
            prompt: prompt(params)?,
            max_age: max_age(params)?,
            acr_values: acr_values(params)?,
            ui_locales: params.get("ui_locales")?.map(str::to_owned),
            terms: GrantTerms::default(),
        })
    }
}

// OpenID Connect Core 1.0 §6.1, §6.2, §7.2.1: an OP that lacks them says so by these errors.
fn refuse_unsupported(params: &Params) -> Result<(), RequestFault> {
    if params.get("request")?.is_some() {
        return Err(RequestFault::RequestObject);
    }
    if params.get("request_uri")?.is_some() {
        return Err(RequestFault::RequestUri);
    }
    if params.get("registration")?.is_some() {
        return Err(RequestFault::Registration);
    }
    Ok(())
}

fn check_response_type(params: &Params) -> Result<(), RequestFault> {
    match params.get("response_type")? {
        Some("code") => Ok(()),
        Some(_) => Err(RequestFault::ResponseType),
        None => Err(RequestFault::ResponseTypeMissing),
    }
}

fn check_response_mode(params: &Params) -> Result<(), RequestFault> {
    match params.get("response_mode")? {
        None | Some("query") => Ok(()),
        Some(_) => Err(RequestFault::ResponseMode),
    }
}

fn scopes(params: &Params, client: &Client) -> Result<BTreeSet<Scope>, RequestFault> {
    let mut asked: BTreeSet<Scope> =
        params.get("scope")?.unwrap_or("").split(' ').filter_map(|s| s.parse().ok()).collect();
    // OpenID Connect Core 1.0 §11: ignored where it is not to be had.
    if !client.scopes.contains(&Scope::OfflineAccess) {
        asked.remove(&Scope::OfflineAccess);
    }
    if !asked.contains(&Scope::OpenId) {
        return Err(RequestFault::ScopeOpenidMissing);
    }
    if !asked.is_subset(&client.scopes) {
        return Err(RequestFault::ScopeUnregistered);
    }
    Ok(asked)
}

fn prompt(params: &Params) -> Result<Prompt, RequestFault> {
    let Some(text) = params.get("prompt")? else { return Ok(Prompt::Unspecified) };
    let values: Vec<&str> = text.split(' ').filter(|v| !v.is_empty()).collect();
    match values.as_slice() {
        [] => Ok(Prompt::Unspecified),
        ["none"] => Ok(Prompt::None),
        values if values.iter().all(|v| ["login", "select_account", "consent"].contains(v)) => {
            Ok(Prompt::Login)
        }
        _ => Err(RequestFault::Prompt),
    }
}

fn max_age(params: &Params) -> Result<Option<u32>, RequestFault> {
    let Some(text) = params.get("max_age")? else { return Ok(None) };
    if !text.bytes().all(|b| b.is_ascii_digit()) {
        return Err(RequestFault::MaxAge);
    }
    // More seconds than fit are more than any session lives.
    Ok(Some(text.parse().unwrap_or(u32::MAX)))
}

// Values that are issued elsewhere are a wish (OpenID Connect Core 1.0 §3.1.2.1) and passed over;
// ours are a demand with exact matching, as at Inera's IdP.
fn acr_values(params: &Params) -> Result<Vec<Loa>, RequestFault> {
    let text = params.get("acr_values")?.unwrap_or("");
    Ok(text.split(' ').filter_map(Loa::by_acr).collect())
}
