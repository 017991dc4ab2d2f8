//! What a test sees behind the provider's back: its tables.

use serde_json::Value;
use sqlx::{Connection as _, PgConnection};

use super::TestIdp;

impl TestIdp {
    /// The one number that a query answers.
    pub async fn count(&self, query: &'static str) -> i64 {
        sqlx::query_scalar(query).fetch_one(&mut self.aside().await).await.unwrap()
    }

    /// The rows of a query of one JSON column.
    pub async fn rows(&self, query: &'static str) -> Vec<Value> {
        sqlx::query_scalar(query).fetch_all(&mut self.aside().await).await.unwrap()
    }

    /// How many judged certificates are written down.
    pub async fn attempts(&self) -> i64 {
        self.count("select count(*) from login_attempts").await
    }

    /// How many rows a login or an attempt at one has left.
    pub async fn traces(&self) -> i64 {
        self.count(
            "select (select count(*) from login_attempts) + (select count(*) from sessions)
                + (select count(*) from codes)
                + (select count(*) from audit_events where event like 'login%')",
        )
        .await
    }

    /// The name of the database.
    pub fn database(&self) -> String {
        self.pool().connect_options().get_database().unwrap().to_owned()
    }

    /// A connection that is none of the provider's: it lets the provider's lie, and its statements
    /// are not logged.
    pub async fn aside(&self) -> PgConnection {
        PgConnection::connect(&self.site.postgres.url(&self.database())).await.unwrap()
    }
}
