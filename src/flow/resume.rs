//! A ticket comes back: who is it, may they in, and what is the relying party told?
//!
//! The first and only place that writes a login. Every check before the write is of things that no
//! browser could have made: the ticket is sealed, and its judgement is the card host's.

use std::net::IpAddr;

use super::answer::{Answer, ProblemAnswer, told_by_reply, told_first};
use super::authorize::role_demand;
use super::back;
use super::issue::{self, ByCard, assurance_fault, facts};
use super::login::{Login, Ticket, again_address};
use super::settled::Settled;
use crate::error::Code;
use crate::error::catalogue::First;
use crate::keys::Purpose;
use crate::oidc::client::Client;
use crate::oidc::problem::Problem;
use crate::pki::{CertificateFacts, Judgement, VerifiedCertificate};
use crate::secret::sha256;
use crate::state::App;
use crate::store::StoreError;
use crate::store::logins::{self, Attempt, Failure, Recorded};

/// What a browser brings back from a card host.
pub struct Return<'a> {
    /// The sealed ticket.
    pub ticket: Option<&'a str>,
    /// Looks a cookie of the browser up by name.
    pub cookie: &'a (dyn Fn(&str) -> Option<&'a str> + Sync),
    /// Its session cookie.
    pub session: Option<&'a str>,
    /// Its address.
    pub address: IpAddr,
}

/// Why a judged login lets nobody in.
struct Refusal<'a> {
    code: Code,
    cause: Option<&'a str>,
    user_id: Option<uuid::Uuid>,
    hsa_id: Option<&'a str>,
    submitted: Option<&'a str>,
    facts: Option<&'a CertificateFacts>,
}

impl Refusal<'_> {
    const fn of(code: Code) -> Self {
        Self { code, cause: None, user_id: None, hsa_id: None, submitted: None, facts: None }
    }
}

/// Takes a ticket: lets a person in, or says why not.
pub async fn resume(app: &App, brought: Return<'_>) -> Answer {
    let ticket: Option<Ticket> =
        brought.ticket.and_then(|text| app.sealer.open_value(Purpose::Ticket, text).ok());
    // Checked before anything is said of the login: a ticket shown in another browser tells nothing.
    let Some(ticket) = ticket.filter(|ticket| {
        let login = &ticket.login;
        login.is_of_browser((brought.cookie)(&login.cookie_name()))
    }) else {
        return Answer::page(Code::LoginLost, app.random.reference(), None);
    };
    let login = &ticket.login;
    let client = app.client(&login.request.client_id).filter(|client| client.enabled);
    let Some(client) = client else {
        let ui_locales = login.request.ui_locales.clone();
        return Answer::page(Code::ClientUnknown, login.reference.clone(), ui_locales);
    };
    // The registration may have changed while the person was at the chooser.
    if !login.request.reply_to.is_registered(&client) {
        let ui_locales = login.request.ui_locales.clone();
        return Answer::page(Code::RedirectUriUnregistered, login.reference.clone(), ui_locales);
    }
    let decided = if is_late(app, &ticket) {
        late(app, &client, &ticket, brought.address).await
    } else {
        decide(app, &client, &ticket, &brought).await
    };
    match decided {
        Ok(answer) => answer,
        Err(error) => {
            tracing::error!(reference = %login.reference, %error, "a login could not be decided");
            refuse(app, &client, login, error.code(), None)
        }
    }
}

fn is_late(app: &App, ticket: &Ticket) -> bool {
    let now = app.clock.now();
    ticket.judged_at > ticket.login.started_at + app.lifetimes.login
        || now > ticket.judged_at + app.lifetimes.ticket
}

// Whether a genuine card stands behind it: somebody can be held to account.
fn is_proved(ticket: &Ticket) -> bool {
    matches!(ticket.judgement, Judgement::Verified(_)) || !ticket.settled.is_empty()
}

// Too late to let anybody in or to write anything; but what was told in time is told again, so that
// a page survives a reload.
async fn late(
    app: &App,
    client: &Client,
    ticket: &Ticket,
    address: IpAddr,
) -> Result<Answer, StoreError> {
    if !is_proved(ticket) && !app.failed_logins.admits(address) {
        return Ok(refuse(app, client, &ticket.login, Code::Busy, None));
    }
    let earlier = logins::earlier_failure(&app.pool, ticket.id).await?;
    let code = earlier.unwrap_or(Code::LoginExpired);
    Ok(refuse(app, client, &ticket.login, code, ticket.judgement.facts()))
}

