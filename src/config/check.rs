//! From the raw mirror to a configuration: every value is checked, every fault noted.

use std::collections::BTreeSet;
use std::fs::File;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use chrono::TimeDelta;
use secrecy::{ExposeSecret as _, SecretString};
use tracing_subscriber::EnvFilter;
use url::{Host, Url};

use super::claim_profiles::claim_profiles;
use super::layers::Layers;
use super::logout::logout;
use super::proxy::{proxy, proxy_protocol};
use super::raw::{
    RawCard, RawClients, RawConfig, RawDatabase, RawIssuer, RawLifetimes, RawLimits, RawLog,
    RawMtls, RawPolicy, RawTls, RawTrust,
};
use super::revocation;
use super::sealing_key::{SealingKey, SealingKeyFault};
use super::{
    Administration, Card, Clients, Config, ConfigError, Database, Health, IssuerFile, IssuerKind,
    Lifetimes, Limits, Log, Mtls, PolicyRow, TlsFiles, TrustFiles,
};
use crate::card_hosts::{CardHosts, Chooser};
use crate::identity::assurance::Loa;

const ISSUER_IS: &str = "expected https and a host name alone, such as https://idp.region.se";

/// The whole configuration.
pub(super) fn config(raw: RawConfig, mut layers: Layers) -> Result<Config, ConfigError> {
    let at = &mut layers;
    let issuer = issuer(raw.issuer.as_deref(), at);
    let host = issuer.as_ref().and_then(Url::host_str).unwrap_or_default().to_owned();
    let listen = match raw.listen[..] {
        [] if raw.proxy.is_on() => Vec::new(),
        _ => listen("listen", &raw.listen, "[::]:443", at),
    };
    let proxy = proxy(raw.proxy, &listen, at);
    let proxy_protocol = proxy_protocol(&raw.proxy_protocol, at);
    let database = database(raw.database, at);
    let tls = tls(raw.tls, at);
    let card = card(raw.card, &host, at);
    let mtls = mtls(raw.mtls, &host, &card.hosts, at);
    let trust = trust(raw.trust, at);
    let revocation = revocation::revocation(raw.revocation, &trust, at);
    let sealing_key = sealing_key(raw.sealing_key, raw.sealing_key_file.as_deref(), at);
    let clients = clients(raw.clients, at);
    let logout = logout(&raw.logout, at);
    let lifetimes = lifetimes(&raw.lifetimes, at);
    let claim_profiles = claim_profiles(raw.claim_profiles, at);
    let limits = limits(&raw.limits, at);
    let health =
        Health { networks: revocation::networks("health.networks", &raw.health.networks, at) };
    let log = log(raw.log, at);
    match (issuer, database, tls, sealing_key) {
        (Some(issuer), Some(database), Some(tls), Some(sealing_key))
            if layers.faults.is_empty() =>
        {
            Ok(Config {
                issuer,
                listen,
                proxy,
                proxy_protocol,
                database,
                tls,
                card,
                mtls,
                trust,
                revocation,
                clients,
                sealing_key,
                logout,
                lifetimes,
                claim_profiles,
                dpop_nonce: raw.dpop.nonce,
                limits,
                health,
                log,
            })
        }
        _ => Err(ConfigError { faults: layers.faults }),
    }
}

/// The part that administrators' commands need.
pub(super) fn administration(
    raw: RawConfig,
    mut layers: Layers,
) -> Result<Administration, ConfigError> {
    let hsa_id_prefixes = hsa_id_prefixes(raw.trust.hsa_id_prefixes, &mut layers);
    match database(raw.database, &mut layers) {
        Some(database) if layers.faults.is_empty() => {
            Ok(Administration { database, hsa_id_prefixes })
        }
        _ => Err(ConfigError { faults: layers.faults }),
    }
}

/// The section `trust` alone: its files may still have to be fetched.
pub(super) fn trust_files(raw: RawConfig, mut layers: Layers) -> Result<TrustFiles, ConfigError> {
    let trust = trust_rows(raw.trust, &mut layers);
    if layers.faults.is_empty() { Ok(trust) } else { Err(ConfigError { faults: layers.faults }) }
}

