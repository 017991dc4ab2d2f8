//! Refresh tokens as the libraries use them (RFC 6749 §6), and revoke them (RFC 7009).

use serde_json::json;
use siths_idp::dev::browser::{Browser, Response};
use siths_idp::oidc::client::AuthMethod;
use url::Url;

use super::{SECRET_BY_BASIC, logged_in, party};
use crate::harness::apache_site::{self, ApacheSite};
use crate::harness::library::Library;
use crate::harness::tokens::refreshing;
use crate::harness::{TestIdp, TokenRequest};

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

/// The page of a site, and the tokens that mod_auth_openidc tells it of.
async fn page(site: &ApacheSite, browser: &mut Browser, url: &Url) -> (Response, [String; 2]) {
    let mut answers = browser.follow(url, |_| false).await.unwrap();
    let page = answers.pop().unwrap();
    assert_eq!((page.status, page.body.as_str()), (200, "this is page"), "{}", site.running.log());
    let told = ["x-access-token", "x-refresh-token"]
        .map(|name| page.headers[name].to_str().unwrap().to_owned());
    (page, told)
}

/// The hook by which a page asks the module for a new access token, and is told where that failed.
#[tokio::test(flavor = "multi_thread")]
async fn mod_auth_openidc_refreshes_when_a_page_asks() {
    if !apache_site::is_installed() {
        return;
    }
    let idp = TestIdp::start().await;
    let site = ApacheSite::start(&idp, SECRET_BY_BASIC, |client, _| refreshing(client)).await;
    let mut browser = idp.browser("clinician");
    let (_, mut before) = page(&site, &mut browser, &site.at("page")).await;
    let hook = |access_token: &str| {
        let mut hook = site.at("callback");
        let page = site.at("page");
        hook.query_pairs_mut()
            .append_pair("refresh", page.as_str())
            .append_pair("access_token", access_token);
        hook
    };
    for _ in 0..2 {
        let (answer, after) = page(&site, &mut browser, &hook(&before[0])).await;
        assert_eq!(answer.url, site.at("page"), "{}", site.running.log());
        assert!(after[0] != before[0] && after[1] != before[1], "{}", site.running.log());
        assert_eq!(idp.shut(&after[0]).await, None);
        before = after;
    }
    assert_eq!(idp.audited("token.refreshed").await, 2);

    idp.given_back(&TokenRequest::about(&before[1]).by("apache")).await;
    let (answer, after) = page(&site, &mut browser, &hook(&before[0])).await;
    assert_eq!(answer.url.query(), Some("error_code=refresh_failed"), "{}", site.running.log());
    assert_eq!(after, before);
}

/// Without being asked, where the access token ends soon: here always, as it lives no longer than that.
#[tokio::test(flavor = "multi_thread")]
async fn mod_auth_openidc_refreshes_before_the_access_token_ends() {
    if !apache_site::is_installed() {
        return;
    }
    let idp = TestIdp::start().await;
    let further = format!("{SECRET_BY_BASIC}\nOIDCRefreshAccessTokenBeforeExpiry 3600");
    let site = ApacheSite::start(&idp, &further, |client, _| refreshing(client)).await;
    let mut browser = idp.browser("clinician");
    let (_, mut before) = page(&site, &mut browser, &site.at("page")).await;
    for _ in 0..2 {
        let refreshed = idp.audited("token.refreshed").await;
        let (_, after) = page(&site, &mut browser, &site.at("page")).await;
        assert_eq!(idp.audited("token.refreshed").await, refreshed + 1, "{}", site.running.log());
        assert!(after[0] != before[0] && after[1] != before[1], "{}", site.running.log());
        assert_eq!(idp.shut(&after[0]).await, None);
        before = after;
    }
}
