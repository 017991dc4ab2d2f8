//! "Try again": the same request, on a card host that the browser has no choice remembered for.

use super::answer::{Answer, ProblemAnswer};
use super::authorize::send_to_card;
use super::back;
use super::login::Login;
use crate::error::Code;
use crate::keys::Purpose;
use crate::oidc::problem::Problem;
use crate::state::App;

/// Sends the browser to a fresh card host, if the login is its own and not too old. `cookie` looks
/// a cookie of the browser up by name.
#[must_use]
pub fn again<'c>(
    app: &App,
    sealed_login: Option<&str>,
    cookie: impl Fn(&str) -> Option<&'c str>,
) -> Answer {
    let login: Option<Login> =
        sealed_login.and_then(|text| app.sealer.open_value(Purpose::Login, text).ok());
    let Some(login) = login.filter(|login| login.is_of_browser(cookie(&login.cookie_name())))
    else {
        return Answer::page(Code::LoginLost, app.random.reference(), None);
    };
    let expired = Problem { code: Code::LoginExpired, reference: login.reference.clone() };
    let back = back::address(app, &login.request, &expired);
    let system = app.client(&login.request.client_id).map(|client| client.name.clone());
    let ui_locales = login.request.ui_locales.clone();
    match login.again(&app.card_hosts, &app.random, app.clock.now()) {
        Some(login) => send_to_card(app, &login, Vec::new()),
        None => Answer::Page(Box::new(ProblemAnswer {
            problem: expired,
            system,
            retry: None,
            shows_more: false,
            back,
            certificate: None,
            ui_locales,
        })),
    }
}
