//! Logins through real proxies: nginx, HAProxy and Apache, set up by the text of `docs/proxies.md`.

use std::net::SocketAddr;
use std::sync::Arc;

use rustls::HandshakeKind;
use rustls::client::Resumption;
use rustls::crypto::aws_lc_rs::default_provider;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use siths_idp::config::{Config, ProxyProtocol, ProxyTransport};
use siths_idp::proxy::protocol::Others;
use siths_idp::proxy::{Format, Peers};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use crate::harness::TestIdp;
use crate::harness::products::{PROXY_NAME, Product, Running, free_port};
use crate::harness::proxy::{Certified, believed, exchange, fields};

const CARD: &str = "x.card.idp.localhost";

/// A node behind a product that ends TLS, as its part of `docs/proxies.md` says.
struct Behind {
    idp: TestIdp,
    front: SocketAddr,
    _running: Running,
}

impl Behind {
    async fn start(product: Product) -> Self {
        let (format, mark) = match product {
            Product::Nginx => (Format::Nginx, "nginx terminates-tls"),
            Product::Haproxy => (Format::Haproxy, "haproxy terminates-tls"),
            Product::Apache => (Format::Apache, "apache terminates-tls"),
        };
        let proofs = Certified::new();
        let port = free_port();
        let idp = TestIdp::start_at(port, |config| {
            let mut proxy = believed(format);
            proxy.server_name_header = Some("x-ssl-sni".to_owned());
            // Apache proves itself by the secret, the others by their certificate.
            if product == Product::Apache {
                proxy.transport = ProxyTransport::Tls(None);
            } else {
                proxy.secret = None;
                proxy.transport = proofs.clients(&[PROXY_NAME], vec![]);
            }
            config.proxy = Some(proxy);
        })
        .await;
        let running = product.start(mark, port, idp.proxy_address(), &idp, &proofs).await;
        Self { idp, front: SocketAddr::from(([127, 0, 0, 1], port)), _running: running }
    }

    async fn code_of(&self, person: &str) -> String {
        let mut browser = self.idp.browser(person);
        self.idp.walk(&mut browser, &self.idp.authorize().url()).await.error_code()
    }

    /// Sends a request to the proxy with header fields of one's own.
    async fn forge(&self, host: &str, target: &str, forged: &str) -> crate::harness::wire::Answer {
        let request =
            format!("GET {target} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n{forged}\r\n");
        self.idp.wire().to(self.front).send(host, &request).await.unwrap()
    }
}

/// What every product must do. Which cards do not get as far as a page differs.
async fn holds(product: Product, cut_off: &[&str]) {
    let behind = Behind::start(product).await;
    let idp = &behind.idp;

    // A card logs in, also with as long an address as there may be; the client's address is known.
    idp.log_in(&mut idp.browser("clinician")).await;
    let state = "s".repeat(6000);
    let long = idp.authorize().set("state", &state);
    let parameters = idp.walk(&mut idp.browser("clinician"), &long.url()).await.parameters();
    assert!(parameters.contains_key("code") && parameters["state"] == state, "{product:?}");
    let addresses: Vec<String> =
        sqlx::query_scalar("select distinct address from audit_events where address is not null")
            .fetch_all(idp.pool())
            .await
            .unwrap();
    assert_eq!(addresses, ["127.0.0.1"], "{product:?}");

    // Whatever is presented is judged by the node.
    let walk = idp.walk(&mut idp.browser_with(None), &idp.authorize().url()).await;
    assert_eq!(walk.error_code(), "certificate_missing", "{product:?}");
    for (person, code) in [
        ("untrusted", "certificate_untrusted"),
        ("wrong-certificate", "certificate_wrong_type"),
        ("signing", "certificate_for_signing"),
        ("expired", "certificate_expired"),
        ("not-yet-valid", "certificate_not_yet_valid"),
        ("function", "certificate_not_personal"),
    ] {
        if cut_off.contains(&person) {
            let mut browser = idp.browser(person);
            let to_card = browser.get(&idp.authorize().url()).await.unwrap().location().unwrap();
            assert!(browser.get(&to_card).await.is_err(), "{product:?} {person}");
        } else {
            assert_eq!(behind.code_of(person).await, code, "{product:?} {person}");
        }
    }
    assert_eq!(idp.node.counters.snapshot().unfit, 0, "{product:?}");

    // What a browser forges is replaced by the proxy.
    let card = idp.card("clinician").chain;
    let mut forged = String::new();
    for (name, value) in Format::ALL.into_iter().flat_map(|format| fields(format, &card)) {
        forged += &format!("{name}: {value}\r\n");
    }
    forged += &format!("X-SSL-SNI: {CARD}\r\nX-Forwarded-For: 203.0.113.9\r\n");
    let mut browser = idp.browser_with(None);
    let to_card = browser.get(&idp.authorize().url()).await.unwrap().location().unwrap();
    let target = &to_card[url::Position::BeforePath..];
    let answer = behind.forge(to_card.host_str().unwrap(), target, &forged).await;
    assert_eq!(answer.status, 303, "{product:?}: {}", answer.text);
    let walk = idp.walk(&mut browser, &answer.header("location")[0].parse().unwrap()).await;
    assert_eq!(walk.error_code(), "certificate_missing", "{product:?}");
    let forged_address = "select count(*) from audit_events where address = '203.0.113.9'";
    let count: i64 = sqlx::query_scalar(forged_address).fetch_one(idp.pool()).await.unwrap();
    assert_eq!(count, 0, "{product:?}");

    // Card hosts: HTTP/1.1 alone, nothing is resumed, the connection ends, another Host is refused.
    let get = |host: &str| format!("GET / HTTP/1.1\r\nHost: {host}\r\n\r\n");
    let to_front = || idp.wire().to(behind.front);
    let answer = to_front().alpn(&["h2", "http/1.1"]).send(CARD, &get(CARD)).await.unwrap();
    assert!(answer.asked && answer.status == 303, "{product:?}: {}", answer.text);
    assert_ne!(answer.alpn.as_deref(), Some(&b"h2"[..]), "{product:?}");
    let answer = to_front().send("idp.localhost", &get("idp.localhost")).await.unwrap();
    assert!(!answer.asked && answer.status == 200, "{product:?}: {}", answer.text);
    let answer = to_front().send(CARD, &get("y.card.idp.localhost")).await.unwrap();
    assert_eq!(answer.status, 421, "{product:?}: {}", answer.text);
    for _ in 0..2 {
        assert_eq!(visit(&behind).await, Some(HandshakeKind::Full), "{product:?}");
    }
}

