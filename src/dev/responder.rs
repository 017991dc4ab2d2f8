//! The web server of the look-alike PKI: revocation lists, OCSP, and faults that are switched on.
//!
//! On loopback, over plain HTTP, as those of SITHS are. Must never be asked by an installation: who
//! can reach it can switch what it says.

mod fault;
mod http;

use std::collections::HashMap;
use std::net::{SocketAddr, TcpListener};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use anyhow::Context as _;
use axum_server::Handle;
use chrono::{DateTime, DurationRound as _, TimeDelta, Utc};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use tokio::sync::{mpsc, oneshot};

pub use self::fault::{Fault, NAMES, What};
pub(super) use self::http::{BY_COMMAND, SWITCHES};
use super::pki::ocsp::{self, Nonce, Signer, Status};
use super::pki::status::{
    CRL_INTERVAL, CRL_LIFETIME, ListKey, OCSP_LIFETIME, Revoked, StatusAuthorities,
};
use super::pki::{CaName, Pki, Standing};
use super::switch::issued;
use crate::clock::Clock;

/// How long ago the last good word was, where the responder is [`Fault::Stale`].
pub const STALE_SINCE: TimeDelta = TimeDelta::days(14);

/// A responder that runs until it is dropped.
pub struct Responder {
    shared: Arc<Shared>,
    address: SocketAddr,
    handle: Handle<SocketAddr>,
}

struct Shared {
    keys: Arc<StatusAuthorities>,
    /// By the path of each.
    certificates: HashMap<String, CertificateDer<'static>>,
    clock: Clock,
    switches: Mutex<Switches>,
    requests: [AtomicU64; 2],
    /// Who wants to know that something was switched by a command, and is waited for.
    listener: OnceLock<mpsc::Sender<oneshot::Sender<()>>>,
}

#[derive(Default)]
struct Switches {
    faults: [Fault; 2],
    nonce: Nonce,
    signer: Signer,
    revoked: HashMap<CaName, Book>,
}

/// What one authority has revoked.
#[derive(Clone, Debug, Default)]
struct Book {
    revoked: Vec<Revoked>,
    /// Serial numbers that OCSP does not know.
    forgotten: Vec<Vec<u8>>,
    /// When that changed last, and how often.
    changed: Option<DateTime<Utc>>,
    changes: u16,
}

impl Responder {
    /// Serves on a listener, inside the present runtime. The revoked cards of the PKI's people are
    /// revoked.
    ///
    /// # Errors
    /// When the listener cannot be used, or a card cannot be read.
    pub fn start(listener: TcpListener, pki: &Pki, clock: Clock) -> anyhow::Result<Self> {
        let address = listener.local_addr()?;
        let certificates = CaName::all()
            .map(|ca| (format!("/{}.cer", ca.file_stem()), pki.certificate(ca).clone()));
        let shared = Arc::new(Shared {
            keys: pki.status(),
            certificates: certificates.collect(),
            clock,
            switches: Mutex::default(),
            requests: Default::default(),
            listener: OnceLock::new(),
        });
        let handle = Handle::new();
        shared.begin_with(pki)?;
        http::serve(listener, Arc::clone(&shared), handle.clone())?;
        Ok(Self { shared, address, handle })
    }

    /// Where it listens.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where the list of an authority is.
    #[must_use]
    pub fn crl_url(&self, ca: CaName) -> String {
        format!("http://{}/{}.crl", self.address, ca.file_stem())
    }

    /// Where OCSP is answered, for all authorities.
    #[must_use]
    pub fn ocsp_url(&self) -> String {
        format!("http://{}/ocsp", self.address)
    }

    /// Revokes what `ca` issued with a serial number (the content of its DER INTEGER, leading zeros
    /// or not). Lists and answers tell it from now on.
    pub fn revoke(&self, ca: CaName, serial: &[u8], at: DateTime<Utc>) {
        self.revoke_all(ca, [serial.to_vec()], at);
    }

    /// [`Responder::revoke`] of many.
    pub fn revoke_all(
        &self,
        ca: CaName,
        serials: impl IntoIterator<Item = Vec<u8>>,
        at: DateTime<Utc>,
    ) {
        let revoked = serials.into_iter().map(|serial| Revoked { serial: stripped(&serial), at });
        self.shared.change(ca, |book| book.extend(revoked));
    }

    /// Revokes a certificate now, by whichever authority its issuer's name says.
    ///
    /// # Errors
    /// When it cannot be read, or no authority of the PKI has that name.
    pub fn revoke_certificate(&self, certificate: &CertificateDer<'_>) -> anyhow::Result<()> {
        let (ca, serial) = issued(certificate).context("no certificate of this PKI")?;
        self.revoke(ca, &serial, self.shared.clock.now());
        Ok(())
    }

    /// Lets OCSP answer `unknown` of what `ca` issued with a serial number; its list stays as it is.
    pub fn forget(&self, ca: CaName, serial: &[u8]) {
        let mut switches = self.shared.switches();
        switches.revoked.entry(ca).or_default().forgotten.push(stripped(serial));
    }

    /// Takes everything back that an authority has revoked.
    pub fn revoke_nothing(&self, ca: CaName) {
        self.shared.change(ca, Vec::clear);
    }

    /// Switches a fault on, in place of the one before.
    pub fn set_fault(&self, what: What, fault: Fault) {
        self.shared.switches().faults[what as usize] = fault;
    }

