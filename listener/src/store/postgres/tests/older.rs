//! A listener's schema as an older version left it, with the rows that it would have.

use std::collections::BTreeMap;

use tokio_postgres::Client;

use super::*;

/// Tables that stay empty until a copy or a restore, and those of which only one need have rows.
const MAY_BE_EMPTY: [&str; 4] = ["copy", "epoch", "tally", "tally_delta"];

/// A connection of nobody's pool.
pub(super) async fn client(url: &str) -> Client {
    connect::single(&SecretString::from(url.to_owned()), tokio::spawn).await.unwrap().0
}

/// The schema of a listener of its own, in a database that others share.
#[derive(Clone)]
pub(super) struct Older {
    pub(super) listener: String,
    pub(super) schema: String,
    client: Arc<Client>,
}

impl Older {
    /// A new schema of this version.
    pub(super) async fn make(url: &str, version: usize) -> Self {
        let listener = format!("of-version-{version}");
        let client = client(url).await;
        schema::open_older(&client, &listener, version).await;
        let schema = connect::quoted(&schema::name("sales", &listener));
        Self { listener, schema, client: Arc::new(client) }
    }

    /// The newest step.
    pub(super) async fn version(&self) -> usize {
        usize::try_from(self.number("max(number)", "schema_version").await).unwrap()
    }

    /// How often a step was taken.
    pub(super) async fn steps_taken(&self) -> usize {
        usize::try_from(self.number("count(*)", "schema_version").await).unwrap()
    }

    async fn number(&self, what: &str, table: &str) -> i64 {
        let query = format!("SELECT {what} FROM {}.{table}", self.schema);
        self.client.query_one(&query, &[]).await.unwrap().get(0)
    }

    /// Its tables, each with its columns.
    pub(super) async fn columns(&self) -> BTreeMap<String, Vec<String>> {
        columns(&self.client, &self.schema).await
    }

    /// Takes the rows of a newer schema, as far as it has tables and columns for them; of itself it keeps
    /// whose it is.
    pub(super) async fn take_rows_of(&self, newer: &str) {
        let (client, schema) = (&self.client, &self.schema);
        let there = columns(client, newer).await;
        // No trigger counts what was counted.
        client.batch_execute("SET session_replication_role = replica").await.unwrap();
        for (table, own) in self.columns().await {
            let Some(columns) = there.get(&table) else { continue };
            for (part, bounds) in parts(client, &format!("{newer}.{table}")).await {
                let make = format!(
                    "CREATE TABLE IF NOT EXISTS {schema}.{part} PARTITION OF {schema}.{table} {bounds}"
                );
                client.batch_execute(&make).await.unwrap();
            }
            let both = both(&own, columns);
            let take = format!(
                "DELETE FROM {schema}.{table}; INSERT INTO {schema}.{table}({both}) OVERRIDING SYSTEM VALUE \
                 SELECT {both} FROM {newer}.{table}"
            );
            client.batch_execute(&take).await.unwrap();
            if !MAY_BE_EMPTY.contains(&table.as_str()) {
                assert!(
                    self.number("count(*)", &table).await > 0,
                    "nothing fills {table}: let the test do it"
                );
            }
        }
        let listener = &self.listener;
        client.batch_execute(&format!("UPDATE {schema}.meta SET listener = '{listener}'")).await.unwrap();
        let sequences = "SELECT quote_ident(relname) FROM pg_class WHERE relkind = 'S' AND relnamespace = $1::text::regnamespace";
        for row in client.query(sequences, &[schema]).await.unwrap() {
            let name: String = row.get(0);
            let set = format!("SELECT setval('{schema}.{name}', last_value, is_called) FROM {newer}.{name}");
            client.batch_execute(&set).await.unwrap();
        }
        client.batch_execute("RESET session_replication_role").await.unwrap();
    }

    /// Each row that it had of these columns is there, and no other; of a column that a later step removed
    /// nothing is asked.
    pub(super) async fn has_rows_of(&self, newer: &str, had: &BTreeMap<String, Vec<String>>) {
        let now = self.columns().await;
        let schema = &self.schema;
        for (table, had) in had {
            let Some(columns) = now.get(table) else { continue };
            let had: Vec<String> = had
                .iter()
                .filter(|column| (table.as_str(), column.as_str()) != ("meta", "listener"))
                .cloned()
                .collect();
            let both = both(&had, columns);
            for (one, other) in [(schema.as_str(), newer), (newer, schema)] {
                let differ =
                    format!("SELECT {both} FROM {one}.{table} EXCEPT ALL SELECT {both} FROM {other}.{table}");
                let rows = self.client.query(&differ, &[]).await.unwrap().len();
                assert_eq!(rows, 0, "{rows} rows of {one}.{table} are not in {other}");
            }
        }
    }
}

async fn columns(client: &Client, schema: &str) -> BTreeMap<String, Vec<String>> {
    let query = "SELECT quote_ident(c.relname), array_agg(quote_ident(a.attname) ORDER BY a.attnum) \
        FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid \
        WHERE c.relnamespace = $1::text::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition \
        AND a.attnum > 0 AND NOT a.attisdropped AND c.relname <> 'schema_version' GROUP BY c.relname";
    let rows = client.query(query, &[&schema]).await.unwrap();
    rows.iter().map(|row| (row.get(0), row.get(1))).collect()
}

/// Parts of a table, each with its bounds.
async fn parts(client: &Client, table: &str) -> Vec<(String, String)> {
    let query = "SELECT quote_ident(c.relname), pg_get_expr(c.relpartbound, c.oid) \
        FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid WHERE i.inhparent = $1::text::regclass";
    let rows = client.query(query, &[&table]).await.unwrap();
    rows.iter().map(|row| (row.get(0), row.get(1))).collect()
}

fn both(some: &[String], others: &[String]) -> String {
    some.iter().filter(|column| others.contains(column)).cloned().collect::<Vec<_>>().join(", ")
}
