//! Which scripts in browsers may call what (CORS: the Fetch standard, §3.2).

use reqwest::Method;
use siths_idp::dev::seed::demo_client;
use siths_idp::oidc::registration;

use crate::harness::{Answer, CLIENT_SECRET, REDIRECT_URI, TestIdp};

const APP: &str = "https://app.example.se";
const DISCOVERY: &str = "/.well-known/openid-configuration";
const PUBLIC: [&str; 3] = [DISCOVERY, "/.well-known/oauth-authorization-server", "/jwks"];

/// A node with a client whose scripts come from [`APP`].
async fn with_app() -> TestIdp {
    let idp = TestIdp::start().await;
    idp.register(|client| {
        client.id = "app".to_owned();
        client.metadata.cors_origins = [APP.to_owned()].into();
    })
    .await;
    idp
}

async fn asked(idp: &TestIdp, method: Method, path: &str, fields: &[(&str, &str)]) -> Answer {
    let mut request = idp.http().request(method, idp.at(path));
    for (name, value) in fields {
        request = request.header(*name, *value);
    }
    Answer::of(request.send().await.unwrap()).await
}

/// What a browser asks before a script's request that no form could send.
async fn preflight(idp: &TestIdp, path: &str, origin: &str, method: &str) -> Answer {
    let fields = [
        ("origin", origin),
        ("access-control-request-method", method),
        ("access-control-request-headers", "authorization,dpop"),
    ];
    asked(idp, Method::OPTIONS, path, &fields).await
}

/// The fields of CORS that an answer has.
fn fields(answer: &Answer) -> Vec<&str> {
    let names = answer.headers.keys().map(reqwest::header::HeaderName::as_str);
    names.filter(|name| name.starts_with("access-control-")).collect()
}

#[tokio::test]
async fn everybody_reads_discovery_and_keys() {
    let idp = TestIdp::start().await;
    for path in PUBLIC {
        let answer = asked(&idp, Method::GET, path, &[("origin", "https://anybody.example")]).await;
        assert_eq!(answer.status, 200, "{path}");
        assert_eq!(answer.header("access-control-allow-origin"), "*", "{path}");
        // A cache keeps the answer to a server, and gives it to a script.
        let answer = asked(&idp, Method::GET, path, &[]).await;
        assert_eq!(answer.header("access-control-allow-origin"), "*", "{path}");
        let answer = preflight(&idp, path, "https://anybody.example", "GET").await;
        assert_eq!((answer.status, answer.body.as_str()), (204, ""), "{path}");
        assert_eq!(answer.header("access-control-allow-origin"), "*", "{path}");
        assert_eq!(answer.header("access-control-allow-methods"), "GET", "{path}");
    }
}

#[tokio::test]
async fn a_registered_origin_calls_token_and_user_info() {
    let idp = with_app().await;
    for (path, methods) in [("/token", "POST"), ("/userinfo", "GET, POST")] {
        let answer = preflight(&idp, path, APP, "POST").await;
        assert_eq!((answer.status, answer.body.as_str()), (204, ""), "{path}");
        assert_eq!(answer.header("access-control-allow-origin"), APP);
        assert_eq!(answer.header("access-control-allow-methods"), methods);
        let allowed = "authorization, content-type, dpop";
        assert_eq!(answer.header("access-control-allow-headers"), allowed);
        assert_eq!(answer.header("access-control-max-age"), "600");
        assert_eq!(answer.header("vary"), "origin");

        // The answer itself, here one that says what was wrong, can be read, challenge and all.
        let answer = asked(&idp, Method::POST, path, &[("origin", APP)]).await;
        assert!(!answer.problem(idp.issuer()).is_empty());
        assert_eq!(answer.header("access-control-allow-origin"), APP);
        let exposed = "dpop-nonce, www-authenticate";
        assert_eq!(answer.header("access-control-expose-headers"), exposed);
        assert_eq!(answer.header("vary"), "origin");
    }
}

