//! The address of a client whom a balancer announces by the PROXY protocol, before TLS.
//!
//! From listed balancers the header is required, because a connection without one would carry the
//! balancer's address as the person's. From anybody else it is never read: what comes is TLS or
//! nothing. Must never read beyond the header.

use std::io;
use std::net::SocketAddr;

use tokio::io::{AsyncRead, AsyncReadExt as _};
use tokio::time::timeout;

use super::counters::Failure;
use super::listener::Settings;
use crate::proxy::Peers;
use crate::proxy::protocol::{self, Announced, Others, Progress};

/// Who announces clients, and what becomes of connections of others.
#[derive(Clone, Debug)]
pub struct Balancers {
    /// Balancers: theirs must begin with a header.
    pub peers: Peers,
    /// What becomes of the others.
    pub others: Others,
}

impl Balancers {
    /// None: every connection is a browser's own.
    #[must_use]
    pub fn none() -> Self {
        Self { peers: Peers::default(), others: Others::Serve }
    }
}

/// A connection that is dropped before TLS.
#[derive(Debug)]
pub(super) struct Refusal {
    pub(super) failure: Failure,
    pub(super) error: io::Error,
}

impl From<Refusal> for io::Error {
    fn from(refusal: Refusal) -> Self {
        refusal.error
    }
}

/// The client's address: as announced, or the connection's own.
///
/// One deadline holds for the whole header, however slowly its bytes come.
pub(super) async fn client(
    balancers: &Balancers,
    addr: SocketAddr,
    stream: &mut (impl AsyncRead + Unpin),
    settings: &Settings,
) -> Result<SocketAddr, Refusal> {
    if !balancers.peers.contains(addr.ip()) {
        return match balancers.others {
            Others::Serve => Ok(addr),
            Others::Refuse => Err(Refusal {
                failure: Failure::Unlisted,
                error: io::Error::new(io::ErrorKind::PermissionDenied, "not a listed balancer"),
            }),
        };
    }
    match timeout(settings.handshake_timeout, header(stream)).await {
        Ok(Ok(Announced::Client(client))) => Ok(client),
        Ok(Ok(Announced::Balancer)) => Ok(addr),
        Ok(Err(error)) => Err(Refusal { failure: Failure::ProxyHeader, error }),
        Err(elapsed) => Err(Refusal { failure: Failure::TimedOut, error: elapsed.into() }),
    }
}

async fn header(stream: &mut (impl AsyncRead + Unpin)) -> io::Result<Announced> {
    let mut bytes = Vec::new();
    loop {
        match protocol::read(&bytes).map_err(io::Error::other)? {
            Progress::Whole(announced) => return Ok(announced),
            Progress::More(more) => {
                let come = bytes.len();
                bytes.resize(come + more, 0);
                let rest = bytes.get_mut(come..).unwrap_or_default();
                stream.read_exact(rest).await?;
            }
        }
    }
}
