//! A relying party's web server with its keys: it counts what it is asked, and answers as a test wants.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use serde_json::{Value, json};
use siths_idp::oidc::client::{Client, ClientAuthentication};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::RwLock;
use tokio_rustls::TlsAcceptor;

use super::assertion::ClientKey;
use super::{loopback, site};

/// Where it has its keys.
const PATH: &str = "/jwks.json";

/// A server; it ends with the test.
pub struct KeyServer {
    pub address: SocketAddr,
    asked: Arc<AtomicUsize>,
    answer: Arc<Mutex<String>>,
    /// Whoever holds it for writing, keeps back every answer.
    pub gate: Arc<RwLock<()>>,
}

impl KeyServer {
    /// One that publishes these keys, with a certificate of the web authority that nodes believe.
    pub fn start(keys: &[Value]) -> Self {
        let listener = loopback();
        let address = listener.local_addr().unwrap();
        let listener = TcpListener::from_std(listener).unwrap();
        let asked = Arc::new(AtomicUsize::new(0));
        let server = Self { address, asked, answer: Arc::default(), gate: Arc::default() };
        server.publish(keys);
        let shared = (server.asked.clone(), server.answer.clone(), server.gate.clone());
        let acceptor = acceptor();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, acceptor.clone(), shared.clone()));
            }
        });
        server
    }

    /// Registers a client that has its keys here, and authenticates by them.
    pub fn register(&self, client: &mut Client) {
        client.authentication = ClientAuthentication::PrivateKeyJwt;
        client.jwks = None;
        client.metadata.jwks_uri = Some(self.url());
    }

    pub fn url(&self) -> String {
        format!("https://localhost:{}{PATH}", self.address.port())
    }

    /// From now on, these keys.
    pub fn publish(&self, keys: &[Value]) {
        self.publish_with("", keys);
    }

    /// The same, with further lines of the header, each with its end.
    pub fn publish_with(&self, header: &str, keys: &[Value]) {
        let body = json!({ "keys": keys }).to_string();
        self.answer(&format!(
            "HTTP/1.1 200 OK\r\n{header}content-length: {}\r\n\r\n{body}",
            body.len()
        ));
    }

    /// From now on, this, to the letter; nothing at all where it is empty.
    pub fn answer(&self, answer: &str) {
        answer.clone_into(&mut self.answer.lock().unwrap());
    }

    /// How often it was asked.
    pub fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
}

/// The public half of a key under a name.
pub fn named(key: &ClientKey, kid: &str) -> Value {
    let mut jwk = key.jwk.clone();
    jwk["kid"] = kid.into();
    jwk
}

fn acceptor() -> TlsAcceptor {
    let pki = &site().pki;
    let chain = CertificateDer::pem_file_iter(pki.server_chain_pem()).unwrap();
    let chain = chain.collect::<Result<Vec<_>, _>>().unwrap();
    let key = PrivateKeyDer::from_pem_file(pki.server_key_pem()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .unwrap();
    TlsAcceptor::from(Arc::new(config))
}

async fn serve(
    stream: TcpStream,
    acceptor: TlsAcceptor,
    (asked, answer, gate): (Arc<AtomicUsize>, Arc<Mutex<String>>, Arc<RwLock<()>>),
) {
    let Ok(mut stream) = acceptor.accept(stream).await else { return };
    let mut request = Vec::new();
    let mut part = [0; 4096];
    while !request.windows(4).any(|four| four == b"\r\n\r\n") {
        match stream.read(&mut part).await {
            Ok(read) if read > 0 => request.extend_from_slice(&part[..read]),
            _ => return,
        }
    }
    assert!(request.starts_with(format!("GET {PATH} HTTP/1.1\r\n").as_bytes()));
    asked.fetch_add(1, Ordering::SeqCst);
    let _open = gate.read().await;
    let answer = answer.lock().unwrap().clone();
    if answer.is_empty() {
        // Silent until the other side has had enough.
        let _ = stream.read(&mut part).await;
        return;
    }
    let _ = stream.write_all(answer.as_bytes()).await;
    let _ = stream.shutdown().await;
}
