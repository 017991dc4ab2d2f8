//! `[revocation]`: who is asked whether a certificate was revoked, and what holds where nobody answers.
//!
//! That every configured authority has a row is checked at the start, by key; here is what can be
//! told by the text alone.

use std::collections::BTreeSet;
use std::path::PathBuf;

use chrono::TimeDelta;
use ipnet::IpNet;
use url::Url;

use super::TrustFiles;
use super::check::{duration, trust_file};
use super::layers::Layers;
use super::raw::{RawAuthority, RawRevocation};
use crate::fetch::may_be_fetched;
use crate::named::named;

/// The most bytes of a CRL that can be configured.
const MOST_BYTES: u64 = 1024 * 1024 * 1024;
/// The most entries of a CRL that can be configured.
const MOST_ENTRIES: u64 = 20_000_000;

/// Who is asked whether a certificate was revoked.
#[derive(Clone, Debug)]
pub struct Revocation {
    /// Inner networks that may be fetched from.
    pub private_networks: Vec<IpNet>,
    /// What holds for an authority that says nothing else. One that has no row at all is not checked
    /// where the order is [`RevocationOrder::Off`], and stops the start otherwise.
    pub defaults: RevocationSettings,
    /// How long a connection may take to be made.
    pub connect_timeout: TimeDelta,
    /// The authorities: roots and issuing CAs.
    pub authorities: Vec<RevocationAuthority>,
}

/// An authority, and where its word on revocation is had.
#[derive(Clone, Debug)]
pub struct RevocationAuthority {
    /// The PEM file of its certificate.
    pub certificate: PathBuf,
    /// Where its CRL is, mirrors in order.
    pub crl: Vec<Url>,
    /// Its OCSP responders, in order.
    pub ocsp: Vec<Url>,
    /// The rest.
    pub settings: RevocationSettings,
}

/// How an authority is asked.
#[derive(Clone, Debug)]
pub struct RevocationSettings {
    /// Which source is asked first, and whether the other is asked where it gives no answer.
    pub order: RevocationOrder,
    /// Where neither answers: accept so long after the last good answer. Zero: refuse.
    pub grace: TimeDelta,
    /// Whether OCSP requests carry a nonce (RFC 8954).
    pub nonce: OcspNonce,
    /// How often the CRL is asked for at least.
    pub refresh: TimeDelta,
    /// The most bytes of its CRL.
    pub max_crl_bytes: usize,
    /// The most entries of its CRL.
    pub max_crl_entries: usize,
    /// How long the fetching of a CRL may take.
    pub crl_timeout: TimeDelta,
    /// How long a login waits for OCSP, all responders together.
    pub ocsp_timeout: TimeDelta,
    /// How long an OCSP answer is used at most, whatever its `nextUpdate` says.
    pub ocsp_max_age: TimeDelta,
}

named! {
    /// Which source of revocation is asked, and in which order.
    pub enum RevocationOrder {
        /// OCSP, and the CRL where it gives no answer.
        OcspThenCrl = "ocsp-then-crl",
        /// The CRL, and OCSP where there is no current one.
        CrlThenOcsp = "crl-then-ocsp",
        /// OCSP alone.
        Ocsp = "ocsp",
        /// The CRL alone.
        Crl = "crl",
        /// Nobody is asked: a revoked card logs in.
        Off = "off",
    }
}

named! {
    /// Whether OCSP requests carry a nonce.
    pub enum OcspNonce {
        /// They do not.
        Off = "off",
        /// They do, and an answer without it is taken: most public responders do not repeat it.
        On = "on",
        /// They do, and an answer must repeat it.
        Required = "required",
    }
}

impl RevocationOrder {
    /// Whether the CRL is asked.
    #[must_use]
    pub const fn asks_crl(self) -> bool {
        matches!(self, Self::OcspThenCrl | Self::CrlThenOcsp | Self::Crl)
    }

    /// Whether OCSP is asked.
    #[must_use]
    pub const fn asks_ocsp(self) -> bool {
        matches!(self, Self::OcspThenCrl | Self::CrlThenOcsp | Self::Ocsp)
    }
}

