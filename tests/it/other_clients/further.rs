//! What not every relying party uses, by the library that can: openid-client.

use serde_json::json;
use siths_idp::oidc::client::{AuthMethod, Client};
use siths_idp::oidc::client_metadata::Profile;
use url::Url;

use super::{SCOPE, logged_in, party_using};
use crate::harness::TestIdp;
use crate::harness::library::{Library, Party};

const BY_KEY: (Library, AuthMethod) = (Library::OpenidClient, AuthMethod::PrivateKeyJwt);

/// Logs in with parts of the protocol, from discovery to UserInfo.
async fn logs_in_using(uses: &[&str], edit: impl FnOnce(&mut Client)) {
    if !Library::OpenidClient.is_installed() {
        return;
    }
    let idp = TestIdp::start().await;
    let mut party = party_using(&idp, BY_KEY, uses, edit).await;
    let told = logged_in(&idp, &mut party, "clinician").await;
    let told = told.unwrap_or_else(|failed| panic!("{uses:?}: {failed}"));
    let user_info = party.step("user_info").await;
    assert_eq!(user_info["sub"], told["claims"]["sub"], "{uses:?}");
}

/// The address that a browser is sent to.
async fn begun(party: &mut Party) -> Url {
    let url = party.done("begin", json!({ "parameters": { "scope": SCOPE } })).await;
    url.as_str().unwrap().parse().unwrap()
}

/// The names of an address's parameters.
fn names(url: &Url) -> Vec<String> {
    url.query_pairs().map(|(name, _)| name.into_owned()).collect()
}

/// RFC 8414.
#[tokio::test]
async fn openid_client_discovers_as_an_oauth_client() {
    logs_in_using(&["rfc8414"], |_| {}).await;
}

/// RFC 9126.
#[tokio::test]
async fn openid_client_pushes_its_requests() {
    logs_in_using(&["par"], |client| {
        client.metadata.require_pushed_authorization_requests = true;
    })
    .await;
}

/// RFC 9101.
#[tokio::test]
async fn openid_client_signs_its_requests() {
    logs_in_using(&["jar"], |client| client.metadata.require_signed_request_object = true).await;
}

/// RFC 9126 §3.
#[tokio::test]
async fn openid_client_pushes_requests_that_it_signs() {
    logs_in_using(&["jar", "par"], |client| {
        client.metadata.require_pushed_authorization_requests = true;
        client.metadata.require_signed_request_object = true;
    })
    .await;
}

/// JARM §2.4.
#[tokio::test]
async fn openid_client_verifies_signed_answers() {
    logs_in_using(&["jarm"], |_| {}).await;
}

/// RFC 9449, nonces included.
#[tokio::test]
async fn openid_client_binds_its_tokens_to_a_key() {
    logs_in_using(&["dpop"], |client| client.metadata.dpop_bound_access_tokens = true).await;
}

/// The FAPI 2.0 Security Profile: pushed, by key, with bound tokens.
#[tokio::test]
async fn openid_client_logs_in_as_fapi_2_demands() {
    logs_in_using(&["par", "dpop"], |client| {
        client.metadata.profile = Profile::Fapi2;
        client.metadata.dpop_bound_access_tokens = true;
    })
    .await;
}

/// What is pushed or signed is not in the browser's address.
#[tokio::test]
async fn what_openid_client_asks_is_where_it_says() {
    if !Library::OpenidClient.is_installed() {
        return;
    }
    let idp = TestIdp::start().await;
    for (uses, expected) in
        [(&["par"][..], ["client_id", "request_uri"]), (&["jar"], ["client_id", "request"])]
    {
        let mut party = party_using(&idp, BY_KEY, uses, |_| {}).await;
        let mut names = names(&begun(&mut party).await);
        names.sort_unstable();
        assert_eq!(names, expected, "{uses:?}");
    }
}
