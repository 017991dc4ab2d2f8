//! Demo-Symfoni beside a provider under test, and the buttons that a person presses.

use axum_server::Handle;
use siths_idp::config::Config;
use siths_idp::dev::demo;
use siths_idp::dev::relying_party::Registered;
use siths_idp::dev::seed;

use super::{CLIENT_SECRET, TestIdp, loopback};

pub const LOG_IN: &str = "Logga in med SITHS-kort";
pub const TRY_AGAIN: &str = "Försök igen";
pub const BACK: &str = "Tillbaka till Demo-Symfoni";

/// A provider with Demo-Symfoni beside it, and the address of Demo-Symfoni.
pub async fn idp_with_demo(edit: impl FnOnce(&mut Config)) -> (TestIdp, String) {
    let idp = TestIdp::start_with(edit).await;
    let listener = loopback();
    let port = listener.local_addr().unwrap().port();
    let redirect_uri = demo::redirect_uri(port);
    idp.register(|client| {
        client.redirect_uris = vec![redirect_uri.clone()];
        demo::register_logout(&mut client.metadata, port);
    })
    .await;
    let registered = Registered {
        issuer: idp.config.issuer_identifier().to_owned(),
        client_id: seed::CLIENT_ID.to_owned(),
        client_secret: CLIENT_SECRET.to_owned(),
        redirect_uri: redirect_uri.clone(),
    };
    let serving = demo::serve(listener, idp.pki(), registered, Handle::new()).unwrap();
    tokio::spawn(serving);
    (idp, demo_of(&redirect_uri))
}

/// The start page of Demo-Symfoni.
pub fn demo_of(redirect_uri: &str) -> String {
    redirect_uri.trim_end_matches("callback").to_owned()
}
