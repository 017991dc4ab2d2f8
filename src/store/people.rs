//! People and their HSA-ids.

use chrono::{DateTime, Utc};
use serde_json::json;
use sqlx::{Connection as _, PgConnection};
use uuid::Uuid;

use super::audit::{self, By, NewEvent};
use super::sessions::End;
use super::{StoreError, broken_constraint};
use crate::identity::hsa_id::HsaId;
use crate::identity::user::User;

/// A person to register.
#[derive(Clone)]
pub struct NewPerson {
    /// First name.
    pub given_name: String,
    /// Surname.
    pub family_name: String,
    /// At least one.
    pub hsa_ids: Vec<HsaId>,
    /// The first moment; from now on where nothing is said.
    pub valid_from: Option<DateTime<Utc>>,
    /// The first moment after; without end where nothing is said.
    pub valid_until: Option<DateTime<Utc>>,
    /// Whether a person who is registered by another name gets this one.
    pub renames: bool,
}

/// What a registration came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Registered {
    /// The person is new.
    Added(Uuid),
    /// The person was there, with something else.
    Updated(Uuid),
    /// The person was there, the same.
    Exists(Uuid),
}

impl Registered {
    /// The person's id.
    #[must_use]
    pub const fn id(self) -> Uuid {
        match self {
            Self::Added(id) | Self::Updated(id) | Self::Exists(id) => id,
        }
    }
}

/// A person as administrators see one.
#[derive(Clone)]
pub struct ListedPerson {
    /// The person's id.
    pub id: Uuid,
    /// First name.
    pub given_name: String,
    /// Surname.
    pub family_name: String,
    /// Whether switched on.
    pub enabled: bool,
    /// The first moment of the registration.
    pub valid_from: DateTime<Utc>,
    /// The first moment after it.
    pub valid_until: Option<DateTime<Utc>>,
    /// The HSA-ids, as received.
    pub hsa_ids: Vec<String>,
}

/// What switching a person on or off came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Switched {
    /// Whether the person was the other way before.
    pub changed: bool,
    /// How many sessions were ended.
    pub sessions_ended: i64,
    /// How many grants, with their tokens, were revoked.
    pub grants_revoked: i64,
}

