//! What an authorization request asks, however it came: by parameters, in a request object (RFC 9101), or
//! pushed by the client before (RFC 9126).
//!
//! Whichever it is, nothing else of the request is read. Must never let a request pass in a weaker form
//! than the client is registered for.

use std::borrow::Cow;

use super::client_keys;
use crate::error::Code;
use crate::keys::Purpose;
use crate::oidc::address;
use crate::oidc::client::Client;
use crate::oidc::params::{Params, ParamsFault};
use crate::oidc::profile::Rules;
use crate::oidc::reply_to::ReplyTo;
use crate::oidc::request_object::{self, OpenedRequest, RequestObjectFault, Signed};
use crate::oidc::request_uri::{RequestUri, RequestUriFault, RequestUriHash};
use crate::state::App;
use crate::store::pushed_requests::{self, KeptRequest};
use crate::store::{StoreError, assertions};

/// What is asked.
pub struct Asked<'a> {
    /// The parameters that count.
    pub params: Cow<'a, Params>,
    /// Which pushed request it is.
    pub pushed: Option<RequestUriHash>,
}

/// Why nothing is asked.
#[derive(Debug, thiserror::Error)]
pub enum AskedFault {
    /// A parameter sent more than once.
    #[error(transparent)]
    Params(#[from] ParamsFault),
    /// `request` together with `request_uri` (RFC 9101 §5).
    #[error("request and request_uri together")]
    Twice,
    /// Not pushed, by a client that must (RFC 9126 §6).
    #[error("not pushed")]
    NotPushed,
    /// Not signed, by a client that must (RFC 9101 §10.5).
    #[error("no request object")]
    NotSigned,
    /// The request object.
    #[error("request object: {0}")]
    Object(#[from] RequestObjectFault),
    /// The reference.
    #[error("request_uri: {0}")]
    Uri(#[from] RequestUriFault),
    /// The database.
    #[error("{0}")]
    Store(#[from] StoreError),
}

impl AskedFault {
    /// The code of the catalogue.
    #[must_use]
    pub fn code(&self) -> Code {
        match self {
            Self::Params(fault) => fault.code(),
            Self::Twice => Code::RequestGivenTwice,
            Self::NotPushed => Code::RequestNotPushed,
            Self::NotSigned => Code::RequestObjectMissing,
            Self::Object(fault) => fault.code(),
            Self::Uri(fault) => fault.code(),
            Self::Store(error) => error.code(),
        }
    }
}

/// Why nothing is asked, and by which parameters it can be told to the client.
pub struct Refusal<'a> {
    /// Why.
    pub fault: AskedFault,
    told_by: Option<Cow<'a, Params>>,
}

impl Refusal<'_> {
    /// Where the client is told, if it said so in a way that can be believed.
    #[must_use]
    pub fn reply_to(&self, client: &Client) -> Option<ReplyTo> {
        address::reply_to(self.told_by.as_deref()?, client).ok()
    }
}

/// What a client asks with the parameters of an authorization request.
///
/// # Errors
/// [`Refusal`].
pub async fn asked<'a>(
    app: &App,
    client: &Client,
    params: &'a Params,
) -> Result<Asked<'a>, Refusal<'a>> {
    let told_beside = |fault| Refusal { fault, told_by: Some(Cow::Borrowed(params)) };
    let rules = Rules::of(client);
    match given(params).map_err(told_beside)? {
        Given::Pushed(text) => by_reference(app, client, text, params).await,
        _ if rules.pushed_requests => Err(told_beside(AskedFault::NotPushed)),
        Given::Object(jwt) => {
            let opened = open(app, client, jwt, params).await.map_err(told_beside)?;
            mark(app, client, &opened).await.map_err(told_beside)?;
            Ok(Asked { params: Cow::Owned(opened.params), pushed: None })
        }
        Given::Parameters if rules.signed_requests => Err(told_beside(AskedFault::NotSigned)),
        Given::Parameters => Ok(Asked { params: Cow::Borrowed(params), pushed: None }),
    }
}

/// In which form a request is given.
enum Given<'a> {
    Parameters,
    Object(&'a str),
    Pushed(&'a str),
}

fn given(params: &Params) -> Result<Given<'_>, AskedFault> {
    match (params.get("request")?, params.get("request_uri")?) {
        (None, None) => Ok(Given::Parameters),
        (Some(jwt), None) => Ok(Given::Object(jwt)),
        (None, Some(text)) => Ok(Given::Pushed(text)),
        (Some(_), Some(_)) => Err(AskedFault::Twice),
    }
}

/// Decrypts a request object, where it is encrypted, and opens it with the keys of the client.
///
/// # Errors
/// [`AskedFault::Object`].
pub async fn open(
    app: &App,
    client: &Client,
    jwt: &str,
    beside: &Params,
) -> Result<OpenedRequest, AskedFault> {
    if client.jwks.is_none() && client.metadata.jwks_uri.is_none() {
        return Err(RequestObjectFault::Unsupported.into());
    }
    let now = app.clock.now();
    let jwt = if request_object::is_encrypted(jwt) {
        let plain = app.registry.load().keyring.at(now).decrypt(jwt);
        let text = plain.ok().and_then(|plain| String::from_utf8(plain.to_vec()).ok());
        Cow::Owned(text.ok_or(RequestObjectFault::Encrypted)?)
    } else {
        Cow::Borrowed(jwt)
    };
    let keys = client_keys::signing(app, client, &jwt).await;
    let signed = Signed { jwt: &jwt, keys: &keys };
    let opened = request_object::open(client, signed, &app.issuer, now)?;
    request_object::check_beside(beside, &opened.params)?;
    Ok(opened)
}

async fn mark(app: &App, client: &Client, opened: &OpenedRequest) -> Result<(), AskedFault> {
    let Some(used) = &opened.once else { return Ok(()) };
    let now = app.clock.now();
    match assertions::mark_of(&app.pool, &client.id, used, now).await? {
        true => Ok(()),
        false => Err(RequestObjectFault::Replayed.into()),
    }
}

async fn by_reference<'a>(
    app: &App,
    client: &Client,
    text: &str,
    beside: &'a Params,
) -> Result<Asked<'a>, Refusal<'a>> {
    // An address is refused before anything was pushed: the rest of the request is all there is.
    let uri = RequestUri::parse(text)
        .map_err(|fault| Refusal { fault: fault.into(), told_by: Some(Cow::Borrowed(beside)) })?;
    let page = |fault: AskedFault| Refusal { fault, told_by: None };
    let hash = uri.hash();
    let found =
        pushed_requests::by_hash(&app.pool, hash).await.map_err(|error| page(error.into()))?;
    let kept = found.ok_or_else(|| page(RequestUriFault::Unknown.into()))?;
    if kept.client_id != client.id {
        return Err(page(RequestUriFault::OfOtherClient.into()));
    }
    let params = unsealed(app, hash, &kept).ok_or_else(|| page(RequestUriFault::Unknown.into()))?;
    match fault_of_time(app, &kept) {
        None => Ok(Asked { params: Cow::Owned(params), pushed: Some(hash) }),
        Some(fault) => Err(Refusal { fault: fault.into(), told_by: Some(Cow::Owned(params)) }),
    }
}

fn unsealed(app: &App, hash: RequestUriHash, kept: &KeptRequest) -> Option<Params> {
    let plain = app.sealer.open(Purpose::PushedRequest, &hash.0, &kept.sealed).ok()?;
    Params::parse(std::str::from_utf8(&plain).ok()?).ok()
}

fn fault_of_time(app: &App, kept: &KeptRequest) -> Option<RequestUriFault> {
    if kept.used_at.is_some() {
        return Some(RequestUriFault::Replayed);
    }
    (kept.expires_at <= app.clock.now()).then_some(RequestUriFault::Expired)
}
