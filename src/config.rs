//! Configuration: a TOML file and environment variables, checked whole before anything starts.
//!
//! The only place that reads either. Must never pass a wrong value on, and never print a secret.

mod check;
mod claim_profiles;
mod layers;
mod logout;
mod nearest;
mod proxy;
mod raw;
mod revocation;
mod sealing_key;
pub mod siths;

use std::collections::BTreeMap;
use std::fmt;
use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};

use chrono::TimeDelta;
use ipnet::IpNet;
use secrecy::SecretString;
use url::Url;

pub use logout::Logout;
pub use proxy::{Proxy, ProxyClients, ProxyProtocol, ProxySecret, ProxyTransport, proxy_fields};
pub use revocation::{
    OcspNonce, Revocation, RevocationAuthority, RevocationOrder, RevocationOrders,
    RevocationSettings,
};
pub use sealing_key::SealingKey;

use crate::card_hosts::CardHosts;
use crate::identity::assurance::Loa;
use crate::identity::fact::Fact;
use crate::named::named;

/// Environment variables; those that begin with `SITHS_IDP__` are configuration.
pub type Environment = BTreeMap<String, String>;

/// What is in force in an installation.
#[derive(Clone, Debug)]
pub struct Config {
    /// The issuer's address: https, a host name, no path. See [`Config::issuer_identifier`].
    pub issuer: Url,
    /// Where browsers' connections are taken; none where all come through proxies that end TLS.
    pub listen: Vec<SocketAddr>,
    /// Proxies that end TLS, where there are any.
    pub proxy: Option<Proxy>,
    /// Balancers that announce their clients.
    pub proxy_protocol: ProxyProtocol,
    /// The database.
    pub database: Database,
    /// The server's certificates.
    pub tls: TlsFiles,
    /// Where and how cards are asked for.
    pub card: Card,
    /// Where relying parties show certificates.
    pub mtls: Mtls,
    /// Which cards are believed.
    pub trust: TrustFiles,
    /// Who is asked whether a card was revoked.
    pub revocation: Revocation,
    /// What seals private keys and what travels through browsers.
    pub sealing_key: SealingKey,
    /// What is fetched from clients.
    pub clients: Clients,
    /// How relying parties are told of logouts.
    pub logout: Logout,
    /// How long things live.
    pub lifetimes: Lifetimes,
    /// Names of claims by profile, each with the fact that it tells; beside those that are built in.
    pub claim_profiles: BTreeMap<String, BTreeMap<String, Fact>>,
    /// Whether DPoP proofs must hold a nonce.
    pub dpop_nonce: DpopNonce,
    /// How much is taken on at once.
    pub limits: Limits,
    /// Who is told how the node fares.
    pub health: Health,
    /// The log.
    pub log: Log,
}

/// The part of the configuration that administrators' commands need.
#[derive(Clone, Debug)]
pub struct Administration {
    /// The database.
    pub database: Database,
    /// Beginnings of HSA-ids that are taken besides `SE` and `SE16`.
    pub hsa_id_prefixes: Vec<String>,
}

/// The database.
#[derive(Clone, Debug)]
pub struct Database {
    /// `postgres://user@host/name`, or with `?host=/run/postgresql` for a socket.
    pub url: SecretString,
    /// Connections that one node holds at most: two at least, as one is for LISTEN alone.
    pub max_connections: u32,
    /// Whether a database on another machine may be reached without verified TLS.
    pub insecure_plaintext: bool,
}

/// PEM files of the server's certificates.
#[derive(Clone, Debug)]
pub struct TlsFiles {
    /// Certificate and chain of the issuer host.
    pub certificate: PathBuf,
    /// Its private key.
    pub key: PathBuf,
    /// Certificate and chain of the card hosts, where it is another.
    pub card_certificate: Option<PathBuf>,
    /// Its private key.
    pub card_key: Option<PathBuf>,
}

