//! What card hosts and the issuer host answer, whatever is asked.

use rustls::pki_types::CertificateDer;

use crate::harness::TestIdp;

const CARD: &str = "x.card.idp.localhost";

/// The fields that every answer has.
const EVERYWHERE: [(&str, &str); 6] = [
    ("x-content-type-options", "nosniff"),
    ("referrer-policy", "no-referrer"),
    ("x-frame-options", "DENY"),
    ("strict-transport-security", "max-age=31536000"),
    ("permissions-policy", "interest-cohort=()"),
    ("content-security-policy", ""),
];

#[tokio::test]
async fn a_request_for_another_host_than_its_connections_is_misdirected() {
    let idp = TestIdp::start().await;
    for (server_name, host) in [
        ("idp.localhost", CARD),
        ("idp.localhost", "card.idp.localhost"),
        ("idp.localhost", "other.example"),
        (CARD, "idp.localhost"),
        (CARD, "y.card.idp.localhost"),
        (CARD, "card.idp.localhost"),
        ("card.idp.localhost", CARD),
        // Covered by the certificate, and served by nobody here.
        ("symfoni.localhost", "symfoni.localhost"),
        ("symfoni.localhost", "idp.localhost"),
    ] {
        for path in ["/", "/authorize", "/card", "/resume", "/jwks"] {
            let request = format!("GET {path} HTTP/1.1\r\nHost: {host}\r\n\r\n");
            let answer = idp.wire().send(server_name, &request).await.unwrap();
            assert_eq!(answer.status, 421, "{server_name} {host} {path}");
            assert_eq!(answer.header("set-cookie"), [""; 0]);
        }
    }
    for request in [
        "GET / HTTP/1.1\r\n\r\n".to_owned(),
        format!("GET / HTTP/1.1\r\nHost: {CARD}\r\nHost: idp.localhost\r\n\r\n"),
        format!("GET https://idp.localhost/ HTTP/1.1\r\nHost: {CARD}\r\n\r\n"),
    ] {
        let answer = idp.wire().send(CARD, &request).await.unwrap();
        assert!(matches!(answer.status, 400 | 421), "{request}: {}", answer.text);
    }
}

#[tokio::test]
async fn a_card_host_answers_with_303_alone() {
    let idp = TestIdp::start().await;
    let long = format!("/card?login={}", "A".repeat(12_000));
    let requests = [
        ("GET", "/", ""),
        ("GET", "/favicon.ico", ""),
        ("GET", "/authorize?client_id=demo-symfoni", ""),
        ("GET", "/jwks", ""),
        ("GET", "/.well-known/openid-configuration", ""),
        ("GET", "/errors/internal", ""),
        ("GET", "/card", ""),
        ("GET", "/card?login=", ""),
        ("GET", "/card?login=%00%ff", ""),
        ("GET", "/card?login=a&login=b", ""),
        ("GET", "/card?%", ""),
        ("GET", &long, ""),
        ("GET", "/card/", ""),
        ("GET", "//card", ""),
        ("HEAD", "/card", ""),
        ("OPTIONS", "*", ""),
        ("OPTIONS", "/card", ""),
        ("POST", "/card", "login=x"),
        ("POST", "/token", "grant_type=authorization_code"),
        ("PUT", "/card", "x"),
        ("DELETE", "/resume", ""),
        ("TRACE", "/", ""),
        ("BREW", "/card", ""),
    ];
    for with_card in [false, true] {
        for (method, target, body) in requests {
            let mut wire = idp.wire();
            if with_card {
                wire = wire.card(idp.card("clinician"));
            }
            let request = format!(
                "{method} {target} HTTP/1.1\r\nHost: {CARD}\r\nContent-Length: {}\r\n\r\n{body}",
                body.len()
            );
            let answer = wire.send(CARD, &request).await.unwrap();
            let what = format!("{method} {target:.40}: {}", answer.text);
            assert_eq!(answer.status, 303, "{what}");
            let location = answer.header("location");
            let [location] = location[..] else { panic!("{what}") };
            assert!(location.starts_with(idp.at("/").as_str()), "{what}");
            assert!(!location.contains("ticket="), "{what}");
            assert_eq!(answer.header("connection"), ["close"], "{what}");
            assert_eq!(answer.header("cache-control"), ["no-store"], "{what}");
            assert_eq!(answer.header("set-cookie"), [""; 0], "{what}");
            for (name, value) in EVERYWHERE {
                assert!(answer.header(name).iter().all(|found| found.contains(value)), "{what}");
                assert_eq!(answer.header(name).len(), 1, "{name} of {what}");
            }
        }
    }
    assert_eq!(idp.traces().await, 0);
}

