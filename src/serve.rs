//! A node: built from its configuration, started, kept in step, shut down gracefully.
//!
//! The same code serves an installation, `dev` and the tests. Must never start half: whatever is
//! missing or wrong is an error before the first connection is taken.

pub mod back_channel;
pub mod clients;
pub mod keys;
pub mod open_files;
pub mod proxies;
pub mod registry;
pub mod revocation;
pub mod trust;

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use axum_server::Handle;
use chrono::{DateTime, TimeDelta, Utc};
use tokio::task::JoinSet;

use crate::card_hosts::Chooser;
use crate::clock::Clock;
use crate::config::{self, Config};
use crate::fetch::FetchFault;
use crate::http;
use crate::keys::Sealer;
use crate::oidc::claim_profile::ClaimProfiles;
use crate::pki::Trust;
use crate::random::Random;
use crate::state::{App, CheckCounts, Parts, Registry};
use crate::store::migrate::{self, Schema};
use crate::store::{self, PgPool, StoreError, housekeeping, pairwise_salt};
use crate::throttle::{ClientThrottle, Once, Throttle};
use crate::tls::{self, Counters, Hints, Identity, IdentityFault, Settings, TlsParts};

/// How long a node that is told to stop lets requests finish.
const GRACE: Duration = Duration::from_secs(20);
/// How often a node forgets what is over.
const HOUSEKEEPING: Duration = Duration::from_secs(60);

