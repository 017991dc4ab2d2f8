//! `GET /card` on a card host: 303 to the issuer host, whatever was found.

use axum::Extension;
use axum::extract::State;
use axum::http::Uri;
use axum::response::Response;

use super::render;
use crate::flow::card as flow;
use crate::flow::login::RESUME_PATH;
use crate::oidc::params::Params;
use crate::oidc::reply_to::issuer_identifier;
use crate::state::App;
use crate::tls::{Host, Peer};

/// Judges the certificate of the connection.
pub async fn card(State(app): State<App>, Extension(peer): Extension<Peer>, uri: Uri) -> Response {
    let params = Params::parse_sealed(uri.query().unwrap_or("")).ok();
    let login = params.as_ref().and_then(|params| params.get("login").ok().flatten());
    let host = match &peer.host {
        Host::Card { name, .. } => name.as_str(),
        Host::Issuer | Host::Mtls { .. } => "",
    };
    render::redirect(&flow::card(&app, host, peer.chain.as_ref(), login).await, &[])
}

/// To the issuer host without a ticket: it says that the login is lost.
#[must_use]
pub fn lost(app: &App) -> Response {
    render::redirect(&format!("{}{RESUME_PATH}", issuer_identifier(&app.issuer)), &[])
}

/// Whatever else is asked for here (a favicon, a wrong method) is on the issuer host.
pub async fn elsewhere(State(app): State<App>) -> Response {
    render::redirect(&format!("{}/", issuer_identifier(&app.issuer)), &[])
}
