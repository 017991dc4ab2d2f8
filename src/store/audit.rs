//! The audit trail: append only, one row an event.
//!
//! Must never hold a personnummer.

use chrono::{DateTime, Utc};
use serde_json::Value;
use sqlx::PgConnection;
use uuid::Uuid;

use super::StoreError;

/// Who changes the registry, and when.
#[derive(Clone, Copy, Debug)]
pub struct By<'a> {
    /// The moment of the change.
    pub now: DateTime<Utc>,
    /// The account of the operating system, or of the program, that asked for it.
    pub operator: &'a str,
}

/// An event to record; what does not concern it is left at its default.
#[derive(Clone, Default)]
pub struct NewEvent<'a> {
    /// Subject and verb, as `user.added`.
    pub event: &'a str,
    /// The reference of a login attempt.
    pub reference: Option<&'a str>,
    /// The relying party.
    pub client_id: Option<&'a str>,
    /// The person.
    pub user_id: Option<Uuid>,
    /// The HSA-id that was shown, or that the change is about.
    pub hsa_id: Option<&'a str>,
    /// The address of the peer.
    pub address: Option<&'a str>,
    /// The rest, as an object.
    pub details: Value,
}

/// Writes an event; call it in the transaction of the change that it tells of.
///
/// # Errors
/// The database failed.
pub async fn record(
    connection: &mut PgConnection,
    now: DateTime<Utc>,
    event: NewEvent<'_>,
) -> Result<(), StoreError> {
    let details = if event.details.is_null() { serde_json::json!({}) } else { event.details };
    sqlx::query!(
        "insert into audit_events
            (created_at, event, ref, client_id, user_id, hsa_id, address, details)
        values ($1, $2, $3, $4, $5, $6, $7, $8)",
        now,
        event.event,
        event.reference,
        event.client_id,
        event.user_id,
        event.hsa_id,
        event.address,
        details,
    )
    .execute(connection)
    .await?;
    Ok(())
}