    /// What OCSP does with nonces; at first it echoes them.
    pub fn set_nonce(&self, nonce: Nonce) {
        self.shared.switches().nonce = nonce;
    }

    /// Who signs OCSP; at first a delegate of the authority.
    pub fn set_signer(&self, signer: Signer) {
        self.shared.switches().signer = signer;
    }

    /// Tells of each switch by a command; the command waits until its sender is used or dropped. To
    /// be called once: a second receiver hears nothing.
    #[must_use]
    pub fn switched(&self) -> mpsc::Receiver<oneshot::Sender<()>> {
        let (sender, receiver) = mpsc::channel(1);
        let _ = self.shared.listener.set(sender);
        receiver
    }

    /// How many requests came, whatever was answered.
    #[must_use]
    pub fn requests(&self, what: What) -> u64 {
        self.shared.requests[what as usize].load(Ordering::SeqCst)
    }
}

impl Drop for Responder {
    fn drop(&mut self) {
        self.handle.shutdown();
    }
}

impl Shared {
    fn switches(&self) -> MutexGuard<'_, Switches> {
        self.switches.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The cards of the PKI's people that are not good. As if that were done the day before, so that
    /// all responders of an hour have the same lists.
    fn begin_with(&self, pki: &Pki) -> anyhow::Result<()> {
        let at = self.hour() - TimeDelta::days(1);
        let mut switches = self.switches();
        for person in pki.people() {
            if person.standing == Standing::Good {
                continue;
            }
            let card = CertificateDer::from_pem_file(&person.cert_pem)?;
            let (ca, serial) = issued(&card).context("no certificate of this PKI")?;
            let book = switches.revoked.entry(ca).or_default();
            match person.standing {
                Standing::Good => {}
                Standing::Revoked => book.revoked.push(Revoked { serial: stripped(&serial), at }),
                Standing::Unknown => book.forgotten.push(stripped(&serial)),
            }
        }
        Ok(())
    }

    /// The hour that began last.
    fn hour(&self) -> DateTime<Utc> {
        let now = self.clock.now();
        now.duration_trunc(CRL_INTERVAL).unwrap_or(now)
    }

    fn change(&self, ca: CaName, edit: impl FnOnce(&mut Vec<Revoked>)) {
        let now = self.clock.now();
        let mut switches = self.switches();
        let book = switches.revoked.entry(ca).or_default();
        edit(&mut book.revoked);
        book.revoked.sort();
        book.revoked.dedup_by(|one, other| one.serial == other.serial);
        (book.changed, book.changes) = (Some(now), book.changes.saturating_add(1));
    }

    fn fault(&self, what: What) -> Fault {
        self.switches().faults[what as usize].clone()
    }

    /// What the list of an authority says now.
    fn list(&self, ca: CaName, fault: &Fault) -> ListKey {
        let book = self.switches().revoked.get(&ca).cloned().unwrap_or_default();
        let hour = self.hour();
        let mut this_update = book.changed.map_or(hour, |changed| changed.max(hour));
        if *fault == Fault::Stale {
            this_update = hour - STALE_SINCE;
        }
        let seconds = u64::try_from(this_update.timestamp()).unwrap_or(0);
        ListKey {
            ca,
            this_update,
            next_update: this_update + CRL_LIFETIME,
            number: seconds << 16 | u64::from(book.changes),
            revoked: book.revoked,
            wrong_signer: *fault == Fault::WrongSigner,
        }
    }

    /// An answer to a request for OCSP, as DER. Blocks.
    fn answer(&self, request: &[u8], fault: &Fault) -> Vec<u8> {
        let Some(request) = ocsp::Request::read(request) else {
            return ocsp::refusal(ocsp::MALFORMED);
        };
        let ca = match self.keys.asked(&request) {
            Ok(Some(ca)) => ca,
            Ok(None) => return ocsp::refusal(ocsp::UNAUTHORIZED),
            Err(_) => return ocsp::refusal(ocsp::INTERNAL),
        };
        let now = match fault {
            Fault::Stale => self.clock.now() - STALE_SINCE,
            _ => self.clock.now(),
        };
        let (book, nonce, signer) = {
            let switches = self.switches();
            let book = switches.revoked.get(&ca).cloned().unwrap_or_default();
            (book, switches.nonce, switches.signer)
        };
        let status = |serial: &[u8]| match book.revoked.iter().find(|r| r.serial == serial) {
            _ if *fault == Fault::Unknown => Status::Unknown,
            _ if book.forgotten.iter().any(|forgotten| forgotten == serial) => Status::Unknown,
            Some(revoked) => Status::Revoked(revoked.at),
            None => Status::Good,
        };
        let answer = ocsp::Answer {
            request: &request,
            produced_at: now,
            this_update: now,
            next_update: now + OCSP_LIFETIME,
            nonce,
        };
        let wrong_signer = *fault == Fault::WrongSigner;
        self.keys
            .answer(ca, &answer, (signer, wrong_signer), status)
            .unwrap_or_else(|_| ocsp::refusal(ocsp::INTERNAL))
    }
}

fn stripped(serial: &[u8]) -> Vec<u8> {
    serial.iter().skip_while(|byte| **byte == 0).copied().collect()
}

#[cfg(test)]
mod tests;
