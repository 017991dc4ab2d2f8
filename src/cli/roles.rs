//! `siths-idp roles`: roles in systems, and who has them.

use chrono::{DateTime, Utc};
use clap::{Args, Subcommand};
use serde_json::json;

use super::context::{Context, moment};
use super::output::{Failure, Report, table};
use crate::store::roles::{self, Granted, NewGrant, RoleError, SystemRole};

#[derive(Subcommand)]
pub(super) enum Roles {
    /// Add a role, and its system where that is missing
    Add(Add),
    /// Give a role to a person
    Grant(Grant),
    /// Take a role back
    Revoke(Revoke),
    /// Every role, and how many people have it
    List(List),
}

#[derive(Args)]
pub(super) struct Add {
    #[command(flatten)]
    role: RoleName,
    /// What people call the system
    #[arg(long, value_name = "NAME")]
    system_name: Option<String>,
}

#[derive(Args)]
pub(super) struct Grant {
    #[command(flatten)]
    who: Who,
    #[command(flatten)]
    role: RoleName,
    /// First day (UTC) or moment [default: now]
    #[arg(long, value_name = "WHEN", value_parser = moment)]
    valid_from: Option<DateTime<Utc>>,
    /// First day (UTC) or moment when it no longer holds [default: never]
    #[arg(long, value_name = "WHEN", value_parser = moment)]
    valid_until: Option<DateTime<Utc>>,
}

#[derive(Args)]
pub(super) struct Revoke {
    #[command(flatten)]
    who: Who,
    #[command(flatten)]
    role: RoleName,
}

#[derive(Args)]
pub(super) struct List {
    /// Of this system alone
    #[arg(long)]
    system: Option<String>,
}

#[derive(Args)]
struct RoleName {
    /// The system's id, as SYMFONI; or both in one, as 'SYMFONI;Handläggare'
    system: String,
    /// The role's name, as Handläggare
    role: Option<String>,
}

#[derive(Args)]
#[group(required = true, multiple = false)]
struct Who {
    /// An HSA-id of the person
    #[arg(long, value_name = "HSA-ID")]
    hsa_id: Option<String>,
    /// The person's id
    #[arg(long, value_name = "ID")]
    user: Option<String>,
}

impl Who {
    fn text(self) -> String {
        self.hsa_id.or(self.user).unwrap_or_default()
    }
}

impl TryFrom<RoleName> for SystemRole {
    type Error = Failure;

    fn try_from(name: RoleName) -> Result<Self, Failure> {
        if let Some(role) = name.role {
            return Ok(Self { system: name.system, role });
        }
        let Some((system, role)) = name.system.split_once(';') else {
            let message = "the role is missing: SYSTEM ROLE, or 'SYSTEM;ROLE' in quotation marks";
            return Err(Failure::usage("role_missing", message));
        };
        Ok(Self { system: system.to_owned(), role: role.to_owned() })
    }
}

impl From<RoleError> for Failure {
    fn from(error: RoleError) -> Self {
        let message = error.to_string();
        match error {
            RoleError::SystemMalformed => Self::usage("system_malformed", message),
            RoleError::RoleMalformed => Self::usage("role_malformed", message),
            RoleError::RoleUnknown => {
                Self::failed("role_unknown", format!("{message}: add it first (roles add)"))
            }
            RoleError::UserUnknown => Self::failed("user_unknown", message),
            RoleError::DatesOutOfOrder => Self::usage("dates_out_of_order", message),
            RoleError::Store(error) => error.into(),
        }
    }
}

pub(super) async fn run(command: Roles, context: &Context) -> Result<Report, Failure> {
    match command {
        Roles::Add(add) => self::add(add, context).await,
        Roles::Grant(grant) => self::grant(grant, context).await,
        Roles::Revoke(revoke) => self::revoke(revoke, context).await,
        Roles::List(List { system }) => list(system.as_deref(), context).await,
    }
}

async fn add(add: Add, context: &Context) -> Result<Report, Failure> {
    let role = SystemRole::try_from(add.role)?;
    let registry = context.registry().await?;
    let mut connection = registry.connection().await?;
    let name = add.system_name.as_deref();
    let changed = roles::add(&mut connection, context.by(), &role, name).await?;
    Ok(report(if changed { "added" } else { "exists" }, &role))
}

async fn grant(grant: Grant, context: &Context) -> Result<Report, Failure> {
    let role = SystemRole::try_from(grant.role)?;
    let registry = context.registry().await?;
    let by = context.by();
    let new = NewGrant {
        user_id: registry.person(&grant.who.text(), by.now).await?,
        role,
        valid_from: grant.valid_from,
        valid_until: grant.valid_until,
    };
    let mut connection = registry.connection().await?;
    let id = context.random.uuid(by.now);
    let outcome = match roles::grant(&mut connection, by, id, &new).await? {
        Granted::Added => "granted",
        Granted::Replaced => "updated",
        Granted::Exists => "exists",
    };
    Ok(report(outcome, &new.role))
}

async fn revoke(revoke: Revoke, context: &Context) -> Result<Report, Failure> {
    let role = SystemRole::try_from(revoke.role)?;
    let registry = context.registry().await?;
    let by = context.by();
    let user_id = registry.person(&revoke.who.text(), by.now).await?;
    let mut connection = registry.connection().await?;
    let revoked = roles::revoke(&mut connection, by, user_id, &role).await?;
    Ok(report(if revoked { "revoked" } else { "unchanged" }, &role))
}

fn report(outcome: &str, SystemRole { system, role }: &SystemRole) -> Report {
    let json = json!({ "outcome": outcome, "system": system, "role": role });
    Report::new(json, format!("role {system};{role}: {outcome}"))
}

async fn list(system: Option<&str>, context: &Context) -> Result<Report, Failure> {
    let registry = context.registry().await?;
    let mut connection = registry.connection().await?;
    let roles = roles::list(&mut connection, context.clock.now(), system).await?;
    let json = roles.iter().map(|role| {
        json!({
            "system": role.system,
            "system_name": role.system_name,
            "role": role.role,
            "people": role.people,
        })
    });
    let json = json!({ "roles": json.collect::<Vec<_>>() });
    let rows = roles
        .into_iter()
        .map(|role| vec![role.system, role.system_name, role.role, role.people.to_string()]);
    let rows: Vec<Vec<String>> = rows.collect();
    Ok(Report::new(json, table(&["SYSTEM", "NAME", "ROLE", "PEOPLE"], &rows)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn system_and_role_are_read_from_one_argument_or_two() {
        let parse = |system: &str, role: Option<&str>| {
            let name = RoleName { system: system.into(), role: role.map(str::to_owned) };
            SystemRole::try_from(name)
        };
        let both = parse("SYMFONI", Some("Handläggare")).unwrap();
        assert_eq!(parse("SYMFONI;Handläggare", None).unwrap(), both);
        assert_eq!(parse("SYMFONI", None).unwrap_err().code, "role_missing");
    }
}