/// Which authorities have a row, and nothing else: for `trust list`.
#[derive(Clone, Debug)]
pub struct RevocationRows {
    /// What holds for an authority without a row.
    pub order: RevocationOrder,
    /// The files of the rows; they may not be there.
    pub certificates: Vec<PathBuf>,
}

/// The rows alone: their files may still have to be fetched.
pub(super) fn rows(raw: &RawRevocation, at: &Layers) -> RevocationRows {
    let certificates = raw.authorities.iter().map(|row| at.resolve(&row.certificate)).collect();
    RevocationRows { order: raw.order, certificates }
}

/// The section, checked.
pub(super) fn revocation(raw: RawRevocation, trust: &TrustFiles, at: &mut Layers) -> Revocation {
    const NETWORKS: &str = "revocation.private_networks";
    let private_networks = networks(NETWORKS, &raw.private_networks, at);
    let connect = ("1s", "30s");
    let connect_timeout = duration("revocation.connect_timeout", &raw.connect_timeout, connect, at);
    if raw.authorities.is_empty() && raw.order != RevocationOrder::Off {
        at.missing(
            "revocation.authorities",
            "expected a [[revocation.authorities]] for each root and CA of [trust] \
             (config/example.toml has those of SITHS), or revocation.order = \"off\", by which \
             revoked cards log in",
        );
    }
    let defaults = defaults(&raw, at);
    let mut files = BTreeSet::new();
    let mut authorities = Vec::new();
    for (index, row) in raw.authorities.into_iter().enumerate() {
        let key = format!("revocation.authorities.{index}");
        // What [trust] names was opened there, and a fault is told once.
        let named = |file: &PathBuf| *file == at.resolve(&row.certificate);
        let issuers = trust.issuers.iter().map(|issuer| &issuer.certificate);
        let mut trusted = trust.roots.iter().chain(&trust.intermediates).chain(issuers);
        if !trusted.any(named) {
            trust_file(&format!("{key}.certificate"), &row.certificate, at);
        }
        if !files.insert(row.certificate.clone()) {
            at.wrong(&format!("{key}.certificate"), &row.certificate, "has a row already");
        }
        authorities.push(authority(&key, row, (&defaults, &private_networks), at));
    }
    Revocation { private_networks, defaults, connect_timeout, authorities }
}

/// Networks, as `10.0.0.0/8`.
pub(super) fn networks(key: &str, raw: &[String], at: &mut Layers) -> Vec<IpNet> {
    let mut parse = |text: &String| match text.parse() {
        Ok(network) => Some(network),
        Err(_) => {
            at.wrong(key, text, "expected a network, such as 10.0.0.0/8 or ::1/128");
            None
        }
    };
    raw.iter().filter_map(&mut parse).collect()
}

fn defaults(raw: &RawRevocation, at: &mut Layers) -> RevocationSettings {
    settings(
        "revocation",
        Settings {
            order: raw.order,
            grace: &raw.grace,
            nonce: raw.nonce,
            refresh: &raw.refresh,
            max_crl_bytes: raw.max_crl_bytes,
            max_crl_entries: raw.max_crl_entries,
            crl_timeout: &raw.crl_timeout,
            ocsp_timeout: &raw.ocsp_timeout,
            ocsp_max_age: &raw.ocsp_max_age,
        },
        at,
    )
}

