//! On a card host: the certificate is judged, and the verdict goes back sealed.
//!
//! No page, no cookie and no database here: whatever is found, the answer is 303 to the issuer
//! host, where it is shown (browsers open the chooser again on an error status).

use uuid::Uuid;

use super::login::{Login, Ticket, resume_address};
use crate::keys::Purpose;
use crate::oidc::reply_to::issuer_identifier;
use crate::pki::{Judgement, PresentedChain};
use crate::secret::sha256;
use crate::state::App;

/// Where the browser goes next: to the issuer host with a ticket, or without one where the address
/// holds no login of ours for this very host.
#[must_use]
pub fn card(
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
    let now = app.clock.now();
    let judgement = app.trust.judge(chain, now);
    let ticket = Ticket { id: ticket_id(&login, &judgement), judgement, judged_at: now, login };
    if let Judgement::Rejected(rejected) = &ticket.judgement {
        tracing::info!(
            reference = %ticket.login.reference,
            cause = rejected.cause.name(),
            detail = %rejected.detail,
            "certificate rejected"
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
