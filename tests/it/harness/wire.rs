//! Connections as a test wants them: another certificate than its key, another Host than its SNI.

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rustls::client::{ResolvesClientCert, Resumption};
use rustls::crypto::aws_lc_rs::default_provider;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::sign::CertifiedKey;
use rustls::{ClientConfig, ProtocolVersion, RootCertStore, SignatureScheme};
use rustls::{SupportedProtocolVersion, version};
use siths_idp::dev::browser::Inserted;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use url::Url;

use super::TestIdp;

/// Either version alone.
pub const VERSIONS: [&SupportedProtocolVersion; 2] = [&version::TLS12, &version::TLS13];

/// A connection to be.
pub struct Wire {
    address: SocketAddr,
    roots: RootCertStore,
    versions: Vec<&'static SupportedProtocolVersion>,
    alpn: Vec<Vec<u8>>,
    card: Option<Inserted>,
}

/// What came back over it.
pub struct Answer {
    /// Whether a certificate was asked for.
    pub asked: bool,
    /// The issuers of which one was asked for, in DER; none where any will do.
    pub issuers: Vec<Vec<u8>>,
    pub alpn: Option<Vec<u8>>,
    pub version: Option<ProtocolVersion>,
    pub status: u16,
    /// The whole answer.
    pub text: String,
}

impl Answer {
    /// The values of a header field.
    pub fn header(&self, name: &str) -> Vec<&str> {
        let head = self.text.split("\r\n\r\n").next().unwrap_or_default();
        let fields = head.lines().filter_map(|line| line.split_once(": "));
        fields.filter(|(found, _)| *found == name).map(|(_, value)| value).collect()
    }
}

impl TestIdp {
    /// Trust in the authority of the web servers.
    pub fn web_roots(&self) -> RootCertStore {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_file(self.pki().web_ca_pem()).unwrap()).unwrap();
        roots
    }

    /// A connection to the node, without a card.
    pub fn wire(&self) -> Wire {
        Wire {
            address: self.node.addresses[0],
            roots: self.web_roots(),
            versions: VERSIONS.to_vec(),
            alpn: Vec::new(),
            card: None,
        }
    }
}

impl Wire {
    /// To another address than the node's.
    pub fn to(mut self, address: SocketAddr) -> Self {
        self.address = address;
        self
    }

    /// With this certificate and this key, whether they fit or not.
    pub fn card(mut self, card: Inserted) -> Self {
        self.card = Some(card);
        self
    }

    pub fn versions(mut self, versions: &[&'static SupportedProtocolVersion]) -> Self {
        self.versions = versions.to_vec();
        self
    }

    pub fn alpn(mut self, protocols: &[&str]) -> Self {
        self.alpn = protocols.iter().map(|name| name.as_bytes().to_vec()).collect();
        self
    }

    /// `GET` an address, over a connection for its host.
    pub async fn get(self, url: &Url) -> io::Result<Answer> {
        let host = url.host_str().unwrap().to_owned();
        let target = &url[url::Position::BeforePath..];
        let request = format!("GET {target} HTTP/1.1\r\nHost: {host}\r\n\r\n");
        self.send(&host, &request).await
    }

    /// Sends text over a connection for a host, and reads until the server ends the connection or
    /// has answered whole.
    pub async fn send(self, server_name: &str, request: &str) -> io::Result<Answer> {
        let chooser = Arc::new(Chooser {
            asked: Mutex::default(),
            certified: self.card.map(|card| {
                let key = default_provider().key_provider.load_private_key(card.key).unwrap();
                Arc::new(CertifiedKey::new(card.chain, key))
            }),
        });
        let mut config = ClientConfig::builder_with_provider(default_provider().into())
            .with_protocol_versions(&self.versions)
            .unwrap()
            .with_root_certificates(self.roots)
            .with_client_cert_resolver(chooser.clone());
        config.alpn_protocols = self.alpn;
        config.resumption = Resumption::disabled();
        let stream = TcpStream::connect(self.address).await?;
        let name = ServerName::try_from(server_name.to_owned()).unwrap();
        let mut stream = TlsConnector::from(Arc::new(config)).connect(name, stream).await?;
        stream.write_all(request.as_bytes()).await?;
        let bytes = tokio::time::timeout(Duration::from_secs(20), whole(&mut stream)).await??;
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let status = text.split(' ').nth(1).and_then(|code| code.parse().ok()).unwrap_or(0);
        let asked = chooser.asked.lock().unwrap().take();
        let connection = stream.get_ref().1;
        Ok(Answer {
            asked: asked.is_some(),
            issuers: asked.unwrap_or_default(),
            alpn: connection.alpn_protocol().map(<[u8]>::to_vec),
            version: connection.protocol_version(),
            status,
            text,
        })
    }
}

/// Up to the end of the connection, or of the length that the header tells.
async fn whole(stream: &mut (impl tokio::io::AsyncRead + Unpin)) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let mut part = [0; 16 * 1024];
    loop {
        match stream.read(&mut part).await {
            Ok(0) => return Ok(bytes),
            Ok(read) => bytes.extend_from_slice(&part[..read]),
            Err(error) if bytes.is_empty() => return Err(error),
            Err(_) => return Ok(bytes),
        }
        let text = String::from_utf8_lossy(&bytes);
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let length = head.to_ascii_lowercase();
        let length = length.lines().find_map(|line| line.strip_prefix("content-length: "));
        if length
            .and_then(|length| length.parse().ok())
            .is_some_and(|most: usize| body.len() >= most)
        {
            return Ok(bytes);
        }
    }
}

#[derive(Debug)]
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