fn authority(
    key: &str,
    raw: RawAuthority,
    (defaults, inner): (&RevocationSettings, &[IpNet]),
    at: &mut Layers,
) -> RevocationAuthority {
    let certificate = at.resolve(&raw.certificate);
    let order = raw.order.unwrap_or(defaults.order);
    let mut addresses = |name: &str, texts: &[String], needed: bool| {
        let key = format!("{key}.{name}");
        if texts.is_empty() && needed {
            at.missing(&key, &format!("expected an address, as order is {order}"));
        }
        let read = |text: &String| address(&key, text, inner, at);
        texts.iter().filter_map(read).collect()
    };
    let crl = addresses("crl", &raw.crl, order.asks_crl());
    let ocsp = addresses("ocsp", &raw.ocsp, order.asks_ocsp());
    let mut long = |name: &str, text: Option<&String>, default: TimeDelta| match text {
        Some(text) => duration(&format!("{key}.{name}"), text, bounds(name), at),
        None => default,
    };
    let settings = RevocationSettings {
        order,
        nonce: raw.nonce.unwrap_or(defaults.nonce),
        grace: long("grace", raw.grace.as_ref(), defaults.grace),
        refresh: long("refresh", raw.refresh.as_ref(), defaults.refresh),
        crl_timeout: long("crl_timeout", raw.crl_timeout.as_ref(), defaults.crl_timeout),
        ocsp_timeout: long("ocsp_timeout", raw.ocsp_timeout.as_ref(), defaults.ocsp_timeout),
        ocsp_max_age: long("ocsp_max_age", raw.ocsp_max_age.as_ref(), defaults.ocsp_max_age),
        max_crl_bytes: match raw.max_crl_bytes {
            Some(most) => count(&format!("{key}.max_crl_bytes"), most, MOST_BYTES, at),
            None => defaults.max_crl_bytes,
        },
        max_crl_entries: match raw.max_crl_entries {
            Some(most) => count(&format!("{key}.max_crl_entries"), most, MOST_ENTRIES, at),
            None => defaults.max_crl_entries,
        },
    };
    RevocationAuthority { certificate, crl, ocsp, settings }
}

/// The values as texts, of the section.
struct Settings<'a> {
    order: RevocationOrder,
    grace: &'a str,
    nonce: OcspNonce,
    refresh: &'a str,
    max_crl_bytes: u64,
    max_crl_entries: u64,
    crl_timeout: &'a str,
    ocsp_timeout: &'a str,
    ocsp_max_age: &'a str,
}

fn settings(key: &str, raw: Settings<'_>, at: &mut Layers) -> RevocationSettings {
    let mut long =
        |name: &str, text: &str| duration(&format!("{key}.{name}"), text, bounds(name), at);
    RevocationSettings {
        order: raw.order,
        nonce: raw.nonce,
        grace: long("grace", raw.grace),
        refresh: long("refresh", raw.refresh),
        crl_timeout: long("crl_timeout", raw.crl_timeout),
        ocsp_timeout: long("ocsp_timeout", raw.ocsp_timeout),
        ocsp_max_age: long("ocsp_max_age", raw.ocsp_max_age),
        max_crl_bytes: count(&format!("{key}.max_crl_bytes"), raw.max_crl_bytes, MOST_BYTES, at),
        max_crl_entries: count(
            &format!("{key}.max_crl_entries"),
            raw.max_crl_entries,
            MOST_ENTRIES,
            at,
        ),
    }
}

fn bounds(name: &str) -> (&'static str, &'static str) {
    match name {
        "grace" => ("0s", "30d"),
        "refresh" => ("1m", "7d"),
        "crl_timeout" => ("1s", "30m"),
        // A person is waiting.
        "ocsp_timeout" => ("1s", "30s"),
        _ => ("0s", "7d"),
    }
}

fn count(key: &str, number: u64, most: u64, at: &mut Layers) -> usize {
    if !(1..=most).contains(&number) {
        at.wrong(key, &number.to_string(), &format!("expected 1 to {most}"));
    }
    usize::try_from(number).unwrap_or(usize::MAX)
}

fn address(key: &str, text: &str, inner: &[IpNet], at: &mut Layers) -> Option<Url> {
    const RIGHT: &str = "expected http or https, a host and no password, such as \
        http://crl1.siths.se/sithseidrootcav2.crl";
    let url = Url::parse(text).ok().filter(|url| {
        matches!(url.scheme(), "http" | "https")
            && url.has_host()
            && url.username().is_empty()
            && url.password().is_none()
            && url.fragment().is_none()
    });
    let Some(url) = url else {
        at.wrong(key, text, RIGHT);
        return None;
    };
    if let Err(fault) = may_be_fetched(&url, inner) {
        at.wrong(key, text, &format!("{fault}: list its network in revocation.private_networks"));
        return None;
    }
    Some(url)
}
