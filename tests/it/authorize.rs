//! The authorization endpoint: what is refused, to whom it is told, and what is handed back.

use std::collections::BTreeMap;

use siths_idp::dev::browser::Response;
use siths_idp::oidc::client::Pkce;
use siths_idp::oidc::scope::Scope;
use url::Url;

use crate::harness::answer::{handed_back, told_by_page, told_by_redirect};
use crate::harness::{Answer, Authorize, REDIRECT_URI, TestIdp, page_code};

/// The same request by query and by form.
async fn by_both(idp: &TestIdp, request: &Authorize) -> [Response; 2] {
    let mut browser = idp.browser_with(None);
    let by_query = browser.get(&request.url()).await.unwrap();
    [by_query, browser.post(&idp.at("/authorize"), &request.form()).await.unwrap()]
}

#[tokio::test]
async fn where_nobody_can_be_redirected_to_there_is_a_page() {
    let idp = TestIdp::start().await;
    idp.register(|client| {
        client.id = "switched-off".to_owned();
        client.enabled = false;
    })
    .await;
    idp.register(|client| {
        client.id = "other".to_owned();
        client.redirect_uris = vec!["https://other.localhost/callback".to_owned()];
    })
    .await;
    let good = || idp.authorize();
    let mut table = vec![
        (good().without("client_id"), "client_missing"),
        (good().set("client_id", ""), "client_missing"),
        (good().set("client_id", "nobody"), "client_unknown"),
        (good().set("client_id", "Demo-Symfoni"), "client_unknown"),
        (good().set("client_id", "demo-symfoni "), "client_unknown"),
        (good().set("client_id", "switched-off"), "client_unknown"),
        (good().without("redirect_uri"), "redirect_uri_missing"),
        (good().set("redirect_uri", ""), "redirect_uri_missing"),
        // Of two, none can be believed; and a state in two could not be handed back.
        (good().add("client_id", "demo-symfoni"), "parameter_repeated"),
        (good().add("redirect_uri", REDIRECT_URI), "parameter_repeated"),
        (good().add("state", "a-state"), "parameter_repeated"),
    ];
    for unregistered in [
        "https://rp.localhost/callbac",
        "https://rp.localhost/callback2",
        "https://rp.localhost/callback/",
        "https://rp.localhost/Callback",
        "https://RP.localhost/callback",
        "HTTPS://rp.localhost/callback",
        "https://rp.localhost/callback?more=1",
        "https://rp.localhost/callback?",
        "https://rp.localhost/callback#part",
        "https://rp.localhost:443/callback",
        "https://rp.localhost:8444/callback",
        "http://rp.localhost/callback",
        "https://rp.localhost/%63allback",
        "https://rp.localhost/x/../callback",
        "https://rp.localhost@evil.example/callback",
        "https://rp.localhost.evil.example/callback",
        "https://evil.example/?https://rp.localhost/callback",
        " https://rp.localhost/callback",
        "https://rp.localhost/callback https://evil.example/",
        "https://other.localhost/callback",
        "javascript:alert(1)",
    ] {
        table.push((good().set("redirect_uri", unregistered), "redirect_uri_unregistered"));
    }
    for (request, code) in &table {
        for answer in by_both(&idp, request).await {
            assert_eq!(told_by_page(&answer), *code, "{}", request.url());
            assert!(!answer.body.contains("href=\"https://evil"), "{}", request.url());
        }
    }
}

#[tokio::test]
async fn a_request_that_cannot_be_read_is_answered_by_a_page() {
    let idp = TestIdp::start().await;
    let mut browser = idp.browser_with(None);
    let long = "x".repeat(8 * 1024);
    let good = idp.authorize().url();
    for (query, code) in [
        (format!("&nonce={long}"), "request_too_long"),
        ("&nonce=%ff".to_owned(), "request_malformed"),
        ("&nonce=%C3%28".to_owned(), "request_malformed"),
        ("&nonce=a%00b".to_owned(), "request_malformed"),
        ("&nonce=a%0d%0aLocation:x".to_owned(), "request_malformed"),
        ("&%ff=x".to_owned(), "request_malformed"),
    ] {
        let answer = browser.get(&Url::parse(&format!("{good}{query}")).unwrap()).await.unwrap();
        assert_eq!(told_by_page(&answer), code);
    }
    let request = idp.authorize().set("nonce", &long);
    let answer = browser.post(&idp.at("/authorize"), &request.form()).await.unwrap();
    assert_eq!(told_by_page(&answer), "request_too_long");
}

