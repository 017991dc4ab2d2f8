//! Every table of the database, as text: what was written, and whether something is in it.

use std::collections::BTreeMap;

use sqlx::AssertSqlSafe;

use super::TestIdp;

impl TestIdp {
    /// All rows of all tables, each as text with every one of its columns.
    pub async fn tables(&self) -> BTreeMap<String, Vec<String>> {
        let names: Vec<String> = sqlx::query_scalar(
            "select table_name::text from information_schema.tables where table_schema = 'public'",
        )
        .fetch_all(self.pool())
        .await
        .unwrap();
        assert!(names.len() > 10, "{names:?}");
        let mut tables = BTreeMap::new();
        for name in names {
            let rows = format!("select t::text from {name} t order by 1");
            let rows =
                sqlx::query_scalar(AssertSqlSafe(rows)).fetch_all(self.pool()).await.unwrap();
            tables.insert(name, rows);
        }
        tables
    }

    /// How many audit events have this name.
    pub async fn audited(&self, event: &str) -> i64 {
        sqlx::query_scalar("select count(*) from audit_events where event = $1")
            .bind(event)
            .fetch_one(self.pool())
            .await
            .unwrap()
    }
}
