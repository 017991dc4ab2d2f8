//! The ports of proxies that end TLS: who may connect there, and what is believed of what they say.
//!
//! A proxy is believed when its address is listed **and** it proves to be itself: by a certificate, by
//! a secret, or both. Then the host of a request, the client's address and certificate are the
//! proxy's word; the certificate is judged like any other, but that its key was used in the handshake
//! is the proxy's word too. Must never serve anybody else here, and never pass on a field that was
//! believed.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::num::NonZeroU32;
use std::pin::Pin;
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::header::{CONNECTION, CONTENT_TYPE, HOST};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::middleware::{AddExtension, Next, from_fn_with_state};
use axum::response::{IntoResponse as _, Response};
use axum::{Extension, Router};
use axum_server::Handle;
use axum_server::accept::Accept;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::CertificateDer;
use rustls::server::{NoServerSessionStorage, WebPkiClientVerifier};
use rustls::{RootCertStore, ServerConfig};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tower::Layer as _;
use webpki::EndEntityCert;

use super::counters::{Counters, Failure};
use super::fields;
use super::hosts::Hosts;
use super::listener::{Admitted, Settings, address_of};
use super::peer::{Peer, TlsFacts, host_of};
use super::server_config::Identity;
use crate::pki::PresentedChain;
use crate::proxy::{AddressFault, ChainFields, ClientAddress, Peers};
use crate::secret::{equal, sha256};
use crate::throttle::Throttle;

/// What the ports of proxies are made of.
#[derive(Clone)]
pub struct ProxyParts {
    /// Which name is which host.
    pub hosts: Hosts,
    /// Who is listed, and what proves that it is them.
    pub proxies: Proxies,
    /// The TLS between proxy and node; `None` for none.
    pub tls: Option<ProxyTls>,
    /// Where the client's certificate is.
    pub certificate: ChainFields,
    /// Which field tells the client's address.
    pub client_address: ClientAddress,
    /// The field that tells the server name of the client's ClientHello, where the proxy knows it.
    pub server_name: Option<HeaderName>,
    /// Header fields that only proxies may bring, in lower case: removed once they were read.
    pub proxy_fields: Arc<[HeaderName]>,
    /// Limits.
    pub settings: Settings,
    /// The places for connections, of all listeners of a node together.
    pub places: Arc<Semaphore>,
    /// Where failures are counted.
    pub counters: Arc<Counters>,
}

/// Who is listed, and by which secret they are known.
#[derive(Clone)]
pub struct Proxies {
    /// The addresses that may connect.
    pub peers: Peers,
    /// The field of the secret, and the SHA-256 of each that is good; `None` where the certificate
    /// is the proof.
    pub secret: Option<(HeaderName, Arc<[[u8; 32]]>)>,
}

/// The TLS between proxy and node.
#[derive(Clone)]
pub struct ProxyTls {
    /// The certificate that proxies are shown.
    pub identity: Identity,
    /// The certificates that proxies must show; `None` where the secret is the proof.
    pub clients: Option<ProxyClients>,
}

/// The certificates that are proxies'.
#[derive(Clone)]
pub struct ProxyClients {
    /// The CAs that they are from.
    pub roots: Arc<RootCertStore>,
    /// DNS names, one of which the certificate must have to the letter.
    pub names: Vec<String>,
    /// Or its SHA-256.
    pub fingerprints: Vec<[u8; 32]>,
}

impl ProxyClients {
    fn are(&self, leaf: &CertificateDer<'_>) -> bool {
        if self.fingerprints.contains(&sha256(leaf)) {
            return true;
        }
        // To the letter: a wildcard in a certificate stands for no name of the list.
        EndEntityCert::try_from(leaf).is_ok_and(|certificate| {
            certificate.valid_dns_names().any(|name| self.names.iter().any(|good| good == name))
        })
    }
}

/// Serves `router` to proxies on `listener` until `handle` says otherwise. Every request carries a
/// [`Peer`], as if its client had connected here.
///
/// # Errors
/// When the TLS cannot be set up, or the socket fails.
pub async fn serve_proxies(
    listener: TcpListener,
    parts: ProxyParts,
    router: Router,
    handle: Handle<SocketAddr>,
) -> io::Result<()> {
    let acceptor = parts.tls.as_ref().map(acceptor).transpose().map_err(io::Error::other)?;
    let settings = parts.settings.clone();
    let shared = Arc::new(Shared { told: Throttle::per_minute(NonZeroU32::MIN), acceptor, parts });
    let router = router.layer(from_fn_with_state(shared.clone(), believe));
    let mut server = axum_server::from_tcp(listener)?.http1_only();
    server.http_builder().http1().header_read_timeout(settings.header_timeout);
    server
        .acceptor(Door(shared))
        .first_request_timeout(settings.first_request_timeout)
        .handle(handle)
        .serve(router.into_make_service())
        .await
}

