//! What not every relying party uses, by the library that can: openid-client.

use serde_json::{Value, json};
use siths_idp::oidc::client::{AuthMethod, Client};
use siths_idp::oidc::client_metadata::Profile;
use siths_idp::oidc::profile::check_registration;
use url::Url;

use super::{SCOPE, logged_in, party_using};
use crate::harness::TestIdp;
use crate::harness::library::{Library, Party};
use crate::harness::logout::{LEFT_URI, forgets_the_session};
use crate::harness::tokens::{refreshing, text};
use crate::token::claims;

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

/// What the profile `fapi2` demands of a client.
fn of_fapi_2(client: &mut Client) {
    client.metadata.profile = Profile::Fapi2;
    client.metadata.dpop_bound_access_tokens = true;
}

/// The FAPI 2.0 Security Profile, from the login to the logout: pushed, by key, with PKCE, and tokens
/// that are bound to a key, refreshed ones too.
#[tokio::test]
async fn openid_client_logs_in_refreshes_and_logs_out_as_fapi_2_demands() {
    if !Library::OpenidClient.is_installed() {
        return;
    }
    let idp = TestIdp::start().await;
    let mut party = party_using(&idp, BY_KEY, &["par", "dpop"], |client| {
        refreshing(client);
        of_fapi_2(client);
        client.metadata.post_logout_redirect_uris = [LEFT_URI.to_owned()].into();
        check_registration(client).unwrap();
    })
    .await;
    let mut browser = idp.browser("clinician");

    // §5.3.2.2 (3): what is asked is pushed, and the browser carries a reference alone.
    let url = begun(&mut party).await;
    let mut asked = names(&url);
    asked.sort_unstable();
    assert_eq!(asked, ["client_id", "request_uri"]);
    let callback = idp.walk(&mut browser, &url).await.callback();
    let told = party.done("callback", json!({ "url": callback })).await;
    assert_eq!(told["claims"]["name"], "Anna Testsson");
    assert_eq!(told["claims"]["acr"], "http://id.sambi.se/loa/loa3");
    let key = bound_to(&idp, &told).await;
    let user_info = party.step("user_info").await;
    assert_eq!(user_info["sub"], told["claims"]["sub"]);
    assert_eq!(user_info["systemRole"], told["claims"]["systemRole"]);

    // §5.3.2.1 (9): the refresh token is not rotated; each access token is another, bound to the same key.
    let kept = text(&told["tokens"], "refresh_token");
    let mut before = told.clone();
    for _ in 0..2 {
        let after = party.done("refresh", json!({ "refresh_token": kept })).await;
        assert_ne!(text(&after["tokens"], "access_token"), text(&before["tokens"], "access_token"));
        let rotated = after["tokens"].get("refresh_token").filter(|token| *token != kept);
        assert_eq!(rotated, None);
        assert_eq!(after["claims"]["sid"], told["claims"]["sid"]);
        assert_eq!(bound_to(&idp, &after).await, key);
        assert_eq!(party.step("user_info").await, user_info);
        before = after;
    }
    assert_eq!(idp.audited("token.refreshed").await, 2);

    let back = json!({ "post_logout_redirect_uri": LEFT_URI, "state": "a-state" });
    let url = party.done("end_session", json!({ "parameters": back })).await;
    let answer = browser.get(&url.as_str().unwrap().parse().unwrap()).await.unwrap();
    let location = answer.location().unwrap_or_else(|| panic!("{}", answer.body));
    assert_eq!(location.as_str(), format!("{LEFT_URI}&state=a-state"));
    assert!(forgets_the_session(&answer));
    let failed = party.fails("refresh", json!({ "refresh_token": kept })).await;
    assert_eq!(
        (&failed["error"], &failed["error_code"]),
        (&json!("invalid_grant"), &json!("grant_revoked"))
    );
    let failed = party.fails("user_info", json!({})).await;
    assert_eq!(failed["0"]["parameters"]["error_code"], "token_revoked", "{failed}");
}

/// A client of the profile that leaves something out is told what, by the library's own means.
#[tokio::test]
async fn openid_client_is_told_what_fapi_2_demands_beyond() {
    if !Library::OpenidClient.is_installed() {
        return;
    }
    let idp = TestIdp::start().await;
    let mut unpushed = party_using(&idp, BY_KEY, &["dpop"], of_fapi_2).await;
    let failed = logged_in(&idp, &mut unpushed, "clinician").await.unwrap_err();
    assert_eq!(failed["error_code"], "request_not_pushed", "{failed}");
    let mut unbound = party_using(&idp, BY_KEY, &["par"], of_fapi_2).await;
    let failed = logged_in(&idp, &mut unbound, "clinician").await.unwrap_err();
    assert_eq!(failed["error_code"], "dpop_missing", "{failed}");
}

/// The thumbprint of the key that an access token is bound to: as a bearer token it is refused.
async fn bound_to(idp: &TestIdp, told: &Value) -> String {
    let tokens = &told["tokens"];
    assert!(text(tokens, "token_type").eq_ignore_ascii_case("DPoP"), "{tokens}");
    let access_token = text(tokens, "access_token");
    assert_eq!(idp.shut(access_token).await.as_deref(), Some("token_scheme_wrong"));
    text(&claims(access_token)["cnf"], "jkt").to_owned()
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
