//! What stands in front of a node in a test: a proxy that ends TLS and writes header fields as one
//! product does, or a balancer that passes TLS through. The issuer's address is its own.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, ExtendedKeyUsagePurpose, IsCa, KeyPair,
};
use rustls::crypto::aws_lc_rs::default_provider;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::server::NoServerSessionStorage;
use secrecy::SecretString;
use siths_idp::config::{self, Config, ProxyClients, ProxySecret, ProxyTransport};
use siths_idp::pki::Possession;
use siths_idp::proxy::{ChainFields, ClientAddress, Format, Peers};
use siths_idp::random::Random;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};
use tokio_rustls::TlsAcceptor;

use super::{TestIdp, loopback};

/// The secret of every proxy under test.
pub const SECRET: &str = "a-secret-of-a-proxy-of-at-least-32-characters";
/// Where every person behind a proxy under test is.
pub const CLIENT: &str = "198.51.100.7";
/// The address that listed proxies connect from. Browsers under test connect from 127.0.0.1.
pub const PROXY: [u8; 4] = [127, 0, 0, 2];

/// A node for proxies that write in this form, proved by a secret, in the clear on loopback.
pub fn believed(format: Format) -> config::Proxy {
    config::Proxy {
        listen: vec!["127.0.0.1:0".parse().unwrap()],
        peers: Peers::parse(["127.0.0.2"]).unwrap(),
        certificate: ChainFields::of(format),
        client_address: ClientAddress::XForwardedFor,
        server_name_header: None,
        transport: ProxyTransport::Plaintext,
        secret: Some(ProxySecret {
            header: "x-proxy-secret".to_owned(),
            good: vec![SecretString::from(SECRET)],
        }),
    }
}

impl TestIdp {
    /// A provider whose issuer is the address of what `front` makes of a listener, when it is told
    /// where the node listens for browsers and where for proxies.
    pub async fn start_behind(
        edit: impl FnOnce(&mut Config),
        front: impl FnOnce(std::net::TcpListener, &TestIdp),
    ) -> Self {
        let listener = loopback();
        let port = listener.local_addr().unwrap().port();
        let idp = Self::start_at(port, edit).await;
        front(listener, &idp);
        idp
    }

    /// The same, with a proxy that ends TLS and writes in a form.
    pub async fn start_behind_proxy(format: Format) -> Self {
        Self::start_behind(
            |config| config.proxy = Some(believed(format)),
            |listener, idp| ends_tls(listener, idp, move |chain| fields(format, chain)),
        )
        .await
    }

    /// Where the node listens for proxies.
    pub fn proxy_address(&self) -> SocketAddr {
        self.node.proxy_addresses[0]
    }
}

/// A connection from an address of this machine.
pub async fn connect_from(from: [u8; 4], to: SocketAddr) -> io::Result<TcpStream> {
    let socket = TcpSocket::new_v4()?;
    socket.bind(SocketAddr::from((from, 0)))?;
    socket.connect(to).await
}

/// Sends text from an address, and reads until the connection ends.
pub async fn send_from(from: [u8; 4], to: SocketAddr, text: &str) -> io::Result<String> {
    let mut stream = connect_from(from, to).await?;
    exchange(&mut stream, text).await
}

/// Sends text and reads until the connection ends.
pub async fn exchange(
    stream: &mut (impl AsyncRead + AsyncWrite + Unpin),
    text: &str,
) -> io::Result<String> {
    stream.write_all(text.as_bytes()).await?;
    let mut answer = Vec::new();
    let read = stream.read_to_end(&mut answer);
    let read = tokio::time::timeout(std::time::Duration::from_secs(20), read).await?;
    if answer.is_empty() {
        read?;
    }
    Ok(String::from_utf8_lossy(&answer).into_owned())
}

