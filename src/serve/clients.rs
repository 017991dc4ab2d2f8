//! How a node reaches the servers of clients.

use std::time::Duration;

use crate::client_keys::ClientKeys;
use crate::config::Clients;
use crate::fetch::{FetchFault, Fetcher};

/// How long a connection may take.
const CONNECT: Duration = Duration::from_secs(2);

/// The keys of clients at their addresses; none is fetched yet. A machine without authorities of its own
/// still serves the clients that have nothing fetched.
///
/// # Errors
/// [`FetchFault`], where authorities are configured and cannot be used.
pub fn keys(clients: &Clients) -> Result<ClientKeys, FetchFault> {
    let fetcher = fetcher(clients);
    match &fetcher {
        Err(fault) if clients.authorities.is_some() => return Err(fault.clone()),
        Err(fault) => tracing::warn!(%fault, "nothing can be fetched from relying parties"),
        Ok(_) => {}
    }
    Ok(ClientKeys::new(fetcher))
}

/// What fetches from clients.
///
/// # Errors
/// [`FetchFault`]: authorities that cannot be read, or none.
pub fn fetcher(clients: &Clients) -> Result<Fetcher, FetchFault> {
    let authorities = clients.authorities.iter().map(std::fs::read).collect::<Result<Vec<_>, _>>();
    let authorities = authorities.map_err(|error| FetchFault::Failed(error.to_string()))?;
    Fetcher::by_https(&clients.private_networks, CONNECT, &authorities)
}
