use std::net::{SocketAddr, TcpListener};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::http::header::CONTENT_LENGTH;
use axum::routing::get;
use axum::{Extension, Router, middleware};
use axum_server::Handle;
use rcgen::{ExtendedKeyUsagePurpose, KeyPair, SanType, date_time_ymd};
use rustls::ClientConnection;
use rustls::client::{ResolvesClientCert, Resumption};
use rustls::crypto::aws_lc_rs::default_provider;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer, ServerName};
use rustls::sign::CertifiedKey;
use rustls::version::{TLS12, TLS13};
use rustls::{
    ClientConfig, DistinguishedName, HandshakeKind, RootCertStore, SignatureScheme,
    SupportedProtocolVersion,
};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::*;
use crate::card_hosts::{self, CardHosts, Label};
use crate::pki::testing::{Ca, Leaf, policies};

const ISSUER: &str = "idp.localhost";
const CARD: &str = "x7.card.idp.localhost";
const VERSIONS: [&SupportedProtocolVersion; 2] = [&TLS12, &TLS13];
const LONG: Duration = Duration::from_secs(10);

/// A server on a port of its own, and the CA that its certificate is from.
struct Server {
    addr: SocketAddr,
    ca: Ca,
    hints: Hints,
    counters: Arc<Counters>,
    handle: Handle<SocketAddr>,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.handle.shutdown();
    }
}

fn parts(ca: &Ca, settings: Settings) -> TlsParts {
    let leaf = ca.card(|params| {
        let names = [ISSUER, "card.idp.localhost", "*.card.idp.localhost"];
        params.subject_alt_names =
            names.map(|name| SanType::DnsName(name.try_into().unwrap())).to_vec();
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    });
    let identity = Identity::new(vec![leaf.certificate.clone()], leaf.key()).unwrap();
    TlsParts {
        hosts: Hosts::new(
            ISSUER,
            CardHosts::wildcard("card.idp.localhost", Label::Always, card_hosts::Chooser::HsaId),
        ),
        identity: identity.clone(),
        card_identity: identity,
        hints: Hints {
            hsa_id: vec![DistinguishedName::in_sequence(&[1, 2, 3])],
            siths: vec![
                DistinguishedName::in_sequence(&[1, 2, 3]),
                DistinguishedName::in_sequence(&[4]),
            ],
        },
        places: settings.places(),
        settings,
        balancers: Balancers::none(),
        proxy_fields: Arc::default(),
        counters: Arc::default(),
    }
}

async fn start(settings: Settings) -> Server {
    let ca = Ca::root("Server CA");
    let parts = parts(&ca, settings);
    let (hints, counters) = (parts.hints.clone(), parts.counters.clone());
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let addr = listener.local_addr().unwrap();
    let handle = Handle::new();
    let router = Router::new()
        .route("/", get(describe))
        .layer(middleware::from_fn(card_headers))
        .layer(middleware::from_fn(misdirected));
    tokio::spawn(serve(listener, parts, router, handle.clone()));
    Server { addr, ca, hints, counters, handle }
}

/// What the server knows of its peer, in a line.
async fn describe(Extension(peer): Extension<Peer>) -> String {
    let chain = if peer.chain.is_some() { "certificate" } else { "none" };
    let host = match peer.host {
        Host::Issuer => "issuer".to_owned(),
        Host::Card { name, .. } => format!("card {}", name.split('.').next().unwrap_or_default()),
        Host::Mtls { .. } => "mtls".to_owned(),
    };
    format!("{host}: {chain}, {}", peer.tls.version)
}

/// Chooses a certificate and remembers which issuers it was asked for, if it was asked.
#[derive(Debug, Default)]
struct Chooser {
    certified: Option<Arc<CertifiedKey>>,
    asked: Mutex<Option<Vec<Vec<u8>>>>,
}