fn issuer(raw: Option<&str>, at: &mut Layers) -> Option<Url> {
    const KEY: &str = "issuer";
    let Some(text) = raw else {
        at.missing(KEY, ISSUER_IS);
        return None;
    };
    let Ok(url) = Url::parse(text) else {
        at.wrong(KEY, text, ISSUER_IS);
        return None;
    };
    if url.scheme() != "https" || !matches!(url.host(), Some(Host::Domain(_))) {
        at.wrong(KEY, text, ISSUER_IS);
        return None;
    }
    if url.path() != "/" {
        at.wrong(KEY, text, "an issuer with a path is not supported: give it a host of its own");
        return None;
    }
    // Relying parties compare it to the letter, so there is one way of writing it.
    let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
    let identifier = format!("https://{}{port}", url.host_str().unwrap_or_default());
    if text != identifier {
        at.wrong(
            KEY,
            text,
            &format!("relying parties compare it to the letter; write {identifier}"),
        );
        return None;
    }
    Some(url)
}

pub(super) fn listen(key: &str, raw: &[String], example: &str, at: &mut Layers) -> Vec<SocketAddr> {
    if raw.is_empty() {
        at.fault(key, &format!("expected at least one address, such as \"{example}\""));
    }
    let parse = |text: &String| match text.parse() {
        Ok(address) => Some(address),
        Err(_) => {
            at.wrong(key, text, "expected address and port, such as 0.0.0.0:443 or [::]:443");
            None
        }
    };
    raw.iter().filter_map(parse).collect()
}

fn database(raw: RawDatabase, at: &mut Layers) -> Option<Database> {
    const KEY: &str = "database.url";
    const RIGHT: &str = "expected postgres://user@host/database?sslmode=verify-full, or \
        postgres://user@localhost/database?host=/run/postgresql for a socket";
    if !(2..=1000).contains(&raw.max_connections) {
        let is = raw.max_connections.to_string();
        let right = "expected 2 to 1000: one is taken for good by being told of changes (LISTEN)";
        at.wrong("database.max_connections", &is, right);
    }
    let url = match (raw.url, raw.url_file) {
        // The environment may put an address above the file's.
        (Some(url), _) => url,
        (None, Some(file)) => {
            let path = at.resolve(&file);
            match std::fs::read_to_string(&path) {
                Ok(text) => SecretString::from(text.trim()),
                Err(error) => {
                    at.fault("database.url_file", &format!("{}: {error}", path.display()));
                    return None;
                }
            }
        }
        (None, None) => {
            at.missing(KEY, RIGHT);
            return None;
        }
    };
    let scheme = Url::parse(url.expose_secret()).map(|url| url.scheme().to_owned());
    if !matches!(scheme.as_deref(), Ok("postgres" | "postgresql")) {
        // The address may hold a password: it is not repeated.
        at.fault(KEY, RIGHT);
        return None;
    }
    Some(Database {
        url,
        max_connections: raw.max_connections,
        insecure_plaintext: raw.insecure_plaintext,
    })
}

fn tls(raw: RawTls, at: &mut Layers) -> Option<TlsFiles> {
    let certificate = required_file("tls.certificate", raw.certificate, at);
    let key = required_file("tls.key", raw.key, at);
    let with_key = raw.card_certificate.is_some();
    if with_key != raw.card_key.is_some() {
        let missing = if with_key { "tls.card_key" } else { "tls.card_certificate" };
        at.missing(missing, "tls.card_certificate and tls.card_key go together");
    }
    let card_certificate =
        raw.card_certificate.map(|file| file_of("tls.card_certificate", &file, at));
    let card_key = raw.card_key.map(|file| file_of("tls.card_key", &file, at));
    Some(TlsFiles { certificate: certificate?, key: key?, card_certificate, card_key })
}

fn card(raw: RawCard, issuer_host: &str, at: &mut Layers) -> Card {
    if !raw.tls12 && !raw.tls13 {
        at.fault("card", "tls12 or tls13 must be true");
    }
    let hosts = if raw.hosts.is_empty() {
        wildcard(&raw, issuer_host, at)
    } else {
        fixed_hosts(&raw, issuer_host, at)
    };
    Card { hosts, tls12: raw.tls12, tls13: raw.tls13 }
}

fn wildcard(raw: &RawCard, issuer_host: &str, at: &mut Layers) -> CardHosts {
    if !raw.wider_hosts.is_empty() {
        at.fault("card.wider_hosts", "goes with card.hosts: labels need no list of wider hosts");
    }
    let parent = format!("card.{issuer_host}");
    CardHosts::wildcard(&parent, raw.label.unwrap_or_default(), raw.chooser)
}

