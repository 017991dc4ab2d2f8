//! `siths-idp users`: people and their HSA-ids.

mod warnings;

use chrono::{DateTime, Utc};
use clap::{Args, Subcommand};
use serde_json::json;

use super::context::{Context, moment};
use super::output::{Failure, Report, table};
use crate::store::people::{self, ListedPerson, NewPerson, PersonError, Registered};

#[derive(Subcommand)]
pub(super) enum Users {
    /// Register a person; again with the same facts changes nothing
    Add(Add),
    /// Everyone who is registered
    List,
    /// HSA-ids that look like slips: alike but for 16, or with a wrong check digit
    Warnings,
    /// Switch a person off: sessions end and tokens stop working
    Disable(Who),
    /// Switch a person on
    Enable(Who),
}

#[derive(Args)]
pub(super) struct Add {
    /// An HSA-id of the person's cards; repeat for more
    #[arg(long = "hsa-id", value_name = "HSA-ID", required = true)]
    hsa_ids: Vec<String>,
    /// First name
    #[arg(long, value_name = "NAME")]
    given_name: String,
    /// Surname
    #[arg(long, value_name = "NAME")]
    family_name: String,
    /// First day (UTC) or moment [default: now]
    #[arg(long, value_name = "WHEN", value_parser = moment)]
    valid_from: Option<DateTime<Utc>>,
    /// First day (UTC) or moment when it no longer holds [default: never]
    #[arg(long, value_name = "WHEN", value_parser = moment)]
    valid_until: Option<DateTime<Utc>>,
    /// Give a person who is registered by another name this one
    #[arg(long)]
    update: bool,
}

#[derive(Args)]
pub(super) struct Who {
    /// The person's HSA-id or id
    #[arg(value_name = "HSA-ID|ID")]
    who: String,
}

impl From<PersonError> for Failure {
    fn from(error: PersonError) -> Self {
        match error {
            PersonError::HsaIdTaken { .. } => Self::failed("hsa_id_taken", error.to_string()),
            PersonError::Differs { .. } => Self::failed("user_differs", error.to_string()),
            PersonError::DatesOutOfOrder => Self::usage("dates_out_of_order", error.to_string()),
            PersonError::Store(error) => error.into(),
        }
    }
}

pub(super) async fn run(command: Users, context: &Context) -> Result<Report, Failure> {
    match command {
        Users::Add(add) => self::add(add, context).await,
        Users::List => list(context).await,
        Users::Warnings => warnings::run(context).await,
        Users::Disable(Who { who }) => disable(&who, context).await,
        Users::Enable(Who { who }) => enable(&who, context).await,
    }
}

async fn add(add: Add, context: &Context) -> Result<Report, Failure> {
    for (option, name) in [("--given-name", &add.given_name), ("--family-name", &add.family_name)] {
        if name.trim().is_empty() {
            return Err(Failure::usage("name_missing", format!("{option} is empty")));
        }
    }
    let registry = context.registry().await?;
    let hsa_ids = add.hsa_ids.iter().map(|text| registry.hsa_id(text));
    let hsa_ids = hsa_ids.collect::<Result<Vec<_>, _>>()?;
    let warnings = warnings::of(&registry, &hsa_ids).await?;
    let by = context.by();
    let person = NewPerson {
        given_name: add.given_name.trim().to_owned(),
        family_name: add.family_name.trim().to_owned(),
        hsa_ids,
        valid_from: add.valid_from,
        valid_until: add.valid_until,
        renames: add.update,
    };
    let mut connection = registry.connection().await?;
    let new_id = context.random.uuid(by.now);
    let registered = people::register(&mut connection, by, new_id, &person).await;
    let registered = registered.map_err(|error| {
        let Failure { code, message, exit } = error.into();
        // Whose it is may only be plain where the other way of writing it is told too.
        let message = [vec![message], warnings.clone()].concat().join("\n  ");
        Failure { code, message, exit }
    })?;
    let outcome = match registered {
        Registered::Added(_) => "added",
        Registered::Updated(_) => "updated",
        Registered::Exists(_) => "exists",
    };
    let id = registered.id();
    let json = json!({ "outcome": outcome, "id": id });
    Ok(Report { warnings, ..Report::new(json, format!("user {id}: {outcome}")) })
}

async fn list(context: &Context) -> Result<Report, Failure> {
    let registry = context.registry().await?;
    let mut connection = registry.connection().await?;
    let people = people::list(&mut connection).await?;
    let json = people.iter().map(|person| {
        json!({
            "id": person.id,
            "given_name": person.given_name,
            "family_name": person.family_name,
            "enabled": person.enabled,
            "valid_from": person.valid_from,
            "valid_until": person.valid_until,
            "hsa_ids": person.hsa_ids,
        })
    });
    let json = json!({ "users": json.collect::<Vec<_>>() });
    let rows: Vec<Vec<String>> = people.iter().map(row).collect();
    Ok(Report::new(json, table(&["ID", "NAME", "HSA-IDS", "ENABLED", "FROM", "UNTIL"], &rows)))
}

fn row(person: &ListedPerson) -> Vec<String> {
    let day = |moment: DateTime<Utc>| moment.date_naive().to_string();
    vec![
        person.id.to_string(),
        format!("{} {}", person.given_name, person.family_name),
        person.hsa_ids.join(" "),
        if person.enabled { "yes" } else { "no" }.to_owned(),
        day(person.valid_from),
        person.valid_until.map(day).unwrap_or_default(),
    ]
}

async fn disable(who: &str, context: &Context) -> Result<Report, Failure> {
    let registry = context.registry().await?;
    let by = context.by();
    let id = registry.person(who, by.now).await?;
    let mut connection = registry.connection().await?;
    let switched = people::disable(&mut connection, by, id).await?;
    let outcome = if switched.changed { "disabled" } else { "was disabled already" };
    let (sessions, grants) = (switched.sessions_ended, switched.grants_revoked);
    let json = json!({
        "outcome": if switched.changed { "disabled" } else { "unchanged" },
        "id": id,
        "sessions_ended": sessions,
        "grants_revoked": grants,
    });
    let text =
        format!("user {id}: {outcome}; sessions ended: {sessions}, grants revoked: {grants}");
    Ok(Report::new(json, text))
}

async fn enable(who: &str, context: &Context) -> Result<Report, Failure> {
    let registry = context.registry().await?;
    let by = context.by();
    let id = registry.person(who, by.now).await?;
    let mut connection = registry.connection().await?;
    let switched = people::enable(&mut connection, by, id).await?;
    let outcome = if switched.changed { "enabled" } else { "was enabled already" };
    let json = json!({
        "outcome": if switched.changed { "enabled" } else { "unchanged" },
        "id": id,
    });
    Ok(Report::new(json, format!("user {id}: {outcome}")))
}
