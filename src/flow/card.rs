//! On a card host: the certificate is judged, its revocation is asked for, and the verdict goes back
//! sealed.
//!
//! No page and no cookie here: whatever is found, the answer is 303 to the issuer host, where it is
//! shown (browsers open the chooser again on an error status). Nothing is written but what issuers
//! say of revocation, and nobody is asked about a certificate that is not genuine.

use uuid::Uuid;

use super::login::{Login, Ticket, resume_address};
use super::settled::Settled;
use super::unknown_policies;
use crate::keys::Purpose;
use crate::oidc::reply_to::issuer_identifier;
use crate::pki::{Judgement, PresentedChain};
use crate::secret::sha256;
use crate::state::App;

/// Where the browser goes next: to the issuer host with a ticket, or without one where the address
/// holds no login of ours for this very host.
pub async fn card(
    app: &App,
    host: &str,
    chain: Option<&PresentedChain>,
    sealed_login: Option<&str>,
) -> String {
    let lost = || format!("{}{}", issuer_identifier(&app.issuer), super::login::RESUME_PATH);
    let login: Option<Login> =
        sealed_login.and_then(|text| app.sealer.open_value(Purpose::Login, text).ok());
    // A login is bound to its host name: nobody brings it to one where a choice is remembered.
    let Some(login) = login.filter(|login| login.is_of_host(host)) else { return lost() };
    let (judgement, settled) = judge(app, chain).await;
    // Asking may have taken its time: the verdict is as fresh as its answer.
    let judged_at = app.clock.now();
    let ticket = Ticket { id: ticket_id(&login, &judgement), judgement, settled, judged_at, login };
    if let Judgement::Rejected(rejected) = &ticket.judgement {
        tracing::info!(
            reference = %ticket.login.reference,
            cause = rejected.cause.name(),
            detail = %rejected.detail,
            "certificate rejected"
        );
    }
    for settled in ticket.settled.iter().filter(|settled| settled.is_doubtful()) {
        tracing::warn!(
            reference = %ticket.login.reference,
            verdict = settled.verdict.name(),
            detail = settled.detail,
            "revocation is not determined"
        );
    }
    match app.sealer.seal_value(Purpose::Ticket, &ticket) {
        Ok(sealed) => resume_address(&app.issuer, &sealed),
        Err(error) => {
            tracing::error!(%error, "a ticket does not serialise");
            lost()
        }
    }
}

async fn judge(app: &App, chain: Option<&PresentedChain>) -> (Judgement, Vec<Settled>) {
    let Some(chain) = chain else { return (Judgement::NoCertificate, Vec::new()) };
    let now = app.clock.now();
    let assessment = app.trust.assess(chain, now);
    unknown_policies::tell(app, &assessment);
    let authentic = match assessment.outcome {
        Ok(authentic) => authentic,
        Err(rejected) => return (Judgement::Rejected(rejected), Vec::new()),
    };
    let findings = app.revocation.ask(authentic.links(), now).await;
    let settled = Settled::all(authentic.links(), &findings);
    let verdicts: Vec<_> = findings.iter().map(|finding| finding.verdict).collect();
    let judgement = match authentic.settle(&verdicts) {
        Ok(verified) => Judgement::Verified(verified),
        Err(rejected) => Judgement::Rejected(rejected),
    };
    (judgement, settled)
}

// A verdict has one id for each login, however often it is fetched: a host name that let somebody in
// lets nobody in again, and whoever comes without a card cannot write more than one row for a login.
fn ticket_id(login: &Login, judgement: &Judgement) -> Uuid {
    let verdict = match judgement {
        Judgement::Verified(_) => "verified",
        Judgement::Rejected(rejected) => rejected.cause.name(),
        Judgement::NoCertificate => "no-certificate",
    };
    let hash = sha256(format!("{} {} {verdict}", login.host_name(), login.reference).as_bytes());
    let (bytes, _) = hash.split_at(16);
    uuid::Builder::from_custom_bytes(bytes.try_into().unwrap_or_default()).into_uuid()
}
