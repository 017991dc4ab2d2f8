//! What a node is made of: data only, cheap to clone.

use std::collections::HashMap;
use std::sync::Arc;

use arc_swap::ArcSwap;
use url::Url;

use crate::card_hosts::CardHosts;
use crate::clock::Clock;
use crate::config::Lifetimes;
use crate::keys::{KeyRing, Sealer};
use crate::oidc::client::Client;
use crate::pki::Trust;
use crate::random::Random;
use crate::store::PgPool;
use crate::throttle::Throttle;

/// A node.
#[derive(Clone)]
pub struct App(Arc<Parts>);

/// What a node is made of.
pub struct Parts {
    /// The issuer: `https`, a host, perhaps a port.
    pub issuer: Url,
    /// The card hosts that logins are sent to.
    pub card_hosts: CardHosts,
    /// How long things live.
    pub lifetimes: Lifetimes,
    /// All shared state.
    pub pool: PgPool,
    /// Which certificates are believed.
    pub trust: Trust,
    /// Clients and keys, as last read from the database.
    pub registry: ArcSwap<Registry>,
    /// How many logins may fail at one address without a card that was proved.
    pub failed_logins: Throttle,
    /// Seals what travels and what lies.
    pub sealer: Arc<Sealer>,
    /// Where `now` comes from.
    pub clock: Clock,
    /// Where identifiers and secrets come from.
    pub random: Random,
}

/// What every node keeps in memory and reads again when the database tells of a change.
#[derive(Debug, Default)]
pub struct Registry {
    /// Relying parties by `client_id`.
    pub clients: HashMap<String, Arc<Client>>,
    /// The signing keys.
    pub keyring: KeyRing,
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
