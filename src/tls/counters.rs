//! How many connections came, and what became of those that did not come in.
//!
//! A handshake that fails leaves no other trace than this and a line in the log at `debug`.

use std::io;
use std::sync::atomic::{AtomicU64, Ordering};

/// Counts since the start, shared between connections.
#[derive(Debug, Default)]
pub struct Counters {
    accepted: AtomicU64,
    over_limit: AtomicU64,
    timed_out: AtomicU64,
    closed: AtomicU64,
    alert: AtomicU64,
    incompatible: AtomicU64,
    possession: AtomicU64,
    protocol: AtomicU64,
    unlisted: AtomicU64,
    proxy_header: AtomicU64,
    unproven: AtomicU64,
    unfit: AtomicU64,
    spoofed: AtomicU64,
}

/// The counts at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Snapshot {
    /// Handshakes that were completed.
    pub accepted: u64,
    /// Connections dropped at once because there were too many.
    pub over_limit: u64,
    /// Handshakes that took too long.
    pub timed_out: u64,
    /// Handshakes that the peer left.
    pub closed: u64,
    /// Handshakes that the peer refused with an alert.
    pub alert: u64,
    /// No version, cipher, signature scheme or ALPN protocol in common.
    pub incompatible: u64,
    /// Certificates that cannot be read or whose key the peer did not prove to hold.
    pub possession: u64,
    /// Any other breach of the TLS protocol.
    pub protocol: u64,
    /// Connections from addresses that are not listed, where only listed ones are served.
    pub unlisted: u64,
    /// Connections of listed balancers without a PROXY protocol header that can be read.
    pub proxy_header: u64,
    /// Connections and requests of listed proxies that did not prove to be them.
    pub unproven: u64,
    /// Requests of proxies whose header fields cannot be read: no client address, or a certificate
    /// that is none.
    pub unfit: u64,
    /// Requests of browsers that brought header fields which only proxies may bring.
    pub spoofed: u64,
}

/// Why a connection did not come in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Failure {
    OverLimit,
    TimedOut,
    Closed,
    Alert,
    Incompatible,
    Possession,
    Protocol,
    Unlisted,
    ProxyHeader,
    Unproven,
}

impl Failure {
    /// What kind of failure an error of a handshake is.
    pub(super) fn of(error: &io::Error) -> Self {
        use rustls::Error as E;
        let tls = error.get_ref().and_then(|inner| inner.downcast_ref::<E>());
        match tls {
            None => Self::Closed,
            Some(E::AlertReceived(_)) => Self::Alert,
            Some(E::PeerIncompatible(_) | E::NoApplicationProtocol) => Self::Incompatible,
            Some(E::InvalidCertificate(_)) => Self::Possession,
            Some(_) => Self::Protocol,
        }
    }
}

impl Counters {
    pub(super) fn accept(&self) {
        self.accepted.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn fail(&self, failure: Failure) {
        let counter = match failure {
            Failure::OverLimit => &self.over_limit,
            Failure::TimedOut => &self.timed_out,
            Failure::Closed => &self.closed,
            Failure::Alert => &self.alert,
            Failure::Incompatible => &self.incompatible,
            Failure::Possession => &self.possession,
            Failure::Protocol => &self.protocol,
            Failure::Unlisted => &self.unlisted,
            Failure::ProxyHeader => &self.proxy_header,
            Failure::Unproven => &self.unproven,
        };
        counter.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn unfit(&self) {
        self.unfit.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn spoof(&self) {
        self.spoofed.fetch_add(1, Ordering::Relaxed);
    }

    /// The counts now.
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Snapshot {
            accepted: read(&self.accepted),
            over_limit: read(&self.over_limit),
            timed_out: read(&self.timed_out),
            closed: read(&self.closed),
            alert: read(&self.alert),
            incompatible: read(&self.incompatible),
            possession: read(&self.possession),
            protocol: read(&self.protocol),
            unlisted: read(&self.unlisted),
            proxy_header: read(&self.proxy_header),
            unproven: read(&self.unproven),
            unfit: read(&self.unfit),
            spoofed: read(&self.spoofed),
        }
    }
}
