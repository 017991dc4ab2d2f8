//! Who is believed to be a proxy: a listed address that proves itself, and nobody else.

use std::net::SocketAddr;
use std::sync::Arc;

use rustls::crypto::aws_lc_rs::default_provider;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use siths_idp::config::ProxyTransport;
use siths_idp::proxy::Format;
use siths_idp::random::Random;
use siths_idp::secret::sha256;
use siths_idp::serve;
use tokio::io::AsyncReadExt as _;
use tokio_rustls::TlsConnector;

use crate::harness::TestIdp;
use crate::harness::proxy::{
    CLIENT, Certified, PROXY, SECRET, believed, connect_from, exchange, send_from,
};

const HOST: &str = "idp.localhost";

fn request(more: &str) -> String {
    format!("GET / HTTP/1.1\r\nHost: {HOST}\r\nconnection: close\r\n{more}\r\n")
}

fn proved() -> String {
    request(&format!("x-proxy-secret: {SECRET}\r\nx-forwarded-for: {CLIENT}\r\n"))
}

async fn idp() -> TestIdp {
    TestIdp::start_with(|config| config.proxy = Some(believed(Format::Rfc9440))).await
}

#[tokio::test]
async fn a_connection_from_an_address_that_is_not_listed_is_dropped() {
    let idp = idp().await;
    let mut stream = connect_from([127, 0, 0, 3], idp.proxy_address()).await.unwrap();
    // Without being answered, and without waiting for a byte.
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer).await;
    assert!(answer.is_empty());
    assert_eq!(idp.node.counters.snapshot().unlisted, 1);
    let answer = send_from([127, 0, 0, 3], idp.proxy_address(), &proved()).await;
    assert!(answer.is_err() || answer.unwrap().is_empty());
    let answer = send_from(PROXY, idp.proxy_address(), &proved()).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    assert_eq!(idp.node.counters.snapshot().unlisted, 2);
}

#[tokio::test]
async fn a_listed_address_without_the_secret_is_refused() {
    let idp = idp().await;
    let from = format!("x-forwarded-for: {CLIENT}\r\n");
    let almost = &SECRET[..SECRET.len() - 1];
    for secret in [
        String::new(),
        "x-proxy-secret: \r\n".to_owned(),
        format!("x-proxy-secret: {almost}\r\n"),
        format!("x-proxy-secret: {SECRET}x\r\n"),
        format!("x-proxy-secret: {SECRET}\r\nx-proxy-secret: {SECRET}\r\n"),
        format!("x-proxy-secret: {SECRET}\r\nx-proxy-secret: {almost}\r\n"),
        format!("proxy-authorization: {SECRET}\r\n"),
    ] {
        let request = request(&format!("{secret}{from}"));
        let answer = send_from(PROXY, idp.proxy_address(), &request).await.unwrap();
        assert!(answer.starts_with("HTTP/1.1 403 "), "{secret}: {answer}");
    }
    assert_eq!(idp.node.counters.snapshot().unproven, 7);
}

#[tokio::test]
async fn each_of_several_secrets_is_good_while_they_are_changed() {
    let idp = TestIdp::start_with(|config| {
        let mut proxy = believed(Format::Rfc9440);
        let secret = proxy.secret.as_mut().unwrap();
        secret.good.insert(0, "another-secret-of-at-least-32-characters".into());
        config.proxy = Some(proxy);
    })
    .await;
    for secret in [SECRET, "another-secret-of-at-least-32-characters"] {
        let request = proved().replace(SECRET, secret);
        let answer = send_from(PROXY, idp.proxy_address(), &request).await.unwrap();
        assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    }
}