async fn decide(
    app: &App,
    client: &Client,
    ticket: &Ticket,
    brought: &Return<'_>,
) -> Result<Answer, StoreError> {
    let certificate = match &ticket.judgement {
        Judgement::Verified(certificate) => certificate,
        Judgement::Rejected(rejected) => {
            // What was asked about is a genuine card, which says whose it is.
            let is_genuine = !ticket.settled.is_empty();
            let refusal = Refusal {
                cause: Some(rejected.cause.name()),
                hsa_id: rejected.submitted.as_deref().filter(|_| is_genuine),
                submitted: rejected.submitted.as_deref(),
                facts: rejected.facts.as_ref(),
                ..Refusal::of(rejected.code())
            };
            return record_refusal(app, client, ticket, brought, refusal).await;
        }
        Judgement::NoCertificate => {
            let refusal = Refusal::of(Code::CertificateMissing);
            return record_refusal(app, client, ticket, brought, refusal).await;
        }
    };
    let refusal = |code| known_holder(certificate, code);
    if let Some(code) = assurance_fault(certificate.loa(), client, &ticket.login.request) {
        let refusal = refusal(code);
        return record_refusal(app, client, ticket, brought, refusal).await;
    }
    let now = app.clock.now();
    let canonical = certificate.hsa_id().canonical();
    let system = client.system.as_deref();
    let Some(user) = logins::user_by_hsa_id(&app.pool, &canonical, system, now).await? else {
        let refusal = refusal(Code::UserUnknown);
        return record_refusal(app, client, ticket, brought, refusal).await;
    };
    let user_id = user.id;
    if !ticket.login.request.is_for(&app.subject(client, user_id)) {
        let refusal = Refusal { user_id: Some(user_id), ..refusal(Code::UserNotExpected) };
        return record_refusal(app, client, ticket, brought, refusal).await;
    }
    let user = match user.admit(now, role_demand(client)) {
        Ok(user) => user,
        Err(admission) => {
            let refusal = Refusal { user_id: Some(user_id), ..refusal(admission.code()) };
            return record_refusal(app, client, ticket, brought, refusal).await;
        }
    };
    let by = ByCard {
        ticket,
        certificate,
        user: &user,
        login_cookie: (brought.cookie)(&ticket.login.cookie_name()).unwrap_or_default(),
        previous_session: brought.session,
        address: &brought.address.to_string(),
    };
    match issue::by_card(app, by).await? {
        Ok(answer) => Ok(answer),
        Err(again) => Ok(refuse(app, client, &ticket.login, spent(again), None)),
    }
}

fn known_holder(certificate: &VerifiedCertificate, code: Code) -> Refusal<'_> {
    let hsa_id = Some(certificate.hsa_id().as_str());
    Refusal { hsa_id, submitted: hsa_id, facts: Some(certificate.facts()), ..Refusal::of(code) }
}

/// How a ticket that was used before is answered: a failure is told again as it was, so that a
/// reload shows the same page; a login is not.
const fn spent(recorded: Recorded) -> Code {
    match recorded {
        Recorded::Again { earlier: Some(code) } => code,
        Recorded::Again { earlier: None } | Recorded::First => Code::LoginReplayed,
        Recorded::RequestUsed => Code::RequestUriReplayed,
    }
}

async fn record_refusal(
    app: &App,
    client: &Client,
    ticket: &Ticket,
    brought: &Return<'_>,
    refusal: Refusal<'_>,
) -> Result<Answer, StoreError> {
    let login = &ticket.login;
    // Without a card that was proved there is nobody to hold to account: not without end.
    if !is_proved(ticket) && !app.failed_logins.admits(brought.address) {
        return Ok(refuse(app, client, login, Code::Busy, None));
    }
    let attempt = Attempt {
        ticket: ticket.id,
        reference: &login.reference,
        client_id: &client.id,
        certificate: refusal.facts.and_then(facts),
        revocation: Settled::audit(&ticket.settled, ticket.judged_at),
        address: &brought.address.to_string(),
        now: app.clock.now(),
    };
    let sealed = refusal.submitted.map(|value| {
        app.sealer.seal(Purpose::SubmittedValue, ticket.id.as_bytes(), value.as_bytes())
    });
    let failure = Failure {
        code: refusal.code,
        cause: refusal.cause,
        user_id: refusal.user_id,
        hsa_id: refusal.hsa_id,
        sealed_submitted_value: sealed,
        session_cookie_hash: brought.session.map(|cookie| sha256(cookie.as_bytes())),
    };
    let code = match logins::record_failure(&app.pool, &attempt, &failure).await? {
        Recorded::First => refusal.code,
        // Two at once: the one that waited saw the row as it was before, and looks once more.
        Recorded::Again { earlier: None } => {
            let earlier = logins::earlier_failure(&app.pool, ticket.id).await?;
            earlier.unwrap_or(Code::LoginReplayed)
        }
        again @ (Recorded::Again { .. } | Recorded::RequestUsed) => spent(again),
    };
    Ok(refuse(app, client, login, code, refusal.facts))
}

/// The catalogue decides who is told first: the person by a page, or the relying party by a redirect.
fn refuse(
    app: &App,
    client: &Client,
    login: &Login,
    code: Code,
    facts: Option<&CertificateFacts>,
) -> Answer {
    let problem = Problem { code, reference: login.reference.clone() };
    if told_first(client, code) == First::RelyingParty {
        return told_by_reply(app, &login.request.reply_to, problem);
    }
    let again = match code {
        Code::CertificateMissing => login.clone().without_a_certificate(),
        _ => login.clone(),
    };
    let sealed = app.sealer.seal_value(Purpose::Login, &again).ok().filter(|_| code.again());
    Answer::Page(Box::new(ProblemAnswer {
        system: Some(client.name.clone()),
        retry: sealed.map(|sealed| again_address(&app.issuer, &sealed)),
        shows_more: again.widens(&app.card_hosts),
        back: back::address(app, &login.request, &problem),
        certificate: facts.cloned(),
        ui_locales: login.request.ui_locales.clone(),
        problem,
    }))
}
