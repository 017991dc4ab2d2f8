//! `[proxy]` and `[proxy_protocol]`: who stands in front of a node, and why it is believed.
//!
//! Must never pass on a proxy that everybody could be: without a list of addresses, or without a
//! proof that a listed address is the proxy, there is no configuration.

use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use zeroize::Zeroizing;

use super::check::{file_of, listen};
use super::layers::Layers;
use crate::proxy::chain::every_field;
use crate::proxy::protocol::Others;
use crate::proxy::{ChainFields, ClientAddress, Format, Peers};

/// The fewest bytes of a secret: with fewer, guessing is worth a try.
const SECRET_LEAST: usize = 32;

/// Proxies that end TLS in front of a node.
#[derive(Clone, Debug)]
pub struct Proxy {
    /// Where they connect; nobody else does.
    pub listen: Vec<SocketAddr>,
    /// Their addresses.
    pub peers: Peers,
    /// Where the client's certificate is, and in which form.
    pub certificate: ChainFields,
    /// Which field tells the client's address.
    pub client_address: ClientAddress,
    /// The field that tells the server name of the client's ClientHello, in lower case.
    pub server_name_header: Option<String>,
    /// How they connect.
    pub transport: ProxyTransport,
    /// The secret that proves them, where there is one.
    pub secret: Option<ProxySecret>,
}

/// How proxies connect.
#[derive(Clone, Debug)]
pub enum ProxyTransport {
    /// By TLS, with a certificate that proves them or without.
    Tls(Option<ProxyClients>),
    /// In the clear: on this machine, or by `insecure_plaintext`.
    Plaintext,
}

/// The certificates that prove a proxy.
#[derive(Clone, Debug)]
pub struct ProxyClients {
    /// PEM file of the CAs.
    pub ca: PathBuf,
    /// DNS names, one of which the certificate has.
    pub names: Vec<String>,
    /// Or its SHA-256.
    pub fingerprints: Vec<[u8; 32]>,
}

/// A secret in a header field.
#[derive(Clone, Debug)]
pub struct ProxySecret {
    /// The field, in lower case.
    pub header: String,
    /// What is good: several, while it is changed.
    pub good: Vec<SecretString>,
}

/// Balancers that announce their clients by the PROXY protocol.
#[derive(Clone, Debug)]
pub struct ProxyProtocol {
    /// Their addresses; none, where there are none.
    pub peers: Peers,
    /// What becomes of connections of others.
    pub others: Others,
}

/// Whether proxies end TLS in front of a node.
#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Mode {
    Off,
    TerminatesTls,
}