/// The fields that a proxy writes for a chain, as its product does.
pub fn fields(format: Format, chain: &[CertificateDer<'static>]) -> Vec<(String, String)> {
    let named = ChainFields::of(format);
    let name = named.certificate.clone();
    let base64: Vec<String> = chain.iter().map(|one| STANDARD.encode(one)).collect();
    let pems: Vec<String> = chain.iter().map(|one| pem(one)).collect();
    let Some(leaf) = base64.first() else {
        return match format {
            // HAProxy writes an empty field, Apache says so, the others leave it out.
            Format::Haproxy => vec![(name, String::new())],
            Format::Apache => vec![(name, "(null)".to_owned())],
            _ => vec![],
        };
    };
    let mut fields = vec![(
        name,
        match format {
            Format::Rfc9440 => format!(":{leaf}:"),
            Format::Nginx => escaped(&pems[0]),
            Format::Haproxy | Format::F5 => leaf.clone(),
            Format::Apache => pems[0].trim_end().replace('\n', " "),
            Format::Envoy => format!(
                "Hash=00;Subject=\"CN=a,O=b\";Cert=\"{}\";Chain=\"{}\"",
                escaped(&pems[0]),
                escaped(&pems.concat())
            ),
            Format::Traefik => base64.join(","),
            Format::AwsAlb => pems.concat().replace(' ', "%20").replace('\n', "%0A"),
        },
    )];
    let others = &chain[1..];
    match format {
        Format::Rfc9440 if !others.is_empty() => {
            let list: Vec<_> = base64[1..].iter().map(|one| format!(":{one}:")).collect();
            fields.push(("client-cert-chain".to_owned(), list.join(", ")));
        }
        Format::Haproxy => {
            let der: Vec<u8> = others.iter().flat_map(|one| one.to_vec()).collect();
            fields.push(("x-ssl-client-chain".to_owned(), STANDARD.encode(der)));
        }
        Format::Apache => {
            for (number, one) in pems[1..].iter().enumerate() {
                let value = one.trim_end().replace('\n', " ");
                fields.push((format!("ssl-client-cert-chain-{number}"), value));
            }
        }
        _ => {}
    }
    fields
}

/// PEM, as OpenSSL writes it.
pub fn pem(certificate: &CertificateDer<'_>) -> String {
    let base64 = STANDARD.encode(certificate);
    let lines: Vec<_> =
        base64.as_bytes().chunks(64).map(|line| std::str::from_utf8(line).unwrap()).collect();
    format!("-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n", lines.join("\n"))
}

/// As nginx and Envoy encode.
pub fn escaped(text: &str) -> String {
    let text = text.replace(' ', "%20").replace('\n', "%0A");
    text.replace('+', "%2B").replace('/', "%2F").replace('=', "%3D")
}

/// A proxy that ends TLS, asks for any certificate or none, and proves itself by the secret. What
/// browsers send in fields that `fields` names is replaced.
pub fn ends_tls(
    listener: std::net::TcpListener,
    idp: &TestIdp,
    fields: impl Fn(&[CertificateDer<'static>]) -> Vec<(String, String)> + Send + Sync + 'static,
) {
    let provider = Arc::new(default_provider());
    let chain = CertificateDer::pem_file_iter(idp.pki().server_chain_pem()).unwrap();
    let chain = chain.collect::<Result<_, _>>().unwrap();
    let key = PrivateKeyDer::from_pem_file(idp.pki().server_key_pem()).unwrap();
    let algorithms = provider.signature_verification_algorithms;
    let mut config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_client_cert_verifier(Arc::new(Possession::new(vec![], algorithms)))
        .with_single_cert(chain, key)
        .unwrap();
    config.session_storage = Arc::new(NoServerSessionStorage {});
    config.send_tls13_tickets = 0;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    let (acceptor, fields) = (TlsAcceptor::from(Arc::new(config)), Arc::new(fields));
    let node = idp.proxy_address();
    let listener = tokio::net::TcpListener::from_std(listener).unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let (acceptor, fields) = (acceptor.clone(), fields.clone());
            tokio::spawn(async move {
                let mut browser = acceptor.accept(stream).await?;
                let chain = browser.get_ref().1.peer_certificates().unwrap_or_default();
                let chain: Vec<_> = chain.iter().map(|one| one.clone().into_owned()).collect();
                let mut own = fields(&chain);
                own.push(("x-proxy-secret".to_owned(), SECRET.to_owned()));
                own.push(("x-forwarded-for".to_owned(), CLIENT.to_owned()));
                own.push(("connection".to_owned(), "close".to_owned()));
                let (head, body) = request(&mut browser).await?;
                let mut node = connect_from(PROXY, node).await?;
                node.write_all(rewritten(&head, &own).as_bytes()).await?;
                node.write_all(&body).await?;
                tokio::io::copy(&mut node, &mut browser).await?;
                browser.shutdown().await
            });
        }
    });
}

