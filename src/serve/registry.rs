//! Clients and keys in memory, in step with the database.
//!
//! A node reads them again when PostgreSQL tells of a change, and now and then without being told.
//! A node that cannot read keeps what it has.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::timeout;

use super::{ServeError, keys};
use crate::oidc::client::Client;
use crate::oidc::registration;
use crate::state::{App, Registry};
use crate::store::registry::{Change, Changes};
use crate::store::{StoreError, clients, pairwise_salt};

/// How often the registry is read again without being told.
const UNTOLD: Duration = Duration::from_secs(10);

/// How soon it is listened again after a failure; it doubles with each, up to [`UNTOLD`]. A database
/// that was away leaves several dead connections in the pool, each of which fails once.
const AGAIN: Duration = Duration::from_millis(100);

/// Reads clients and keys, and puts them into use.
///
/// # Errors
/// [`ServeError`]; what was in use stays in use.
pub async fn reload(app: &App) -> Result<(), ServeError> {
    let mut connection = app.pool.acquire().await.map_err(StoreError::from)?;
    let clients = clients::all(&mut connection).await?;
    drop(connection);
    let understood = clients.into_iter().filter_map(|client| {
        // One registration that only another version understands must not freeze all the others.
        client.inspect_err(|error| tracing::error!(%error, "a client is left out")).ok()
    });
    let understood = understood.inspect(|client: &Client| {
        if app.claim_profiles.of(client).is_none() {
            let (client, profile) = (&client.id, &client.metadata.claim_profile);
            tracing::error!(client, ?profile, "a claim profile that is not configured: no claims");
        }
    });
    let clients = understood.map(|client| (client.id.clone(), Arc::new(client))).collect();
    let keyring = keys::load(app).await?;
    let subjects = pairwise_salt::load(&app.pool).await?;
    app.registry.store(Arc::new(Registry { clients, keyring, subjects }));
    Ok(())
}

/// Tells in the log which registrations break a rule: an earlier version may have written them.
pub fn warn_of_registrations(app: &App) {
    for client in app.registry.load().clients.values() {
        if let Err(fault) = registration::check(client) {
            tracing::warn!(client_id = %client.id, %fault, "a registration does not hold together");
        }
    }
}

/// Keeps the registry in step until the task is ended.
pub async fn keep_in_step(app: &App) {
    let mut changes: Option<Changes> = None;
    let mut pause = AGAIN;
    loop {
        match &mut changes {
            // Told, not told for a while, or the connection was lost: read again in each case.
            Some(listening) => match timeout(UNTOLD, listening.next()).await {
                Ok(Ok(Change::Revocation)) => {
                    app.revocation.tell();
                    continue;
                }
                Ok(Ok(Change::Logout)) => {
                    app.back_channel.told.notify_one();
                    continue;
                }
                Ok(Ok(Change::Anything)) => {
                    app.revocation.tell();
                    app.back_channel.told.notify_one();
                }
                Ok(Ok(Change::Registry)) | Err(_) => {}
                Ok(Err(error)) => {
                    tracing::warn!(%error, "the database no longer tells of changes");
                    changes = None;
                }
            },
            None => match Changes::listen(&app.pool).await {
                Ok(listening) => {
                    changes = Some(listening);
                    pause = AGAIN;
                    // Lists may have changed meanwhile.
                    app.revocation.tell();
                }
                Err(error) => {
                    tracing::warn!(%error, "the database cannot be listened to");
                    tokio::time::sleep(pause).await;
                    pause = (pause * 2).min(UNTOLD);
                }
            },
        }
        if let Err(error) = reload(app).await {
            tracing::warn!(%error, "clients and keys could not be read again; the last ones stay");
        }
    }
}
