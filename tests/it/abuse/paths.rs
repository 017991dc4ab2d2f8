//! Addresses and methods: one spelling of each, and nothing else.

use std::collections::BTreeMap;

use reqwest::Method;
use url::Url;

use crate::harness::answer::told_by_page;
use crate::harness::{Answer, TestIdp, page_code};

const HOST: &str = "idp.localhost";

#[tokio::test]
async fn an_address_has_one_spelling() {
    let idp = TestIdp::start().await;
    for path in [
        "/Authorize",
        "/authorize/",
        "//authorize",
        "/authorize%2f",
        "/%61uthorize",
        "/authoriz%65",
        "/authorize%00",
        "/authorize%20",
        "/authorize;x=y",
        "/authorize.json",
        "/./authorize",
        "/x/../authorize",
        "/%2e%2e/authorize",
        "/x/%2e%2e/token",
        "/token/",
        "/TOKEN",
        "/jwks.json",
        "/.well-known/openid-configuration/",
        "/.well-known//openid-configuration",
        "/.well-known/%2e%2e/token",
        "//evil.example/%2e%2e",
        "/\\evil.example",
        "/errors/%2e%2e%2fetc%2fpasswd",
        "/errors/..%5c..%5cetc",
        "/errors/a/b",
        "/.git/config",
        "/%ff",
        "/%c0%af",
        "/%",
        "/%zz",
        "/*",
    ] {
        let request = format!("GET {path} HTTP/1.1\r\nHost: {HOST}\r\n\r\n");
        let answer = idp.wire().send(HOST, &request).await.unwrap();
        // 400 where the target is no target at all (RFC 9112 §3.2).
        assert!(matches!(answer.status, 404 | 400), "{path}: {}", answer.status);
        assert_eq!(answer.header("location"), [""; 0], "{path}");
    }
    let authority = "GET evil.example:443 HTTP/1.1\r\nHost: idp.localhost\r\n\r\n";
    let answer = idp.wire().send(HOST, authority).await.unwrap();
    assert!(matches!(answer.status, 400 | 404 | 421), "{}", answer.text);
}

