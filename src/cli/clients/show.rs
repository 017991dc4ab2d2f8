//! `siths-idp clients show` and `check`: a whole registration, and whether it holds together.
//!
//! Must never show a secret's hash.

use clap::Args;
use serde_json::{Value, json};

use super::{Context, Failure, Report, as_json};
use crate::oidc::client::Client;
use crate::oidc::registration;
use crate::store::clients;

#[derive(Args)]
#[command(group(clap::ArgGroup::new("which").required(true).args(["id", "all"])))]
pub(in crate::cli) struct Check {
    /// The client_id
    id: Option<String>,
    /// Every client
    #[arg(long)]
    all: bool,
}

pub(super) async fn show(id: &str, context: &Context) -> Result<Report, Failure> {
    let client = by_id(id, context).await?;
    let mut json = as_json(&client);
    json["jwks"] = json!(client.jwks);
    let mut text = String::new();
    for (name, value) in json.as_object().into_iter().flatten() {
        if name == "metadata" {
            continue;
        }
        text += &line(name, value);
    }
    for (name, value) in json["metadata"].as_object().into_iter().flatten() {
        text += &line(name, value);
    }
    Ok(Report::new(json, text))
}

fn line(name: &str, value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => format!("{name}: {text}\n"),
        Value::Array(values) if values.iter().all(Value::is_string) => {
            let values: Vec<&str> = values.iter().filter_map(Value::as_str).collect();
            format!("{name}: {}\n", values.join(" "))
        }
        other => format!("{name}: {other}\n"),
    }
}

pub(super) async fn check(check: Check, context: &Context) -> Result<Report, Failure> {
    let clients = match &check.id {
        Some(id) => vec![by_id(id, context).await?],
        None => {
            let registry = context.registry().await?;
            let mut connection = registry.connection().await?;
            clients::all(&mut connection).await?.into_iter().collect::<Result<_, _>>()?
        }
    };
    let judged: Vec<(String, Option<String>)> = clients
        .iter()
        .map(|client| {
            let fault = registration::check(client).err().map(|fault| fault.to_string());
            (client.id.clone(), fault)
        })
        .collect();
    let text: String = judged
        .iter()
        .map(|(id, fault)| {
            format!("client {id}: {}\n", fault.as_deref().unwrap_or("holds together"))
        })
        .collect();
    if judged.iter().any(|(_, fault)| fault.is_some()) {
        return Err(Failure::failed("client_refused", text.trim_end().to_owned()));
    }
    let ids: Vec<&String> = judged.iter().map(|(id, _)| id).collect();
    Ok(Report::new(json!({ "holds_together": ids }), text))
}

async fn by_id(id: &str, context: &Context) -> Result<Client, Failure> {
    let registry = context.registry().await?;
    let mut connection = registry.connection().await?;
    let unknown = || Failure::failed("client_unknown", format!("there is no client {id}"));
    clients::by_id(&mut connection, id).await?.ok_or_else(unknown)
}