#[tokio::test]
async fn a_proxy_that_tells_no_client_address_is_refused() {
    let idp = idp().await;
    for from in ["", "x-forwarded-for: unknown\r\n", "x-forwarded-for: 127.0.0.2\r\n"] {
        let request = request(&format!("x-proxy-secret: {SECRET}\r\n{from}"));
        let answer = send_from(PROXY, idp.proxy_address(), &request).await.unwrap();
        assert!(answer.starts_with("HTTP/1.1 400 "), "{from}: {answer}");
    }
    assert_eq!(idp.node.counters.snapshot().unfit, 3);
}

#[tokio::test]
async fn browsers_and_proxies_share_the_places_of_a_node() {
    let idp = TestIdp::start_with(|config| {
        config.limits.max_connections = 1;
        config.proxy = Some(believed(Format::Rfc9440));
    })
    .await;
    let browser = idp.raw_connection(HOST).await;
    let answer = send_from(PROXY, idp.proxy_address(), &proved()).await.unwrap_or_default();
    assert!(answer.is_empty(), "{answer}");
    assert_eq!(idp.node.counters.snapshot().over_limit, 1);
    drop(browser);
    let served = async {
        while send_from(PROXY, idp.proxy_address(), &proved()).await.unwrap_or_default().is_empty()
        {
            tokio::task::yield_now().await;
        }
    };
    let limit = std::time::Duration::from_secs(20);
    tokio::time::timeout(limit, served).await.expect("the place is free again");
}

#[tokio::test]
async fn proxies_speak_http_1_1() {
    let idp = idp().await;
    let preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";
    let answer = send_from(PROXY, idp.proxy_address(), preface).await.unwrap_or_default();
    assert!(!answer.contains('\0'), "HTTP/2 frames came back");
}

/// Sends a request by TLS, with a certificate or without.
async fn send_by_tls(
    idp: &TestIdp,
    to: SocketAddr,
    certified: Option<(CertificateDer<'static>, PrivateKeyDer<'static>)>,
    text: &str,
) -> std::io::Result<String> {
    let stream = connect_from(PROXY, to).await?;
    let name = ServerName::try_from(HOST).unwrap();
    let config = Arc::new(client(idp, certified));
    let mut stream = TlsConnector::from(config).connect(name, stream).await?;
    exchange(&mut stream, text).await
}

fn client(
    idp: &TestIdp,
    certified: Option<(CertificateDer<'static>, PrivateKeyDer<'static>)>,
) -> rustls::ClientConfig {
    let mut roots = rustls::RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(idp.pki().web_ca_pem()).unwrap()).unwrap();
    let config = rustls::ClientConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots);
    match certified {
        Some((leaf, key)) => config.with_client_auth_cert(vec![leaf], key).unwrap(),
        None => config.with_no_client_auth(),
    }
}

#[tokio::test]
async fn every_connection_of_a_proxy_is_proved_anew() {
    let ours = Certified::new();
    let idp = TestIdp::start_with(|config| {
        let mut proxy = believed(Format::Rfc9440);
        proxy.secret = None;
        proxy.transport = ours.clients(&["proxy.region.se"], vec![]);
        config.proxy = Some(proxy);
    })
    .await;
    let text = request(&format!("x-forwarded-for: {CLIENT}\r\n"));
    let config = Arc::new(client(&idp, Some(ours.issue("proxy.region.se"))));
    for _ in 0..2 {
        let stream = connect_from(PROXY, idp.proxy_address()).await.unwrap();
        let name = ServerName::try_from(HOST).unwrap();
        let mut stream = TlsConnector::from(config.clone()).connect(name, stream).await.unwrap();
        assert!(exchange(&mut stream, &text).await.unwrap().starts_with("HTTP/1.1 200 "));
        assert_eq!(stream.get_ref().1.handshake_kind(), Some(rustls::HandshakeKind::Full));
    }
}

