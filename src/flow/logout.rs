//! Logout at the wish of a relying party or of the person (OpenID Connect RP-Initiated Logout 1.0 §2).
//!
//! ```text
//! by_query   request -> logged out, where its ID token proves whose session it is; else the person is asked
//! by_form    request -> the same by a redirect to itself, which the browser sends its cookie with
//! confirmed  the person's yes -> logged out
//! ```
//! Must never end a session that neither an ID token of it nor its person wants ended.

use std::collections::BTreeSet;
use std::net::IpAddr;

use chrono::TimeDelta;
use serde::{Deserialize, Serialize};
use url::Url;

use super::answer::{Answer, Cookie, ProblemAnswer, SESSION_COOKIE};
use crate::error::Code;
use crate::keys::Purpose;
use crate::oidc::logout::front_channel::Frame;
use crate::oidc::logout::{Circumstances, LogoutRequest};
use crate::oidc::metadata::paths;
use crate::oidc::params::{Params, ParamsFault};
use crate::oidc::problem::Problem;
use crate::oidc::reply_to::issuer_identifier;
use crate::secret::{equal, sha256};
use crate::state::App;
use crate::store::StoreError;
use crate::store::logout::{self, Leaving, Standing};

/// The parameter that holds a sealed request.
pub const SEALED: &str = "logout";

/// What a browser brings to the logout endpoint.
pub struct Visit<'a> {
    /// The parameters, or why they could not be read.
    pub params: Result<Params, ParamsFault>,
    /// Its session cookie.
    pub session: Option<&'a str>,
    /// Its address.
    pub address: IpAddr,
}

/// What a logout ends in, before it is rendered. It has no `Debug`: addresses hold sealed requests.
pub enum Ending {
    /// A redirect, or a page about a problem.
    Answer(Answer),
    /// The person is asked.
    Ask(Question),
    /// A page that says that nobody is logged in here any more.
    LoggedOut(Farewell),
}

/// Whether the person wants to log out.
pub struct Question {
    /// The sealed request, for the form.
    pub sealed: String,
    /// The name of the system that asks.
    pub system: Option<String>,
    /// Where the browser goes after yes.
    pub return_to: Option<String>,
    /// `ui_locales` of the request.
    pub ui_locales: Option<String>,
}

/// That nobody is logged in here any more.
pub struct Farewell {
    /// Pages of relying parties that end their sessions.
    pub frames: Vec<Frame>,
    /// The name of the system that asked.
    pub system: Option<String>,
    /// Where the browser goes then.
    pub return_to: Option<String>,
    /// The cookie to forget.
    pub cookies: Vec<Cookie>,
    /// `ui_locales` of the request.
    pub ui_locales: Option<String>,
}

/// A request that waits for the person's yes, bound to the session that is to end.
#[derive(Serialize, Deserialize)]
struct Asked {
    #[serde(rename = "q")]
    request: LogoutRequest,
    /// SHA-256 of the session cookie.
    #[serde(rename = "b")]
    browser: [u8; 32],
}

/// A request in the query: plain from a relying party, or sealed from [`by_form`].
pub async fn by_query(app: &App, visit: Visit<'_>) -> Ending {
    let request = match requested(app, &visit.params) {
        Ok(request) => request,
        Err(ending) => return ending,
    };
    let ui_locales = request.ui_locales.clone();
    or_problem(app, decide(app, request, visit.session, visit.address).await, ui_locales)
}

/// A request in a form. Browsers send no `Lax` cookie with a form from another site: they are sent here
/// again by 303, with the request sealed, and bring it then.
#[must_use]
pub fn by_form(app: &App, params: &Result<Params, ParamsFault>) -> Ending {
    let request = match parse(app, params) {
        Ok(request) => request,
        Err(ending) => return ending,
    };
    match app.sealer.seal_value(Purpose::Logout, &request) {
        Ok(sealed) => {
            let location =
                format!("{}{}?{SEALED}={sealed}", issuer_identifier(&app.issuer), paths::LOGOUT);
            Ending::Answer(Answer::redirect(location, Vec::new()))
        }
        Err(error) => {
            tracing::error!(%error, "a request to log out does not serialise");
            problem(app, Code::Internal, request.ui_locales)
        }
    }
}

