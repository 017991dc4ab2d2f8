//! The configuration of a throw-away installation: the look-alike PKI, loopback, short names.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::num::NonZeroU32;

use anyhow::Context as _;
use chrono::TimeDelta;
use secrecy::SecretString;
use url::Url;

use super::pki::{CaName, IssuerName, Pki};
use super::responder::Responder;
use crate::card_hosts::{CardHosts, Chooser, Label};
use crate::config::{
    Card, Clients, Config, Database, DpopNonce, Health, IssuerFile, IssuerKind, Lifetimes, Limits,
    Log, LogFormat, Logout, Mtls, OcspNonce, PolicyRow, ProxyProtocol, Revocation,
    RevocationAuthority, RevocationOrder, RevocationSettings, SealingKey, TlsFiles, TrustFiles,
    UnknownPolicy,
};
use crate::identity::assurance::Loa;

/// The host of the issuer; browsers resolve it to loopback by themselves.
pub const ISSUER_HOST: &str = "idp.localhost";
/// The host of Demo-Symfoni.
pub const DEMO_HOST: &str = "symfoni.localhost";

/// Where the responder listens.
const LOOPBACK: &str = "127.0.0.0/8";

/// What differs between throw-away installations.
pub struct Site<'a> {
    /// The port of the issuer and the card hosts.
    pub port: u16,
    /// The database.
    pub database_url: String,
    /// The look-alike PKI.
    pub pki: &'a Pki,
    /// Who says what is revoked; without it nobody is asked.
    pub responder: Option<&'a Responder>,
    /// The sealing key.
    pub sealing_key: SealingKey,
}

/// The configuration of a throw-away installation.
///
/// # Errors
/// Never in practice: the issuer is a URL.
pub fn config(site: Site<'_>) -> anyhow::Result<Config> {
    let Site { port, database_url, pki, responder, sealing_key } = site;
    let issuer = Url::parse(&format!("https://{ISSUER_HOST}:{port}")).context("the issuer")?;
    Ok(Config {
        issuer,
        listen: vec![SocketAddr::from(([127, 0, 0, 1], port))],
        proxy: None,
        proxy_protocol: ProxyProtocol::none(),
        database: Database {
            url: SecretString::from(database_url),
            max_connections: 20,
            insecure_plaintext: true,
        },
        tls: TlsFiles {
            certificate: pki.server_chain_pem().to_owned(),
            key: pki.server_key_pem().to_owned(),
            card_certificate: None,
            card_key: None,
        },
        card: Card {
            hosts: CardHosts::wildcard(
                &format!("card.{ISSUER_HOST}"),
                Label::default(),
                Chooser::default(),
            ),
            tls12: true,
            tls13: true,
        },
        mtls: Mtls { hosts: vec![format!("mtls.{ISSUER_HOST}")] },
        trust: TrustFiles {
            roots: vec![pki.root().pem.clone()],
            issuers: pki
                .issuers()
                .iter()
                .map(|issuer| IssuerFile {
                    certificate: issuer.pem.clone(),
                    kind: kind(issuer.name),
                    loa: loa(issuer.name),
                    policies: vec![PolicyRow {
                        oid: issuer.name.policy().map(|arc| arc.to_string()).join("."),
                        kind: kind(issuer.name),
                        loa: loa(issuer.name),
                    }],
                })
                .collect(),
            intermediates: Vec::new(),
            unknown_policy: UnknownPolicy::FollowIssuer,
            hsa_id_prefixes: Vec::new(),
        },
        revocation: revocation(pki, responder)?,
        sealing_key,
        clients: Clients {
            private_networks: vec![LOOPBACK.parse().context("loopback")?],
            authorities: Some(pki.web_ca_pem().to_owned()),
        },
        claim_profiles: BTreeMap::new(),
        logout: Logout {
            keep_trying: TimeDelta::hours(24),
            timeout: TimeDelta::seconds(5),
            authorities: vec![pki.web_ca_pem().to_owned()],
            private_networks: vec![LOOPBACK.parse().context("loopback")?],
        },
        lifetimes: Lifetimes {
            login: TimeDelta::minutes(10),
            ticket: TimeDelta::seconds(60),
            code: TimeDelta::seconds(60),
            pushed_request: TimeDelta::seconds(60),
            session: TimeDelta::hours(8),
            session_idle: TimeDelta::hours(1),
            access_token: TimeDelta::seconds(300),
            refresh_token: TimeDelta::days(30),
            refresh_token_idle: TimeDelta::hours(24),
            id_token: TimeDelta::seconds(300),
            attempts: TimeDelta::days(90),
        },
        dpop_nonce: DpopNonce::Offered,
        limits: Limits {
            max_connections: 1000,
            max_choosing_per_address: 500,
            failed_logins_per_minute: NonZeroU32::new(600).context("not zero")?,
            pushed_requests_per_minute: NonZeroU32::new(600).context("not zero")?,
            handshake_timeout: TimeDelta::seconds(10),
            card_handshake_timeout: TimeDelta::seconds(180),
            first_request_timeout: TimeDelta::seconds(10),
        },
        health: Health { networks: vec![LOOPBACK.parse().context("loopback")?] },
        log: Log { format: LogFormat::Text, filter: "warn".to_owned() },
    })
}