/// Where and how cards are asked for.
#[derive(Clone, Debug)]
pub struct Card {
    /// The host names, and what browsers are told to offer on each.
    pub hosts: CardHosts,
    /// Whether TLS 1.2 is offered there: some card drivers lack RSA-PSS, which TLS 1.3 needs.
    pub tls12: bool,
    /// Whether TLS 1.3 is offered there.
    pub tls13: bool,
}

/// Where relying parties show certificates (RFC 8705).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Mtls {
    /// The host names, that of the discovery document first; none where it is switched off.
    pub hosts: Vec<String>,
}

/// Which cards are believed.
#[derive(Clone, Debug)]
pub struct TrustFiles {
    /// PEM files of root certificates.
    pub roots: Vec<PathBuf>,
    /// PEM files of CAs between the roots and the issuing CAs: links of a path, and no more.
    pub intermediates: Vec<PathBuf>,
    /// The issuing certificates below them that are believed, and for what.
    pub issuers: Vec<IssuerFile>,
    /// What to make of a policy that no row names.
    pub unknown_policy: UnknownPolicy,
    /// Beginnings of HSA-ids that are taken besides `SE` and `SE16`.
    pub hsa_id_prefixes: Vec<String>,
}

/// An issuing certificate, and what it issues.
#[derive(Clone, Debug)]
pub struct IssuerFile {
    /// Its PEM file.
    pub certificate: PathBuf,
    /// What it issues, where no policy says otherwise.
    pub kind: IssuerKind,
    /// The level of assurance, where no policy says otherwise.
    pub loa: Option<Loa>,
    /// What certificates with a policy are.
    pub policies: Vec<PolicyRow>,
}

/// What a certificate with a policy is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicyRow {
    /// The policy's object identifier, as `1.2.752.74.8.512`.
    pub oid: String,
    /// What such certificates are.
    pub kind: IssuerKind,
    /// Their level of assurance.
    pub loa: Option<Loa>,
}

named! {
    /// What an issuing certificate issues.
    pub enum IssuerKind {
        /// Cards of people, with an HSA-id: the only kind that logs in by the browser.
        HsaId = "hsa-id",
        /// Cards of people, with a personnummer.
        PersonId = "person-id",
        /// Mobile SITHS.
        Mobile = "mobile",
        /// Servers and systems.
        Function = "function",
    }
}

named! {
    /// What to make of a certificate policy that no row names.
    pub enum UnknownPolicy {
        /// What its issuer's row says.
        FollowIssuer = "follow-issuer",
        /// Refuse the certificate.
        Refuse = "refuse",
    }
}

/// How servers of clients are reached.
#[derive(Clone, Debug, Default)]
pub struct Clients {
    /// Inner networks that may be fetched from.
    pub private_networks: Vec<IpNet>,
    /// PEM file of the authorities of their certificates; the machine's, where there is none.
    pub authorities: Option<PathBuf>,
}

/// How long things live.
#[derive(Clone, Copy, Debug)]
pub struct Lifetimes {
    /// A login, from the authorization request to the card.
    pub login: TimeDelta,
    /// A ticket from a card host to the issuer host.
    pub ticket: TimeDelta,
    /// An authorization code (RFC 6749 §4.1.2: ten minutes at most).
    pub code: TimeDelta,
    /// A pushed authorization request, until the browser brings it (RFC 9126 §2.2).
    pub pushed_request: TimeDelta,
    /// A session in a browser, from the card to its end.
    pub session: TimeDelta,
    /// A session in a browser that stands in for no card meanwhile.
    pub session_idle: TimeDelta,
    /// An access token.
    pub access_token: TimeDelta,
    /// All refresh tokens of one login, from the card on.
    pub refresh_token: TimeDelta,
    /// A refresh token that is not used.
    pub refresh_token_idle: TimeDelta,
    /// An ID token (Swedish OpenID Connect profile: five minutes at most).
    pub id_token: TimeDelta,
    /// The row of a login attempt, success or failure.
    pub attempts: TimeDelta,
}

named! {
    /// Whether DPoP proofs must hold a nonce of the provider (RFC 9449 §8).
    pub enum DpopNonce {
        /// It is offered with each answer; a proof without one is taken.
        Offered = "offered",
        /// A proof without one is answered with one, and must be made again.
        Required = "required",
    }
}