impl ResolvesClientCert for Chooser {
    fn resolve(&self, hints: &[&[u8]], _: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        *self.asked.lock().unwrap() = Some(hints.iter().map(|hint| hint.to_vec()).collect());
        self.certified.clone()
    }

    fn has_certs(&self) -> bool {
        true
    }
}

impl Chooser {
    fn with(certificate: &Leaf, key: PrivateKeyDer<'static>) -> Arc<Self> {
        let key = default_provider().key_provider.load_private_key(key).unwrap();
        let certified = CertifiedKey::new(vec![certificate.certificate.clone()], key);
        Arc::new(Self { certified: Some(Arc::new(certified)), asked: Mutex::default() })
    }

    fn was_asked(&self) -> bool {
        self.asked.lock().unwrap().is_some()
    }
}

impl Server {
    fn client(
        &self,
        version: &'static SupportedProtocolVersion,
        chooser: &Arc<Chooser>,
    ) -> ClientConfig {
        let mut roots = RootCertStore::empty();
        roots.add(self.ca.certificate.clone()).unwrap();
        let mut config = ClientConfig::builder_with_provider(default_provider().into())
            .with_protocol_versions(&[version])
            .unwrap()
            .with_root_certificates(roots)
            .with_client_cert_resolver(chooser.clone());
        config.resumption = Resumption::in_memory_sessions(8);
        config
    }

    async fn connect(
        &self,
        config: &Arc<ClientConfig>,
        name: &'static str,
    ) -> std::io::Result<TlsStream<TcpStream>> {
        let stream = TcpStream::connect(self.addr).await?;
        let name = ServerName::try_from(name).unwrap();
        TlsConnector::from(config.clone()).connect(name, stream).await
    }

    /// Connects to `name` and asks for `/` on it.
    async fn visit(&self, config: ClientConfig, name: &'static str) -> std::io::Result<String> {
        let mut stream = self.connect(&Arc::new(config), name).await?;
        ask(&mut stream, name).await
    }
}

