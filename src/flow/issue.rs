//! What a person who is let in is given: a session, a grant and a code, written by one statement.

use serde_json::Value;

use super::answer::{self, Answer, Cookie, SESSION_COOKIE, succeeded};
use super::login::Ticket;
use super::settled::Settled;
use crate::error::Code;
use crate::identity::assurance::Loa;
use crate::identity::user::ActiveUser;
use crate::oidc::client::Client;
use crate::oidc::code::Authentication;
use crate::oidc::problem::Problem;
use crate::oidc::request::AuthorizationRequest;
use crate::oidc::scope::Scope;
use crate::pki::VerifiedCertificate;
use crate::secret::sha256;
use crate::state::App;
use crate::store::StoreError;
use crate::store::logins::{self, Attempt, Continuation, NewGrant, NewSession, Recorded, Success};

/// Why a level of assurance is none that the client takes and the request asks for.
#[must_use]
pub fn assurance_fault(loa: Loa, client: &Client, request: &AuthorizationRequest) -> Option<Code> {
    let lowest = request.acr_values.iter().min();
    if client.required_loa.is_some_and(|required| loa < required)
        || lowest.is_some_and(|lowest| loa < *lowest)
    {
        return Some(Code::AssuranceTooLow);
    }
    (lowest.is_some() && !request.acr_values.contains(&loa)).then_some(Code::AssuranceNotAskedFor)
}

/// A person who is let in by a card.
pub struct ByCard<'a> {
    /// The ticket.
    pub ticket: &'a Ticket,
    /// The certificate in it.
    pub certificate: &'a VerifiedCertificate,
    /// The person.
    pub user: &'a ActiveUser,
    /// The cookie that binds the login to the browser.
    pub login_cookie: &'a str,
    /// The session cookie that the browser had.
    pub previous_session: Option<&'a str>,
    /// The address of the browser.
    pub address: &'a str,
}

/// Writes session, grant and code, and answers the relying party; `Err` holds how the ticket ended
/// before, where it or the pushed request was used already.
///
/// # Errors
/// The database failed.
pub async fn by_card(app: &App, by: ByCard<'_>) -> Result<Result<Answer, Recorded>, StoreError> {
    let Ticket { id, login, judged_at, settled, .. } = by.ticket;
    let request = &login.request;
    let now = app.clock.now();
    let cookie = app.random.token();
    let code = app.random.token();
    let scopes = scope_names(request);
    let path = Settled::path(settled);
    let attempt = Attempt {
        ticket: *id,
        reference: &login.reference,
        client_id: &request.client_id,
        certificate: facts(by.certificate.facts()),
        revocation: Settled::audit(settled, *judged_at),
        address: by.address,
        now,
    };
    let success = Success {
        session: NewSession {
            id: app.random.uuid(now),
            cookie_hash: sha256(cookie.as_bytes()),
            previous_cookie_hash: by.previous_session.map(|cookie| sha256(cookie.as_bytes())),
            user_id: by.user.id(),
            hsa_id: by.certificate.hsa_id().as_str(),
            loa: by.certificate.loa(),
            auth_time: *judged_at,
            expires_at: *judged_at + app.lifetimes.session,
            certificate_not_after: by.certificate.facts().not_after,
            certificate_issuers: path.as_ref().map(|path| &*path.issuers),
            certificate_serials: path.as_ref().map(|path| &*path.serials),
        },
        grant: new_grant(app, request, &scopes, &code)?,
    };
    match logins::record_success(&app.pool, &attempt, &success).await? {
        Recorded::First => {
            // No Max-Age: closing the browser ends it, and the database ends it in any case.
            let cookie = Cookie { name: SESSION_COOKIE.into(), value: cookie, max_age: None };
            let fading = login.fading_cookie(by.login_cookie, app.lifetimes.ticket);
            let success = answer::Success {
                reply_to: &request.reply_to,
                code: &code,
                reference: &login.reference,
            };
            Ok(Ok(succeeded(app, &success, vec![cookie, fading])))
        }
        again @ (Recorded::Again { .. } | Recorded::RequestUsed) => Ok(Err(again)),
    }
}

/// A person whose session stands in for the card.
pub struct Continued<'a> {
    /// The reference of the attempt.
    pub reference: &'a str,
    /// The address of the browser.
    pub address: &'a str,
    /// The login that the session rests on.
    pub authentication: Authentication,
    /// The person.
    pub user: ActiveUser,
}

/// Writes grant and code on a session, and answers the relying party; `None` where the session ended since
/// it was read.
///
/// # Errors
/// The database failed.
pub async fn by_session(
    app: &App,
    request: &AuthorizationRequest,
    continued: Continued<'_>,
) -> Result<Option<Answer>, StoreError> {
    let now = app.clock.now();
    let code = app.random.token();
    let scopes = scope_names(request);
    let attempt = Attempt {
        ticket: app.random.uuid(now),
        reference: continued.reference,
        client_id: &request.client_id,
        certificate: None,
        revocation: None,
        address: continued.address,
        now,
    };
    let session_id = continued.authentication.session_id;
    let grant = new_grant(app, request, &scopes, &code)?;
    let user_id = continued.user.id();
    let written =
        logins::record_continued(&app.pool, &attempt, session_id, user_id, &grant).await?;
    match written {
        Continuation::Written => {
            let success = answer::Success {
                reply_to: &request.reply_to,
                code: &code,
                reference: continued.reference,
            };
            Ok(Some(succeeded(app, &success, Vec::new())))
        }
        Continuation::RequestUsed => {
            let reference = continued.reference.to_owned();
            let problem = Problem { code: Code::RequestUriReplayed, reference };
            Ok(Some(answer::told_by_reply(app, &request.reply_to, problem)))
        }
        Continuation::SessionEnded => Ok(None),
    }
}

/// What the audit trail keeps of a certificate, as JSON.
#[must_use]
pub fn facts(facts: &crate::pki::CertificateFacts) -> Option<Value> {
    serde_json::to_value(facts).ok()
}

fn scope_names(request: &AuthorizationRequest) -> Vec<String> {
    request.scopes.iter().copied().map(Scope::name).map(str::to_owned).collect()
}

fn new_grant<'a>(
    app: &App,
    request: &'a AuthorizationRequest,
    scopes: &'a [String],
    code: &str,
) -> Result<NewGrant<'a>, StoreError> {
    let now = app.clock.now();
    Ok(NewGrant {
        id: app.random.uuid(now),
        scopes,
        nonce: request.nonce.as_deref(),
        terms: serde_json::to_value(&request.terms).map_err(StoreError::Document)?,
        code_hash: sha256(code.as_bytes()),
        redirect_uri: request.reply_to.redirect_uri(),
        code_challenge: request.code_challenge.as_deref(),
        code_expires_at: now + app.lifetimes.code,
        pushed: request.pushed,
    })
}
