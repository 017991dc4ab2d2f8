//! `siths-idp clients`: relying parties.

mod add;
mod metadata;
mod show;

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::context::Context;
use super::output::{Failure, Report, table};
use crate::oidc::client::Client;
use crate::store::clients::{self, ClientError};

#[derive(Subcommand)]
pub(super) enum Clients {
    /// Register a relying party; again with the same facts changes nothing
    Add(Box<add::Add>),
    /// Every relying party
    List,
    /// A whole registration
    Show(Which),
    /// Whether registrations hold together and are within their profiles
    Check(show::Check),
    /// Switch a relying party off
    Disable(Which),
    /// Switch a relying party on
    Enable(Which),
}

#[derive(Args)]
pub(super) struct Which {
    /// The client_id
    id: String,
}

impl From<ClientError> for Failure {
    fn from(error: ClientError) -> Self {
        let message = error.to_string();
        match error {
            ClientError::IdMalformed => Self::usage("client_id_malformed", message),
            ClientError::IdTaken => Self::failed("client_id_taken", message),
            ClientError::NameMissing => Self::usage("name_missing", message),
            ClientError::SystemUnknown => Self::failed("system_unknown", message),
            ClientError::Store(error) => error.into(),
        }
    }
}

pub(super) async fn run(command: Clients, context: &Context) -> Result<Report, Failure> {
    match command {
        Clients::Add(add) => add::run(*add, context).await,
        Clients::List => list(context).await,
        Clients::Show(Which { id }) => show::show(&id, context).await,
        Clients::Check(check) => show::check(check, context).await,
        Clients::Disable(Which { id }) => switch(&id, Switch::Off, context).await,
        Clients::Enable(Which { id }) => switch(&id, Switch::On, context).await,
    }
}

async fn list(context: &Context) -> Result<Report, Failure> {
    let registry = context.registry().await?;
    let mut connection = registry.connection().await?;
    let clients = clients::all(&mut connection).await?;
    let clients = clients.into_iter().collect::<Result<Vec<Client>, _>>()?;
    let json = json!({ "clients": clients.iter().map(as_json).collect::<Vec<_>>() });
    let rows = clients.into_iter().map(|client| {
        vec![
            client.id,
            client.name,
            client.system.unwrap_or_else(|| "(any user)".to_owned()),
            if client.enabled { "yes" } else { "no" }.to_owned(),
            client.authentication.method().to_string(),
            client.signing_alg.to_string(),
            client.redirect_uris.join(" "),
        ]
    });
    let rows: Vec<Vec<String>> = rows.collect();
    let head = ["ID", "NAME", "SYSTEM", "ENABLED", "AUTH", "SIGNED", "REDIRECT URIS"];
    Ok(Report::new(json, table(&head, &rows)))
}

/// The facts of a client, without hash and keys.
fn as_json(client: &Client) -> Value {
    json!({
        "id": client.id,
        "name": client.name,
        "system": client.system,
        "enabled": client.enabled,
        "auth": client.authentication.method(),
        "redirect_uris": client.redirect_uris,
        "scopes": client.scopes,
        "system_scopes": client.system_scopes,
        "signing_alg": client.signing_alg,
        "pkce": client.pkce,
        "sign_on": client.sign_on,
        "require_loa": client.required_loa,
        "told_first": client.told_first,
        "metadata": client.metadata,
    })
}

#[derive(Clone, Copy)]
enum Switch {
    On,
    Off,
}

async fn switch(id: &str, to: Switch, context: &Context) -> Result<Report, Failure> {
    let registry = context.registry().await?;
    let mut connection = registry.connection().await?;
    if clients::by_id(&mut connection, id).await?.is_none() {
        return Err(Failure::failed("client_unknown", format!("there is no client {id}")));
    }
    let by = context.by();
    let (changed, done) = match to {
        Switch::On => (clients::enable(&mut connection, by, id).await?, "enabled"),
        Switch::Off => (clients::disable(&mut connection, by, id).await?, "disabled"),
    };
    let outcome = if changed { done } else { "unchanged" };
    Ok(Report::new(json!({ "outcome": outcome, "id": id }), format!("client {id}: {outcome}")))
}
