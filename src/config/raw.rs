//! The file, mirrored: names and types alone. Every key that exists is here.
//!
//! What is not an `Option` has its value in `config/default.toml`.

use std::collections::BTreeMap;
use std::num::NonZeroU32;

use secrecy::SecretString;
use serde::Deserialize;

use super::proxy::{RawProxy, RawProxyProtocol};
use super::{DpopNonce, IssuerKind, LogFormat, OcspNonce, RevocationOrder, UnknownPolicy};
use crate::card_hosts::{Chooser, Label};
use crate::identity::assurance::Loa;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawConfig {
    pub issuer: Option<String>,
    pub listen: Vec<String>,
    pub proxy: RawProxy,
    pub proxy_protocol: RawProxyProtocol,
    pub sealing_key: Option<SecretString>,
    pub sealing_key_file: Option<String>,
    pub database: RawDatabase,
    pub tls: RawTls,
    pub card: RawCard,
    pub mtls: RawMtls,
    pub trust: RawTrust,
    pub revocation: RawRevocation,
    pub clients: RawClients,
    pub logout: RawLogout,
    pub lifetimes: RawLifetimes,
    #[serde(default)]
    pub claim_profiles: BTreeMap<String, BTreeMap<String, String>>,
    pub dpop: RawDpop,
    pub limits: RawLimits,
    pub health: RawHealth,
    pub log: RawLog,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawDatabase {
    pub url: Option<SecretString>,
    pub url_file: Option<String>,
    pub max_connections: u32,
    pub insecure_plaintext: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawTls {
    pub certificate: Option<String>,
    pub key: Option<String>,
    pub card_certificate: Option<String>,
    pub card_key: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawCard {
    pub hosts: Vec<String>,
    pub wider_hosts: Vec<String>,
    pub chooser: Chooser,
    /// Under a wildcard alone, so that it has no value in `config/default.toml`.
    pub label: Option<Label>,
    pub tls12: bool,
    pub tls13: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawMtls {
    pub enabled: bool,
    pub hosts: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawTrust {
    pub roots: Vec<String>,
    pub intermediates: Vec<String>,
    pub issuers: Vec<RawIssuer>,
    pub unknown_policy: UnknownPolicy,
    pub hsa_id_prefixes: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawIssuer {
    pub certificate: String,
    pub kind: IssuerKind,
    pub loa: Option<Loa>,
    #[serde(default)]
    pub policies: Vec<RawPolicy>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawPolicy {
    pub oid: String,
    pub kind: IssuerKind,
    pub loa: Option<Loa>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawRevocation {
    pub order: RevocationOrder,
    pub grace: String,
    pub nonce: OcspNonce,
    pub refresh: String,
    pub max_crl_bytes: u64,
    pub max_crl_entries: u64,
    pub crl_timeout: String,
    pub ocsp_timeout: String,
    pub ocsp_max_age: String,
    pub connect_timeout: String,
    pub private_networks: Vec<String>,
    pub authorities: Vec<RawAuthority>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawAuthority {
    pub certificate: String,
    #[serde(default)]
    pub crl: Vec<String>,
    #[serde(default)]
    pub ocsp: Vec<String>,
    pub order: Option<RevocationOrder>,
    pub grace: Option<String>,
    pub nonce: Option<OcspNonce>,
    pub refresh: Option<String>,
    pub max_crl_bytes: Option<u64>,
    pub max_crl_entries: Option<u64>,
    pub crl_timeout: Option<String>,
    pub ocsp_timeout: Option<String>,
    pub ocsp_max_age: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawClients {
    pub private_networks: Vec<String>,
    pub authorities: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawLogout {
    pub keep_trying: String,
    pub timeout: String,
    pub authorities: Vec<String>,
    pub private_networks: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawLifetimes {
    pub login: String,
    pub ticket: String,
    pub code: String,
    pub pushed_request: String,
    pub session: String,
    pub session_idle: String,
    pub access_token: String,
    pub refresh_token: String,
    pub refresh_token_idle: String,
    pub id_token: String,
    pub attempts: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawDpop {
    pub nonce: DpopNonce,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawLimits {
    pub max_connections: u32,
    pub max_choosing_per_address: NonZeroU32,
    pub failed_logins_per_minute: NonZeroU32,
    pub pushed_requests_per_minute: NonZeroU32,
    pub handshake_timeout: String,
    pub card_handshake_timeout: String,
    pub first_request_timeout: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawHealth {
    pub networks: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawLog {
    pub format: LogFormat,
    pub filter: String,
}