fn fixed_hosts(raw: &RawCard, issuer_host: &str, at: &mut Layers) -> CardHosts {
    const WIDER: &str = "card.wider_hosts";
    if raw.label.is_some() {
        at.fault(
            "card.label",
            "a fixed list has no labels: leave this out, or leave out card.hosts",
        );
    }
    if raw.chooser == Chooser::Any && !raw.wider_hosts.is_empty() {
        at.fault(WIDER, "card.chooser is any, and nothing is wider");
    }
    let mut seen = BTreeSet::new();
    for (key, hosts) in [("card.hosts", &raw.hosts), (WIDER, &raw.wider_hosts)] {
        if hosts.len() == 1 {
            let advice =
                "expected at least two, because a retry needs another host; or none at all";
            at.fault(key, advice);
        }
        for host in hosts {
            if !is_host_name(host) {
                at.wrong(key, host, "expected a host name in lower case");
            } else if host == issuer_host {
                at.wrong(key, host, "the issuer host never asks for a card: name another");
            } else if !seen.insert(host) {
                at.wrong(key, host, "named twice");
            }
        }
    }
    CardHosts::fixed(&raw.hosts, &raw.wider_hosts, raw.chooser)
}

/// The hosts that ask relying parties for a certificate. None is the issuer's, which never asks, and
/// none is a card host, where people choose a card.
fn mtls(raw: RawMtls, issuer_host: &str, card: &CardHosts, at: &mut Layers) -> Mtls {
    const KEY: &str = "mtls.hosts";
    if !raw.enabled {
        return Mtls::default();
    }
    let hosts = match raw.hosts {
        // Without an issuer, which is told already, there is no name to begin with.
        named if named.is_empty() && issuer_host.is_empty() => return Mtls::default(),
        named if named.is_empty() => vec![format!("mtls.{issuer_host}")],
        named => named,
    };
    let mut seen = BTreeSet::new();
    for host in &hosts {
        if !is_host_name(host) {
            at.wrong(KEY, host, "expected a host name in lower case");
        } else if host == issuer_host {
            at.wrong(KEY, host, "the issuer host never asks for a certificate: name another");
        } else if card.asks(host).is_some() {
            at.wrong(KEY, host, "this host asks people for a card: name another");
        } else if !seen.insert(host) {
            at.wrong(KEY, host, "named twice");
        }
    }
    Mtls { hosts }
}

pub(super) fn is_host_name(text: &str) -> bool {
    // RFC 1123 §2.1.
    let is_label = |label: &str| {
        (1..=63).contains(&label.len())
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
    };
    text.len() <= 253 && text.contains('.') && text.split('.').all(is_label)
}

fn trust(raw: RawTrust, at: &mut Layers) -> TrustFiles {
    if raw.roots.is_empty() {
        at.missing(
            "trust.roots",
            "expected PEM files, such as [\"trust/production/siths-e-id-root-ca-v2.pem\"]",
        );
    }
    if raw.issuers.is_empty() {
        at.missing("trust.issuers", "expected at least one [[trust.issuers]]");
    }
    let trust = trust_rows(raw, at);
    trust.roots.iter().for_each(|file| must_be_there("trust.roots", file, at));
    let links = trust.intermediates.iter();
    links.for_each(|file| must_be_there("trust.intermediates", file, at));
    for (index, row) in trust.issuers.iter().enumerate() {
        must_be_there(&format!("trust.issuers.{index}.certificate"), &row.certificate, at);
    }
    trust
}

fn trust_rows(raw: RawTrust, at: &mut Layers) -> TrustFiles {
    let roots = raw.roots.iter().map(|file| at.resolve(file)).collect();
    let intermediates = raw.intermediates.iter().map(|file| at.resolve(file)).collect();
    let issuers = raw.issuers.into_iter().enumerate();
    let issuers = issuers.map(|(index, row)| issuer_file(index, row, at)).collect();
    let hsa_id_prefixes = hsa_id_prefixes(raw.hsa_id_prefixes, at);
    TrustFiles {
        roots,
        intermediates,
        issuers,
        unknown_policy: raw.unknown_policy,
        hsa_id_prefixes,
    }
}

