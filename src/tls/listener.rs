//! The listener: bounded connections, handshakes in tasks of their own, each with its timeout.
//!
//! Must never log the contents of a certificate, and never wait for one peer before serving the
//! next.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::io;
use std::net::{IpAddr, SocketAddr, TcpListener};
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::http::HeaderName;
use axum::middleware::{AddExtension, from_fn_with_state};
use axum::{Extension, Router};
use axum_server::Handle;
use axum_server::accept::Accept;
use rustls::ServerConnection;
use rustls::server::Acceptor;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;
use tokio_rustls::LazyConfigAcceptor;
use tokio_rustls::server::TlsStream;
use tower::Layer as _;

use super::announced::{self, Balancers};
use super::counters::{Counters, Failure};
use super::fields;
use super::hosts::{Host, Hosts};
use super::peer::{Peer, TlsFacts};
use super::proof::observed;
use super::server_config::{Configs, Hints, Identity};
use crate::pki::PresentedChain;
use crate::throttle::place;

/// Longest header of a request over HTTP/2, in bytes: an address with a sealed login of 32 KiB, and
/// the cookies of many logins beside it.
const MAX_HEADERS: u32 = 64 * 1024;

/// Limits of the listener, and the TLS versions of card hosts.
#[derive(Clone, Debug)]
pub struct Settings {
    /// How long a handshake may take where no card is asked for; and a ClientHello anywhere.
    pub handshake_timeout: Duration,
    /// How long a handshake on a card host may take after its ClientHello: the person chooses a
    /// certificate and types a PIN meanwhile.
    pub card_handshake_timeout: Duration,
    /// How long after the handshake the first request must be complete.
    pub first_request_timeout: Duration,
    /// How long the header of a later request may take, and how long a connection may be idle.
    pub header_timeout: Duration,
    /// How many connections may be open; more are dropped at once.
    pub max_connections: usize,
    /// How many handshakes on card hosts may be under way at one address, which may be a whole
    /// hospital's.
    pub max_choosing_per_address: usize,
    /// How many requests may run at once on one HTTP/2 connection.
    pub max_streams: u32,
    /// Whether card hosts speak TLS 1.2: some card drivers lack RSA-PSS, which TLS 1.3 needs.
    pub card_tls12: bool,
    /// Whether card hosts speak TLS 1.3, which hides the certificate from the network.
    pub card_tls13: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            handshake_timeout: Duration::from_secs(10),
            card_handshake_timeout: Duration::from_secs(180),
            first_request_timeout: Duration::from_secs(10),
            header_timeout: Duration::from_secs(30),
            max_connections: 4096,
            max_choosing_per_address: 256,
            max_streams: 128,
            card_tls12: true,
            card_tls13: true,
        }
    }
}

impl Settings {
    /// Places for as many connections as may be open.
    #[must_use]
    pub fn places(&self) -> Arc<Semaphore> {
        Arc::new(Semaphore::new(self.max_connections))
    }
}

/// What a listener is made of.
#[derive(Clone, Debug)]
pub struct TlsParts {
    /// Which name is which host.
    pub hosts: Hosts,
    /// The certificate of the issuer host, also shown where the server name is none of ours.
    pub identity: Identity,
    /// The certificate of the card hosts; may be the same.
    pub card_identity: Identity,
    /// The issuers whose certificates browsers are told to offer.
    pub hints: Hints,
    /// Limits.
    pub settings: Settings,
    /// The places for connections, of all listeners of a node together.
    pub places: Arc<Semaphore>,
    /// The balancers that announce their clients by the PROXY protocol.
    pub balancers: Balancers,
    /// Header fields that only proxies may bring, in lower case: removed from every request.
    pub proxy_fields: Arc<[HeaderName]>,
    /// Where failures are counted.
    pub counters: Arc<Counters>,
}

