//! Redirect URIs of apps (RFC 8252 §7): loopback addresses with any port, and schemes of their own.

use siths_idp::dev::browser::Response;

use crate::harness::TestIdp;
use crate::harness::answer::{handed_back, posted, told_by_page, told_by_redirect};

const REGISTERED: [&str; 4] = [
    "http://127.0.0.1/callback?app=1",
    "http://[::1]:8000/callback",
    "http://localhost:8000/callback",
    "se.example.app:/callback",
];

async fn app() -> TestIdp {
    let idp = TestIdp::start().await;
    idp.register(|client| client.redirect_uris = REGISTERED.map(str::to_owned).to_vec()).await;
    idp
}

async fn answer(idp: &TestIdp, redirect_uri: &str) -> Response {
    let request = idp.authorize().set("redirect_uri", redirect_uri).set("prompt", "none");
    idp.browser_with(None).get(&request.url()).await.unwrap()
}

/// RFC 8252 §7.3: any port, at the time of the request; all else to the letter (RFC 9700 §2.1).
#[tokio::test]
async fn a_loopback_address_may_have_any_port() {
    let idp = app().await;
    for uri in [
        "http://127.0.0.1/callback?app=1",
        "http://127.0.0.1:51004/callback?app=1",
        "http://127.0.0.1:65535/callback?app=1",
        "http://[::1]/callback",
        "http://[::1]:51004/callback",
        "http://localhost:8000/callback",
        "se.example.app:/callback",
    ] {
        let told = told_by_redirect(&answer(&idp, uri).await, uri, idp.issuer());
        assert_eq!(told, "login_required", "{uri}");
    }
    for uri in [
        "http://127.0.0.1:51004/callback",
        "http://127.0.0.1:51004/callback?app=2",
        "http://127.0.0.1:51004/callback/?app=1",
        "https://127.0.0.1:51004/callback?app=1",
        "http://127.0.0.1:99999/callback?app=1",
        "http://127.0.0.1:51004@evil.example/callback?app=1",
        "http://127.0.0.1.evil.example/callback?app=1",
        "http://127.0.0.2:51004/callback?app=1",
        "http://[::1]:51004/other",
        // §8.3: a name may be another machine's.
        "http://localhost:51004/callback",
        "http://localhost/callback",
        "se.example.app:/callback2",
        "se.example.app://callback",
        "se.example.other:/callback",
    ] {
        assert_eq!(told_by_page(&answer(&idp, uri).await), "redirect_uri_unregistered", "{uri}");
    }
}

/// RFC 6749 §4.1.3: identical to that of the authorization request, not to the registered one.
#[tokio::test]
async fn the_code_is_bound_to_the_port_that_was_used() {
    let idp = app().await;
    let used = "http://127.0.0.1:51004/callback?app=1";
    let code = async || {
        let request = idp.authorize().set("redirect_uri", used);
        let stop = |url: &url::Url| url.as_str().starts_with("http://127.0.0.1");
        let walk = idp.browser("clinician").follow(&request.url(), stop).await.unwrap();
        handed_back(walk.last().unwrap(), used)["code"].clone()
    };
    for other in [REGISTERED[0], "http://127.0.0.1:51005/callback?app=1"] {
        let token = idp.token_request(&code().await).set("redirect_uri", other);
        assert_eq!(idp.token_error(&token).await, "redirect_uri_mismatch");
    }
    idp.tokens(&idp.token_request(&code().await).set("redirect_uri", used)).await;
}

/// An address is opened by the system: what a browser would post does not get there.
#[tokio::test]
async fn an_app_with_a_scheme_of_its_own_is_sent_no_form() {
    let idp = app().await;
    let silent = |uri: &str, mode: &str| {
        let request = idp.authorize().set("redirect_uri", uri).set("prompt", "none");
        request.set("response_mode", mode).url()
    };
    let own = "se.example.app:/callback";
    for mode in ["form_post", "form_post.jwt"] {
        let answer = idp.browser_with(None).get(&silent(own, mode)).await.unwrap();
        let told = told_by_redirect(&answer, own, idp.issuer());
        assert_eq!(told, "response_mode_unsupported", "{mode}");
    }
    let answer = idp.browser_with(None).get(&silent(own, "jwt")).await.unwrap();
    assert!(handed_back(&answer, own).contains_key("response"));
    let loopback = "http://[::1]:51004/callback";
    let answer = idp.browser_with(None).get(&silent(loopback, "form_post")).await.unwrap();
    assert_eq!(posted(&answer, loopback)["error_code"], "login_required");
}
