//! Logging out by the libraries' own means, and being told of it (RP-Initiated Logout 1.0, Back-Channel
//! Logout 1.0).

use std::time::Duration;

use serde_json::json;
use siths_idp::oidc::client::AuthMethod;

use super::{SECRET_BY_BASIC, logged_in_by, party};
use crate::harness::TestIdp;
use crate::harness::apache_site::{self, ApacheSite};
use crate::harness::library::Library;
use crate::harness::listener::Listener;
use crate::harness::logout::{LEFT_URI, forgets_the_session, id_token};

/// The address that the library makes ends the session, leads back with `state`, and the logout token
/// that comes by the back channel is one to the library.
async fn logs_out(library: Library) {
    if !library.is_installed() {
        return;
    }
    let idp = TestIdp::start().await;
    let mut listener = Listener::start(&idp);
    let mut party = party(&idp, library, AuthMethod::ClientSecretBasic, |client| {
        client.metadata.post_logout_redirect_uris = [LEFT_URI.to_owned()].into();
        client.metadata.backchannel_logout_uri = Some(listener.uri.clone());
    })
    .await;
    let mut browser = idp.browser("clinician");
    let told = logged_in_by(&idp, &mut party, &mut browser).await.unwrap();
    let back = json!({ "post_logout_redirect_uri": LEFT_URI, "state": "a-state" });
    let url = party.done("end_session", json!({ "parameters": back })).await;
    let answer = browser.get(&url.as_str().unwrap().parse().unwrap()).await.unwrap();
    let location = answer.location().unwrap_or_else(|| panic!("{library:?}: {}", answer.body));
    assert_eq!(location.as_str(), format!("{LEFT_URI}&state=a-state"), "{library:?}");
    assert!(forgets_the_session(&answer), "{library:?}");

    let received = listener.next().await;
    let claims = party.done("logout_token", json!({ "token": received.token() })).await;
    assert_eq!(claims["sid"], told["claims"]["sid"], "{library:?}");
    assert_eq!(claims["sub"], told["claims"]["sub"], "{library:?}");
    assert!(claims.get("nonce").is_none());
}

#[tokio::test]
async fn openid_client_logs_out() {
    logs_out(Library::OpenidClient).await;
}

#[tokio::test]
async fn authlib_logs_out() {
    logs_out(Library::Authlib).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn mod_auth_openidc_logs_out_and_leads_back() {
    if !apache_site::is_installed() {
        return;
    }
    let idp = TestIdp::start().await;
    let site = ApacheSite::start(&idp, SECRET_BY_BASIC, |client, address| {
        let left = format!("{address}logged-out");
        client.metadata.post_logout_redirect_uris = [left].into();
    })
    .await;
    let mut browser = idp.browser("clinician");
    let answers = browser.follow(&site.at("page"), |_| false).await.unwrap();
    assert_eq!(answers.last().unwrap().status, 200);
    let mut logout = site.at("callback");
    logout.query_pairs_mut().append_pair("logout", site.at("logged-out").as_str());
    let answers = browser.follow(&logout, |_| false).await.unwrap();
    let page = answers.last().unwrap();
    assert_eq!((page.status, page.body.as_str()), (200, "this is logged-out"), "{}", page.url);
    let asked = answers.iter().find(|answer| answer.url.path() == "/logout").unwrap();
    assert!(forgets_the_session(asked));
}

/// Logged out elsewhere, the browser is let in no more, though it still has the site's cookie.
#[tokio::test(flavor = "multi_thread")]
async fn mod_auth_openidc_is_told_by_the_back_channel() {
    if !apache_site::is_installed() {
        return;
    }
    let idp = TestIdp::start().await;
    let further = format!("{SECRET_BY_BASIC}\nOIDCProviderBackChannelLogoutSupported On");
    let site = ApacheSite::start(&idp, &further, |client, address| {
        client.metadata.backchannel_logout_uri =
            Some(format!("{address}callback?logout=backchannel"));
    })
    .await;
    let mut browser = idp.browser("clinician");
    let answers = browser.follow(&site.at("page"), |_| false).await.unwrap();
    assert_eq!(answers.last().unwrap().status, 200);
    let tokens = idp.log_in_by(&mut browser, &idp.authorize()).await;
    assert_eq!(browser.get(&site.at("page")).await.unwrap().status, 200);

    let logout = idp.logout(&[("id_token_hint", id_token(&tokens))]);
    assert_eq!(browser.get(&logout).await.unwrap().status, 200);
    let deadline = tokio::time::Instant::now() + Duration::from_secs(20);
    while browser.get(&site.at("page")).await.unwrap().location().is_none() {
        assert!(tokio::time::Instant::now() < deadline, "{}", site.running.log());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
