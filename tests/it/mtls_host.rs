//! The host where relying parties show a certificate (RFC 8705): what it asks for, and what it serves.

use rustls::HandshakeKind;
use siths_idp::dev::browser::Inserted;

use crate::harness::TestIdp;
use crate::harness::mtls::MTLS;
use crate::harness::wire::VERSIONS;

fn get(host: &str, path: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n")
}

#[tokio::test]
async fn it_asks_for_any_certificate_and_takes_none() {
    let idp = TestIdp::start().await;
    for version in VERSIONS {
        let wire = || idp.wire().versions(&[version]);
        for wire in [wire(), wire().card(idp.card("function")), wire().card(idp.card("untrusted"))]
        {
            let answer = wire.send(MTLS, &get(MTLS, "/userinfo")).await.unwrap();
            assert!(answer.asked, "{}", answer.text);
            // No issuer is named: programs that look at the names would not offer their own.
            assert_eq!(answer.issuers, Vec::<Vec<u8>>::new());
            assert_eq!(answer.status, 401, "{}", answer.text);
        }
    }
    let answer =
        idp.wire().send("idp.localhost", &get("idp.localhost", "/userinfo")).await.unwrap();
    assert!(!answer.asked, "the issuer host never asks");
}

#[tokio::test]
async fn a_certificate_without_its_key_ends_the_handshake() {
    let idp = TestIdp::start().await;
    let (one, other) = (idp.card("function"), idp.card("clinician"));
    for version in VERSIONS {
        let stolen = Inserted { chain: one.chain.clone(), key: other.key.clone_key() };
        let wire = idp.wire().versions(&[version]).card(stolen);
        assert!(wire.send(MTLS, &get(MTLS, "/userinfo")).await.is_err());
    }
    assert_eq!(idp.node.counters.snapshot().possession, 2);
}

#[tokio::test]
async fn it_serves_what_clients_call_and_nothing_for_people() {
    let idp = TestIdp::start().await;
    for (method, path, status) in [
        ("POST", "/token", 400),
        ("GET", "/userinfo", 401),
        ("POST", "/userinfo", 401),
        ("GET", "/login-errors/AAAA-AAAA", 401),
        ("GET", "/token", 405),
        ("DELETE", "/userinfo", 405),
        ("PUT", "/login-errors/AAAA-AAAA", 405),
        ("GET", "/", 404),
        ("GET", "/authorize?client_id=demo-symfoni", 404),
        ("POST", "/authorize", 404),
        ("GET", "/card", 404),
        ("GET", "/card?login=x", 404),
        ("GET", "/check", 404),
        ("GET", "/resume", 404),
        ("GET", "/again", 404),
        ("GET", "/errors", 404),
        ("GET", "/errors/internal", 404),
        ("GET", "/live", 404),
        ("GET", "/ready", 404),
        ("GET", "/.well-known/openid-configuration", 404),
        ("GET", siths_idp::http::pages::STYLESHEET_PATH, 404),
    ] {
        for card in [None, Some("function"), Some("clinician")] {
            let mut wire = idp.wire();
            if let Some(card) = card {
                wire = wire.card(idp.card(card));
            }
            let request =
                format!("{method} {path} HTTP/1.1\r\nHost: {MTLS}\r\nContent-Length: 0\r\n\r\n");
            let answer = wire.send(MTLS, &request).await.unwrap();
            let what = format!("{method} {path}: {}", answer.text);
            assert_eq!(answer.status, status, "{what}");
            assert_eq!(answer.header("content-type"), ["application/json"], "{what}");
            assert_eq!(answer.header("set-cookie"), [""; 0], "{what}");
            assert_eq!(answer.header("cache-control"), ["no-store"], "{what}");
            assert_eq!(answer.header("x-content-type-options"), ["nosniff"], "{what}");
        }
    }
    assert_eq!(idp.traces().await, 0);
}

#[tokio::test]
async fn a_request_for_another_host_is_misdirected_with_and_without_a_certificate() {
    let idp = TestIdp::start().await;
    for (server_name, host) in [
        (MTLS, "idp.localhost"),
        (MTLS, "x.card.idp.localhost"),
        (MTLS, "other.example"),
        ("idp.localhost", MTLS),
        ("x.card.idp.localhost", MTLS),
        ("symfoni.localhost", MTLS),
    ] {
        for card in [None, Some("function")] {
            let mut wire = idp.wire();
            if let Some(card) = card {
                wire = wire.card(idp.card(card));
            }
            let answer = wire.send(server_name, &get(host, "/userinfo")).await.unwrap();
            assert_eq!(answer.status, 421, "{server_name} {host}: {}", answer.text);
        }
    }
}

/// One connection is one client's: it may be kept, and HTTP/2 may be spoken on it.
#[tokio::test]
async fn a_connection_serves_many_requests_over_either_http() {
    let idp = TestIdp::start().await;
    let one = format!("GET /userinfo HTTP/1.1\r\nHost: {MTLS}\r\n\r\n");
    let last = get(MTLS, "/userinfo");
    let answer = idp.wire().send(MTLS, &format!("{one}{one}{last}")).await.unwrap();
    assert!(answer.header("connection").is_empty(), "{}", answer.text);
    let both = idp.wire().alpn(&["h2", "http/1.1"]).send(MTLS, "?\r\n\r\n").await.unwrap();
    assert_eq!(both.alpn.as_deref(), Some(&b"h2"[..]));
}

/// A resumed session would carry a certificate whose key was proved at another time.
#[tokio::test]
async fn nothing_is_resumed() {
    let idp = TestIdp::start().await;
    for version in VERSIONS {
        for (name, second) in
            [(MTLS, HandshakeKind::Full), ("idp.localhost", HandshakeKind::Resumed)]
        {
            let kinds = idp.handshakes(&[name, name], version, idp.card("function")).await;
            assert_eq!(kinds, [HandshakeKind::Full, second], "{name}");
        }
    }
}

#[tokio::test]
async fn where_it_is_switched_off_its_name_is_nobodys() {
    let idp = TestIdp::start_with(|config| config.mtls.hosts.clear()).await;
    let wire = idp.wire().card(idp.card("function"));
    let answer = wire.send(MTLS, &get(MTLS, "/userinfo")).await.unwrap();
    assert!(!answer.asked && answer.status == 421, "{}", answer.text);
}