/// Serves `router` on `listener` until `handle` says otherwise. Every request carries a [`Peer`].
///
/// # Errors
/// When the card hosts are left without a TLS version, or the socket fails.
pub async fn serve(
    listener: TcpListener,
    parts: TlsParts,
    router: Router,
    handle: Handle<SocketAddr>,
) -> io::Result<()> {
    let configs = Configs::new(&parts).map_err(io::Error::other)?;
    let settings = parts.settings.clone();
    let brought =
        fields::Brought { removed: parts.proxy_fields.clone(), counters: parts.counters.clone() };
    let router = router.layer(from_fn_with_state(brought, fields::remove));
    let mut server = axum_server::from_tcp(listener)?;
    let builder = server.http_builder();
    builder.http1().header_read_timeout(settings.header_timeout);
    builder
        .http2()
        .max_concurrent_streams(settings.max_streams)
        .max_header_list_size(MAX_HEADERS)
        .keep_alive_interval(settings.header_timeout)
        .keep_alive_timeout(settings.handshake_timeout);
    server
        .acceptor(Door(Arc::new(Shared {
            choosing: Arc::new(Semaphore::new(settings.max_connections.div_ceil(2))),
            by_address: Mutex::default(),
            configs,
            parts,
        })))
        .first_request_timeout(settings.first_request_timeout)
        .handle(handle)
        .serve(router.into_make_service())
        .await
}

/// Lets connections in. `axum_server` calls it in a task of the connection's own.
#[derive(Clone)]
struct Door(Arc<Shared>);

struct Shared {
    // People at their choosers, who take their time: at most half of all, so that card hosts never
    // take the issuer host down.
    choosing: Arc<Semaphore>,
    // How many of them at each address.
    by_address: Mutex<HashMap<IpAddr, usize>>,
    configs: Configs,
    parts: TlsParts,
}

impl<S: Send + 'static> Accept<TcpStream, S> for Door {
    type Stream = Admitted<TlsStream<TcpStream>>;
    type Service = AddExtension<S, Peer>;
    type Future = Pin<Box<dyn Future<Output = io::Result<(Self::Stream, Self::Service)>> + Send>>;

    fn accept(&self, stream: TcpStream, service: S) -> Self::Future {
        let shared = self.0.clone();
        Box::pin(async move {
            let (stream, peer) = shared.admit(stream).await?;
            Ok((stream, Extension(peer).layer(service)))
        })
    }
}

impl Shared {
    async fn admit(
        &self,
        mut stream: TcpStream,
    ) -> io::Result<(Admitted<TlsStream<TcpStream>>, Peer)> {
        let addr = address_of(&stream)?;
        let counters = &self.parts.counters;
        // Dropped and not queued: whoever waits here is as likely an attack as a person.
        let Ok(permit) = self.parts.places.clone().try_acquire_owned() else {
            counters.fail(Failure::OverLimit);
            tracing::debug!(%addr, "connection dropped: too many are open");
            return Err(io::ErrorKind::ConnectionRefused.into());
        };
        stream.set_nodelay(true)?;
        let announced =
            announced::client(&self.parts.balancers, addr, &mut stream, &self.parts.settings);
        let addr = announced.await.inspect_err(|refusal| {
            counters.fail(refusal.failure);
            tracing::debug!(%addr, fault = %refusal.error, "connection dropped");
        })?;
        let mut sni = None;
        let (shaken, signature) = observed(self.shake_hands(addr, stream, &mut sni)).await;
        let failure = match shaken {
            Ok((stream, host)) => {
                counters.accept();
                let mut peer = self.peer(addr, host, sni.as_deref(), stream.get_ref().1);
                peer.tls.signature =
                    signature.and_then(|scheme| scheme.as_str()).map(str::to_owned);
                return Ok((Admitted { stream, _permit: permit }, peer));
            }
            Err(error) if error.kind() == io::ErrorKind::TimedOut => (Failure::TimedOut, error),
            Err(error) if error.kind() == io::ErrorKind::QuotaExceeded => {
                (Failure::OverLimit, error)
            }
            Err(error) => (Failure::of(&error), error),
        };
        let (kind, error) = failure;
        counters.fail(kind);
        // Counted, and told once a minute: a line for each would let strangers fill the disk.
        tracing::debug!(%addr, sni, ?kind, %error, "handshake failed");
        Err(error)
    }

