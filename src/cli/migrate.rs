//! `siths-idp migrate`: the database's schema.

use serde_json::json;

use super::context::Context;
use super::output::{Failure, Report};
use crate::store;

pub(super) async fn run(context: &Context) -> Result<Report, Failure> {
    // With a configuration, all of it must be right: this runs before the first start.
    let database = if context.database_url.is_none() && context.config_file().is_some() {
        context.config()?.database
    } else {
        context.administration()?.database
    };
    let pool = store::connect(&database).await?;
    let migrations = store::migrate::run(&pool).await?;
    let text = format!("the schema is up to date: {migrations} migrations");
    Ok(Report::new(json!({ "migrations": migrations }), text))
}
