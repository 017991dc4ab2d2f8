//! Relying parties.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use serde_json::json;
use sqlx::{Connection as _, PgConnection};

use super::audit::{self, By, NewEvent};
use super::{StoreError, broken_constraint};
use crate::oidc::client::{AuthMethod, Client, ClientAuthentication};
use crate::oidc::scope::Scope;
use crate::oidc::system_scope::SystemScope;

/// Why a relying party is not registered.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The id is not in the grammar (RFC 6749 appendix A.1).
    #[error(
        "a client's id is 1 to 200 printable ASCII characters without space, quote and backslash"
    )]
    IdMalformed,
    /// Another client has the id.
    #[error("there is a client with this id by now: look at it before changing it")]
    IdTaken,
    /// No name.
    #[error("a client needs a name")]
    NameMissing,
    /// No such system.
    #[error("there is no such system: add it and a role in it first (roles add)")]
    SystemUnknown,
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<sqlx::Error> for ClientError {
    fn from(error: sqlx::Error) -> Self {
        match broken_constraint(&error) {
            Some("clients_id_grammar") => Self::IdMalformed,
            Some("clients_name_is_there") => Self::NameMissing,
            Some("clients_system_id_fkey") => Self::SystemUnknown,
            _ => Self::Store(error.into()),
        }
    }
}

/// Every relying party, by id; each by itself, so that one that this version does not understand
/// stands in the way of no other.
///
/// # Errors
/// The database failed; within, [`StoreError::Client`].
pub async fn all(
    connection: &mut PgConnection,
) -> Result<Vec<Result<Client, StoreError>>, StoreError> {
    select(connection, None).await
}

/// The relying party with an id.
///
/// # Errors
/// [`StoreError::Client`], or the database failed.
pub async fn by_id(connection: &mut PgConnection, id: &str) -> Result<Option<Client>, StoreError> {
    select(connection, Some(id)).await?.pop().transpose()
}

async fn select(
    connection: &mut PgConnection,
    id: Option<&str>,
) -> Result<Vec<Result<Client, StoreError>>, StoreError> {
    let rows = sqlx::query_as!(
        Row,
        r#"select id, name, system_id, enabled, auth_method, secret_hash, jwks, signing_alg, pkce,
            sign_on, required_loa, told_first, metadata,
            array(
                select uri
                from client_redirect_uris
                where client_redirect_uris.client_id = clients.id
                order by uri collate "C"
            ) as "redirect_uris!",
            array(
                select scope
                from client_scopes
                where client_scopes.client_id = clients.id
            ) as "scopes!"
        from clients
        where $1::text is null or id = $1
        order by id"#,
        id,
    )
    .fetch_all(connection)
    .await?;
    Ok(rows.into_iter().map(client).collect())
}

/// Registers a relying party.
///
/// # Errors
/// An id that is taken, a malformed id or name, an unknown system, or the database failed; nothing is
/// changed then.
pub async fn add(
    connection: &mut PgConnection,
    by: By<'_>,
    client: &Client,
) -> Result<(), ClientError> {
    let mut transaction = connection.begin().await?;
    if !put_row(&mut transaction, by.now, client).await? {
        return Err(ClientError::IdTaken);
    }
    put_lists(&mut transaction, by.now, client).await?;
    record_facts(&mut transaction, by, "client.added", client).await?;
    transaction.commit().await?;
    Ok(())
}

/// Writes a relying party that is registered as it is to be.
///
/// # Errors
/// As [`add`], but for the id.
pub async fn update(
    connection: &mut PgConnection,
    by: By<'_>,
    client: &Client,
) -> Result<(), ClientError> {
    let mut transaction = connection.begin().await?;
    put_row(&mut transaction, by.now, client).await?;
    put_lists(&mut transaction, by.now, client).await?;
    record_facts(&mut transaction, by, "client.updated", client).await?;
    transaction.commit().await?;
    Ok(())
}