fn acceptor(tls: &ProxyTls) -> Result<TlsAcceptor, Box<dyn std::error::Error + Send + Sync>> {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let builder = ServerConfig::builder_with_provider(provider.clone())
        .with_safe_default_protocol_versions()?;
    let builder = match &tls.clients {
        None => builder.with_no_client_auth(),
        Some(clients) => builder.with_client_cert_verifier(
            WebPkiClientVerifier::builder_with_provider(clients.roots.clone(), provider).build()?,
        ),
    };
    let mut config = builder.with_cert_resolver(tls.identity.resolver());
    // Each connection is proved anew.
    config.session_storage = Arc::new(NoServerSessionStorage {});
    config.send_tls13_tickets = 0;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(TlsAcceptor::from(Arc::new(config)))
}

/// Lets proxies in. `axum_server` calls it in a task of the connection's own.
#[derive(Clone)]
struct Door(Arc<Shared>);

struct Shared {
    // One warning a minute of each proxy: whoever misuses one must not fill the disk.
    told: Throttle,
    acceptor: Option<TlsAcceptor>,
    parts: ProxyParts,
}

/// The proxy at the other end of a connection.
#[derive(Clone, Copy)]
struct Proxy(SocketAddr);

/// What carries the requests of a proxy.
trait Carrier: AsyncRead + AsyncWrite + Unpin + Send {}

impl<S: AsyncRead + AsyncWrite + Unpin + Send> Carrier for S {}

impl<S: Send + 'static> Accept<TcpStream, S> for Door {
    type Stream = Admitted<Box<dyn Carrier>>;
    type Service = AddExtension<S, Proxy>;
    type Future = Pin<Box<dyn Future<Output = io::Result<(Self::Stream, Self::Service)>> + Send>>;

    fn accept(&self, stream: TcpStream, service: S) -> Self::Future {
        let shared = self.0.clone();
        Box::pin(async move {
            let proxy = Proxy(address_of(&stream)?);
            let stream = shared.admit(proxy, stream).await.map_err(|(failure, error)| {
                shared.parts.counters.fail(failure);
                tracing::debug!(addr = %proxy.0, kind = ?failure, %error, "no connection of a proxy");
                error
            })?;
            shared.parts.counters.accept();
            Ok((stream, Extension(proxy).layer(service)))
        })
    }
}

impl Shared {
    async fn admit(
        &self,
        proxy: Proxy,
        stream: TcpStream,
    ) -> Result<Admitted<Box<dyn Carrier>>, (Failure, io::Error)> {
        // Before a byte is read or written.
        if !self.parts.proxies.peers.contains(proxy.0.ip()) {
            return Err((Failure::Unlisted, io::ErrorKind::PermissionDenied.into()));
        }
        let permit = self.parts.places.clone().try_acquire_owned();
        let permit =
            permit.map_err(|_| (Failure::OverLimit, io::ErrorKind::ConnectionRefused.into()))?;
        let of = |error| (Failure::of(&error), error);
        stream.set_nodelay(true).map_err(of)?;
        let Some(acceptor) = &self.acceptor else {
            return Ok(Admitted { stream: Box::new(stream), _permit: permit });
        };
        let stream = timeout(self.parts.settings.handshake_timeout, acceptor.accept(stream))
            .await
            .map_err(|elapsed| (Failure::TimedOut, elapsed.into()))?;
        let stream = stream.map_err(|error| match Failure::of(&error) {
            // Without a certificate, or with one of another CA.
            Failure::Possession | Failure::Protocol => (Failure::Unproven, error),
            other => (other, error),
        })?;
        if let Some(clients) = self.parts.tls.as_ref().and_then(|tls| tls.clients.as_ref()) {
            let leaf = stream.get_ref().1.peer_certificates().and_then(<[_]>::first);
            if !leaf.is_some_and(|leaf| clients.are(leaf)) {
                return Err((Failure::Unproven, io::ErrorKind::PermissionDenied.into()));
            }
        }
        Ok(Admitted { stream: Box::new(stream), _permit: permit })
    }

