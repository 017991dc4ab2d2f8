//! An authorization request: checked, then sent to a card host, or answered by a session.
//!
//! Writes nothing to the database unless a session stands in for the card.

use chrono::{DateTime, TimeDelta, Utc};

use super::answer::{Answer, Cookie, told_by_redirect};
use super::issue::{self, Continued};
use super::login::Login;
use crate::error::Code;
use crate::identity::admission::RoleDemand;
use crate::identity::user::ActiveUser;
use crate::keys::Purpose;
use crate::oidc::address::address;
use crate::oidc::client::{Client, SignOn};
use crate::oidc::code::Authentication;
use crate::oidc::params::{Params, ParamsFault};
use crate::oidc::problem::Problem;
use crate::oidc::request::{AuthorizationRequest, Prompt};
use crate::secret::sha256;
use crate::state::App;
use crate::store::sessions::{self, Session, ShownCertificate};

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
    let registry = app.registry.load();
    let (client, reply_to) =
        match address(params, |id| registry.clients.get(id).map(|client| &**client)) {
            Ok(addressed) => addressed,
            Err(fault) => return Answer::page(fault.code(), reference, ui_locales),
        };
    let told = |code| {
        let problem = Problem { code, reference: reference.clone() };
        told_by_redirect(&app.issuer, &reply_to, problem)
    };
    let request = match AuthorizationRequest::parse(params, client, reply_to.clone()) {
        Ok(request) => request,
        Err(fault) => return told(fault.code()),
    };
    match standing_session(app, client, &request, visit.session).await {
        Ok(Some((authentication, user))) => {
            let continued =
                Continued { reference: &reference, address: visit.address, authentication, user };
            match issue::by_session(app, &request, continued).await {
                Ok(answer) => answer,
                Err(error) => {
                    tracing::error!(%reference, %error, "a session could not be continued");
                    told(error.code())
                }
            }
        }
        Ok(None) if request.prompt == Prompt::None => told(Code::LoginRequired),
        Ok(None) => to_card(app, request),
        Err(error) => {
            tracing::error!(%reference, %error, "the session could not be read");
            told(error.code())
        }
    }
}

/// The session of the cookie, if it is good enough for the request; the card is asked for otherwise.
async fn standing_session(
    app: &App,
    client: &Client,
    request: &AuthorizationRequest,
    cookie: Option<&str>,
) -> Result<Option<(Authentication, ActiveUser)>, crate::store::StoreError> {
    let may_stand_in = match request.prompt {
        Prompt::None => true,
        Prompt::Login => false,
        Prompt::Unspecified => client.sign_on == SignOn::Session,
    };
    let Some(cookie) = cookie.filter(|_| may_stand_in) else { return Ok(None) };
    let now = app.clock.now();
    let hash = sha256(cookie.as_bytes());
    let found = sessions::by_cookie(&app.pool, &hash, client.system.as_deref(), now).await?;
    let Some(Session { authentication, user, certificate }) = found else { return Ok(None) };
    if !is_fresh(&authentication, request.max_age, now)
        || !assures(&authentication, client, request)
        || !still_stands(app, certificate.as_ref(), now).await
    {
        return Ok(None);
    }
    // Whoever may no longer log in is asked for the card, and then told why not.
    Ok(user.admit(now, role_demand(client)).ok().map(|user| (authentication, user)))
}

/// Whether the certificate that the session rests on would still log in, as far as this node and the
/// database know: nobody is asked. If not, the card is asked for, and its holder is told why.
pub(super) async fn still_stands(
    app: &App,
    certificate: Option<&ShownCertificate>,
    now: DateTime<Utc>,
) -> bool {
    let Some(certificate) = certificate else { return false };
    now.timestamp() <= certificate.not_after.timestamp()
        && !certificate.is_revoked
        && !app.revocation.knows_revoked(&certificate.links).await
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
            told_by_redirect(&app.issuer, &login.request.reply_to, problem)
        }
    }
}