#[tokio::test]
async fn a_form_has_the_content_type_of_a_form() {
    let idp = TestIdp::start().await;
    let form = idp.authorize().url().query().unwrap().to_owned();
    let post = |content_type: &'static str, body: String| {
        let request = idp.http().post(idp.at("/authorize")).body(body);
        request.header("content-type", content_type).send()
    };
    for wrong in ["application/json", "text/plain", "multipart/form-data", ""] {
        let answer = Answer::of(post(wrong, form.clone()).await.unwrap()).await;
        assert_eq!(answer.status, 400, "{wrong}");
        let code = page_code(&answer.body);
        assert_eq!(code.as_deref(), Some("content_type_unsupported"));
    }
    let bytes = [form.as_bytes(), b"&nonce2=\xff"].concat();
    let raw = idp.http().post(idp.at("/authorize")).body(bytes);
    let raw = raw.header("content-type", "application/x-www-form-urlencoded").send().await;
    let answer = Answer::of(raw.unwrap()).await;
    assert_eq!(page_code(&answer.body).as_deref(), Some("request_malformed"));
    let with_charset = "application/X-www-form-urlencoded; charset=UTF-8";
    assert_eq!(post(with_charset, form).await.unwrap().status(), 303);
}

#[tokio::test]
async fn another_method_than_get_and_post_is_not_taken() {
    let idp = TestIdp::start().await;
    let request = idp.http().put(idp.authorize().url()).send().await.unwrap();
    let answer = Answer::of(request).await;
    assert_eq!(answer.status, 405);
    // RFC 9110 §15.5.6
    assert_eq!(answer.header("allow"), "GET,HEAD,POST");
    assert_eq!(page_code(&answer.body).as_deref(), Some("method_not_allowed"));
}