/// Visits a card host with a card, by a client that resumes what it can, and waits for the
/// connection to end.
async fn visit(behind: &Behind) -> Option<HandshakeKind> {
    thread_local! {
        static CONFIG: std::cell::RefCell<Option<(SocketAddr, Arc<rustls::ClientConfig>)>> =
            const { std::cell::RefCell::new(None) };
    }
    let config = CONFIG.with_borrow_mut(|kept| {
        if let Some((front, config)) = kept.as_ref()
            && *front == behind.front
        {
            return config.clone();
        }
        let mut roots = rustls::RootCertStore::empty();
        let ca = CertificateDer::from_pem_file(behind.idp.pki().web_ca_pem()).unwrap();
        roots.add(ca).unwrap();
        let card = behind.idp.card("clinician");
        let mut config = rustls::ClientConfig::builder_with_provider(Arc::new(default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_client_auth_cert(card.chain, card.key)
            .unwrap();
        config.resumption = Resumption::in_memory_sessions(8);
        let config = Arc::new(config);
        *kept = Some((behind.front, config.clone()));
        config
    });
    let stream = TcpStream::connect(behind.front).await.unwrap();
    let name = ServerName::try_from(CARD).unwrap();
    let mut stream = TlsConnector::from(config).connect(name, stream).await.unwrap();
    // No `Connection: close` of ours: it is the proxy that ends it.
    let text = format!("GET / HTTP/1.1\r\nHost: {CARD}\r\n\r\n");
    let answer = exchange(&mut stream, &text).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 303 "), "{answer}");
    stream.get_ref().1.handshake_kind()
}

#[tokio::test(flavor = "multi_thread")]
async fn nginx_passes_cards_on() {
    if Product::Nginx.is_installed() {
        holds(Product::Nginx, &[]).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn haproxy_passes_cards_on() {
    if Product::Haproxy.is_installed() {
        holds(Product::Haproxy, &[]).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn apache_passes_cards_on() {
    if Product::Apache.is_installed() {
        // As docs/proxies.md says.
        holds(Product::Apache, &["signing", "expired", "not-yet-valid"]).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn haproxy_passes_tls_through_and_announces_its_clients() {
    if !Product::Haproxy.is_installed() {
        return;
    }
    let announced = |config: &mut Config| {
        let peers = Peers::parse(["127.0.0.2"]).unwrap();
        config.proxy_protocol = ProxyProtocol { peers, others: Others::Refuse };
    };
    let (proofs, port) = (Certified::new(), free_port());
    let idp = TestIdp::start_at(port, announced).await;
    let node = idp.node.addresses[0];
    let product = Product::Haproxy;
    let _running = product.start("haproxy passed-through", port, node, &idp, &proofs).await;
    idp.log_in(&mut idp.browser("clinician")).await;
    let mut browser = idp.browser("expired");
    let walk = idp.walk(&mut browser, &idp.authorize().url()).await;
    assert_eq!(walk.error_code(), "certificate_expired");
    let addresses: Vec<String> =
        sqlx::query_scalar("select distinct address from audit_events where address is not null")
            .fetch_all(idp.pool())
            .await
            .unwrap();
    assert_eq!(addresses, ["127.0.0.1"]);
}