    // The ClientHello has one deadline and the rest another: a person at a chooser is not slow, but
    // nobody types a ClientHello. `sni` outlives the handshake for the log.
    async fn shake_hands(
        &self,
        addr: SocketAddr,
        stream: TcpStream,
        sni: &mut Option<String>,
    ) -> io::Result<(TlsStream<TcpStream>, Host)> {
        let settings = &self.parts.settings;
        let hello = LazyConfigAcceptor::new(Acceptor::default(), stream);
        let start = timeout(settings.handshake_timeout, hello).await??;
        *sni = start.client_hello().server_name().map(str::to_owned);
        let host = self.parts.hosts.classify(sni.as_deref());
        let (config, limit) = match host {
            Host::Issuer => (&self.configs.issuer, settings.handshake_timeout),
            Host::Card { asks, .. } => (self.configs.card(asks), settings.card_handshake_timeout),
            // A system chooses at once.
            Host::Mtls { .. } => (&self.configs.mtls, settings.handshake_timeout),
        };
        let _place = match host {
            Host::Issuer | Host::Mtls { .. } => None,
            Host::Card { .. } => {
                Some(self.choose(place(addr.ip())).ok_or(io::ErrorKind::QuotaExceeded)?)
            }
        };
        let stream = timeout(limit, start.into_stream(config.clone())).await??;
        Ok((stream, host))
    }

    fn choose(&self, address: IpAddr) -> Option<Choosing<'_>> {
        let permit = self.choosing.clone().try_acquire_owned().ok()?;
        let most = self.parts.settings.max_choosing_per_address;
        let mut all = self.by_address.lock().unwrap_or_else(PoisonError::into_inner);
        let here = all.entry(address).or_default();
        if *here >= most {
            return None;
        }
        *here += 1;
        Some(Choosing { by_address: &self.by_address, address, _permit: permit })
    }

    fn peer(
        &self,
        addr: SocketAddr,
        host: Host,
        sni: Option<&str>,
        connection: &ServerConnection,
    ) -> Peer {
        let presented = connection.peer_certificates().filter(|_| host.takes_certificates());
        let chain = presented.and_then(|certificates| {
            let owned = certificates.iter().map(|one| one.clone().into_owned());
            PresentedChain::new(owned.collect())
        });
        let text = |name: Option<&str>| name.unwrap_or_default().to_owned();
        let alpn = connection.alpn_protocol();
        Peer {
            addr,
            host,
            authority: self.parts.hosts.authority(sni),
            chain,
            tls: TlsFacts {
                version: text(connection.protocol_version().and_then(|version| version.as_str())),
                cipher: text(
                    connection.negotiated_cipher_suite().and_then(|suite| suite.suite().as_str()),
                ),
                alpn: alpn.map(|name| String::from_utf8_lossy(name).into_owned()),
                signature: None,
            },
        }
    }
}

/// The address at the other end of a connection. A socket for both families shows IPv4 as ::ffff:…;
/// logs and the audit trail do not.
pub(super) fn address_of(stream: &TcpStream) -> io::Result<SocketAddr> {
    let addr = stream.peer_addr()?;
    Ok(SocketAddr::new(addr.ip().to_canonical(), addr.port()))
}

/// A handshake on a card host under way; its place is free again when it is dropped.
struct Choosing<'s> {
    by_address: &'s Mutex<HashMap<IpAddr, usize>>,
    address: IpAddr,
    _permit: OwnedSemaphorePermit,
}

impl Drop for Choosing<'_> {
    fn drop(&mut self) {
        let mut all = self.by_address.lock().unwrap_or_else(PoisonError::into_inner);
        if let Entry::Occupied(mut here) = all.entry(self.address) {
            *here.get_mut() -= 1;
            if *here.get() == 0 {
                here.remove();
            }
        }
    }
}

/// A connection that came in; its place is free again when it is dropped.
pub(super) struct Admitted<S> {
    pub(super) stream: S,
    pub(super) _permit: OwnedSemaphorePermit,
}

impl<S: AsyncRead + Unpin> AsyncRead for Admitted<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Admitted<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