#[tokio::test]
async fn no_other_origin_is_let_in() {
    let idp = with_app().await;
    for path in ["/token", "/userinfo"] {
        for origin in [
            "https://app.example.se.attacker.example",
            "https://attacker.app.example.se",
            "https://app.example.se:444",
            "https://app.example.se:443",
            "https://app.example.se/",
            "https://APP.example.se",
            "http://app.example.se",
            "https://app.example.s",
            "https://rp.localhost",
            "null",
            "*",
            "",
        ] {
            let answer = preflight(&idp, path, origin, "POST").await;
            assert_eq!(answer.status, 405, "{path} {origin}");
            assert_eq!(fields(&answer), [""; 0], "{path} {origin}");
            let answer = asked(&idp, Method::POST, path, &[("origin", origin)]).await;
            assert_eq!(fields(&answer), [""; 0], "{path} {origin}");
            // Or a cache would hand it to an origin that is let in.
            assert_eq!(answer.header("vary"), "origin", "{path} {origin}");
        }
        let two = [("origin", APP), ("origin", "https://attacker.example")];
        let answer = asked(&idp, Method::POST, path, &two).await;
        assert_eq!(fields(&answer), [""; 0], "{path}");
        let answer = asked(&idp, Method::POST, path, &[]).await;
        assert_eq!((fields(&answer), answer.header("vary")), (vec![], "origin"), "{path}");
    }
}

#[tokio::test]
async fn an_origin_of_a_client_that_is_switched_off_is_let_in_no_more() {
    let idp = with_app().await;
    idp.register(|client| {
        client.id = "app".to_owned();
        client.metadata.cors_origins = [APP.to_owned()].into();
        client.enabled = false;
    })
    .await;
    let answer = preflight(&idp, "/token", APP, "POST").await;
    assert_eq!(fields(&answer), [""; 0]);
}

/// RFC 9700 §2.6: never at the authorization endpoint; and at no other that a script has no business
/// with.
#[tokio::test]
async fn nothing_else_answers_a_script() {
    let idp = with_app().await;
    for path in [
        "/",
        "/authorize",
        "/par",
        "/resume",
        "/again",
        "/check",
        "/introspect",
        "/revoke",
        "/logout",
        "/login-errors/AAAA-AAAA",
        "/errors",
        "/live",
        "/ready",
    ] {
        for method in [Method::GET, Method::POST, Method::OPTIONS] {
            let preflight = [("origin", APP), ("access-control-request-method", "POST")];
            let answer = asked(&idp, method.clone(), path, &preflight).await;
            assert_eq!(fields(&answer), [""; 0], "{method} {path}");
        }
    }
    // Nor does a card host.
    let host = "x.card.idp.localhost";
    let request = format!("GET /jwks HTTP/1.1\r\nHost: {host}\r\nOrigin: {APP}\r\n\r\n");
    let answer = idp.wire().send(host, &request).await.unwrap();
    assert_eq!(answer.header("access-control-allow-origin"), [""; 0]);
}

/// Cookies of ours are for pages of ours: credentials are never allowed.
#[tokio::test]
async fn credentials_are_never_allowed() {
    let idp = with_app().await;
    for path in PUBLIC.into_iter().chain(["/token", "/userinfo"]) {
        for answer in [
            preflight(&idp, path, APP, "POST").await,
            asked(&idp, Method::POST, path, &[("origin", APP)]).await,
            asked(&idp, Method::GET, path, &[("origin", APP)]).await,
        ] {
            assert_eq!(answer.header("access-control-allow-credentials"), "", "{path}");
        }
    }
}

#[test]
fn an_origin_is_registered_as_browsers_send_it() {
    let registered = |origin: &str| {
        let mut client = demo_client(REDIRECT_URI, CLIENT_SECRET);
        client.metadata.cors_origins = [origin.to_owned()].into();
        registration::check(&client)
    };
    for origin in [APP, "https://app.example.se:8443", "http://localhost:3000", "http://127.0.0.1"]
    {
        assert_eq!(registered(origin), Ok(()), "{origin}");
    }
    for origin in [
        "",
        "*",
        "null",
        "app.example.se",
        "https://app.example.se/",
        "https://app.example.se/app",
        "https://app.example.se:443",
        "https://App.example.se",
        "https://*.example.se",
        "https://user@app.example.se",
        "http://app.example.se",
        "file:///app",
        "se.example.app:/",
    ] {
        assert!(registered(origin).is_err(), "{origin}");
    }
}
