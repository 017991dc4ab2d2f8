//! An authorization request: checked, then sent to a card host, or answered by a session.
//!
//! Writes nothing to the database unless a session stands in for the card, or the client signed the
//! request to be used once.

use chrono::{DateTime, TimeDelta, Utc};

use super::answer::{Answer, Cookie, told_by_reply};
use super::asked;
use super::issue::{self, Continued};
use super::login::Login;
use crate::error::Code;
use crate::identity::admission::RoleDemand;
use crate::identity::user::ActiveUser;
use crate::keys::Purpose;
use crate::oidc::address;
use crate::oidc::client::{Client, SignOn};
use crate::oidc::code::Authentication;
use crate::oidc::id_token_hint::Ours;
use crate::oidc::params::{Params, ParamsFault};
use crate::oidc::problem::Problem;
use crate::oidc::reply_to::ReplyTo;
use crate::oidc::request::{AuthorizationRequest, Prompt, RequestFault, hinted_subject};
use crate::secret::sha256;
use crate::state::App;
use crate::store::StoreError;
use crate::store::sessions::{self, Moment, Session, ShownCertificate};

/// What a browser brings to the authorization endpoint.
pub struct Visit<'a> {
    /// The parameters, or why they could not be read.
    pub params: Result<Params, ParamsFault>,
    /// Its session cookie.
    pub session: Option<&'a str>,
    /// Its address.
    pub address: &'a str,
}

/// Serves an authorization request (OpenID Connect Core 1.0 §3.1.2).
pub async fn authorize(app: &App, visit: Visit<'_>) -> Answer {
    let reference = app.random.reference();
    let params = match &visit.params {
        Ok(params) => params,
        Err(fault) => return Answer::page(fault.code(), reference, None),
    };
    let ui_locales = params.get("ui_locales").ok().flatten().map(str::to_owned);
    // Nobody is redirected to before client and redirect URI are known: a page until then.
    let page = |code| Answer::page(code, reference.clone(), ui_locales.clone());
    let told_to = |reply_to: &ReplyTo, code| {
        let problem = Problem { code, reference: reference.clone() };
        told_by_reply(app, reply_to, problem)
    };
    let client = match address::client(params, |id| app.client(id)) {
        Ok(client) => client,
        Err(fault) => return page(fault.code()),
    };
    let asked = match asked::asked(app, &client, params).await {
        Ok(asked) => asked,
        Err(refusal) => {
            tracing::debug!(%reference, fault = %refusal.fault, "nothing is asked");
            let code = refusal.fault.code();
            return match refusal.reply_to(&client) {
                Some(reply_to) => told_to(&reply_to, code),
                None => page(code),
            };
        }
    };
    let reply_to = match address::reply_to(&asked.params, &client) {
        Ok(reply_to) => reply_to,
        Err(fault) => return page(fault.code()),
    };
    let told = |code| told_to(&reply_to, code);
    let request = match requested(app, &asked.params, &client, reply_to.clone()) {
        Ok(request) => AuthorizationRequest { pushed: asked.pushed, ..request },
        Err(fault) => return told(fault.code()),
    };
    match by_session(app, &client, &request, &visit, &reference).await {
        Ok(Some(answer)) => answer,
        Ok(None) if request.prompt == Prompt::None => told(Code::LoginRequired),
        Ok(None) => to_card(app, request),
        Err(error) => {
            tracing::error!(%reference, %error, "the session could not be read or continued");
            told(error.code())
        }
    }
}

/// A request that may be served, from parameters that came by any way.
///
/// # Errors
/// The first [`RequestFault`] found.
pub fn requested(
    app: &App,
    params: &Params,
    client: &Client,
    reply_to: ReplyTo,
) -> Result<AuthorizationRequest, RequestFault> {
    let request = AuthorizationRequest::parse(params, client, reply_to)?;
    let registry = app.registry.load();
    let ours = Ours { issuer: &app.issuer, ring: registry.keyring.at(app.clock.now()) };
    Ok(AuthorizationRequest { hinted_sub: hinted_subject(params, client, ours)?, ..request })
}

/// The answer by the session of the browser, where one stands in for the card.
async fn by_session(
    app: &App,
    client: &Client,
    request: &AuthorizationRequest,
    visit: &Visit<'_>,
    reference: &str,
) -> Result<Option<Answer>, StoreError> {
    let Some((authentication, user)) = standing_session(app, client, request, visit).await? else {
        return Ok(None);
    };
    let continued = Continued { reference, address: visit.address, authentication, user };
    issue::by_session(app, request, continued).await
}

