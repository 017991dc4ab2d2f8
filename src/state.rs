//! What a node is made of: data only, cheap to clone.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use arc_swap::ArcSwap;
use chrono::TimeDelta;
use ipnet::IpNet;
use tokio::sync::Notify;
use url::Url;
use uuid::Uuid;

use crate::card_hosts::CardHosts;
use crate::client_keys::ClientKeys;
use crate::clock::Clock;
use crate::config::Lifetimes;
use crate::fetch::Fetcher;
use crate::keys::{KeyRing, Sealer};
use crate::oidc::claim_profile::ClaimProfiles;
use crate::oidc::client::Client;
use crate::oidc::subject::Subjects;
use crate::pki::Trust;
use crate::random::Random;
use crate::revocation::Revocation;
use crate::store::PgPool;
use crate::throttle::{ClientThrottle, Once, Throttle};

/// A node.
#[derive(Clone)]
pub struct App(Arc<Parts>);

/// What a node is made of.
pub struct Parts {
    /// The issuer: `https`, a host, perhaps a port.
    pub issuer: Url,
    /// The card hosts that logins are sent to.
    pub card_hosts: CardHosts,
    /// The host where relying parties show certificates, as the discovery document names it.
    pub mtls_host: Option<String>,
    /// How long things live.
    pub lifetimes: Lifetimes,
    /// The names that claims go by.
    pub claim_profiles: ClaimProfiles,
    /// All shared state.
    pub pool: PgPool,
    /// Which certificates are believed.
    pub trust: Trust,
    /// What issuers say of revocation.
    pub revocation: Revocation,
    /// The networks that are told the ages of sources.
    pub health_networks: Vec<IpNet>,
    /// Clients and keys, as last read from the database.
    pub registry: ArcSwap<Registry>,
    /// How many logins may fail at one address without a card that was proved.
    pub failed_logins: Throttle,
    /// How many cards may be tried at one address.
    pub checks: Throttle,
    /// How often cards were tried, since the start.
    pub check_counts: CheckCounts,
    /// How many requests a client may push.
    pub pushes: ClientThrottle,
    /// The keys of clients that have them at an address.
    pub client_keys: ClientKeys,
    /// The policies that were told as unknown.
    pub told_policies: Once,
    /// How relying parties are told of logouts.
    pub back_channel: BackChannel,
    /// Seals what travels and what lies.
    pub sealer: Arc<Sealer>,
    /// Where `now` comes from.
    pub clock: Clock,
    /// Where identifiers and secrets come from.
    pub random: Random,
}

/// How relying parties are told of logouts (OpenID Connect Back-Channel Logout 1.0).
#[derive(Debug)]
pub struct BackChannel {
    /// Reaches them.
    pub fetcher: Fetcher,
    /// For how long one that is away is tried again.
    pub keep_trying: TimeDelta,
    /// How long one try may take.
    pub timeout: Duration,
    /// Says that there may be notices to send.
    pub told: Notify,
}

/// What every node keeps in memory and reads again when the database tells of a change.
#[derive(Debug, Default)]
pub struct Registry {
    /// Relying parties by `client_id`.
    pub clients: HashMap<String, Arc<Client>>,
    /// The keys of the provider.
    pub keyring: KeyRing,
    /// What `sub` is made with; before it is read there are no clients either.
    pub subjects: Subjects,
}

/// What the check page was asked since the start.
#[derive(Debug, Default)]
pub struct CheckCounts {
    /// Pages.
    pub pages: AtomicU64,
    /// Holders of a card that is good, who asked whether they are users.
    pub look_ups: AtomicU64,
}

impl CheckCounts {
    /// Pages and look-ups as they are now.
    #[must_use]
    pub fn snapshot(&self) -> (u64, u64) {
        (self.pages.load(Ordering::Relaxed), self.look_ups.load(Ordering::Relaxed))
    }
}

impl App {
    /// A node of these parts.
    #[must_use]
    pub fn new(parts: Parts) -> Self {
        Self(Arc::new(parts))
    }

    /// The relying party with an id, switched on or not.
    #[must_use]
    pub fn client(&self, id: &str) -> Option<Arc<Client>> {
        self.registry.load().clients.get(id).cloned()
    }

    /// `sub` of a person for a client.
    #[must_use]
    pub fn subject(&self, client: &Client, user: Uuid) -> String {
        self.registry.load().subjects.of(client, user)
    }
}

impl std::ops::Deref for App {
    type Target = Parts;

    fn deref(&self) -> &Parts {
        &self.0
    }
}

impl std::fmt::Debug for App {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("App").field("issuer", &self.issuer.as_str()).finish_non_exhaustive()
    }
}
