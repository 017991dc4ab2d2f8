//! The certificates of systems: what is read of one, and what only a judgement can make.
//!
//! A [`PresentedCertificate`] is unjudged: it says which key was proved in the handshake, and no
//! more. Must never build a [`SystemCertificate`] outside [`AuthenticSystem::settle`], nor take a
//! person's certificate for a system's.

use std::net::IpAddr;

use chrono::{DateTime, Utc};
use rustls::pki_types::CertificateDer;
use x509_parser::extensions::{GeneralName, SubjectAlternativeName};
use x509_parser::prelude::FromDer as _;

use super::certificate::{self, CertificateFacts, CertificateRejection, PresentedChain};
use super::name::DistinguishedName;
use super::profile::Profile;
use super::public_key;
use super::revocation::{Link, Verdict};

/// The SHA-256 of a certificate in DER: `x5t#S256` (RFC 8705 §3.1).
pub type Thumbprint = [u8; 32];

/// A certificate that a client presented, read: that it holds the key is known, and nothing else.
#[derive(Clone, Debug)]
pub struct PresentedCertificate {
    facts: CertificateFacts,
    der: Vec<u8>,
    public_key: Vec<u8>,
}

impl PresentedCertificate {
    /// Reads the leaf of a chain; `None` where it is no certificate, or the chain is beyond reason.
    #[must_use]
    pub fn read(chain: &PresentedChain) -> Option<Self> {
        if chain.is_excessive() {
            return None;
        }
        Self::of_der(chain.leaf().to_vec())
    }

    /// Reads a certificate in DER: exactly one, without anything after it.
    #[must_use]
    pub fn of_der(der: Vec<u8>) -> Option<Self> {
        let profile = Profile::read(&CertificateDer::from(der.as_slice())).ok()?;
        Some(Self { facts: profile.facts, public_key: profile.key, der })
    }

    /// The certificate itself.
    #[must_use]
    pub fn der(&self) -> &[u8] {
        &self.der
    }

    /// Its `x5t#S256`, not encoded.
    #[must_use]
    pub fn thumbprint(&self) -> Thumbprint {
        crate::secret::sha256(&self.der)
    }

    /// Its key as a JWK; `None` where it is of a kind that clients do not sign with.
    #[must_use]
    pub fn jwk(&self) -> Option<serde_json::Value> {
        public_key::from_der(&self.public_key).ok()
    }

    /// Whether a moment is within its validity, to the second.
    #[must_use]
    pub const fn is_current(&self, now: DateTime<Utc>) -> bool {
        let (from, until) = (self.facts.not_before.timestamp(), self.facts.not_after.timestamp());
        from <= now.timestamp() && now.timestamp() <= until
    }

    /// Which certificate it is.
    #[must_use]
    pub const fn facts(&self) -> &CertificateFacts {
        &self.facts
    }
}

/// A system's certificate that is genuine, current and for client authentication: all but that
/// nobody has revoked it. It authenticates nobody.
///
/// Only [`Trust::verify_system`](super::Trust::verify_system) makes one.
#[derive(Clone, Debug)]
pub struct AuthenticSystem {
    certificate: SystemCertificate,
    links: Vec<Link>,
}

impl AuthenticSystem {
    pub(super) const fn new(certificate: SystemCertificate, links: Vec<Link>) -> Self {
        Self { certificate, links }
    }

    /// Whose revocation is to be asked for: the leaf first, then the CAs of its path, without the
    /// root.
    #[must_use]
    pub fn links(&self) -> &[Link] {
        &self.links
    }

    /// Takes the verdict on each of [`AuthenticSystem::links`], in their order.
    ///
    /// # Errors
    /// As [`Authentic::settle`](super::Authentic::settle).
    #[expect(clippy::result_large_err, reason = "made once a request, and read field by field")]
    pub fn settle(self, verdicts: &[Verdict]) -> Result<SystemCertificate, RejectedSystem> {
        match certificate::worst(&self.links, verdicts) {
            None => Ok(self.certificate),
            Some(cause) => Err(RejectedSystem {
                cause: SystemRejection::Certificate(cause),
                facts: Some(self.certificate.facts),
                detail: String::new(),
            }),
        }
    }
}

/// A certificate that identifies a system, as judged at one moment.
///
/// Only [`AuthenticSystem::settle`] gives one away.
#[derive(Clone, Debug)]
pub struct SystemCertificate {
    subject: DistinguishedName,
    names: Names,
    facts: CertificateFacts,
    der: Vec<u8>,
}

