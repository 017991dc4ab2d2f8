//! Systems, their roles, and who has them.

use chrono::{DateTime, Utc};
use serde_json::json;
use sqlx::{Connection as _, PgConnection};
use uuid::Uuid;

use super::audit::{self, By, NewEvent};
use super::{StoreError, broken_constraint};

/// A role in a system: `SYMFONI;Handläggare` on the wire.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SystemRole {
    /// The system's id.
    pub system: String,
    /// The role's name.
    pub role: String,
}

/// A role to give.
#[derive(Clone, Debug)]
pub struct NewGrant {
    /// The person.
    pub user_id: Uuid,
    /// The role.
    pub role: SystemRole,
    /// The first moment; from now on where nothing is said.
    pub valid_from: Option<DateTime<Utc>>,
    /// The first moment after; without end where nothing is said.
    pub valid_until: Option<DateTime<Utc>>,
}

/// What giving a role came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Granted {
    /// The person did not have it.
    Added,
    /// The person had it with other dates, or only until a day that has passed.
    Replaced,
    /// The person has it.
    Exists,
}

/// A role as administrators see one.
#[derive(Clone, Debug)]
pub struct ListedRole {
    /// The system's id.
    pub system: String,
    /// The system's name.
    pub system_name: String,
    /// The role's name.
    pub role: String,
    /// How many people have it now.
    pub people: i64,
}

