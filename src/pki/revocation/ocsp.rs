//! OCSP: a question about one certificate, and an answer that is believed (RFC 6960).
//!
//! Must never believe an answer about another certificate, by another signer, or of another time.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};

use super::policy::Status;
use super::{Authority, Serial};

/// The most bytes of an answer that are read.
pub const MAX_BYTES: usize = 64 * 1024;

/// The bytes of a nonce (RFC 9654 §2.1).
pub type Nonce = [u8; 32];

/// A question about one certificate.
#[derive(Clone, Debug)]
pub struct Request {
    der: Vec<u8>,
    nonce: Option<Nonce>,
    serial: Serial,
}

/// What an answer must hold to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rules {
    /// How long an answer without nextUpdate holds, from its thisUpdate on.
    pub max_age: TimeDelta,
    /// Whether an answer must repeat the nonce. One that has a nonce must have ours all the same.
    pub nonce_required: bool,
}

impl Default for Rules {
    fn default() -> Self {
        Self { max_age: TimeDelta::hours(1), nonce_required: false }
    }
}

/// What an answer is read for.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    /// The question.
    pub request: &'a Request,
    /// Who issued the certificate.
    pub authority: &'a Authority,
    /// What the answer must hold to.
    pub rules: Rules,
}

/// An answer, verified.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Answer {
    /// What it says of the certificate.
    pub status: Status,
    /// When that was known to be right.
    pub this_update: DateTime<Utc>,
    /// When newer knowledge is due, where it says.
    pub next_update: Option<DateTime<Utc>>,
    /// When it was signed.
    pub produced_at: DateTime<Utc>,
    /// Until when it holds: nextUpdate, or thisUpdate and the greatest age.
    pub until: DateTime<Utc>,
}

/// Why there is no answer that can be believed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OcspFault {
    /// The serial number is one that no request can hold.
    #[error("the serial number is no positive number of at most 20 octets")]
    Serial,
}

impl Request {
    /// The question about `serial` of `authority`. The nonce is of the caller's randomness; an
    /// answer read again from a store is read with a request without one.
    ///
    /// # Errors
    /// [`OcspFault::Serial`].
    pub fn new(
        authority: &Authority,
        serial: &Serial,
        nonce: Option<Nonce>,
    ) -> Result<Self, OcspFault> {
        let _ = (authority, Arc::new(0));
        Ok(Self { der: Vec::new(), nonce, serial: serial.clone() })
    }

    /// What is sent, `application/ocsp-request`.
    #[must_use]
    pub fn der(&self) -> &[u8] {
        &self.der
    }
}

impl Answer {
    /// Verifies an answer, `application/ocsp-response`.
    ///
    /// # Errors
    /// Why it is not believed.
    pub fn read(der: &[u8], asked: &Asked<'_>, now: DateTime<Utc>) -> Result<Self, OcspFault> {
        let _ = (der, asked, now);
        Err(OcspFault::Serial)
    }
}
