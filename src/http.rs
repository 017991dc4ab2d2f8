//! HTTP: routers as lists, one handler file per endpoint, and the only bridge outward.
//!
//! Handlers translate a request into a story's arguments and its answer into a response; nothing is
//! decided here. Must never show what [`render`] is not given: sources of errors stay in the log.

pub mod authorize;
pub mod back;
pub mod cached;
pub mod card;
pub mod check;
pub mod client_call;
pub mod cookies;
pub mod cors;
pub mod discovery;
pub mod dpop;
pub mod errors;
pub mod form;
pub mod hosts;
pub mod introspect;
pub mod layers;
pub mod login_errors;
pub mod logout;
pub mod pages;
pub mod panics;
pub mod par;
pub mod readiness;
pub mod render;
pub mod resume;
pub mod revoke;
pub mod token;
pub mod user_info;

use axum::Router;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::routing::{get, post};

use crate::flow::back::BACK_PATH;
use crate::flow::check::CHECK_PATH;
use crate::flow::login::{AGAIN_PATH, CARD_PATH, RESUME_PATH};
use crate::oidc::metadata::paths;
use crate::state::App;
use crate::tls;

/// Everything that is served, on all hosts.
pub fn router(app: &App) -> Router {
    let hosts =
        hosts::Hosts { issuer: issuer_host(app), card: card_host(app), mtls: mtls_host(app) };
    Router::new()
        .fallback(hosts::dispatch)
        .with_state(hosts)
        .layer(from_fn(tls::card_headers))
        .layer(from_fn(tls::misdirected))
}

/// The issuer host: it never asks for a certificate.
fn issuer_host(app: &App) -> Router {
    Router::new()
        .route("/", get(errors::start_page))
        .route(pages::STYLESHEET_PATH, get(errors::stylesheet))
        .route(paths::DISCOVERY, get(discovery::metadata))
        .route(paths::AUTHORIZATION_SERVER, get(discovery::metadata))
        .route(paths::JWKS, get(discovery::jwks))
        .route(
            paths::AUTHORIZE,
            get(authorize::by_query).post(authorize::by_form).head(errors::method_not_allowed),
        )
        .route(RESUME_PATH, get(resume::resume).head(errors::method_not_allowed))
        .route(AGAIN_PATH, get(resume::again).head(errors::method_not_allowed))
        .route(BACK_PATH, get(back::back).head(errors::method_not_allowed))
        .route(CHECK_PATH, get(check::entrance).head(errors::method_not_allowed))
        .merge(client_endpoints())
        .route(
            paths::LOGOUT,
            get(logout::by_query).post(logout::by_form).head(errors::method_not_allowed),
        )
        .route(paths::LOGOUT_CONFIRMED, post(logout::confirmed))
        .route(paths::ERRORS, get(errors::catalogue))
        .route(&format!("{}/{{code}}", paths::ERRORS), get(errors::code_page))
        .route(readiness::LIVE_PATH, get(readiness::live))
        .route(readiness::READY_PATH, get(readiness::ready))
        .fallback(errors::not_found)
        .method_not_allowed_fallback(errors::method_not_allowed)
        .with_state(app.clone())
        .layer(from_fn_with_state(app.clone(), panics::catch_panic))
        .layer(from_fn_with_state(app.clone(), cors::cors))
        .layer(from_fn(layers::security_headers))
}

/// The hosts that ask relying parties for a certificate (RFC 8705): what clients call, and nothing
/// for people.
fn mtls_host(app: &App) -> Router {
    client_endpoints()
        .fallback(errors::nothing_for_clients)
        .method_not_allowed_fallback(errors::wrong_method_for_clients)
        .with_state(app.clone())
        .layer(from_fn_with_state(app.clone(), panics::catch_panic))
        .layer(from_fn(layers::security_headers))
}

/// What clients call: one list for every host that serves them, so that none can differ
/// (RFC 8705 §5).
fn client_endpoints() -> Router<App> {
    Router::new()
        .route(paths::PAR, post(par::par))
        .route(paths::TOKEN, post(token::token))
        .route(paths::REVOKE, post(revoke::revoke))
        .route(paths::INTROSPECT, post(introspect::introspect))
        .route(paths::USERINFO, get(user_info::by_header).post(user_info::by_form))
        .route(
            &format!("{}/{{reference}}", paths::LOGIN_ERRORS),
            get(login_errors::by_header).post(login_errors::by_form),
        )
}

/// The card hosts: two addresses, and everything else leads back to the issuer host.
fn card_host(app: &App) -> Router {
    Router::new()
        .route(CARD_PATH, get(card::card).head(card::elsewhere))
        .route(CHECK_PATH, get(check::check).head(card::elsewhere))
        .fallback(card::elsewhere)
        .method_not_allowed_fallback(card::elsewhere)
        .with_state(app.clone())
        .layer(from_fn_with_state(app.clone(), panics::catch_panic_at_card))
        .layer(from_fn(layers::security_headers))
}