/// The person's yes, from the form of the page.
pub async fn confirmed(app: &App, visit: Visit<'_>) -> Ending {
    let params = match &visit.params {
        Ok(params) => params,
        Err(fault) => return problem(app, fault.code(), None),
    };
    let sealed = match params.get(SEALED) {
        Ok(sealed) => sealed,
        Err(fault) => return problem(app, fault.code(), None),
    };
    let asked: Option<Asked> =
        sealed.and_then(|sealed| app.sealer.open_value(Purpose::Logout, sealed).ok());
    let Some(Asked { request, browser }) = asked else {
        return problem(app, Code::LogoutUnconfirmed, None);
    };
    let Some(cookie) = visit.session else {
        return farewell(app, &request, None, Vec::new());
    };
    let hash = sha256(cookie.as_bytes());
    if !equal(&hash, &browser) {
        return problem(app, Code::LogoutUnconfirmed, request.ui_locales);
    }
    let ui_locales = request.ui_locales.clone();
    or_problem(app, end(app, &request, &hash, visit.address).await, ui_locales)
}

/// Of [`by_form`], sealed, or of a relying party.
fn requested(app: &App, params: &Result<Params, ParamsFault>) -> Result<LogoutRequest, Ending> {
    let sealed = params.as_ref().map_or(Ok(None), |params| params.get(SEALED));
    let sealed = sealed.map_err(|fault| problem(app, fault.code(), None))?;
    let Some(sealed) = sealed else { return parse(app, params) };
    let opened = app.sealer.open_value(Purpose::Logout, sealed);
    opened.map_err(|_| problem(app, Code::LogoutUnconfirmed, None))
}

fn parse(app: &App, params: &Result<Params, ParamsFault>) -> Result<LogoutRequest, Ending> {
    let params = params.as_ref().map_err(|fault| problem(app, fault.code(), None))?;
    let registry = app.registry.load();
    let at = Circumstances {
        issuer: &app.issuer,
        ring: registry.keyring.at(app.clock.now()),
        client_by_id: |id: &str| registry.clients.get(id).map(|client| &**client),
    };
    LogoutRequest::parse(params, at).map_err(|fault| {
        let ui_locales = params.get("ui_locales").ok().flatten().map(str::to_owned);
        problem(app, fault.code(), ui_locales)
    })
}

async fn decide(
    app: &App,
    request: LogoutRequest,
    session: Option<&str>,
    address: IpAddr,
) -> Result<Ending, StoreError> {
    let Some(cookie) = session else { return Ok(farewell(app, &request, None, Vec::new())) };
    let hash = sha256(cookie.as_bytes());
    let hinted = request.hint.as_ref().and_then(|hint| hint.sid);
    match logout::standing(&app.pool, &hash, hinted).await? {
        None => Ok(farewell(app, &request, Some(forget_session()), Vec::new())),
        Some(standing) if proves(app, &request, standing) => {
            end(app, &request, &hash, address).await
        }
        Some(_) => Ok(ask(app, request, hash)),
    }
}

/// §2: the ID token belongs to the session in this browser and to its person. Else they must be asked.
fn proves(app: &App, request: &LogoutRequest, standing: Standing) -> bool {
    let client = request.client_id.as_deref().and_then(|id| app.client(id));
    match (&request.hint, client) {
        (Some(hint), Some(client)) => {
            standing.is_hinted && hint.sub == app.subject(&client, standing.user_id)
        }
        _ => false,
    }
}