/// RFC 9110 §15.5.6: what an address does not take is refused, and what it takes is told.
#[tokio::test]
async fn an_address_takes_its_own_methods_and_no_other() {
    let idp = TestIdp::start().await;
    let addresses = BTreeMap::from([
        ("/", "GET,HEAD"),
        ("/authorize", "GET,HEAD,POST"),
        ("/resume", "GET,HEAD"),
        ("/again", "GET,HEAD"),
        ("/check", "GET,HEAD"),
        ("/par", "POST"),
        ("/token", "POST"),
        ("/userinfo", "GET,HEAD,POST"),
        ("/jwks", "GET,HEAD"),
        ("/.well-known/openid-configuration", "GET,HEAD"),
        ("/.well-known/oauth-authorization-server", "GET,HEAD"),
        ("/login-errors/AAAA-AAAA", "GET,HEAD,POST"),
        ("/errors", "GET,HEAD"),
    ]);
    let methods = ["GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "PROPFIND", "post"];
    for (path, allowed) in addresses {
        for method in methods {
            if allowed.split(',').any(|one| one == method) {
                continue;
            }
            let request = idp.http().request(method.parse::<Method>().unwrap(), idp.at(path));
            let answer = Answer::of(request.send().await.unwrap()).await;
            assert_eq!(answer.status, 405, "{method} {path}");
            assert_eq!(answer.header("allow"), allowed, "{method} {path}");
            let code = match answer.header("content-type") {
                "application/json" => answer.problem(idp.issuer()),
                _ => page_code(&answer.body).unwrap_or_default(),
            };
            assert_eq!(code, "method_not_allowed", "{method} {path}");
        }
    }
    let connect = format!("CONNECT {HOST}:443 HTTP/1.1\r\nHost: {HOST}\r\n\r\n");
    let answer = idp.wire().send(HOST, &connect).await;
    assert!(answer.is_err() || answer.is_ok_and(|answer| answer.status >= 400));
}

/// HEAD asks what GET would say (RFC 9110 §9.3.2): it must begin, spend and end nothing.
#[tokio::test]
async fn head_begins_no_login_and_spends_no_ticket() {
    let idp = TestIdp::start().await;
    let mut browser = idp.browser("clinician");
    let head = idp.http().head(idp.authorize().url()).send().await.unwrap();
    assert_eq!(head.status(), 405);
    assert!(!head.headers().contains_key("set-cookie") && !head.headers().contains_key("location"));
    let card = browser.get(&idp.authorize().url()).await.unwrap().location().unwrap();
    let resume = browser.get(&card).await.unwrap().location().unwrap();
    assert_eq!(idp.http().head(resume.clone()).send().await.unwrap().status(), 405);
    assert!(idp.walk(&mut browser, &resume).await.parameters().contains_key("code"));
}

/// What is decoded once is decoded once; names are names, whatever frameworks make of them.
#[tokio::test]
async fn parameters_are_decoded_once_and_read_by_their_whole_name() {
    let idp = TestIdp::start().await;
    let good = idp.authorize().without("client_id").url();
    let with = |more: &str| Url::parse(&format!("{good}&{more}")).unwrap();
    let mut browser = idp.browser_with(None);
    for (more, code) in [
        ("client_id=%2564emo-symfoni", "client_unknown"),
        ("client_id=demo-symfoni%20", "client_unknown"),
        ("client_id=demo%2Dsymfon%C4%B1", "client_unknown"),
        ("client_id=%EF%BD%84emo-symfoni", "client_unknown"),
        ("client_id=demo-symfoni;client_id=x", "client_unknown"),
        ("client_id=demo-symfoni%26redirect_uri%3Dx", "client_unknown"),
        ("client_id[]=demo-symfoni", "client_missing"),
        ("client_id%5B0%5D=demo-symfoni", "client_missing"),
        ("client_id.=demo-symfoni", "client_missing"),
        ("CLIENT_ID=demo-symfoni", "client_missing"),
        ("%20client_id=demo-symfoni", "client_missing"),
        ("client_id=demo-symfoni&%63lient_id=x", "parameter_repeated"),
        ("client_id=demo-symfoni&client_id=", "parameter_repeated"),
        ("client_id=demo-symfoni%00", "request_malformed"),
        ("client_id=demo-symfoni%C0%AE", "request_malformed"),
        ("client_id=demo-symfoni%ED%A0%80", "request_malformed"),
        ("client_id=demo-symfoni&x=%0a", "request_malformed"),
    ] {
        assert_eq!(told_by_page(&browser.get(&with(more)).await.unwrap()), code, "{more}");
    }
    // One encoding is one encoding: this is the same client.
    let encoded = browser.get(&with("client_id=%64emo%2dsymfoni")).await.unwrap();
    assert_eq!(encoded.status, 303);
}

/// A page that could be framed could be clicked by somebody else's hand.
#[tokio::test]
async fn every_page_refuses_frames_scripts_and_sniffing() {
    let idp = TestIdp::start().await;
    let mut browser = idp.browser_with(None);
    let walk = idp.walk(&mut browser, &idp.authorize().url()).await;
    let problem = walk.last();
    assert_eq!(page_code(&problem.body).as_deref(), Some("certificate_missing"));
    let mut pages = vec![(problem.url.clone(), problem.headers.clone())];
    for path in [
        "/",
        "/errors",
        "/errors/user_unknown",
        "/errors/nothing",
        "/nowhere",
        "/authorize",
        "/authorize?client_id=%ff",
        "/resume",
        "/resume?ticket=x",
        "/again",
        "/again?login=x",
        "/par",
        "/token",
        "/userinfo",
        "/jwks",
        "/.well-known/openid-configuration",
        "/login-errors/AAAA-AAAA",
    ] {
        let answer = browser.get(&idp.at(path)).await.unwrap();
        pages.push((answer.url, answer.headers));
    }
    for (url, headers) in pages {
        let field = |name: &str| headers.get(name).map_or("", |value| value.to_str().unwrap());
        assert_eq!(field("x-frame-options"), "DENY", "{url}");
        assert_eq!(field("x-content-type-options"), "nosniff", "{url}");
        assert_eq!(field("referrer-policy"), "no-referrer", "{url}");
        let policy = field("content-security-policy");
        for directive in ["default-src 'none'", "frame-ancestors 'none'", "base-uri 'none'"] {
            assert!(policy.contains(directive), "{url}: {policy}");
        }
        assert!(!policy.contains("unsafe") && !policy.contains('*'), "{url}: {policy}");
        assert!(!policy.contains("script-src"), "{url}: {policy}");
    }
}