/// Why a person is not registered.
#[derive(Debug, thiserror::Error)]
pub enum PersonError {
    /// One of the HSA-ids is another person's.
    #[error("one of the HSA-ids belongs to another user: {owner}")]
    HsaIdTaken {
        /// That other person.
        owner: Uuid,
    },
    /// The person is registered by another name.
    #[error("user {id} is registered by another name: nothing was changed; --update changes it")]
    Differs {
        /// The person.
        id: Uuid,
    },
    /// The registration would end before it begins.
    #[error("the user would end before it begins")]
    DatesOutOfOrder,
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<sqlx::Error> for PersonError {
    fn from(error: sqlx::Error) -> Self {
        match broken_constraint(&error) {
            Some("users_dates_are_in_order") => Self::DatesOutOfOrder,
            _ => Self::Store(error.into()),
        }
    }
}

/// The person with an id, without roles.
///
/// # Errors
/// The database failed.
pub async fn by_id(connection: &mut PgConnection, id: Uuid) -> Result<Option<User>, StoreError> {
    let user = sqlx::query_as!(
        User,
        r#"select id, given_name, family_name, enabled, valid_from, valid_until,
            '{}'::text[] as "roles!"
        from users
        where id = $1"#,
        id,
    )
    .fetch_optional(connection)
    .await?;
    Ok(user)
}

/// Registers a person, or brings the registration up to date: `id` is used where the person is new.
/// A person is found by HSA-id; with HSA-ids that are new to the registration the names must agree,
/// so that a mistyped HSA-id does not turn one person into another. Without, another name is taken
/// where that is meant.
///
/// # Errors
/// An HSA-id of another person, another name that is not meant, dates out of order, or the database failed; nothing is changed then.
pub async fn register(
    connection: &mut PgConnection,
    by: By<'_>,
    id: Uuid,
    person: &NewPerson,
) -> Result<Registered, PersonError> {
    let mut transaction = connection.begin().await?;
    // Two registrations of one person at once: the second finds what the first wrote.
    sqlx::query!(r#"select pg_advisory_xact_lock(hashtext('siths_idp_people')) as "lock: ()""#)
        .fetch_one(&mut *transaction)
        .await?;
    let canonical: Vec<String> = person.hsa_ids.iter().map(HsaId::canonical).collect();
    let owners = sqlx::query!(
        "select canonical, user_id from hsa_ids where canonical = any($1)",
        &canonical,
    )
    .fetch_all(&mut *transaction)
    .await?;

    let registered = if let Some(first) = owners.first() {
        if let Some(other) = owners.iter().find(|owner| owner.user_id != first.user_id) {
            return Err(PersonError::HsaIdTaken { owner: other.user_id });
        }
        let known: Vec<&str> = owners.iter().map(|owner| owner.canonical.as_str()).collect();
        let all_known = canonical.iter().all(|hsa_id| known.contains(&hsa_id.as_str()));
        bring_up_to_date(&mut transaction, first.user_id, person, all_known).await?
    } else {
        insert(&mut transaction, by, id, person).await?;
        Registered::Added(id)
    };
    insert_hsa_ids(&mut transaction, by, registered.id(), &person.hsa_ids).await?;

    let event = match registered {
        Registered::Added(_) => Some("user.added"),
        Registered::Updated(_) => Some("user.updated"),
        Registered::Exists(_) => None,
    };
    if let Some(event) = event {
        let details = json!({
            "by": by.operator,
            "given_name": person.given_name,
            "family_name": person.family_name,
            "hsa_ids": canonical,
            "valid_from": person.valid_from,
            "valid_until": person.valid_until,
        });
        let hsa_id = person.hsa_ids.first().map(HsaId::as_str);
        let user_id = Some(registered.id());
        let event = NewEvent { event, user_id, hsa_id, details, ..NewEvent::default() };
        audit::record(&mut transaction, by.now, event).await?;
    }
    transaction.commit().await?;
    Ok(registered)
}

async fn insert(
    connection: &mut PgConnection,
    by: By<'_>,
    id: Uuid,
    person: &NewPerson,
) -> Result<(), PersonError> {
    sqlx::query!(
        "insert into users
            (id, given_name, family_name, enabled, valid_from, valid_until, created_at)
        values ($1, $2, $3, true, $4, $5, $6)",
        id,
        person.given_name,
        person.family_name,
        person.valid_from.unwrap_or(by.now),
        person.valid_until,
        by.now,
    )
    .execute(connection)
    .await?;
    Ok(())
}

async fn bring_up_to_date(
    connection: &mut PgConnection,
    id: Uuid,
    person: &NewPerson,
    all_known: bool,
) -> Result<Registered, PersonError> {
    let Some(user) = by_id(connection, id).await? else {
        return Err(PersonError::HsaIdTaken { owner: id });
    };
    let same_names = user.given_name == person.given_name && user.family_name == person.family_name;
    if !all_known && !same_names {
        return Err(PersonError::HsaIdTaken { owner: id });
    }
    if !same_names && !person.renames {
        return Err(PersonError::Differs { id });
    }
    let valid_from = person.valid_from.unwrap_or(user.valid_from);
    let valid_until = person.valid_until.or(user.valid_until);
    let same_dates = user.valid_from == valid_from && user.valid_until == valid_until;
    if all_known && same_names && same_dates {
        return Ok(Registered::Exists(id));
    }
    sqlx::query!(
        "update users
        set given_name = $2, family_name = $3, valid_from = $4, valid_until = $5
        where id = $1",
        id,
        person.given_name,
        person.family_name,
        valid_from,
        valid_until,
    )
    .execute(connection)
    .await?;
    Ok(Registered::Updated(id))
}

async fn insert_hsa_ids(
    connection: &mut PgConnection,
    by: By<'_>,
    user_id: Uuid,
    hsa_ids: &[HsaId],
) -> Result<(), PersonError> {
    for hsa_id in hsa_ids {
        sqlx::query!(
            "insert into hsa_ids (canonical, as_received, user_id, created_at)
            values ($1, $2, $3, $4)
            on conflict (canonical) do nothing",
            hsa_id.canonical(),
            hsa_id.as_str(),
            user_id,
            by.now,
        )
        .execute(&mut *connection)
        .await?;
    }
    Ok(())
}

/// Which HSA-ids, as received, are registered under one of these canonical forms.
///
/// # Errors
/// The database failed.
pub async fn registered_hsa_ids(
    connection: &mut PgConnection,
    canonical: &[String],
) -> Result<Vec<String>, StoreError> {
    let rows = sqlx::query_scalar!(
        "select as_received from hsa_ids where canonical = any($1) order by canonical",
        canonical,
    )
    .fetch_all(connection)
    .await?;
    Ok(rows)
}

/// Every person, by name.
///
/// # Errors
/// The database failed.
pub async fn list(connection: &mut PgConnection) -> Result<Vec<ListedPerson>, StoreError> {
    let people = sqlx::query_as!(
        ListedPerson,
        r#"select id, given_name, family_name, enabled, valid_from, valid_until,
            array(
                select as_received
                from hsa_ids
                where hsa_ids.user_id = users.id
                order by canonical
            ) as "hsa_ids!"
        from users
        order by family_name, given_name, id"#,
    )
    .fetch_all(connection)
    .await?;
    Ok(people)
}

/// Switches a person on.
///
/// # Errors
/// The database failed.
pub async fn enable(
    connection: &mut PgConnection,
    by: By<'_>,
    id: Uuid,
) -> Result<Switched, StoreError> {
    let mut transaction = connection.begin().await?;
    let rows = sqlx::query!("update users set enabled = true where id = $1 and not enabled", id)
        .execute(&mut *transaction)
        .await?
        .rows_affected();
    let switched = Switched { changed: rows > 0, sessions_ended: 0, grants_revoked: 0 };
    record_switch(&mut transaction, by, id, "user.enabled", switched).await?;
    transaction.commit().await?;
    Ok(switched)
}

/// Switches a person off, ends the sessions and revokes what relying parties were given, so that
/// tokens stop working: all in one statement.
///
/// # Errors
/// The database failed.
pub async fn disable(
    connection: &mut PgConnection,
    by: By<'_>,
    id: Uuid,
) -> Result<Switched, StoreError> {
    let mut transaction = connection.begin().await?;
    let row = sqlx::query!(
        r#"with switched as (
            update users
            set enabled = false
            where id = $1 and enabled
            returning id
        ), ended as (
            update sessions
            set ended_at = $2, ended_by = $3
            where user_id = $1 and ended_at is null
            returning id
        ), revoked as (
            update grants
            set revoked_at = $2
            where user_id = $1 and revoked_at is null
            returning id
        )
        select
            exists (select from switched) as "changed!",
            (select count(*) from ended) as "sessions_ended!",
            (select count(*) from revoked) as "grants_revoked!""#,
        id,
        by.now,
        End::Disabled.name(),
    )
    .fetch_one(&mut *transaction)
    .await?;
    let switched = Switched {
        changed: row.changed,
        sessions_ended: row.sessions_ended,
        grants_revoked: row.grants_revoked,
    };
    record_switch(&mut transaction, by, id, "user.disabled", switched).await?;
    transaction.commit().await?;
    Ok(switched)
}

async fn record_switch(
    connection: &mut PgConnection,
    by: By<'_>,
    user_id: Uuid,
    event: &str,
    switched: Switched,
) -> Result<(), StoreError> {
    let nothing = Switched { changed: false, sessions_ended: 0, grants_revoked: 0 };
    if switched == nothing {
        return Ok(());
    }
    let details = json!({
        "by": by.operator,
        "sessions_ended": switched.sessions_ended,
        "grants_revoked": switched.grants_revoked,
    });
    let event = NewEvent { event, user_id: Some(user_id), details, ..NewEvent::default() };
    audit::record(connection, by.now, event).await
}