/// The names of subjectAltName (RFC 5280 §4.2.1.6) that a client can be known by.
#[derive(Clone, Debug, Default)]
struct Names {
    hosts: Vec<String>,
    uris: Vec<String>,
    addresses: Vec<IpAddr>,
    mailboxes: Vec<String>,
}

impl SystemCertificate {
    /// `None` where its names cannot be read.
    pub(super) fn of(profile: &Profile, der: &[u8]) -> Option<Self> {
        Some(Self {
            subject: DistinguishedName::of_der(&profile.subject)?,
            names: profile.alternative_name.as_deref().map_or(Some(Names::default()), Names::of)?,
            facts: profile.facts.clone(),
            der: der.to_vec(),
        })
    }

    /// Its subject; in text as RFC 4514 has it.
    #[must_use]
    pub const fn subject(&self) -> &DistinguishedName {
        &self.subject
    }

    /// Whether it has a dNSName. Host names have no case (RFC 5280 §7.2); a wildcard is no name of
    /// a client, and stands for itself alone.
    #[must_use]
    pub fn has_host(&self, host: &str) -> bool {
        self.names.hosts.iter().any(|own| own.eq_ignore_ascii_case(host))
    }

    /// Whether it has a uniformResourceIdentifier, to the letter (RFC 3986 §6.2.1).
    #[must_use]
    pub fn has_uri(&self, uri: &str) -> bool {
        self.names.uris.iter().any(|own| own == uri)
    }

    /// Whether it has an iPAddress, by its bytes (RFC 8705 §2.1.2; RFC 5952 §8).
    #[must_use]
    pub fn has_address(&self, address: IpAddr) -> bool {
        self.names.addresses.contains(&address)
    }

    /// Whether it has an rfc822Name: the host without regard to case, the rest to the letter
    /// (RFC 5280 §7.5).
    #[must_use]
    pub fn has_mailbox(&self, mailbox: &str) -> bool {
        let parts = |text: &str| {
            let (local, host) = text.rsplit_once('@')?;
            Some((local.to_owned(), host.to_ascii_lowercase()))
        };
        parts(mailbox).is_some_and(|wanted| {
            self.names.mailboxes.iter().any(|own| parts(own).as_ref() == Some(&wanted))
        })
    }

    /// What the audit trail keeps.
    #[must_use]
    pub const fn facts(&self) -> &CertificateFacts {
        &self.facts
    }

    /// The certificate itself.
    #[must_use]
    pub fn der(&self) -> &[u8] {
        &self.der
    }

    /// Its `x5t#S256`, not encoded.
    #[must_use]
    pub fn thumbprint(&self) -> Thumbprint {
        crate::secret::sha256(&self.der)
    }
}

impl Names {
    fn of(extension: &[u8]) -> Option<Self> {
        let (rest, read) = SubjectAlternativeName::from_der(extension).ok()?;
        let mut names = Self::default();
        for name in read.general_names {
            match name {
                GeneralName::DNSName(host) => names.hosts.push(host.to_owned()),
                GeneralName::URI(uri) => names.uris.push(uri.to_owned()),
                GeneralName::RFC822Name(mailbox) => names.mailboxes.push(mailbox.to_owned()),
                GeneralName::IPAddress(bytes) => names.addresses.push(address(bytes)?),
                GeneralName::Invalid(..) => return None,
                _ => {}
            }
        }
        rest.is_empty().then_some(names)
    }
}

fn address(bytes: &[u8]) -> Option<IpAddr> {
    if let Ok(four) = <[u8; 4]>::try_from(bytes) {
        return Some(four.into());
    }
    <[u8; 16]>::try_from(bytes).ok().map(IpAddr::from)
}

/// A certificate that identifies no system, and why.
#[derive(Clone, Debug)]
pub struct RejectedSystem {
    /// Why.
    pub cause: SystemRejection,
    /// Which certificate, where it could be read.
    pub facts: Option<CertificateFacts>,
    /// More for the log, without personal data.
    pub detail: String,
}

/// Why a certificate identifies no system.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SystemRejection {
    /// As a card's may be wrong, too.
    Certificate(CertificateRejection),
    /// Genuine, but its issuer or its policy says that it is a person's.
    Person,
    /// A subject or an alternative name that cannot be read.
    NamesUnreadable,
}

impl SystemRejection {
    /// The name in the log and the audit trail.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Certificate(cause) => cause.name(),
            Self::Person => "person",
            Self::NamesUnreadable => "names-unreadable",
        }
    }
}

impl From<CertificateRejection> for SystemRejection {
    fn from(cause: CertificateRejection) -> Self {
        Self::Certificate(cause)
    }
}