#[tokio::test]
async fn a_certificate_proves_the_proxy_that_it_names_and_no_other() {
    let (ours, foreign) = (Certified::new(), Certified::new());
    let named = ours.issue("proxy.region.se");
    let by_print = ours.issue("unnamed.region.se");
    let print = sha256(&by_print.0);
    let idp = TestIdp::start_with(|config| {
        let mut proxy = believed(Format::Rfc9440);
        proxy.secret = None;
        proxy.transport = ours.clients(&["proxy.region.se"], vec![print]);
        config.proxy = Some(proxy);
    })
    .await;
    let text = request(&format!("x-forwarded-for: {CLIENT}\r\n"));
    let send = |certified| send_by_tls(&idp, idp.proxy_address(), certified, &text);
    for good in [named, by_print] {
        let answer = send(Some(good)).await.unwrap();
        assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    }
    let refused = [
        None,
        Some(foreign.issue("proxy.region.se")),
        Some(ours.issue("other.region.se")),
        Some(ours.issue("*.region.se")),
        Some(ours.issue("sub.proxy.region.se")),
    ];
    for (count, certified) in refused.into_iter().enumerate() {
        let answer = send(certified).await.unwrap_or_default();
        assert!(answer.is_empty(), "{count}: {answer}");
        // Counted when the node has looked, which may be after the client has given up.
        let deadline = tokio::time::Instant::now() + std::time::Duration::from_secs(20);
        while idp.node.counters.snapshot().unproven <= count as u64 {
            assert!(tokio::time::Instant::now() < deadline, "{:?}", idp.node.counters.snapshot());
            tokio::task::yield_now().await;
        }
    }
    // A card is no certificate of a proxy.
    let card = idp.card("clinician");
    let answer = send(Some((card.chain[0].clone(), card.key))).await.unwrap_or_default();
    assert!(answer.is_empty(), "{answer}");
}

#[tokio::test]
async fn where_both_are_configured_both_are_asked_for() {
    let ours = Certified::new();
    let idp = TestIdp::start_with(|config| {
        let mut proxy = believed(Format::Rfc9440);
        proxy.transport = ours.clients(&["proxy.region.se"], vec![]);
        config.proxy = Some(proxy);
    })
    .await;
    let to = idp.proxy_address();
    let named = || Some(ours.issue("proxy.region.se"));
    let answer = send_by_tls(&idp, to, named(), &proved()).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    let answer = send_by_tls(&idp, to, named(), &request("")).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 403 "), "{answer}");
    let answer = send_by_tls(&idp, to, None, &proved()).await.unwrap_or_default();
    assert!(answer.is_empty(), "{answer}");
}

#[tokio::test]
async fn a_secret_over_tls_needs_no_certificate() {
    let idp = TestIdp::start_with(|config| {
        let mut proxy = believed(Format::Rfc9440);
        proxy.transport = ProxyTransport::Tls(None);
        config.proxy = Some(proxy);
    })
    .await;
    let answer = send_by_tls(&idp, idp.proxy_address(), None, &proved()).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    // In the clear is not TLS.
    let answer = send_from(PROXY, idp.proxy_address(), &proved()).await.unwrap_or_default();
    assert!(!answer.starts_with("HTTP/1.1 200"), "{answer}");
}

#[tokio::test]
async fn a_ca_of_proxies_that_cannot_be_read_stops_the_start() {
    let idp = TestIdp::start().await;
    let certified = Certified::new();
    for text in
        ["", "no certificate", "-----BEGIN CERTIFICATE-----\nAQID\n-----END CERTIFICATE-----\n"]
    {
        std::fs::write(certified.folder.join("ca.pem"), text).unwrap();
        let mut config = idp.config.clone();
        let mut proxy = believed(Format::Rfc9440);
        proxy.transport = certified.clients(&["proxy.region.se"], vec![]);
        config.proxy = Some(proxy);
        let started = serve::start(&config, idp.clock.clone(), Random::system(), Vec::new()).await;
        let Err(error) = started else { panic!("started with {text:?}") };
        assert!(error.to_string().starts_with("proxy.client_ca: "), "{error}");
        assert!(error.to_string().contains("ca.pem"), "{error}");
    }
}
