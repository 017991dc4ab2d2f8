//! A client pushes its authorization request, and gets a reference for the browser (RFC 9126).
//!
//! Everything is checked here that the authorization endpoint checks, so that the client is told at once.
//! Must never keep a request of a client that has not proved who it is, nor its credentials.

use serde::Serialize;

use super::asked::{self, AskedFault};
use super::authorize::requested;
use super::client_call::{Call, CallFault, authenticated};
use super::sender::{self, SenderFault};
use crate::error::Code;
use crate::keys::Purpose;
use crate::oidc::address::{self, AddressFault};
use crate::oidc::client::{AuthMethod, Client};
use crate::oidc::client_auth::ClientAuthFault;
use crate::oidc::params::{Params, ParamsFault};
use crate::oidc::request::RequestFault;
use crate::oidc::request_object::RequestObjectFault;
use crate::oidc::request_uri::RequestUri;
use crate::state::App;
use crate::store::StoreError;
use crate::store::pushed_requests::{self, NewRequest, Pushed};
use crate::throttle::place;

/// Parameters of client authentication (RFC 6749 §2.3.1, RFC 7521 §4.2): none of the request.
const CREDENTIALS: [&str; 3] = ["client_secret", "client_assertion", "client_assertion_type"];

/// The answer to a pushed request (RFC 9126 §2.2). It has no `Debug`: the reference is a secret.
#[derive(Serialize)]
pub struct Reference {
    /// What the browser brings in place of the request.
    pub request_uri: String,
    /// For how many seconds it may.
    pub expires_in: i64,
}

/// Why a request is not kept.
#[derive(Debug, thiserror::Error)]
pub enum PushRefusal {
    /// The call.
    #[error(transparent)]
    Call(#[from] CallFault),
    /// More than the client may push in a minute.
    #[error("too many pushed requests")]
    TooOften,
    /// `request_uri` in it (RFC 9126 §2.1).
    #[error("request_uri in a pushed request")]
    RequestUri,
    /// The request object, or its lack.
    #[error(transparent)]
    Asked(#[from] AskedFault),
    /// The redirect URI.
    #[error(transparent)]
    Address(#[from] AddressFault),
    /// The key that it is to be bound to.
    #[error("{0}")]
    Sender(#[from] SenderFault),
    /// The rest.
    #[error(transparent)]
    Request(#[from] RequestFault),
    /// The database.
    #[error("{0}")]
    Store(#[from] StoreError),
}

impl From<ParamsFault> for PushRefusal {
    fn from(fault: ParamsFault) -> Self {
        Self::Request(fault.into())
    }
}

impl PushRefusal {
    /// The code of the catalogue.
    #[must_use]
    pub fn code(&self) -> Code {
        match self {
            Self::Call(fault) => fault.code(),
            Self::TooOften => Code::PushedTooOften,
            Self::RequestUri => Code::RequestUriPushed,
            Self::Asked(fault) => fault.code(),
            Self::Address(fault) => fault.code(),
            Self::Sender(fault) => fault.code(),
            Self::Request(fault) => fault.code(),
            Self::Store(error) => error.code(),
        }
    }
}

/// Authenticates the client, checks its request as the authorization endpoint would, and keeps it.
///
/// # Errors
/// [`PushRefusal`].
pub async fn push(app: &App, call: &Call<'_>, params: &Params) -> Result<Reference, PushRefusal> {
    let by = authenticated(app, call).await?;
    let client = &by.client;
    if !app.pushes.admits(&pusher(client, call)) {
        return Err(PushRefusal::TooOften);
    }
    if params.get("request_uri")?.is_some() {
        return Err(PushRefusal::RequestUri);
    }
    let (asked, once) = match params.get("request")? {
        Some(jwt) => {
            let opened = asked::open(app, client, jwt, params).await?;
            (opened.params, opened.once)
        }
        None if client.metadata.require_signed_request_object => {
            return Err(AskedFault::NotSigned.into());
        }
        None => (params.without(&CREDENTIALS).with("client_id", &client.id), None),
    };
    let asked = match sender::request_key(app, call, client, asked.get("dpop_jkt")?).await? {
        Some(jkt) => asked.with("dpop_jkt", &jkt),
        None => asked,
    };
    let reply_to = address::reply_to(&asked, client)?;
    requested(app, &asked, client, reply_to)?;
    let uri = RequestUri::new(&app.random);
    let (hash, now) = (uri.hash(), app.clock.now());
    let lifetime = app.lifetimes.pushed_request;
    let new = NewRequest {
        hash,
        sealed: app.sealer.seal(Purpose::PushedRequest, &hash.0, asked.encode().as_bytes()),
        object: once.as_ref(),
        expires_at: now + lifetime,
    };
    match pushed_requests::keep(&app.pool, &by, &new, now).await? {
        Pushed::Kept => {
            Ok(Reference { request_uri: uri.into_string(), expires_in: lifetime.num_seconds() })
        }
        Pushed::AssertionReplayed => {
            Err(CallFault::from(ClientAuthFault::AssertionReplayed).into())
        }
        Pushed::ObjectReplayed => Err(AskedFault::from(RequestObjectFault::Replayed).into()),
    }
}

/// Who is counted: a client, or, where anybody can say to be it, a client at an address.
fn pusher(client: &Client, call: &Call<'_>) -> String {
    match client.authentication.method() {
        AuthMethod::None => {
            let from = call.address.parse().map(|ip| place(ip).to_string());
            format!("{} {}", client.id, from.as_deref().unwrap_or(call.address))
        }
        _ => client.id.clone(),
    }
}