/// How much is taken on at once, and how long is waited.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Open connections.
    pub max_connections: usize,
    /// Handshakes on card hosts under way at one address: people at their choosers.
    pub max_choosing_per_address: usize,
    /// Logins that may fail at one address in a minute without a card that was proved.
    pub failed_logins_per_minute: NonZeroU32,
    /// Authorization requests that one client may push in a minute.
    pub pushed_requests_per_minute: NonZeroU32,
    /// A handshake on a host that asks for no card.
    pub handshake_timeout: TimeDelta,
    /// A handshake on a card host: the person chooses a certificate and types a PIN meanwhile.
    pub card_handshake_timeout: TimeDelta,
    /// From the handshake to the whole head of the first request.
    pub first_request_timeout: TimeDelta,
}

/// Who is told how the node fares.
#[derive(Clone, Debug)]
pub struct Health {
    /// Networks that `/ready` tells the details to; all others get one word.
    pub networks: Vec<IpNet>,
}

/// The log.
#[derive(Clone, Debug)]
pub struct Log {
    /// Its format.
    pub format: LogFormat,
    /// What is logged, as `info,siths_idp=debug`.
    pub filter: String,
}

named! {
    /// The format of the log.
    pub enum LogFormat {
        /// For people.
        Text = "text",
        /// One JSON object a line.
        Json = "json",
    }
}

/// Everything that is wrong with a configuration.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct ConfigError {
    /// One sentence each: the key, what is there, what would be right.
    pub faults: Vec<String>,
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the configuration cannot be used:")?;
        self.faults.iter().try_for_each(|fault| write!(f, "\n  - {fault}"))
    }
}

impl Config {
    /// Reads a file and the environment of the process.
    ///
    /// # Errors
    /// Everything that is wrong, together.
    pub fn load(path: Option<&Path>) -> Result<Self, ConfigError> {
        Self::load_with(path, &std::env::vars().collect())
    }

    /// Reads a file and an environment; the environment wins over the file.
    ///
    /// # Errors
    /// Everything that is wrong, together.
    pub fn load_with(path: Option<&Path>, environment: &Environment) -> Result<Self, ConfigError> {
        let mut layers = layers::read(path, environment)?;
        let raw = layers.raw()?;
        check::config(raw, layers)
    }

    /// The issuer identifier, as `iss` has it and relying parties compare it: without a slash at the
    /// end (OpenID Connect Discovery 1.0 §4.3).
    #[must_use]
    pub fn issuer_identifier(&self) -> &str {
        self.issuer.as_str().trim_end_matches('/')
    }
}

impl Administration {
    /// Reads what administrators' commands need, and asks for nothing else.
    ///
    /// # Errors
    /// Everything that is wrong with that part, together.
    pub fn load_with(path: Option<&Path>, environment: &Environment) -> Result<Self, ConfigError> {
        let mut layers = layers::read(path, environment)?;
        let raw = layers.raw()?;
        check::administration(raw, layers)
    }
}

impl TrustFiles {
    /// Reads which cards are believed, and nothing else. The files are not opened, and there may be
    /// none: this is for whoever is about to put them there.
    ///
    /// # Errors
    /// Everything that is wrong with that part, together.
    pub fn load_with(path: Option<&Path>, environment: &Environment) -> Result<Self, ConfigError> {
        let mut layers = layers::read(path, environment)?;
        let raw = layers.raw()?;
        check::trust_files(raw, layers)
    }
}

impl RevocationOrders {
    /// Reads whether anybody is asked, and nothing else. The files are not opened.
    ///
    /// # Errors
    /// When the file cannot be read as a configuration.
    pub fn load_with(path: Option<&Path>, environment: &Environment) -> Result<Self, ConfigError> {
        let mut layers = layers::read(path, environment)?;
        let raw = layers.raw()?;
        Ok(revocation::orders(&raw.revocation, &layers))
    }
}

#[cfg(test)]
mod tests;