    /// Whether the request brings the secret, once, where one is asked for.
    fn is_proven(&self, headers: &HeaderMap) -> bool {
        let Some((name, good)) = &self.parts.proxies.secret else { return true };
        let mut brought = headers.get_all(name).iter();
        let (Some(secret), None) = (brought.next(), brought.next()) else { return false };
        let brought = sha256(secret.as_bytes());
        // Every one is compared, so that the time tells nothing of which it is.
        good.iter().fold(false, |found, good| found | equal(good, &brought))
    }

    /// Who is at the other end of the proxy.
    fn peer(&self, proxy: Proxy, request: &Request) -> Result<Peer, AddressFault> {
        let headers = request.headers();
        let parts = &self.parts;
        let name = HeaderName::from_static(parts.client_address.name());
        let addr = parts.client_address.read(&values(headers, &name), &parts.proxies.peers)?;
        let server_name = self.server_name(headers);
        let host = parts.hosts.classify(server_name.as_deref());
        let authority = server_name.as_deref().and_then(|name| parts.hosts.authority(Some(name)));
        let chain = host.takes_certificates().then(|| self.chain(headers, proxy)).flatten();
        // The proxy's handshake with the client is not seen from here.
        let tls =
            TlsFacts { version: String::new(), cipher: String::new(), alpn: None, signature: None };
        Ok(Peer { addr, host, authority, chain, tls })
    }

    /// The name that the client connected to: by its ClientHello, where the proxy tells it; else
    /// what the request says.
    fn server_name(&self, headers: &HeaderMap) -> Option<String> {
        let name = self.parts.server_name.as_ref().unwrap_or(&HOST);
        let [value] = values(headers, name)[..] else { return None };
        std::str::from_utf8(value).ok().and_then(host_of)
    }

    fn chain(&self, headers: &HeaderMap, proxy: Proxy) -> Option<PresentedChain> {
        let read = self.parts.certificate.read(|name| {
            HeaderName::try_from(name).map_or_else(|_| Vec::new(), |name| values(headers, &name))
        });
        read.unwrap_or_else(|fault| {
            self.parts.counters.unfit();
            if self.told.admits(proxy.0.ip()) {
                tracing::warn!(
                    proxy = %proxy.0,
                    %fault,
                    format = self.parts.certificate.format.name(),
                    "a proxy brought a client certificate that cannot be read"
                );
            }
            // Judged as what it is, an unreadable certificate: something was presented, so "no
            // certificate" would send the person looking for a card that is in its reader.
            Some(vec![CertificateDer::from(Vec::new())])
        })
        .and_then(PresentedChain::new)
    }

    fn refuse(&self, proxy: Proxy, status: StatusCode, why: &str) -> Response {
        if self.told.admits(proxy.0.ip()) {
            tracing::warn!(proxy = %proxy.0, why, "a request of a proxy was refused");
        }
        let close = HeaderValue::from_static("close");
        let text = HeaderValue::from_static("text/plain; charset=utf-8");
        (status, [(CONTENT_TYPE, text), (CONNECTION, close)], "refused\n").into_response()
    }
}

/// Middleware: what the proxy says becomes the [`Peer`] of the request, and the fields that said it
/// are removed.
async fn believe(State(shared): State<Arc<Shared>>, mut request: Request, next: Next) -> Response {
    let Some(proxy) = request.extensions().get::<Proxy>().copied() else {
        return StatusCode::MISDIRECTED_REQUEST.into_response();
    };
    if !shared.is_proven(request.headers()) {
        shared.parts.counters.fail(Failure::Unproven);
        return shared.refuse(proxy, StatusCode::FORBIDDEN, "its secret is missing or wrong");
    }
    let peer = match shared.peer(proxy, &request) {
        Ok(peer) => peer,
        Err(fault) => {
            shared.parts.counters.unfit();
            let why = format!("{}: {fault}", shared.parts.client_address);
            return shared.refuse(proxy, StatusCode::BAD_REQUEST, &why);
        }
    };
    fields::removed(request.headers_mut(), &shared.parts.proxy_fields);
    request.extensions_mut().insert(peer);
    next.run(request).await
}

fn values<'h>(headers: &'h HeaderMap, name: &HeaderName) -> Vec<&'h [u8]> {
    headers.get_all(name).iter().map(HeaderValue::as_bytes).collect()
}