fn issuer_file(index: usize, raw: RawIssuer, at: &mut Layers) -> IssuerFile {
    let key = format!("trust.issuers.{index}");
    let certificate = at.resolve(&raw.certificate);
    check_loa(&key, raw.kind, raw.loa, at);
    let policies = raw.policies.into_iter().enumerate();
    let policies = policies.map(|(row, policy)| {
        let key = format!("{key}.policies.{row}");
        check_loa(&key, policy.kind, policy.loa.or(raw.loa), at);
        policy_row(&key, policy, at)
    });
    let policies = policies.collect();
    IssuerFile { certificate, kind: raw.kind, loa: raw.loa, policies }
}

fn policy_row(key: &str, raw: RawPolicy, at: &mut Layers) -> PolicyRow {
    let arcs = raw.oid.split('.');
    let is_arc = |arc: &str| {
        let number = !arc.is_empty() && arc.bytes().all(|byte| byte.is_ascii_digit());
        number && (arc == "0" || !arc.starts_with('0'))
    };
    if arcs.clone().count() < 2 || !arcs.clone().all(is_arc) {
        at.wrong(&format!("{key}.oid"), &raw.oid, "expected numbers and dots, as 1.2.752.74.8.512");
    }
    PolicyRow { oid: raw.oid, kind: raw.kind, loa: raw.loa }
}

/// Who may log in must have a level of assurance, or no `acr` could be told: the rule of
/// [`Trust::new`](crate::pki::Trust::new), told here by key. A policy without one has its issuer's.
fn check_loa(key: &str, kind: IssuerKind, loa: Option<Loa>, at: &mut Layers) {
    if kind == IssuerKind::HsaId && loa.is_none() {
        at.missing(&format!("{key}.loa"), "expected loa2 or loa3, as kind is hsa-id");
    }
}

fn hsa_id_prefixes(raw: Vec<String>, at: &mut Layers) -> Vec<String> {
    for prefix in &raw {
        let good = (1..=20).contains(&prefix.len())
            && prefix.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        if !good {
            at.wrong("trust.hsa_id_prefixes", prefix, "expected 1 to 20 of A-Z a-z 0-9 -");
        }
    }
    raw
}

fn sealing_key(
    raw: Option<SecretString>,
    file: Option<&str>,
    at: &mut Layers,
) -> Option<SealingKey> {
    if let Some(text) = raw {
        let parsed = SealingKey::parse(text.expose_secret());
        return parsed.map_err(|fault| at.fault("sealing_key", &fault.to_string())).ok();
    }
    const KEY: &str = "sealing_key_file";
    let Some(file) = file else {
        let make = make_key(Path::new("keys/sealing.key"));
        at.missing(KEY, &format!("make one and name it here: {make}"));
        return None;
    };
    let path = at.resolve(file);
    let shown = path.display();
    let advice = match SealingKey::read(&path) {
        Ok(key) => return Some(key),
        Err(fault @ SealingKeyFault::Open { .. }) => {
            format!("{shown}: {fault}; type: chmod 600 {}", quoted(&path))
        }
        Err(SealingKeyFault::Unreadable(error)) if error.kind() == std::io::ErrorKind::NotFound => {
            format!("{shown} is not there; make it: {}", make_key(&path))
        }
        Err(fault @ (SealingKeyFault::Unreadable(_) | SealingKeyFault::Malformed)) => {
            format!("{shown}: {fault}")
        }
    };
    at.fault(KEY, &advice);
    None
}

/// What to type, so that the key is never readable by others.
fn make_key(path: &Path) -> String {
    let path = quoted(path);
    format!("(umask 077; openssl rand -hex 32 > {path})")
}

fn quoted(path: &Path) -> String {
    let text = path.display().to_string();
    let plain = text.bytes().all(|b| b.is_ascii_alphanumeric() || b"/._-".contains(&b));
    if plain { text } else { format!("'{}'", text.replace('\'', r"'\''")) }
}

fn clients(raw: RawClients, at: &mut Layers) -> Clients {
    Clients {
        private_networks: revocation::networks(
            "clients.private_networks",
            &raw.private_networks,
            at,
        ),
        authorities: raw.authorities.map(|file| file_of("clients.authorities", &file, at)),
    }
}