/// One request, and the whole answer up to the end of the connection.
async fn ask(stream: &mut TlsStream<TcpStream>, host: &str) -> std::io::Result<String> {
    let request = format!("GET / HTTP/1.1\r\nHost: {host}:8443\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut answer = String::new();
    timeout(LONG, stream.read_to_string(&mut answer)).await.unwrap()?;
    Ok(answer)
}

/// Waits for the server to end a connection.
async fn ends(stream: &mut (impl tokio::io::AsyncRead + Unpin)) {
    let mut rest = Vec::new();
    let _ = timeout(LONG, stream.read_to_end(&mut rest)).await.expect("the server hangs up");
}

fn brief() -> Settings {
    Settings {
        handshake_timeout: Duration::from_millis(300),
        first_request_timeout: Duration::from_millis(300),
        ..Settings::default()
    }
}

#[tokio::test]
async fn the_issuer_host_asks_for_no_certificate() {
    let server = start(Settings::default()).await;
    for version in VERSIONS {
        let card = server.ca.card(|_| {});
        let chooser = Chooser::with(&card, card.key());
        let answer = server.visit(server.client(version, &chooser), ISSUER).await.unwrap();
        assert!(answer.contains("issuer: none"), "{answer}");
        assert!(!chooser.was_asked());
    }
}

#[tokio::test]
async fn card_hosts_let_in_none_and_any_certificate() {
    let server = start(Settings::default()).await;
    let stranger = Ca::root("Nobody knows");
    let cards = [
        server.ca.card(|_| {}),
        stranger.card(|params| params.not_after = date_time_ymd(2026, 1, 1)),
        stranger.card(|params| {
            let mut unknown = policies(&[0]);
            unknown.set_criticality(true);
            params.custom_extensions.push(unknown);
        }),
        stranger.card(|params| {
            params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        }),
    ];
    for version in VERSIONS {
        let none = server.client(version, &Arc::default());
        let answer = server.visit(none, CARD).await.unwrap();
        assert!(answer.contains("card x7: none"), "{answer}");
        for card in &cards {
            let client = server.client(version, &Chooser::with(card, card.key()));
            let answer = server.visit(client, CARD).await.unwrap();
            assert!(answer.contains("card x7: certificate"), "{answer}");
            assert!(answer.contains("connection: close"), "{answer}");
            assert!(answer.contains("cache-control: no-store"), "{answer}");
        }
    }
    assert_eq!(server.counters.snapshot().accepted, 10);
}

#[tokio::test]
async fn an_rsa_card_proves_its_key() {
    let server = start(Settings::default()).await;
    let key = KeyPair::generate_for(&rcgen::PKCS_RSA_SHA256).unwrap();
    let der = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let card = Leaf::new(server.ca.certify(&key, |_| {}), key);
    for version in VERSIONS {
        let client = server.client(version, &Chooser::with(&card, der.clone_key()));
        let answer = server.visit(client, CARD).await.unwrap();
        assert!(answer.contains("card x7: certificate"), "{answer}");
    }
}

#[tokio::test]
async fn a_certificate_without_its_key_is_refused() {
    let server = start(Settings::default()).await;
    let (card, other) = (server.ca.card(|_| {}), server.ca.card(|_| {}));
    for (index, version) in VERSIONS.into_iter().enumerate() {
        let client = server.client(version, &Chooser::with(&card, other.key()));
        assert!(server.visit(client, CARD).await.is_err());
        assert_eq!(server.counters.snapshot().possession, 1 + index as u64);
    }
    assert_eq!(server.counters.snapshot().accepted, 0);
}

#[tokio::test]
async fn browsers_are_told_the_issuers_that_the_name_of_the_host_stands_for() {
    let server = start(Settings::default()).await;
    for (name, hints) in [
        (CARD, &server.hints.hsa_id),
        ("h0123456789abcdefghjk.card.idp.localhost", &server.hints.hsa_id),
        ("s0123456789abcdefghjk.card.idp.localhost", &server.hints.siths),
        ("a0123456789abcdefghjk.card.idp.localhost", &Vec::new()),
    ] {
        let expected: Vec<_> = hints.iter().map(|hint| hint.as_ref().to_vec()).collect();
        for version in VERSIONS {
            let chooser = Arc::<Chooser>::default();
            server.visit(server.client(version, &chooser), name).await.unwrap();
            assert_eq!(*chooser.asked.lock().unwrap(), Some(expected.clone()), "{name}");
        }
    }
    for version in VERSIONS {
        let chooser = Arc::<Chooser>::default();
        let client = server.client(version, &chooser);
        let answer = server.visit(client, "card.idp.localhost").await.unwrap();
        assert!(!chooser.was_asked() && answer.contains("connection: close"), "{answer}");
    }
}

#[tokio::test]
async fn card_hosts_never_resume() {
    let server = start(Settings::default()).await;
    for version in VERSIONS {
        for (name, second) in [(CARD, HandshakeKind::Full), (ISSUER, HandshakeKind::Resumed)] {
            let card = server.ca.card(|_| {});
            let chooser = Chooser::with(&card, card.key());
            let config = Arc::new(server.client(version, &chooser));
            for expected in [HandshakeKind::Full, second] {
                let mut stream = server.connect(&config, name).await.unwrap();
                ask(&mut stream, name).await.unwrap();
                assert_eq!(stream.get_ref().1.handshake_kind(), Some(expected), "{name}");
            }
        }
    }
}

#[tokio::test]
async fn card_hosts_speak_http_1_1_alone() {
    let server = start(Settings::default()).await;
    for (name, expected) in [(CARD, &b"http/1.1"[..]), (ISSUER, b"h2")] {
        let mut config = server.client(&TLS13, &Arc::default());
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        let stream = server.connect(&Arc::new(config), name).await.unwrap();
        assert_eq!(stream.get_ref().1.alpn_protocol(), Some(expected));
    }
    let mut config = server.client(&TLS13, &Arc::default());
    config.alpn_protocols = vec![b"h2".to_vec()];
    assert!(server.visit(config, CARD).await.is_err());
    assert_eq!(server.counters.snapshot().incompatible, 1);
}

#[tokio::test]
async fn a_request_for_another_host_is_misdirected() {
    let server = start(Settings::default()).await;
    let config = Arc::new(server.client(&TLS13, &Arc::default()));
    for (name, host) in [(ISSUER, CARD), (CARD, ISSUER), (CARD, "x8.card.idp.localhost")] {
        let mut stream = server.connect(&config, name).await.unwrap();
        let answer = ask(&mut stream, host).await.unwrap();
        assert!(answer.starts_with("HTTP/1.1 421 "), "{answer}");
        assert!(answer.contains("connection: close"), "{answer}");
        assert!(answer.contains(CONTENT_LENGTH.as_str()), "{answer}");
    }
}

#[tokio::test]
async fn without_a_server_name_only_the_issuer_is_served() {
    let server = start(Settings::default()).await;
    for (host, status) in [(ISSUER, "200"), (CARD, "421"), ("127.0.0.1", "421")] {
        let card = server.ca.card(|_| {});
        let chooser = Chooser::with(&card, card.key());
        let mut config = server.client(&TLS13, &chooser);
        config.enable_sni = false;
        let mut stream = server.connect(&Arc::new(config), ISSUER).await.unwrap();
        let answer = ask(&mut stream, host).await.unwrap();
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{answer}");
        assert!(!chooser.was_asked());
    }
}

#[tokio::test]
async fn each_tls_version_of_card_hosts_can_be_switched_off() {
    let only_13 = start(Settings { card_tls12: false, ..Settings::default() }).await;
    let only_12 = start(Settings { card_tls13: false, ..Settings::default() }).await;
    for (server, on, off) in [(only_13, &TLS13, &TLS12), (only_12, &TLS12, &TLS13)] {
        assert!(server.visit(server.client(on, &Arc::default()), CARD).await.is_ok());
        assert!(server.visit(server.client(off, &Arc::default()), CARD).await.is_err());
        assert!(server.visit(server.client(off, &Arc::default()), ISSUER).await.is_ok());
        assert_eq!(server.counters.snapshot().incompatible, 1);
    }
    let neither = Settings { card_tls12: false, card_tls13: false, ..Settings::default() };
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let parts = parts(&Ca::root("Server CA"), neither);
    assert!(serve(listener, parts, Router::new(), Handle::new()).await.is_err());
}

#[tokio::test]
async fn silent_and_half_open_handshakes_end_and_stall_nobody() {
    let server = start(Settings { handshake_timeout: Duration::from_secs(1), ..brief() }).await;
    let mut silent = TcpStream::connect(server.addr).await.unwrap();
    let mut half = TcpStream::connect(server.addr).await.unwrap();
    half.write_all(&[0x16, 3, 1, 2, 0, 1]).await.unwrap();
    // Others are served while those two are waited for.
    server.visit(server.client(&TLS13, &Arc::default()), CARD).await.unwrap();
    assert_eq!(server.counters.snapshot().timed_out, 0);
    ends(&mut silent).await;
    ends(&mut half).await;
    assert_eq!(server.counters.snapshot().timed_out, 2);
}

#[tokio::test]
async fn a_peer_without_a_request_is_hung_up_on() {
    let server = start(brief()).await;
    let config = Arc::new(server.client(&TLS13, &Arc::default()));
    let mut silent = server.connect(&config, CARD).await.unwrap();
    let mut half = server.connect(&config, CARD).await.unwrap();
    half.write_all(b"GET / HTTP/1.1\r\nHost: ").await.unwrap();
    ends(&mut silent).await;
    ends(&mut half).await;
}

#[tokio::test]
async fn bytes_that_are_no_tls_are_counted() {
    let server = start(Settings::default()).await;
    let mut stream = TcpStream::connect(server.addr).await.unwrap();
    stream.write_all(b"GET / HTTP/1.1\r\nHost: idp.localhost\r\n\r\n").await.unwrap();
    ends(&mut stream).await;
    assert_eq!(server.counters.snapshot().protocol, 1);
}

#[tokio::test]
async fn connections_over_the_limit_are_dropped_and_their_places_come_back() {
    let server = start(Settings { max_connections: 1, ..Settings::default() }).await;
    let config = Arc::new(server.client(&TLS13, &Arc::default()));
    let first = server.connect(&config, CARD).await.unwrap();
    assert!(server.connect(&config, CARD).await.is_err());
    assert_eq!(server.counters.snapshot().over_limit, 1);
    drop(first);
    let freed = async {
        while server.connect(&config, CARD).await.is_err() {
            tokio::task::yield_now().await;
        }
    };
    timeout(LONG, freed).await.expect("the place is free again");
}

/// A person at a chooser: a ClientHello for a card host was answered, and nothing more is sent.
async fn choosing(server: &Server, config: &Arc<ClientConfig>) -> TcpStream {
    let name = ServerName::try_from(CARD).unwrap();
    let mut hello = Vec::new();
    ClientConnection::new(config.clone(), name).unwrap().write_tls(&mut hello).unwrap();
    let mut stream = TcpStream::connect(server.addr).await.unwrap();
    stream.write_all(&hello).await.unwrap();
    stream.read_u8().await.unwrap();
    stream
}

#[tokio::test]
async fn people_at_their_choosers_leave_room_for_others_and_for_the_issuer_host() {
    for settings in [
        Settings { max_choosing_per_address: 1, ..Settings::default() },
        // Half of all.
        Settings { max_connections: 2, ..Settings::default() },
    ] {
        let server = start(settings).await;
        let config = Arc::new(server.client(&TLS13, &Arc::default()));
        let first = choosing(&server, &config).await;
        assert!(server.connect(&config, CARD).await.is_err());
        assert_eq!(server.counters.snapshot().over_limit, 1);
        assert!(server.connect(&config, ISSUER).await.is_ok());
        drop(first);
        let freed = async {
            while server.connect(&config, CARD).await.is_err() {
                tokio::task::yield_now().await;
            }
        };
        timeout(LONG, freed).await.expect("the place is free again");
    }
}

#[test]
fn a_server_certificate_that_will_not_do_is_named() {
    let folder = std::env::temp_dir().join(format!("siths-idp-identity-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let write = |name: &str, text: String| {
        let path = folder.join(name);
        std::fs::write(&path, text).unwrap();
        path
    };
    let made = rcgen::generate_simple_self_signed([ISSUER.to_owned()]).unwrap();
    let certificate = write("cert.pem", made.cert.pem());
    let key = write("key.pem", made.signing_key.serialize_pem());
    let other = write("other.pem", KeyPair::generate().unwrap().serialize_pem());
    let empty = write("empty.pem", String::new());

    assert!(Identity::load(&certificate, &key).is_ok());
    let fault = |certificate, key| Identity::load(certificate, key).unwrap_err();
    let missing = folder.join("missing.pem");
    for bad in [&missing, &empty, &key] {
        let fault = fault(bad, &key);
        assert!(matches!(&fault, IdentityFault::Certificate { file, .. } if file == bad));
        assert!(fault.to_string().contains(&bad.display().to_string()));
    }
    for bad in [&missing, &empty, &certificate] {
        assert!(
            matches!(fault(&certificate, bad), IdentityFault::Key { file, .. } if file == *bad)
        );
    }
    assert!(matches!(fault(&certificate, &other), IdentityFault::Mismatch { .. }));
    std::fs::remove_dir_all(folder).unwrap();
}