#[tokio::test]
async fn a_card_host_speaks_http_1_alone() {
    let idp = TestIdp::start().await;
    let request = format!("GET / HTTP/1.1\r\nHost: {CARD}\r\n\r\n");
    let http_2 = idp.wire().alpn(&["h2"]).send(CARD, &request).await;
    assert!(http_2.is_err(), "no protocol in common");
    let both = idp.wire().alpn(&["h2", "http/1.1"]).send(CARD, &request).await.unwrap();
    assert_eq!(both.alpn.as_deref(), Some(&b"http/1.1"[..]));
    let issuer = idp.wire().alpn(&["h2"]).send("idp.localhost", "?\r\n\r\n").await.unwrap();
    assert_eq!(issuer.alpn.as_deref(), Some(&b"h2"[..]));
}

#[tokio::test]
async fn one_connection_to_a_card_host_serves_one_request() {
    let idp = TestIdp::start().await;
    let one = format!("GET /card HTTP/1.1\r\nHost: {CARD}\r\nConnection: keep-alive\r\n\r\n");
    let answer = idp.wire().send(CARD, &one.repeat(3)).await.unwrap();
    assert_eq!(answer.text.matches("HTTP/1.1 ").count(), 1, "{}", answer.text);
}

#[tokio::test]
async fn every_answer_of_the_issuer_host_has_the_security_headers() {
    let idp = TestIdp::start().await;
    let html = "text/html; charset=utf-8";
    let json = "application/json";
    let stylesheet = siths_idp::http::pages::STYLESHEET_PATH;
    for (method, path, status, kind, cached) in [
        ("GET", "/", 200, html, false),
        ("GET", stylesheet, 200, "text/css; charset=utf-8", true),
        ("GET", "/.well-known/openid-configuration", 200, json, true),
        ("GET", "/jwks", 200, json, true),
        ("GET", "/authorize", 400, html, false),
        ("POST", "/authorize", 400, html, false),
        ("GET", "/resume", 403, html, false),
        ("GET", "/again", 403, html, false),
        ("POST", "/token", 400, json, false),
        ("GET", "/token", 405, json, false),
        ("PUT", "/", 405, html, false),
        ("GET", "/userinfo", 401, json, false),
        ("POST", "/userinfo", 401, json, false),
        ("GET", "/errors", 200, json, true),
        ("GET", "/errors/internal", 200, html, false),
        ("GET", "/errors/none-such", 404, html, false),
        ("GET", "/login-errors/AAAA-AAAA", 401, json, false),
        ("POST", "/login-errors/AAAA-AAAA", 400, json, false),
        ("GET", "/none/such", 404, html, false),
        ("DELETE", "/jwks", 405, json, false),
        ("GET", "/card", 404, html, false),
    ] {
        let request =
            format!("{method} {path} HTTP/1.1\r\nHost: idp.localhost\r\nContent-Length: 0\r\n\r\n");
        let answer = idp.wire().send("idp.localhost", &request).await.unwrap();
        let what = format!("{method} {path}: {}", answer.text);
        assert_eq!(answer.status, status, "{what}");
        assert_eq!(answer.header("content-type"), [kind], "{what}");
        for (name, value) in EVERYWHERE {
            let found = answer.header(name);
            assert!(found.len() == 1 && found[0].contains(value), "{name}: {what}");
        }
        let policy = answer.header("content-security-policy")[0];
        for directive in ["default-src 'none'", "frame-ancestors 'none'", "base-uri 'none'"] {
            assert!(policy.contains(directive), "{policy}");
        }
        assert!(!policy.contains("unsafe-inline") && !policy.contains("script-src"), "{policy}");
        let kept = answer.header("cache-control");
        assert_eq!(kept.len(), 1, "{what}");
        assert_eq!(kept[0].contains("max-age"), cached, "{what}");
        assert_eq!(kept[0] == "no-store", !cached, "{what}");
    }
    // The redirects of a login have them too.
    let walk = idp.walk(&mut idp.browser("clinician"), &idp.authorize().url()).await;
    assert_eq!(walk.0.len(), 3);
    for answer in &walk.0 {
        assert_eq!(answer.status, 303);
        assert_eq!(answer.headers["cache-control"], "no-store");
        for (name, _) in EVERYWHERE {
            assert!(answer.headers.contains_key(name), "{name}");
        }
    }
}

#[tokio::test]
async fn a_certificate_that_cannot_be_read_ends_the_handshake_and_nothing_else() {
    let idp = TestIdp::start().await;
    for garbage in [vec![], vec![0x30, 0x82], vec![0xff; 4000]] {
        let mut card = idp.card("clinician");
        card.chain[0] = CertificateDer::from(garbage);
        let request = format!("GET / HTTP/1.1\r\nHost: {CARD}\r\n\r\n");
        assert!(idp.wire().card(card).send(CARD, &request).await.is_err());
    }
    idp.code(&mut idp.browser("clinician"), &idp.authorize()).await;
}