/// Why a node does not start.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// A trust file.
    #[error(transparent)]
    Trust(#[from] trust::TrustFileFault),
    /// A source of revocation.
    #[error(transparent)]
    Revocation(#[from] revocation::RevocationFault),
    /// The server's certificate or key.
    #[error(transparent)]
    Identity(#[from] IdentityFault),
    /// The database.
    #[error("{0}")]
    Store(#[from] StoreError),
    /// No table is there.
    #[error("the database holds no tables yet: type `siths-idp migrate`")]
    Unmigrated,
    /// A migration is missing, or failed.
    #[error("the database lacks migration {0}, or it failed: type `siths-idp migrate`")]
    Behind(i64),
    /// The schema of another program.
    #[error(
        "migration {0} was applied to the database with another text than this program's: the \
         database is of a version that was never released, or of another program"
    )]
    OtherSchema(i64),
    /// A signing key.
    #[error(transparent)]
    Keys(#[from] keys::KeysFault),
    /// The authorities of relying parties.
    #[error(transparent)]
    BackChannel(#[from] back_channel::BackChannelFault),
    /// The CA of proxies.
    #[error("proxy.client_ca: {0}")]
    ProxyCa(#[from] proxies::ProxyCaFault),
    /// The authorities of clients' servers.
    #[error("clients.authorities: {0}")]
    ClientAuthorities(FetchFault),
    /// The limit of open files.
    #[error(transparent)]
    OpenFiles(#[from] open_files::TooFew),
    /// An address.
    #[error("cannot listen on {address}: {source}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// Why.
        source: io::Error,
    },
}

impl ServeError {
    /// Whether the configuration must be changed before a node can start. What another time, another
    /// database or another machine may cure is none of it.
    #[must_use]
    pub const fn is_of_configuration(&self) -> bool {
        use revocation::RevocationFault;
        match self {
            Self::Trust(fault) | Self::Revocation(RevocationFault::File(fault)) => {
                !fault.may_pass()
            }
            Self::Revocation(fault) => !matches!(fault, RevocationFault::Fetch(_)),
            Self::ProxyCa(_) | Self::ClientAuthorities(_) | Self::BackChannel(_) => true,
            _ => false,
        }
    }
}

/// A running node.
pub struct Node {
    /// What it is made of.
    pub app: App,
    /// Where it listens for browsers.
    pub addresses: Vec<SocketAddr>,
    /// Where it listens for proxies that end TLS.
    pub proxy_addresses: Vec<SocketAddr>,
    /// What came of connections.
    pub counters: Arc<Counters>,
    handle: Handle<SocketAddr>,
    tasks: JoinSet<()>,
}

/// Binds the addresses of the configuration.
///
/// # Errors
/// [`ServeError::Listen`], naming the address.
pub fn bind(addresses: &[SocketAddr]) -> Result<Vec<TcpListener>, ServeError> {
    addresses
        .iter()
        .map(|&address| {
            let listen = || {
                let listener = TcpListener::bind(address)?;
                listener.set_nonblocking(true)?;
                Ok(listener)
            };
            listen().map_err(|source| ServeError::Listen { address, source })
        })
        .collect()
}

/// Starts a node on listeners for browsers that are bound already; those for proxies it binds itself.
///
/// # Errors
/// [`ServeError`]; nothing is left running then.
pub async fn start(
    config: &Config,
    clock: Clock,
    random: Random,
    listeners: Vec<TcpListener>,
) -> Result<Node, ServeError> {
    let claim_profiles = ClaimProfiles::new(&config.claim_profiles);
    let trust = trust::trust(&config.trust, clock.now())?;
    let identity = Identity::load(&config.tls.certificate, &config.tls.key)?;
    warn_of_uncovered(config, &identity);
    let card_identity = card_identity(config, &identity)?;
    let pool = store::connect(&config.database).await?;
    schema(&pool).await.map_err(unmigrated)?;
    let means =
        revocation::Means { pool: pool.clone(), clock: clock.clone(), random: random.clone() };
    let revocation = revocation::revocation(config, means)?;
    let app = App::new(Parts {
        issuer: config.issuer.clone(),
        card_hosts: config.card.hosts.clone(),
        mtls_host: mtls_host(config).map(str::to_owned),
        lifetimes: config.lifetimes,
        claim_profiles,
        dpop_nonce: config.dpop_nonce,
        pool,
        trust,
        failed_logins: Throttle::per_minute(config.limits.failed_logins_per_minute),
        revocation,
        health_networks: config.health.networks.clone(),
        checks: Throttle::per_minute(config.limits.failed_logins_per_minute),
        check_counts: CheckCounts::default(),
        pushes: ClientThrottle::per_minute(config.limits.pushed_requests_per_minute),
        client_keys: clients::keys(&config.clients).map_err(ServeError::ClientAuthorities)?,
        told_policies: Once::default(),
        back_channel: back_channel::of(&config.logout)?,
        registry: Arc::new(Registry::default()).into(),
        sealer: Arc::new(Sealer::new(config.sealing_key.expose())),
        clock,
        random,
    });
    keys::ensure(&app).await.map_err(unmigrated)?;
    let salt = app.random.bytes();
    pairwise_salt::add_first(&app.pool, &salt, app.clock.now()).await.map_err(ServeError::from)?;
    registry::reload(&app).await.map_err(unmigrated)?;
    registry::warn_of_registrations(&app);
    app.revocation.load().await?;

    let counters = Arc::new(Counters::default());
    let settings = settings(config);
    let parts = TlsParts {
        hosts: hosts(config),
        identity,
        card_identity,
        hints: hints(&app.trust),
        places: settings.places(),
        settings,
        balancers: proxies::balancers(config),
        proxy_fields: proxies::fields(config),
        counters: counters.clone(),
    };
    let behind = match &config.proxy {
        Some(proxy) => Some((proxies::parts(proxy, &parts)?, bind(&proxy.listen)?)),
        None => None,
    };
    if config.proxy.as_ref().is_some_and(config::Proxy::is_unproven) {
        tracing::warn!("whoever has an address of proxy.peers can log in as anybody");
    }
    let handle = Handle::new();
    let mut tasks = JoinSet::new();
    let mut addresses = Vec::new();
    for listener in listeners {
        addresses.extend(listener.local_addr());
        let serving = tls::serve(listener, parts.clone(), http::router(&app), handle.clone());
        tasks.spawn(async move {
            if let Err(error) = serving.await {
                tracing::error!(%error, "the listener ended");
            }
        });
    }
    let mut proxy_addresses = Vec::new();
    for (parts, listener) in behind
        .into_iter()
        .flat_map(|(parts, listeners)| listeners.into_iter().map(move |one| (parts.clone(), one)))
    {
        proxy_addresses.extend(listener.local_addr());
        let serving = tls::serve_proxies(listener, parts, http::router(&app), handle.clone());
        tasks.spawn(async move {
            if let Err(error) = serving.await {
                tracing::error!(%error, "the listener for proxies ended");
            }
        });
    }
    let (watching, cleaning, counting) = (app.clone(), app.clone(), counters.clone());
    let revocation = app.revocation.clone();
    let telling = app.clone();
    tasks.spawn(async move { revocation.keep_current().await });
    tasks.spawn(async move { back_channel::keep_telling(&telling).await });
    tasks.spawn(async move { registry::keep_in_step(&watching).await });
    tasks.spawn(async move { keep_house(&cleaning, &counting).await });
    Ok(Node { app, addresses, proxy_addresses, counters, handle, tasks })
}

impl Node {
    /// Stops taking connections, lets requests finish, and ends.
    pub async fn stop(mut self) {
        self.handle.graceful_shutdown(Some(GRACE));
        let handle = self.handle.clone();
        let drained = async move {
            while handle.connection_count() > 0 {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        let _ = tokio::time::timeout(GRACE, drained).await;
        self.tasks.shutdown().await;
        self.app.pool.close().await;
        tracing::info!(counts = ?self.counters.snapshot(), "stopped");
    }

    /// Ends at once, as a node that dies: connections are cut and nothing is finished.
    pub async fn kill(mut self) {
        self.handle.shutdown();
        self.tasks.shutdown().await;
    }
}

/// Waits for Ctrl-C or SIGTERM.
pub async fn told_to_stop() {
    use tokio::signal::unix::{SignalKind, signal};
    let Ok(mut terminate) = signal(SignalKind::terminate()) else {
        let _ = tokio::signal::ctrl_c().await;
        return;
    };
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        _ = terminate.recv() => {}
    }
}

/// Serves an installation until it is told to stop.
///
/// # Errors
/// [`ServeError`].
pub async fn run(config: &Config, clock: Clock, random: Random) -> Result<(), ServeError> {
    open_files::allow(config)?;
    let listeners = bind(&config.listen)?;
    let node = start(config, clock, random, listeners).await?;
    let (browsers, proxies) = (&node.addresses, &node.proxy_addresses);
    tracing::info!(issuer = config.issuer_identifier(), addresses = ?browsers, ?proxies, "serving");
    told_to_stop().await;
    tracing::info!("stopping: requests under way are finished");
    node.stop().await;
    Ok(())
}

/// A schema of one's own, or a later one: the next version may have migrated, and run beside.
async fn schema(pool: &PgPool) -> Result<(), ServeError> {
    match migrate::compare(pool).await? {
        Schema::Same => Ok(()),
        Schema::Later { version } => {
            tracing::warn!(
                version,
                "the database's schema is of a later version than this program"
            );
            Ok(())
        }
        Schema::Behind { version } => Err(ServeError::Behind(version)),
        Schema::Other { version } => Err(ServeError::OtherSchema(version)),
    }
}

// The first statement that fails for want of a table says what to type.
fn unmigrated(error: ServeError) -> ServeError {
    match error {
        ServeError::Store(store) | ServeError::Keys(keys::KeysFault::Store(store))
            if store.is_unmigrated() =>
        {
            ServeError::Unmigrated
        }
        other => other,
    }
}

// Once a minute: what is over is forgotten, and what came of connections is told where it changed.
async fn keep_house(app: &App, counters: &Counters) {
    let mut told = counters.snapshot();
    let mut told_of_revocation = app.revocation.counts();
    let mut checked = app.check_counts.snapshot();
    loop {
        tokio::time::sleep(HOUSEKEEPING).await;
        if let Err(error) = forget(app).await {
            tracing::warn!(%error, "housekeeping failed; it is tried again in a minute");
        }
        app.failed_logins.forget_quiet();
        app.checks.forget_quiet();
        app.pushes.forget_quiet();
        let tried = app.check_counts.snapshot();
        if tried != checked {
            let (pages, look_ups) = tried;
            tracing::info!(pages, look_ups, "cards tried on the check page since the start");
            checked = tried;
        }
        let counts = counters.snapshot();
        if counts != told {
            tracing::info!(?counts, "connections since the start");
            told = counts;
        }
        let counts = app.revocation.counts();
        if counts != told_of_revocation {
            tracing::info!(?counts, "revocation since the start");
            told_of_revocation = counts;
        }
    }
}

async fn forget(app: &App) -> Result<(), StoreError> {
    // One that fails stands in no other's way.
    let now = app.clock.now();
    let run = forget_all(app, now).await;
    let answers = housekeeping::forget_answers(&app.pool, now - app.revocation.memory()).await;
    let attempts = housekeeping::forget_attempts(&app.pool, now - app.lifetimes.attempts).await;
    run.and(answers).and(attempts)
}

async fn forget_all(app: &App, now: DateTime<Utc>) -> Result<(), StoreError> {
    while housekeeping::run(&app.pool, now).await? {}
    Ok(())
}

fn card_identity(config: &Config, issuer: &Identity) -> Result<Identity, IdentityFault> {
    match (&config.tls.card_certificate, &config.tls.card_key) {
        (Some(certificate), Some(key)) => Identity::load(Path::new(certificate), Path::new(key)),
        _ => Ok(issuer.clone()),
    }
}

/// The host of `mtls_endpoint_aliases`.
fn mtls_host(config: &Config) -> Option<&str> {
    config.mtls.hosts.first().map(String::as_str)
}

// An installation that was there before has a certificate without the name: people still log in.
fn warn_of_uncovered(config: &Config, identity: &Identity) {
    for host in config.mtls.hosts.iter().filter(|host| !identity.is_for(host)) {
        tracing::warn!(
            host,
            "the certificate of [tls] is not for a host of [mtls]: relying parties cannot connect there"
        );
    }
}

fn hosts(config: &Config) -> tls::Hosts {
    tls::Hosts::new(config.issuer.host_str().unwrap_or_default(), config.card.hosts.clone())
        .with_mtls(&config.mtls.hosts)
}

fn hints(trust: &Trust) -> Hints {
    let of = |chooser: Chooser| {
        let hints = trust.hints(chooser);
        if hints.is_empty() {
            tracing::warn!(%chooser, "browsers are told of no issuer: they offer any certificate");
        }
        hints
    };
    Hints { hsa_id: of(Chooser::HsaId), siths: of(Chooser::Siths) }
}

fn settings(config: &Config) -> Settings {
    let limits = &config.limits;
    let long = |delta: TimeDelta| delta.to_std().unwrap_or(Duration::ZERO);
    Settings {
        handshake_timeout: long(limits.handshake_timeout),
        card_handshake_timeout: long(limits.card_handshake_timeout),
        first_request_timeout: long(limits.first_request_timeout),
        max_connections: limits.max_connections,
        max_choosing_per_address: limits.max_choosing_per_address,
        card_tls12: config.card.tls12,
        card_tls13: config.card.tls13,
        ..Settings::default()
    }
}
