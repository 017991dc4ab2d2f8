//! Whether a node is of use, for whoever sends it connections; and how old what it knows of revocation
//! is, for whoever runs it.
//!
//! Not ready is what another node may do better: no database, no key. What all nodes share, such as a
//! revocation list that has run out, is degraded: to take every node away would take away the pages
//! that say why. Must never hold anything of a person or a secret.

use std::time::Duration;

use serde::Serialize;

use crate::keys::SigningAlg;
use crate::named::named;
use crate::revocation::Report;
use crate::state::App;
use crate::store;

/// How long the database may take to answer.
const PATIENCE: Duration = Duration::from_secs(2);

named! {
    /// Whether a node is of use.
    pub enum State {
        /// All is as it should be.
        Ready = "ready",
        /// It serves, but a source of revocation is silent or past its time.
        Degraded = "degraded",
        /// Send connections elsewhere.
        NotReady = "not-ready",
    }
}

/// The state of a node, with its parts.
#[derive(Clone, Debug, Serialize)]
pub struct Readiness {
    /// Whether it is of use.
    pub status: State,
    /// Whether the database answers.
    pub database: bool,
    /// Whether there is a key to sign with for each algorithm.
    pub signing_keys: bool,
    /// The sources of revocation.
    pub revocation: Report,
}

/// Looks.
pub async fn readiness(app: &App) -> Readiness {
    let now = app.clock.now();
    let answers = tokio::time::timeout(PATIENCE, store::ping(&app.pool)).await;
    let database = matches!(answers, Ok(Ok(())));
    let registry = app.registry.load();
    let ring = registry.keyring.at(now);
    let signing_keys = SigningAlg::ALL.into_iter().all(|alg| ring.signing(alg).is_some());
    let revocation = app.revocation.report(now);
    let status = match (database && signing_keys, revocation.current) {
        (false, _) => State::NotReady,
        (true, false) => State::Degraded,
        (true, true) => State::Ready,
    };
    Readiness { status, database, signing_keys, revocation }
}