/// The session of the cookie, if it is good enough for the request; the card is asked for otherwise.
async fn standing_session(
    app: &App,
    client: &Client,
    request: &AuthorizationRequest,
    visit: &Visit<'_>,
) -> Result<Option<(Authentication, ActiveUser)>, StoreError> {
    let may_stand_in = match request.prompt {
        Prompt::None => true,
        Prompt::Login => false,
        Prompt::Unspecified => client.sign_on == SignOn::Session,
    };
    let Some(cookie) = visit.session.filter(|_| may_stand_in) else { return Ok(None) };
    let now = app.clock.now();
    let hash = sha256(cookie.as_bytes());
    let at = Moment { now, idle: app.lifetimes.session_idle };
    let found = sessions::by_cookie(&app.pool, &hash, client, at).await?;
    let Some(Session { authentication, user, certificate, begun_by_client }) = found else {
        return Ok(None);
    };
    let Some(certificate) = certificate else { return Ok(None) };
    if is_revoked(app, &certificate).await {
        let id = authentication.session_id;
        sessions::end_revoked(&app.pool, id, visit.address, now).await?;
        return Ok(None);
    }
    if !serves(client, begun_by_client)
        || !request.is_for(&app.subject(client, user.id))
        || !is_fresh(&authentication, request.max_age, now)
        || !assures(&authentication, client, request)
        || now.timestamp() > certificate.not_after.timestamp()
    {
        return Ok(None);
    }
    // Whoever may no longer log in is asked for the card, and then told why not.
    Ok(user.admit(now, role_demand(client)).ok().map(|user| (authentication, user)))
}

// OpenID Connect Profile for Sweden Connect §2.2.1: of others, a session serves those alone that are
// registered to share sessions.
fn serves(client: &Client, begun_by_client: bool) -> bool {
    client.sign_on == SignOn::Session || begun_by_client
}

/// Whether the certificate that a session rests on would still log in, as far as this node and the database
/// know: nobody is asked.
pub(super) async fn still_stands(
    app: &App,
    certificate: Option<&ShownCertificate>,
    now: DateTime<Utc>,
) -> bool {
    let Some(certificate) = certificate else { return false };
    now.timestamp() <= certificate.not_after.timestamp() && !is_revoked(app, certificate).await
}

/// Whether the certificate that the session rests on is known to be revoked, by this node or the database:
/// nobody is asked. The session ends then; the card is asked for, and its holder is told why not.
async fn is_revoked(app: &App, certificate: &ShownCertificate) -> bool {
    certificate.is_revoked || app.revocation.knows_revoked(&certificate.links).await
}

// OpenID Connect Core 1.0 §3.1.2.1: older than max_age means that the person must be asked again.
fn is_fresh(authentication: &Authentication, max_age: Option<u32>, now: DateTime<Utc>) -> bool {
    max_age.is_none_or(|seconds| {
        seconds > 0 && now <= authentication.auth_time + TimeDelta::seconds(i64::from(seconds))
    })
}

fn assures(
    authentication: &Authentication,
    client: &Client,
    request: &AuthorizationRequest,
) -> bool {
    issue::assurance_fault(authentication.loa, client, request).is_none()
}

/// Whether a person needs a role to log in to a client.
#[must_use]
pub const fn role_demand(client: &Client) -> RoleDemand {
    if client.system.is_some() { RoleDemand::InSystem } else { RoleDemand::NotNeeded }
}

fn to_card(app: &App, request: AuthorizationRequest) -> Answer {
    let (login, cookie) = Login::begin(request, &app.card_hosts, &app.random, app.clock.now());
    send_to_card(app, &login, vec![cookie])
}

/// 303 to the card host of a login.
#[must_use]
pub fn send_to_card(app: &App, login: &Login, cookies: Vec<Cookie>) -> Answer {
    match app.sealer.seal_value(Purpose::Login, login) {
        Ok(sealed) => Answer::redirect(login.card_address(&app.issuer, &sealed), cookies),
        Err(error) => {
            tracing::error!(reference = %login.reference, %error, "a login does not serialise");
            let problem = Problem { code: Code::Internal, reference: login.reference.clone() };
            told_by_reply(app, &login.request.reply_to, problem)
        }
    }
}