/// Why a role is not added or given.
#[derive(Debug, thiserror::Error)]
pub enum RoleError {
    /// The system's id is not in the grammar.
    #[error("a system's id is 1 to 64 of the characters A-Z a-z 0-9 _ . -")]
    SystemMalformed,
    /// The role's name is not in the grammar.
    #[error("a role's name is 1 to 200 characters without semicolon and control characters")]
    RoleMalformed,
    /// No such role in the system.
    #[error("there is no such role in the system")]
    RoleUnknown,
    /// No such person.
    #[error("there is no such user")]
    UserUnknown,
    /// The role would end before it begins.
    #[error("the role would end before it begins")]
    DatesOutOfOrder,
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<sqlx::Error> for RoleError {
    fn from(error: sqlx::Error) -> Self {
        match broken_constraint(&error) {
            Some("systems_id_grammar") => Self::SystemMalformed,
            Some("roles_name_grammar") => Self::RoleMalformed,
            Some("role_grants_role") => Self::RoleUnknown,
            Some("role_grants_user_id_fkey") => Self::UserUnknown,
            Some("role_grants_dates_are_in_order") => Self::DatesOutOfOrder,
            _ => Self::Store(error.into()),
        }
    }
}

/// Adds a role, and its system where that is missing; whether anything was new. A name renames the
/// system; without one a new system is named by its id.
///
/// # Errors
/// A malformed id or name, or the database failed.
pub async fn add(
    connection: &mut PgConnection,
    by: By<'_>,
    role: &SystemRole,
    system_name: Option<&str>,
) -> Result<bool, RoleError> {
    let mut transaction = connection.begin().await?;
    let systems = sqlx::query!(
        "insert into systems (id, name, created_at)
        values ($1, coalesce($2, $1), $3)
        on conflict (id) do update
        set name = $2
        where $2 is not null and systems.name <> $2",
        role.system,
        system_name,
        by.now,
    )
    .execute(&mut *transaction)
    .await?
    .rows_affected();
    let roles = sqlx::query!(
        "insert into roles (system_id, name, created_at)
        values ($1, $2, $3)
        on conflict (system_id, name) do nothing",
        role.system,
        role.role,
        by.now,
    )
    .execute(&mut *transaction)
    .await?
    .rows_affected();
    let changed = systems + roles > 0;
    if changed {
        let details = json!({
            "by": by.operator,
            "system": role.system,
            "system_name": system_name,
            "role": role.role,
        });
        let event = NewEvent { event: "role.added", details, ..NewEvent::default() };
        audit::record(&mut transaction, by.now, event).await?;
    }
    transaction.commit().await?;
    Ok(changed)
}

/// Gives a role: `id` is used where a row is written. Rows that are replaced stay as history. Dates
/// that are not given are not compared, but a role that has run out is given anew.
///
/// # Errors
/// An unknown person or role, dates out of order, or the database failed.
pub async fn grant(
    connection: &mut PgConnection,
    by: By<'_>,
    id: Uuid,
    new: &NewGrant,
) -> Result<Granted, RoleError> {
    let mut transaction = connection.begin().await?;
    // Locked, so that two grants of one role to one person at once come one after the other.
    sqlx::query_scalar!("select id from users where id = $1 for no key update", new.user_id)
        .fetch_optional(&mut *transaction)
        .await?
        .ok_or(RoleError::UserUnknown)?;
    let current = sqlx::query!(
        "select id, valid_from, valid_until
        from role_grants
        where user_id = $1
            and system_id = $2
            and role = $3
            and revoked_at is null",
        new.user_id,
        new.role.system,
        new.role.role,
    )
    .fetch_optional(&mut *transaction)
    .await?;
    if let Some(current) = &current {
        let same_start = new.valid_from.is_none_or(|start| start == current.valid_from);
        let same_end = match new.valid_until {
            Some(end) => current.valid_until == Some(end),
            None => current.valid_until.is_none_or(|end| end > by.now),
        };
        if same_start && same_end {
            return Ok(Granted::Exists);
        }
        sqlx::query!("update role_grants set revoked_at = $2 where id = $1", current.id, by.now)
            .execute(&mut *transaction)
            .await?;
    }
    sqlx::query!(
        "insert into role_grants
            (id, user_id, system_id, role, valid_from, valid_until, created_at)
        values ($1, $2, $3, $4, $5, $6, $7)",
        id,
        new.user_id,
        new.role.system,
        new.role.role,
        new.valid_from.unwrap_or(by.now),
        new.valid_until,
        by.now,
    )
    .execute(&mut *transaction)
    .await?;
    let details = json!({
        "by": by.operator,
        "system": new.role.system,
        "role": new.role.role,
        "valid_from": new.valid_from.unwrap_or(by.now),
        "valid_until": new.valid_until,
    });
    let user_id = Some(new.user_id);
    let event = NewEvent { event: "role.granted", user_id, details, ..NewEvent::default() };
    audit::record(&mut transaction, by.now, event).await?;
    transaction.commit().await?;
    Ok(if current.is_some() { Granted::Replaced } else { Granted::Added })
}

/// Takes a role back; whether the person had it.
///
/// # Errors
/// The database failed.
pub async fn revoke(
    connection: &mut PgConnection,
    by: By<'_>,
    user_id: Uuid,
    role: &SystemRole,
) -> Result<bool, RoleError> {
    let mut transaction = connection.begin().await?;
    let rows = sqlx::query!(
        "update role_grants
        set revoked_at = $4
        where user_id = $1
            and system_id = $2
            and role = $3
            and revoked_at is null",
        user_id,
        role.system,
        role.role,
        by.now,
    )
    .execute(&mut *transaction)
    .await?
    .rows_affected();
    if rows > 0 {
        let details = json!({ "by": by.operator, "system": role.system, "role": role.role });
        let user_id = Some(user_id);
        let event = NewEvent { event: "role.revoked", user_id, details, ..NewEvent::default() };
        audit::record(&mut transaction, by.now, event).await?;
    }
    transaction.commit().await?;
    Ok(rows > 0)
}

/// Every role, or those of one system, by system and name.
///
/// # Errors
/// The database failed.
pub async fn list(
    connection: &mut PgConnection,
    now: DateTime<Utc>,
    system: Option<&str>,
) -> Result<Vec<ListedRole>, StoreError> {
    let roles = sqlx::query_as!(
        ListedRole,
        r#"select systems.id as system, systems.name as system_name, roles.name as role,
            (
                select count(*)
                from role_grants
                where role_grants.system_id = roles.system_id
                    and role_grants.role = roles.name
                    and revoked_at is null
                    and valid_from <= $2
                    and (valid_until is null or valid_until > $2)
            ) as "people!"
        from roles
        join systems on systems.id = roles.system_id
        where $1::text is null or systems.id = $1
        order by systems.id, roles.name"#,
        system,
        now,
    )
    .fetch_all(connection)
    .await?;
    Ok(roles)
}