/// How proxies connect.
#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Transport {
    Tls,
    Plaintext,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawProxy {
    mode: Mode,
    listen: Vec<String>,
    peers: Vec<String>,
    headers: Option<Format>,
    certificate_header: Option<String>,
    chain_header: Option<String>,
    client_address: ClientAddress,
    server_name_header: Option<String>,
    transport: Transport,
    insecure_plaintext: bool,
    insecure_address_alone: bool,
    client_ca: Option<String>,
    client_names: Vec<String>,
    client_fingerprints: Vec<String>,
    secret: Option<SecretString>,
    secret_file: Option<String>,
    secret_header: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawProxyProtocol {
    peers: Vec<String>,
    others: Others,
}

impl RawProxy {
    /// Whether browsers may have no port of their own.
    pub(super) fn is_on(&self) -> bool {
        self.mode == Mode::TerminatesTls
    }
}

/// The proxies, where there are any. What is wrong is noted.
pub(super) fn proxy(raw: RawProxy, browsers: &[SocketAddr], at: &mut Layers) -> Option<Proxy> {
    if !raw.is_on() {
        return None;
    }
    let listening = listen("proxy.listen", &raw.listen, "127.0.0.1:8443", at);
    for address in listening.iter().filter(|address| browsers.contains(address)) {
        let right = "a port is either for browsers (listen) or for proxies";
        at.wrong("proxy.listen", &address.to_string(), right);
    }
    let peers = peers("proxy.peers", &raw.peers, at);
    if raw.peers.is_empty() {
        at.missing("proxy.peers", "expected the addresses of the proxies, such as [\"10.1.2.3\"]");
    }
    let format = raw.headers.unwrap_or_else(|| {
        at.missing("proxy.headers", &format!("expected one of {}", Format::NAMES.join(", ")));
        Format::Rfc9440
    });
    let mut certificate = ChainFields::of(format);
    if let Some(name) = raw.certificate_header {
        certificate.certificate = field("proxy.certificate_header", &name, at);
    }
    if let Some(name) = raw.chain_header {
        let name = field("proxy.chain_header", &name, at);
        if format.chain_field().is_none() {
            at.fault("proxy.chain_header", &format!("headers = \"{format}\" has no chain field"));
        }
        certificate.chain = Some(name);
    }
    let server_name_header =
        raw.server_name_header.map(|name| field("proxy.server_name_header", &name, at));
    let secret = secret(raw.secret, raw.secret_file.as_deref(), at).map(|good| ProxySecret {
        header: field("proxy.secret_header", &raw.secret_header, at),
        good,
    });
    let clients = clients(raw.client_ca, raw.client_names, &raw.client_fingerprints, at);
    // An AWS load balancer has no way to prove itself; every other product does.
    let needs_none = raw.insecure_address_alone && format == Format::AwsAlb;
    if raw.insecure_address_alone && !needs_none {
        at.fault(
            "proxy.insecure_address_alone",
            "that is for headers = \"aws-alb\" alone: every other proxy can prove itself",
        );
    } else if secret.is_none() && clients.is_none() && raw.secret_file.is_none() && !needs_none {
        at.missing(
            "proxy.client_ca or proxy.secret_file",
            "an address alone proves nobody: expected the CA of the proxies' certificates, or a \
             secret that they send",
        );
    }
    let transport = match raw.transport {
        Transport::Tls => ProxyTransport::Tls(clients),
        Transport::Plaintext => {
            if clients.is_some() {
                at.fault("proxy.client_ca", "there are no certificates without TLS");
            }
            let is_local =
                peers.are_loopback() && listening.iter().all(|own| own.ip().is_loopback());
            if !is_local && !raw.insecure_plaintext {
                let right = "certificates and tokens would cross the network in the clear: use \
                    \"tls\", or keep proxy.listen and proxy.peers on this machine (127.0.0.1, ::1), \
                    or set proxy.insecure_plaintext = true";
                at.wrong("proxy.transport", "plaintext", right);
            }
            ProxyTransport::Plaintext
        }
    };
    let named =
        [Some(&certificate.certificate), certificate.chain.as_ref(), server_name_header.as_ref()];
    let named = named.into_iter().flatten().chain(secret.as_ref().map(|secret| &secret.header));
    let mut seen = Vec::new();
    for name in named {
        if seen.contains(&name) {
            at.fault("proxy", &format!("two of its header fields are named {name}"));
        }
        seen.push(name);
    }
    let client_address = raw.client_address;
    Some(Proxy {
        listen: listening,
        peers,
        certificate,
        client_address,
        server_name_header,
        transport,
        secret,
    })
}

/// The balancers that announce clients.
pub(super) fn proxy_protocol(raw: &RawProxyProtocol, at: &mut Layers) -> ProxyProtocol {
    if raw.peers.is_empty() && raw.others == Others::Refuse {
        at.missing("proxy_protocol.peers", "others = \"refuse\" without peers would serve nobody");
    }
    ProxyProtocol { peers: peers("proxy_protocol.peers", &raw.peers, at), others: raw.others }
}

impl ProxyProtocol {
    /// No balancers.
    #[must_use]
    pub fn none() -> Self {
        Self { peers: Peers::default(), others: Others::Serve }
    }
}

impl Proxy {
    /// Whether whoever has a listed address is believed.
    #[must_use]
    pub const fn is_unproven(&self) -> bool {
        self.secret.is_none() && !matches!(self.transport, ProxyTransport::Tls(Some(_)))
    }

    /// Every header field that only proxies may bring, in lower case.
    #[must_use]
    pub fn fields(&self) -> Vec<String> {
        let mut fields = proxy_fields();
        fields.extend(self.certificate.names());
        fields.extend(self.server_name_header.clone());
        fields.extend(self.secret.as_ref().map(|secret| secret.header.clone()));
        fields
    }
}

/// The fields that only proxies may bring, where none is configured.
#[must_use]
pub fn proxy_fields() -> Vec<String> {
    every_field().collect()
}

fn peers(key: &str, texts: &[String], at: &mut Layers) -> Peers {
    Peers::parse(texts.iter().map(String::as_str)).unwrap_or_else(|(text, fault)| {
        at.wrong(key, text, &fault.to_string());
        Peers::default()
    })
}

/// A header field's name in lower case; none that HTTP itself needs.
fn field(key: &str, name: &str, at: &mut Layers) -> String {
    const TAKEN: [&str; 12] = [
        "host",
        "authorization",
        "connection",
        "content-length",
        "content-type",
        "cookie",
        "forwarded",
        "te",
        "transfer-encoding",
        "upgrade",
        "x-forwarded-for",
        "accept-language",
    ];
    let lower = name.to_ascii_lowercase();
    // Underscores: many proxies drop such fields, and some take them for hyphens.
    let good = (1..=64).contains(&lower.len())
        && lower.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    if !good || TAKEN.contains(&lower.as_str()) {
        at.wrong(key, name, "expected a header field of its own: letters, digits and hyphens");
    }
    lower
}

fn clients(
    ca: Option<String>,
    names: Vec<String>,
    fingerprints: &[String],
    at: &mut Layers,
) -> Option<ProxyClients> {
    let is_named = !names.is_empty() || !fingerprints.is_empty();
    let fingerprints = fingerprints.iter().filter_map(|text| {
        let read = fingerprint(text);
        if read.is_none() {
            let right = "expected the SHA-256 of a certificate: 64 hexadecimal digits";
            at.wrong("proxy.client_fingerprints", text, right);
        }
        read
    });
    let fingerprints: Vec<_> = fingerprints.collect();
    for name in names.iter().filter(|name| !super::check::is_host_name(name)) {
        at.wrong("proxy.client_names", name, "expected a host name in lower case");
    }
    let Some(ca) = ca else {
        if is_named {
            at.missing("proxy.client_ca", "expected the PEM file of the proxies' CA");
        }
        return None;
    };
    if !is_named {
        at.missing(
            "proxy.client_names",
            "a CA alone proves nobody: expected the proxies' DNS names, or client_fingerprints",
        );
    }
    Some(ProxyClients { ca: file_of("proxy.client_ca", &ca, at), names, fingerprints })
}

/// As OpenSSL prints it, with colons, or without.
fn fingerprint(text: &str) -> Option<[u8; 32]> {
    let digits: Vec<u8> = text.bytes().filter(|byte| *byte != b':').collect();
    let digits = std::str::from_utf8(&digits).ok()?;
    if digits.len() != 64 || !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
        return None;
    }
    let mut bytes = [0; 32];
    for (byte, pair) in bytes.iter_mut().zip(digits.as_bytes().chunks(2)) {
        *byte = u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()?;
    }
    Some(bytes)
}