async fn record_facts(
    connection: &mut PgConnection,
    by: By<'_>,
    event: &str,
    client: &Client,
) -> Result<(), StoreError> {
    let details = json!({
        "by": by.operator,
        "name": client.name,
        "system": client.system,
        "authentication": client.authentication.method(),
        "redirect_uris": client.redirect_uris,
        "scopes": client.scopes,
        "system_scopes": client.system_scopes,
        "signing_alg": client.signing_alg,
        "pkce": client.pkce,
        "sign_on": client.sign_on,
        "required_loa": client.required_loa,
        "told_first": client.told_first,
        "jwks": client.jwks,
        "metadata": client.metadata,
    });
    let client_id = Some(client.id.as_str());
    let event = NewEvent { event, client_id, details, ..NewEvent::default() };
    audit::record(connection, by.now, event).await
}

/// Writes the row; whether it was new.
async fn put_row(
    connection: &mut PgConnection,
    now: DateTime<Utc>,
    client: &Client,
) -> Result<bool, ClientError> {
    let secret_hash = client.authentication.secret_hash();
    let metadata = serde_json::to_value(&client.metadata).map_err(StoreError::Document)?;
    let added = sqlx::query_scalar!(
        r#"insert into clients
            (id, name, system_id, enabled, auth_method, secret_hash, jwks, signing_alg, pkce,
            sign_on, required_loa, told_first, created_at, metadata)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)
        on conflict (id) do update
        set name = excluded.name,
            system_id = excluded.system_id,
            enabled = excluded.enabled,
            auth_method = excluded.auth_method,
            secret_hash = excluded.secret_hash,
            jwks = excluded.jwks,
            signing_alg = excluded.signing_alg,
            pkce = excluded.pkce,
            sign_on = excluded.sign_on,
            required_loa = excluded.required_loa,
            told_first = excluded.told_first,
            metadata = excluded.metadata
        returning xmax = 0 as "added!""#,
        client.id,
        client.name,
        client.system,
        client.enabled,
        client.authentication.method().name(),
        secret_hash.map(<[u8; 32]>::as_slice),
        client.jwks,
        client.signing_alg.name(),
        client.pkce.name(),
        client.sign_on.name(),
        client.required_loa.map(|loa| loa.name()),
        client.told_first.name(),
        now,
        metadata,
    )
    .fetch_one(connection)
    .await?;
    Ok(added)
}

/// Redirect URIs and scopes: those that are gone are deleted, those that are new inserted.
async fn put_lists(
    connection: &mut PgConnection,
    now: DateTime<Utc>,
    client: &Client,
) -> Result<(), ClientError> {
    let of_people = client.scopes.iter().map(|scope| scope.name());
    let of_systems = client.system_scopes.iter().map(SystemScope::as_str);
    let scopes: Vec<String> = of_people.chain(of_systems).map(str::to_owned).collect();
    sqlx::query!(
        "delete from client_redirect_uris where client_id = $1 and uri <> all($2)",
        client.id,
        &client.redirect_uris,
    )
    .execute(&mut *connection)
    .await?;
    sqlx::query!(
        "insert into client_redirect_uris (client_id, uri, created_at)
        select $1, uri, $3 from unnest($2::text[]) as uri
        on conflict (client_id, uri) do nothing",
        client.id,
        &client.redirect_uris,
        now,
    )
    .execute(&mut *connection)
    .await?;
    sqlx::query!(
        "delete from client_scopes where client_id = $1 and scope <> all($2)",
        client.id,
        &scopes,
    )
    .execute(&mut *connection)
    .await?;
    sqlx::query!(
        "insert into client_scopes (client_id, scope, created_at)
        select $1, scope, $3 from unnest($2::text[]) as scope
        on conflict (client_id, scope) do nothing",
        client.id,
        &scopes,
        now,
    )
    .execute(&mut *connection)
    .await?;
    Ok(())
}

/// Switches a relying party on.
///
/// # Errors
/// The database failed.
pub async fn enable(
    connection: &mut PgConnection,
    by: By<'_>,
    id: &str,
) -> Result<bool, StoreError> {
    let mut transaction = connection.begin().await?;
    let rows = sqlx::query!("update clients set enabled = true where id = $1 and not enabled", id)
        .execute(&mut *transaction)
        .await?
        .rows_affected();
    record_switch(&mut transaction, by, id, rows, "client.enabled").await?;
    transaction.commit().await?;
    Ok(rows > 0)
}