/// A balancer that passes TLS through, after a header of its own.
pub fn passes_tls_through(
    listener: std::net::TcpListener,
    idp: &TestIdp,
    header: impl Fn() -> Vec<u8> + Send + Sync + 'static,
) {
    let node = idp.node.addresses[0];
    let listener = tokio::net::TcpListener::from_std(listener).unwrap();
    let header = Arc::new(header);
    tokio::spawn(async move {
        while let Ok((mut browser, _)) = listener.accept().await {
            let header = header.clone();
            tokio::spawn(async move {
                let mut node = connect_from(PROXY, node).await?;
                node.write_all(&header()).await?;
                tokio::io::copy_bidirectional(&mut browser, &mut node).await
            });
        }
    });
}

/// The head of one request, and its body by its Content-Length.
async fn request(stream: &mut (impl AsyncRead + Unpin)) -> io::Result<(String, Vec<u8>)> {
    let mut bytes = Vec::new();
    let end = loop {
        if let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            break end + 4;
        }
        if stream.read_buf(&mut bytes).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    };
    let mut body = bytes.split_off(end);
    let head = String::from_utf8(bytes).map_err(io::Error::other)?;
    let length = head.to_ascii_lowercase();
    let length = length.lines().find_map(|line| line.strip_prefix("content-length: "));
    let length = length.and_then(|length| length.parse().ok()).unwrap_or(0);
    while body.len() < length {
        if stream.read_buf(&mut body).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
    Ok((head, body))
}

/// The head with fields of the proxy's own in place of the browser's.
fn rewritten(head: &str, own: &[(String, String)]) -> String {
    let is_own = |line: &&str| {
        let name = line.split(':').next().unwrap_or_default();
        own.iter().any(|(own, _)| own.eq_ignore_ascii_case(name))
    };
    let mut lines: Vec<String> =
        head.trim_end().lines().filter(|line| !is_own(line)).map(str::to_owned).collect();
    lines.extend(own.iter().map(|(name, value)| format!("{name}: {value}")));
    lines.join("\r\n") + "\r\n\r\n"
}

/// A CA with a certificate of a proxy, and their files.
pub struct Certified {
    ca: CertifiedIssuer<'static, KeyPair>,
    /// With `ca.pem` in it.
    pub folder: std::path::PathBuf,
}

impl Certified {
    pub fn new() -> Self {
        let mut params = CertificateParams::new(vec![]).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let ca = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        let name = format!("siths-idp-proxy-{}", Random::system().label());
        let folder = std::env::temp_dir().join(name);
        std::fs::create_dir(&folder).unwrap();
        std::fs::write(folder.join("ca.pem"), ca.pem()).unwrap();
        Self { ca, folder }
    }

    /// A client certificate for a DNS name.
    pub fn issue(&self, name: &str) -> (CertificateDer<'static>, PrivateKeyDer<'static>) {
        let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.ca).unwrap();
        let key = PrivatePkcs8KeyDer::from(key.serialize_der());
        (certificate.der().clone(), key.into())
    }

    pub fn clients(&self, names: &[&str], fingerprints: Vec<[u8; 32]>) -> ProxyTransport {
        let names = names.iter().map(|name| (*name).to_owned()).collect();
        let ca = self.folder.join("ca.pem");
        ProxyTransport::Tls(Some(ProxyClients { ca, names, fingerprints }))
    }
}

impl Drop for Certified {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}