/// The secrets: one by the environment, or the lines of a file that only its owner reads.
fn secret(
    raw: Option<SecretString>,
    file: Option<&str>,
    at: &mut Layers,
) -> Option<Vec<SecretString>> {
    let (key, good) = match (raw, file) {
        (Some(secret), _) => ("proxy.secret", vec![secret]),
        (None, None) => return None,
        (None, Some(file)) => {
            let path = at.resolve(file);
            match lines(&path) {
                Ok(lines) => ("proxy.secret_file", lines),
                Err(fault) => {
                    at.fault("proxy.secret_file", &format!("{}: {fault}", path.display()));
                    return None;
                }
            }
        }
    };
    let is_good = |secret: &SecretString| {
        let secret = secret.expose_secret();
        secret.len() >= SECRET_LEAST && secret.bytes().all(|byte| byte.is_ascii_graphic())
    };
    if good.is_empty() || !good.iter().all(is_good) {
        at.fault(
            key,
            "expected at least 32 characters without spaces on each line; make them by: openssl \
             rand -hex 32",
        );
    }
    Some(good)
}

fn lines(path: &Path) -> Result<Vec<SecretString>, String> {
    let metadata = std::fs::metadata(path).map_err(|error| error.to_string())?;
    let mode = metadata.permissions().mode() & 0o777;
    if mode & 0o077 != 0 {
        return Err(format!("others may read it (its mode is {mode:o}); type: chmod 600"));
    }
    let text = Zeroizing::new(std::fs::read_to_string(path).map_err(|error| error.to_string())?);
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    Ok(lines.map(SecretString::from).collect())
}

#[cfg(test)]
mod tests;