/// Switches a relying party off; what it was granted does not come back when it is switched on.
///
/// # Errors
/// The database failed.
pub async fn disable(
    connection: &mut PgConnection,
    by: By<'_>,
    id: &str,
) -> Result<bool, StoreError> {
    let mut transaction = connection.begin().await?;
    let rows = sqlx::query!("update clients set enabled = false where id = $1 and enabled", id)
        .execute(&mut *transaction)
        .await?
        .rows_affected();
    sqlx::query!(
        "update grants set revoked_at = $2 where client_id = $1 and revoked_at is null",
        id,
        by.now,
    )
    .execute(&mut *transaction)
    .await?;
    record_switch(&mut transaction, by, id, rows, "client.disabled").await?;
    transaction.commit().await?;
    Ok(rows > 0)
}

async fn record_switch(
    connection: &mut PgConnection,
    by: By<'_>,
    id: &str,
    rows: u64,
    event: &str,
) -> Result<(), StoreError> {
    if rows == 0 {
        return Ok(());
    }
    let details = json!({ "by": by.operator });
    let event = NewEvent { event, client_id: Some(id), details, ..NewEvent::default() };
    audit::record(connection, by.now, event).await
}

/// A row of `clients`, with its lists.
struct Row {
    id: String,
    name: String,
    system_id: Option<String>,
    enabled: bool,
    auth_method: String,
    secret_hash: Option<Vec<u8>>,
    jwks: Option<serde_json::Value>,
    signing_alg: String,
    pkce: String,
    sign_on: String,
    required_loa: Option<String>,
    told_first: String,
    metadata: serde_json::Value,
    redirect_uris: Vec<String>,
    scopes: Vec<String>,
}

fn client(row: Row) -> Result<Client, StoreError> {
    let id = row.id.clone();
    known(row).map_err(|column| StoreError::Client { id, column })
}

/// The client of a row, or the column that this version does not understand.
fn known(row: Row) -> Result<Client, &'static str> {
    // What is no scope of people is one of systems.
    let scopes: BTreeSet<Scope> =
        row.scopes.iter().filter_map(|scope| scope.parse().ok()).collect();
    let system_scopes: Result<BTreeSet<SystemScope>, _> = row
        .scopes
        .iter()
        .filter(|scope| scope.parse::<Scope>().is_err())
        .map(|scope| scope.parse())
        .collect();
    let required_loa = row.required_loa.as_deref().map(str::parse).transpose();
    Ok(Client {
        authentication: authentication(&row.auth_method, row.secret_hash)?,
        id: row.id,
        name: row.name,
        system: row.system_id,
        enabled: row.enabled,
        redirect_uris: row.redirect_uris,
        scopes,
        system_scopes: system_scopes.map_err(|_| "scope")?,
        signing_alg: row.signing_alg.parse().map_err(|_| "signing_alg")?,
        pkce: row.pkce.parse().map_err(|_| "pkce")?,
        sign_on: row.sign_on.parse().map_err(|_| "sign_on")?,
        required_loa: required_loa.map_err(|_| "required_loa")?,
        told_first: row.told_first.parse().map_err(|_| "told_first")?,
        jwks: row.jwks,
        metadata: serde_json::from_value(row.metadata).map_err(|_| "metadata")?,
    })
}

fn authentication(
    method: &str,
    secret_hash: Option<Vec<u8>>,
) -> Result<ClientAuthentication, &'static str> {
    let hash = || {
        let hash = secret_hash.and_then(|hash| <[u8; 32]>::try_from(hash).ok());
        hash.ok_or("secret_hash")
    };
    match method.parse().map_err(|_| "auth_method")? {
        AuthMethod::ClientSecretBasic => Ok(ClientAuthentication::SecretBasic { hash: hash()? }),
        AuthMethod::ClientSecretPost => Ok(ClientAuthentication::SecretPost { hash: hash()? }),
        AuthMethod::PrivateKeyJwt => Ok(ClientAuthentication::PrivateKeyJwt),
        AuthMethod::TlsClientAuth => Ok(ClientAuthentication::TlsClientAuth),
        AuthMethod::SelfSignedTlsClientAuth => Ok(ClientAuthentication::SelfSignedTlsClientAuth),
        AuthMethod::None => Ok(ClientAuthentication::None),
    }
}
