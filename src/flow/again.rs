//! "Try again": the same request, on a card host that the browser has no choice remembered for.

use super::answer::{Answer, ProblemAnswer};
use super::authorize::send_to_card;
use super::login::Login;
use crate::error::Code;
use crate::keys::Purpose;
use crate::oidc::problem::Problem;
use crate::secret::{equal, sha256};
use crate::state::App;

/// Sends the browser to a fresh card host, if the login is its own and not too old.
#[must_use]
pub fn again(app: &App, sealed_login: Option<&str>, browser: Option<&str>) -> Answer {
    let login: Option<Login> =
        sealed_login.and_then(|text| app.sealer.open_value(Purpose::Login, text).ok());
    let Some(login) = login.filter(|login| is_of_browser(login, browser)) else {
        return Answer::page(Code::LoginLost, app.random.reference(), None);
    };
    let expired = Problem { code: Code::LoginExpired, reference: login.reference.clone() };
    let back = login.request.reply_to.error(&app.issuer, &expired);
    let system = app.client(&login.request.client_id).map(|client| client.name.clone());
    let ui_locales = login.request.ui_locales.clone();
    match login.again(&app.card_hosts, &app.random, app.clock.now()) {
        Some(login) => send_to_card(app, &login, None),
        None => Answer::Page(Box::new(ProblemAnswer {
            problem: expired,
            system,
            retry: None,
            back: Some(back),
            certificate: None,
            ui_locales,
        })),
    }
}

/// Whether a login was begun in the browser with this cookie.
#[must_use]
pub fn is_of_browser(login: &Login, cookie: Option<&str>) -> bool {
    cookie.is_some_and(|cookie| equal(&sha256(cookie.as_bytes()), &login.browser))
}
