//! How it was settled whether a certificate and the CAs above it are revoked: for the ticket, the audit
//! trail, and the session that rests on them.
//!
//! Must never hold more of a certificate than its issuer's key and its serial number.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::named::named;
use crate::pki::revocation::{Finding, Link, Verdict};

/// The most characters of a detail that travel in a ticket.
const MAX_DETAIL: usize = 160;

/// What was found of one certificate of a path.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Settled {
    /// Its issuer: SHA-256 of the key, base64url.
    #[serde(rename = "i")]
    issuer: String,
    /// Its serial number, base64url.
    #[serde(rename = "s")]
    serial: String,
    /// What follows.
    #[serde(rename = "v")]
    pub verdict: Word,
    /// Who said it.
    #[serde(rename = "f", skip_serializing_if = "Option::is_none")]
    source: Option<String>,
    /// When that was known to be right.
    #[serde(rename = "t", skip_serializing_if = "Option::is_none")]
    this_update: Option<DateTime<Utc>>,
    /// Since when it is revoked.
    #[serde(rename = "r", skip_serializing_if = "Option::is_none")]
    revoked_at: Option<DateTime<Utc>>,
    /// What each source said.
    #[serde(rename = "d")]
    pub detail: String,
}

/// The certificates of a path, leaf first: what a session rests on.
pub struct Path {
    /// Who issued each: SHA-256 of the key.
    pub issuers: Vec<Vec<u8>>,
    /// Their serial numbers.
    pub serials: Vec<Vec<u8>>,
}

named! {
    /// A verdict, in the words of the audit trail.
    pub enum Word {
        /// A source says that it is not revoked.
        NotRevoked = "not-revoked",
        /// The same, but only for the grace that is configured.
        WithinGrace = "within-grace",
        /// A source says that it is revoked.
        Revoked = "revoked",
        /// Nobody can say, and it is refused.
        Undetermined = "undetermined",
        /// The configuration asks nobody.
        NotChecked = "not-checked",
    }
}

impl Settled {
    /// What was found of each link, in their order.
    #[must_use]
    pub fn all(links: &[Link], findings: &[Finding]) -> Vec<Self> {
        links.iter().zip(findings).map(|(link, finding)| Self::of(link, finding)).collect()
    }

    fn of(link: &Link, finding: &Finding) -> Self {
        let verdict = match finding.verdict {
            Verdict::NotRevoked if finding.within_grace => Word::WithinGrace,
            Verdict::NotRevoked => Word::NotRevoked,
            Verdict::Revoked => Word::Revoked,
            Verdict::Undetermined => Word::Undetermined,
            Verdict::NotChecked => Word::NotChecked,
        };
        Self {
            issuer: URL_SAFE_NO_PAD.encode(link.issuer.as_bytes()),
            serial: URL_SAFE_NO_PAD.encode(link.serial.as_bytes()),
            verdict,
            source: finding.source.map(|source| source.name().to_owned()),
            this_update: finding.this_update,
            revoked_at: finding.revocation.map(|revocation| revocation.at),
            detail: finding.detail.chars().take(MAX_DETAIL).collect(),
        }
    }

    /// Whether no current word of a source stands behind it.
    #[must_use]
    pub const fn is_doubtful(&self) -> bool {
        matches!(self.verdict, Word::WithinGrace | Word::Undetermined)
    }

    /// For the audit trail: the certificate first, then the CAs above it.
    #[must_use]
    pub fn audit(settled: &[Self], now: DateTime<Utc>) -> Option<Value> {
        let tell = |settled: &Self| {
            json!({
                "verdict": settled.verdict,
                "source": settled.source,
                "this_update": settled.this_update,
                "age_seconds": settled.this_update.map(|at| (now - at).num_seconds()),
                "revoked_at": settled.revoked_at,
                "detail": settled.detail,
            })
        };
        (!settled.is_empty()).then(|| settled.iter().map(tell).collect())
    }

    /// What a session is to rest on; `None` where nobody was asked about, or one cannot be read.
    #[must_use]
    pub fn path(settled: &[Self]) -> Option<Path> {
        let decode = |text: &String| URL_SAFE_NO_PAD.decode(text).ok();
        let issuers = settled.iter().map(|settled| decode(&settled.issuer)).collect::<Option<_>>();
        let serials = settled.iter().map(|settled| decode(&settled.serial)).collect::<Option<_>>();
        let path = issuers.zip(serials).filter(|_| !settled.is_empty());
        path.map(|(issuers, serials)| Path { issuers, serials })
    }
}