#[tokio::test]
async fn every_other_refusal_is_told_to_the_relying_party_in_one_form() {
    let idp = TestIdp::start().await;
    idp.register(|client| {
        client.id = "narrow".to_owned();
        client.scopes = [Scope::OpenId].into();
    })
    .await;
    let good = || idp.authorize();
    let set = |name: &str, value: &str| good().set(name, value);
    let mut table = vec![
        (good().without("response_type"), "response_type_missing"),
        (set("response_type", ""), "response_type_missing"),
        (set("response_type", "token"), "response_type_unsupported"),
        (set("response_type", "id_token"), "response_type_unsupported"),
        (set("response_type", "code token"), "response_type_unsupported"),
        (set("response_type", "Code"), "response_type_unsupported"),
        (set("response_mode", "fragment"), "response_mode_unsupported"),
        (set("response_mode", "fragment.jwt"), "response_mode_unsupported"),
        (set("response_mode", "web_message"), "response_mode_unsupported"),
        (set("response_mode", "Query"), "response_mode_unsupported"),
        (good().without("scope"), "scope_openid_missing"),
        (set("scope", "profile"), "scope_openid_missing"),
        (set("scope", "OpenID profile"), "scope_openid_missing"),
        (set("scope", "openidprofile"), "scope_openid_missing"),
        (good().set("client_id", "narrow"), "scope_unregistered"),
        (good().without("code_challenge").without("code_challenge_method"), "pkce_missing"),
        (good().without("code_challenge"), "pkce_missing"),
        (set("code_challenge_method", "plain"), "pkce_plain"),
        (good().without("code_challenge_method"), "pkce_plain"),
        (set("code_challenge_method", "s256"), "pkce_malformed"),
        (set("code_challenge_method", "S512"), "pkce_malformed"),
        (set("code_challenge", "short"), "pkce_malformed"),
        (set("code_challenge", &"A".repeat(42)), "pkce_malformed"),
        (set("code_challenge", &"A".repeat(44)), "pkce_malformed"),
        (set("code_challenge", &format!("{}=", "A".repeat(43))), "pkce_malformed"),
        (set("code_challenge", &format!("{}+A", "A".repeat(41))), "pkce_malformed"),
        (set("prompt", "always"), "prompt_invalid"),
        (set("prompt", "LOGIN"), "prompt_invalid"),
        (set("prompt", "none login"), "prompt_invalid"),
        (set("prompt", "login none"), "prompt_invalid"),
        (set("prompt", "none consent"), "prompt_invalid"),
        (set("prompt", "none none"), "prompt_invalid"),
        // OpenID Connect Prompt Create 1.0 §4.1: who cannot create accounts says so.
        (set("prompt", "create"), "prompt_invalid"),
        (set("prompt", "login create"), "prompt_invalid"),
        (set("prompt", "none"), "login_required"),
        (set("max_age", "soon"), "max_age_invalid"),
        (set("max_age", "-1"), "max_age_invalid"),
        (set("max_age", "+1"), "max_age_invalid"),
        (set("max_age", "1.5"), "max_age_invalid"),
        (set("claims", "acr"), "claims_malformed"),
        (set("claims", "[]"), "claims_malformed"),
        (set("claims", r#"{"id_token":{"acr":{"essential":"yes"}}}"#), "claims_malformed"),
        (set("claims", &format!(r#"{{"x":"{}"}}"#, "x".repeat(4096))), "claims_too_long"),
        (set("resource", "api"), "resource_malformed"),
        (set("resource", "https://api.example.se/#part"), "resource_malformed"),
        (set("resource", "https://api.example.se"), "resource_unregistered"),
        (set("dpop_jkt", "short"), "dpop_jkt_malformed"),
        (set("dpop_jkt", &format!("{}=", "A".repeat(43))), "dpop_jkt_malformed"),
        (set("dpop_jkt", &"+".repeat(43)), "dpop_jkt_malformed"),
        (set("dpop_jkt", &"A".repeat(44)), "dpop_jkt_malformed"),
        (set("id_token_hint", "e30.e30."), "id_token_hint_invalid"),
        (set("request", "e30.e30."), "request_object_unsupported"),
        (set("request_uri", "https://rp.localhost/request"), "request_uri_unsupported"),
        (set("registration", "{}"), "registration_unsupported"),
    ];
    for name in [
        "response_type",
        "response_mode",
        "scope",
        "nonce",
        "code_challenge",
        "code_challenge_method",
        "prompt",
        "max_age",
        "acr_values",
        "ui_locales",
        "claims",
        "dpop_jkt",
        "login_hint",
        "id_token_hint",
        "display",
        "claims_locales",
        "request",
        "request_uri",
        "registration",
    ] {
        let value = good().value(name).unwrap_or("1").to_owned();
        table.push((good().set(name, &value).add(name, &value), "parameter_repeated"));
    }
    for (request, code) in &table {
        for answer in by_both(&idp, request).await {
            let told = told_by_redirect(&answer, REDIRECT_URI, idp.issuer());
            assert_eq!(told, *code, "{}", request.url());
            assert_eq!(handed_back(&answer, REDIRECT_URI)["state"], "a-state");
        }
    }
}

#[tokio::test]
async fn without_a_state_none_is_handed_back() {
    let idp = TestIdp::start().await;
    let request = idp.authorize().without("state");
    let code = idp.walk(&mut idp.browser("clinician"), &request.url()).await.parameters();
    assert_eq!(code.keys().collect::<Vec<_>>(), ["code", "iss"]);
    let error = idp.browser_with(None).get(&request.set("prompt", "none").url()).await.unwrap();
    assert!(!handed_back(&error, REDIRECT_URI).contains_key("state"));
}

#[tokio::test]
async fn state_comes_back_to_the_letter() {
    let idp = TestIdp::start().await;
    let long = "ab/+= &?%#;".repeat(190);
    for state in ["å ä ö ✓ 日本語 🦷", r#""'<b>&amp;=+%20%zz\"#, " ", long.as_str()] {
        let request = idp.authorize().set("state", state);
        let walk = idp.walk(&mut idp.browser("clinician"), &request.url()).await;
        let parameters = handed_back(walk.last(), REDIRECT_URI);
        assert_eq!(parameters.keys().collect::<Vec<_>>(), ["code", "iss", "state"]);
        assert_eq!(parameters["state"], state);
        for refused in by_both(&idp, &request.set("prompt", "none")).await {
            assert_eq!(handed_back(&refused, REDIRECT_URI)["state"], state);
        }
        // By way of a page, too.
        let request = idp.authorize().set("state", state);
        let walk = idp.walk(&mut idp.browser("expired"), &request.url()).await;
        let back = walk.link(REDIRECT_URI).expect("back to the system");
        assert!(back.query_pairs().any(|(n, v)| n == "state" && v == state), "{back}");
    }
}

#[tokio::test]
async fn a_request_as_long_as_is_read_comes_through() {
    let idp = TestIdp::start().await;
    let short = idp.authorize().set("state", "").url().query().unwrap().len();
    let state = "s".repeat(8 * 1024 - short);
    let request = idp.authorize().set("state", &state);
    let walk = idp.walk(&mut idp.browser("clinician"), &request.url()).await;
    assert_eq!(handed_back(walk.last(), REDIRECT_URI)["state"], state);
    // HTTP/2 takes 16 KiB of header in all, and browsers add some of their own.
    for answer in &walk.0 {
        assert!(answer.url.as_str().len() < 14 * 1024, "{}", answer.url.as_str().len());
    }
    let longer = idp.authorize().set("state", &format!("{state}s"));
    let answer = idp.browser("clinician").get(&longer.url()).await.unwrap();
    assert_eq!(told_by_page(&answer), "request_too_long");
}

#[tokio::test]
async fn a_redirect_uri_keeps_its_own_query() {
    let idp = TestIdp::start().await;
    let uri = "https://rp.localhost/callback?tenant=a%2Fb&x=%c3%a5+1";
    idp.register(|client| client.redirect_uris = vec![uri.to_owned()]).await;
    let request = idp.authorize().set("redirect_uri", uri);
    let walk = idp.walk(&mut idp.browser("clinician"), &request.url()).await;
    let parameters = handed_back(walk.last(), uri);
    assert_eq!(parameters.keys().collect::<Vec<_>>(), ["code", "iss", "state"]);
    let token = idp.token_request(&parameters["code"]).set("redirect_uri", uri);
    idp.tokens(&token).await;
    let refused = idp.browser_with(None).get(&request.set("prompt", "none").url()).await.unwrap();
    assert_eq!(told_by_redirect(&refused, uri, idp.issuer()), "login_required");
}

#[tokio::test]
async fn every_redirect_of_a_login_is_303() {
    let idp = TestIdp::start().await;
    let walk = idp.walk(&mut idp.browser("clinician"), &idp.authorize().url()).await;
    assert_eq!(walk.0.iter().map(|answer| answer.status).collect::<Vec<_>>(), [303, 303, 303]);
    for answer in &walk.0 {
        assert_eq!(answer.headers["cache-control"], "no-store");
        assert_eq!(answer.headers["referrer-policy"], "no-referrer");
    }
}

#[tokio::test]
async fn nothing_is_written_before_a_certificate_is_judged() {
    let idp = TestIdp::start().await;
    let before = idp.tables().await;
    let mut browser = idp.browser("clinician");
    let refused = idp.authorize().set("prompt", "none");
    for url in [
        idp.authorize().without("client_id").url(),
        idp.authorize().without("scope").url(),
        refused.url(),
        idp.at("/resume?ticket=forged"),
        idp.at("/again?login=forged"),
    ] {
        browser.get(&url).await.unwrap();
    }
    let card = browser.get(&idp.authorize().url()).await.unwrap().location().unwrap();
    let back = browser.get(&card).await.unwrap();
    assert!(back.location().unwrap().as_str().contains("/resume?ticket="));
    // What OCSP said of a genuine certificate is kept; of the login nothing is.
    let but_answers = |mut tables: BTreeMap<String, Vec<String>>| {
        tables.remove("ocsp_answers");
        tables
    };
    assert_eq!(but_answers(idp.tables().await), but_answers(before.clone()));
    browser.get(&back.location().unwrap()).await.unwrap();
    assert_ne!(idp.tables().await, before);
}

#[tokio::test]
async fn unknown_scopes_and_parameters_are_passed_over() {
    let idp = TestIdp::start().await;
    let request = idp
        .authorize()
        .set("scope", "openid offline_access nonsense  email")
        .set("display", "popup")
        .set("claims_locales", "sv-SE")
        .set("login_hint", "SE2321000222-DEV2")
        .set("response_mode", "query")
        .add("nonsense", "1")
        .add("nonsense", "2");
    let tokens = idp.login_tokens(&request).await;
    assert_eq!(tokens["scope"], "openid");
}

#[tokio::test]
async fn a_client_with_optional_pkce_may_send_none() {
    let idp = TestIdp::start().await;
    idp.register(|client| client.pkce = Pkce::Optional).await;
    let without = idp.authorize().without("code_challenge").without("code_challenge_method");
    let code = idp.code(&mut idp.browser("clinician"), &without).await;
    idp.tokens(&idp.token_request(&code).without("code_verifier")).await;
    // What is sent is checked all the same.
    for (request, told) in [
        (idp.authorize().set("code_challenge_method", "plain"), "pkce_plain"),
        (idp.authorize().without("code_challenge"), "pkce_missing"),
        (idp.authorize().set("code_challenge", "x"), "pkce_malformed"),
    ] {
        let answer = idp.browser_with(None).get(&request.url()).await.unwrap();
        assert_eq!(told_by_redirect(&answer, REDIRECT_URI, idp.issuer()), told);
    }
}

#[tokio::test]
async fn a_client_that_is_switched_off_on_the_way_gets_no_code() {
    let idp = TestIdp::start().await;
    let mut browser = idp.browser("clinician");
    let card = browser.get(&idp.authorize().url()).await.unwrap().location().unwrap();
    let resume = browser.get(&card).await.unwrap().location().unwrap();
    idp.register(|client| client.enabled = false).await;
    assert_eq!(told_by_page(&browser.get(&resume).await.unwrap()), "client_unknown");
    assert!(idp.tables().await["codes"].is_empty());
}