fn ask(app: &App, request: LogoutRequest, browser: [u8; 32]) -> Ending {
    let client = request.client_id.as_deref().and_then(|id| app.client(id));
    let return_to = client.as_ref().and_then(|client| request.return_address(client));
    let ui_locales = request.ui_locales.clone();
    match app.sealer.seal_value(Purpose::Logout, &Asked { request, browser }) {
        Ok(sealed) => Ending::Ask(Question {
            sealed,
            system: client.map(|client| client.name.clone()),
            return_to,
            ui_locales,
        }),
        Err(error) => {
            tracing::error!(%error, "a request to log out does not serialise");
            problem(app, Code::Internal, ui_locales)
        }
    }
}

async fn end(
    app: &App,
    request: &LogoutRequest,
    cookie_hash: &[u8; 32],
    address: IpAddr,
) -> Result<Ending, StoreError> {
    let client_id = request.client_id.as_deref();
    let address = address.to_string();
    let leaving = Leaving { cookie_hash, client_id, address: &address, now: app.clock.now() };
    let logged_in_to = logout::end(&app.pool, leaving).await?;
    let registry = app.registry.load();
    let frames = logged_in_to.iter().filter_map(|one| {
        let client = registry.clients.get(&one.client_id).filter(|client| client.enabled)?;
        Frame::of(client, &app.issuer, one.session_id)
    });
    Ok(farewell(app, request, Some(forget_session()), frames.collect()))
}

/// Back to the system at once where nothing must be shown first (§3), else a page.
fn farewell(
    app: &App,
    request: &LogoutRequest,
    forgotten: Option<Cookie>,
    frames: Vec<Frame>,
) -> Ending {
    let client = request.client_id.as_deref().and_then(|id| app.client(id));
    let return_to = client.as_ref().and_then(|client| request.return_address(client));
    let cookies = forgotten.into_iter().collect();
    match return_to {
        Some(location) if frames.is_empty() => Ending::Answer(Answer::redirect(location, cookies)),
        return_to => Ending::LoggedOut(Farewell {
            frames,
            system: client.map(|client| client.name.clone()),
            return_to,
            cookies,
            ui_locales: request.ui_locales.clone(),
        }),
    }
}

fn forget_session() -> Cookie {
    let (value, max_age) = (String::new(), Some(TimeDelta::zero()));
    Cookie { name: SESSION_COOKIE.into(), value, max_age }
}

/// A page, and never a redirect: with a way to log out all the same.
fn problem(app: &App, code: Code, ui_locales: Option<String>) -> Ending {
    Ending::Answer(Answer::Page(Box::new(ProblemAnswer {
        problem: Problem { code, reference: app.random.reference() },
        system: None,
        retry: Some(paths::LOGOUT.to_owned()),
        shows_more: false,
        back: None,
        certificate: None,
        ui_locales,
    })))
}

fn or_problem(app: &App, ending: Result<Ending, StoreError>, ui_locales: Option<String>) -> Ending {
    ending.unwrap_or_else(|error| {
        tracing::error!(%error, "a logout failed");
        problem(app, error.code(), ui_locales)
    })
}

impl Question {
    /// Where the form may lead (Content Security Policy Level 3 §6.4.2): here, and to the address that the
    /// browser is sent to from here.
    #[must_use]
    pub fn form_targets(&self) -> Vec<String> {
        self.return_to.as_deref().and_then(source).into_iter().collect()
    }
}

impl Farewell {
    /// The origins of the frames, each once.
    #[must_use]
    pub fn origins(&self) -> BTreeSet<&str> {
        self.frames.iter().map(|frame| frame.origin.as_str()).collect()
    }
}

/// An address as a source of a policy: its origin, or the scheme of an app.
fn source(address: &str) -> Option<String> {
    let url = Url::parse(address).ok()?;
    let origin = url.origin();
    Some(if origin.is_tuple() {
        origin.ascii_serialization()
    } else {
        format!("{}:", url.scheme())
    })
}
