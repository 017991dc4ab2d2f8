//! Refresh tokens as the libraries use them (RFC 6749 §6), and revoke them (RFC 7009).

use serde_json::json;
use siths_idp::oidc::client::AuthMethod;

use super::{logged_in, party};
use crate::harness::TestIdp;
use crate::harness::library::Library;
use crate::harness::tokens::refreshing;

/// Refreshes twice, each time by the newest token, and no more once it is revoked.
async fn refreshes(library: Library) {
    if !library.is_installed() {
        return;
    }
    let idp = TestIdp::start().await;
    let mut party = party(&idp, library, AuthMethod::ClientSecretBasic, refreshing).await;
    let mut before = logged_in(&idp, &mut party, "clinician").await.unwrap();
    for _ in 0..2 {
        let told = party.step("refresh").await;
        assert!(told["tokens"]["refresh_token"].is_string(), "{library:?}: {told}");
        assert_ne!(told["tokens"]["refresh_token"], before["tokens"]["refresh_token"]);
        assert_ne!(told["tokens"]["access_token"], before["tokens"]["access_token"]);
        assert_eq!(party.step("user_info").await["sub"], before["claims"]["sub"]);
        before = told;
    }
    party.done("revoke", json!({ "token": "refresh_token" })).await;
    let failed = party.fails("refresh", json!({})).await;
    assert_eq!(failed["error"], "invalid_grant", "{library:?}: {failed}");
}

#[tokio::test]
async fn openid_client_refreshes() {
    refreshes(Library::OpenidClient).await;
}

#[tokio::test]
async fn authlib_refreshes() {
    refreshes(Library::Authlib).await;
}