/// Every authority is asked: OCSP, then its list; that of reserve cards by OCSP alone, so that there
/// is a card of which nobody knows.
///
/// # Errors
/// Never in practice: the addresses are URLs.
pub fn revocation(pki: &Pki, responder: Option<&Responder>) -> anyhow::Result<Revocation> {
    let order = match responder {
        Some(_) => RevocationOrder::OcspThenCrl,
        None => RevocationOrder::Off,
    };
    let defaults = RevocationSettings {
        order,
        grace: TimeDelta::zero(),
        nonce: OcspNonce::On,
        refresh: TimeDelta::hours(1),
        max_crl_bytes: 64 * 1024 * 1024,
        max_crl_entries: 2_000_000,
        crl_timeout: TimeDelta::minutes(2),
        ocsp_timeout: TimeDelta::seconds(3),
        ocsp_max_age: TimeDelta::hours(1),
    };
    let issuers = pki.issuers().iter().map(|issuer| (CaName::Issuing(issuer.name), &issuer.pem));
    let authorities = responder.map(|responder| {
        let files = std::iter::once((CaName::Root, &pki.root().pem)).chain(issuers);
        let rows = files.map(|(ca, pem)| {
            let mut settings = defaults.clone();
            if ca == CaName::Issuing(IssuerName::HsaId2) {
                settings.order = RevocationOrder::Ocsp;
            }
            Ok(RevocationAuthority {
                certificate: pem.clone(),
                crl: vec![Url::parse(&responder.crl_url(ca)).context("the list")?],
                ocsp: vec![Url::parse(&responder.ocsp_url()).context("the responder")?],
                settings,
            })
        });
        rows.collect::<anyhow::Result<Vec<_>>>()
    });
    Ok(Revocation {
        private_networks: vec![LOOPBACK.parse().context("loopback")?],
        connect_timeout: TimeDelta::seconds(2),
        authorities: authorities.transpose()?.unwrap_or_default(),
        defaults,
    })
}

const fn kind(name: IssuerName) -> IssuerKind {
    match name {
        IssuerName::HsaId3 | IssuerName::HsaId2 => IssuerKind::HsaId,
        IssuerName::PersonId3 | IssuerName::PersonId2 => IssuerKind::PersonId,
        IssuerName::PersonIdMobile => IssuerKind::Mobile,
        IssuerName::Function => IssuerKind::Function,
    }
}

const fn loa(name: IssuerName) -> Option<Loa> {
    match name {
        IssuerName::HsaId3 => Some(Loa::Three),
        IssuerName::HsaId2 => Some(Loa::Two),
        _ => None,
    }
}