fn lifetimes(raw: &RawLifetimes, at: &mut Layers) -> Lifetimes {
    let mut read = |key: &str, text: &str, most: &str| {
        duration(&format!("lifetimes.{key}"), text, ("10s", most), at)
    };
    Lifetimes {
        login: read("login", &raw.login, "1h"),
        ticket: read("ticket", &raw.ticket, "5m"),
        // RFC 6749 §4.1.2.
        code: read("code", &raw.code, "10m"),
        // FAPI 2.0 Security Profile §5.3.2.2: less than ten minutes.
        pushed_request: read("pushed_request", &raw.pushed_request, "599s"),
        session: read("session", &raw.session, "24h"),
        session_idle: read("session_idle", &raw.session_idle, "24h"),
        access_token: read("access_token", &raw.access_token, "1h"),
        refresh_token: read("refresh_token", &raw.refresh_token, "365d"),
        refresh_token_idle: read("refresh_token_idle", &raw.refresh_token_idle, "365d"),
        // Swedish OpenID Connect profile: five minutes at most.
        id_token: read("id_token", &raw.id_token, "5m"),
        // A day at least: the row is what makes a ticket single-use.
        attempts: duration("lifetimes.attempts", &raw.attempts, ("1d", "3650d"), at),
    }
}

fn limits(raw: &RawLimits, at: &mut Layers) -> Limits {
    if !(1..=1_000_000).contains(&raw.max_connections) {
        let there = raw.max_connections.to_string();
        at.wrong("limits.max_connections", &there, "expected 1 to 1000000");
    }
    let mut read = |key: &str, text: &str, most: &str| {
        duration(&format!("limits.{key}"), text, ("1s", most), at)
    };
    Limits {
        max_connections: usize::try_from(raw.max_connections).unwrap_or(usize::MAX),
        max_choosing_per_address: usize::try_from(raw.max_choosing_per_address.get())
            .unwrap_or(usize::MAX),
        failed_logins_per_minute: raw.failed_logins_per_minute,
        pushed_requests_per_minute: raw.pushed_requests_per_minute,
        handshake_timeout: read("handshake_timeout", &raw.handshake_timeout, "1m"),
        card_handshake_timeout: read("card_handshake_timeout", &raw.card_handshake_timeout, "15m"),
        first_request_timeout: read("first_request_timeout", &raw.first_request_timeout, "1m"),
    }
}

/// A duration between two others; the longest where it is none, because a fault is noted then.
pub(super) fn duration(
    key: &str,
    text: &str,
    (least, most): (&str, &str),
    at: &mut Layers,
) -> TimeDelta {
    let bound = |text| parse_duration(text).unwrap_or_default();
    let value = parse_duration(text).filter(|value| (bound(least)..=bound(most)).contains(value));
    value.unwrap_or_else(|| {
        at.wrong(key, text, &format!("expected {least} to {most}, such as 90s, 10m, 8h or 2d"));
        bound(most)
    })
}

fn parse_duration(text: &str) -> Option<TimeDelta> {
    let unit = text.chars().last()?;
    let number: i64 = text.strip_suffix(unit)?.parse().ok()?;
    match unit {
        's' => TimeDelta::try_seconds(number),
        'm' => TimeDelta::try_minutes(number),
        'h' => TimeDelta::try_hours(number),
        'd' => TimeDelta::try_days(number),
        _ => None,
    }
}

fn log(raw: RawLog, at: &mut Layers) -> Log {
    if EnvFilter::try_new(&raw.filter).is_err() {
        at.wrong(
            "log.filter",
            &raw.filter,
            "expected levels, such as info or info,siths_idp=debug",
        );
    }
    Log { format: raw.format, filter: raw.filter }
}

fn required_file(key: &str, file: Option<String>, at: &mut Layers) -> Option<PathBuf> {
    if file.is_none() {
        at.missing(key, "expected the path of a PEM file");
    }
    file.map(|file| file_of(key, &file, at))
}

/// The path, once it is known that the file can be opened.
pub(super) fn file_of(key: &str, file: &str, at: &mut Layers) -> PathBuf {
    let path = at.resolve(file);
    must_open(key, &path, "", at);
    path
}

/// The path of a CA's certificate, once it is known that the file can be opened.
pub(super) fn trust_file(key: &str, file: &str, at: &mut Layers) -> PathBuf {
    let path = at.resolve(file);
    must_be_there(key, &path, at);
    path
}

/// A CA's certificate, some of which are not in the repository.
fn must_be_there(key: &str, path: &Path, at: &mut Layers) {
    must_open(key, path, "; config/trust/README.md says where to get it", at);
}

fn must_open(key: &str, path: &Path, advice: &str, at: &mut Layers) {
    if let Err(error) = File::open(path) {
        at.fault(key, &format!("{}: {error}{advice}", path.display()));
    }
}
