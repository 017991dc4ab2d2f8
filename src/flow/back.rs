//! "Back to the system": the error answer behind the link of a page, by the way that the system asked for.
//!
//! A plain redirect is the link itself. What is signed or posted is made when the link is followed, so that
//! a person may read as long as she likes. Must never lead elsewhere than a redirect URI that is
//! registered then.

use serde::{Deserialize, Serialize};

use super::answer::{Answer, answering, told_by_reply};
use crate::error::Code;
use crate::keys::Purpose;
use crate::oidc::problem::Problem;
use crate::oidc::reply_to::{Reply, ReplyTo, issuer_identifier};
use crate::oidc::request::AuthorizationRequest;
use crate::oidc::response_mode::ResponseMode;
use crate::state::App;

/// Path on the issuer host behind "back to the system".
pub const BACK_PATH: &str = "/back";

/// An answer that waits for the person to press a button.
#[derive(Serialize, Deserialize)]
struct Waiting {
    #[serde(rename = "i")]
    client_id: String,
    #[serde(rename = "t")]
    reply_to: ReplyTo,
    #[serde(rename = "c")]
    code: String,
    #[serde(rename = "r")]
    reference: String,
}

/// Where "back to the system" leads after a problem.
#[must_use]
pub fn address(app: &App, request: &AuthorizationRequest, problem: &Problem) -> Option<String> {
    if request.reply_to.mode() == ResponseMode::Query {
        let registry = app.registry.load();
        return match request.reply_to.error(problem, &answering(app, &registry)) {
            Ok(Reply::Redirect { location }) => Some(location),
            _ => None,
        };
    }
    let waiting = Waiting {
        client_id: request.client_id.clone(),
        reply_to: request.reply_to.clone(),
        code: problem.code.name().to_owned(),
        reference: problem.reference.clone(),
    };
    let sealed = app.sealer.seal_value(Purpose::Reply, &waiting).ok()?;
    Some(format!("{}{BACK_PATH}?answer={sealed}", issuer_identifier(&app.issuer)))
}

/// Gives the answer that was sealed, if its client is still registered for it.
#[must_use]
pub fn back(app: &App, sealed: Option<&str>) -> Answer {
    let waiting: Option<Waiting> =
        sealed.and_then(|text| app.sealer.open_value(Purpose::Reply, text).ok());
    let found = waiting.and_then(|waiting| Some((Code::by_name(&waiting.code)?, waiting)));
    let Some((code, waiting)) = found else {
        return Answer::page(Code::LoginLost, app.random.reference(), None);
    };
    let client = app.client(&waiting.client_id).filter(|client| client.enabled);
    let refused = match client {
        None => Some(Code::ClientUnknown),
        Some(client) if !waiting.reply_to.is_registered(&client) => {
            Some(Code::RedirectUriUnregistered)
        }
        Some(_) => None,
    };
    match refused {
        Some(refused) => Answer::page(refused, waiting.reference, None),
        None => {
            told_by_reply(app, &waiting.reply_to, Problem { code, reference: waiting.reference })
        }
    }
}
