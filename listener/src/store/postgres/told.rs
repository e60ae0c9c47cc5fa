//! What notices have told, in the database; the process that has the duty sends them.

use std::collections::BTreeMap;
use std::time::Duration;

use async_trait::async_trait;
use tokio_postgres::Row;

use super::sql::{Value, int, text};
use super::trouble::Trouble;
use super::{Inner, Postgres, duty};
use crate::notice::Memory;
use crate::store::StoreError;

/// The duty of sending notices.
const DUTY: &str = "notices";
/// How long it is held; it is renewed with each look, every ten seconds.
const SPAN: Duration = Duration::from_secs(45);

#[async_trait]
impl Memory for Postgres {
    async fn mine(&self) -> Result<bool, StoreError> {
        Ok(duty::hold(&self.inner, DUTY, SPAN).await?)
    }

    async fn told(&self, prefix: &str) -> Result<BTreeMap<String, i64>, StoreError> {
        let rows =
            run(&self.inner, "SELECT key, at FROM told WHERE starts_with(key, $1)", &[text(&prefix)]).await?;
        let read = |row: &Row| Ok::<_, Trouble>((row.try_get(0)?, row.try_get(1)?));
        Ok(rows.iter().map(read).collect::<Result<_, _>>()?)
    }

    async fn tell(&self, key: &str, at_ms: Option<i64>) -> Result<(), StoreError> {
        match at_ms {
            Some(at_ms) => {
                let statement =
                    "INSERT INTO told(key, at) VALUES ($1, $2) ON CONFLICT (key) DO UPDATE SET at = $2";
                run(&self.inner, statement, &[text(&key), int(&at_ms)]).await?;
            }
            None => {
                run(&self.inner, "DELETE FROM told WHERE key = $1", &[text(&key)]).await?;
            }
        }
        Ok(())
    }
}

async fn run(inner: &Inner, statement: &str, values: &[Value<'_>]) -> Result<Vec<Row>, Trouble> {
    let mut connection = inner.pool.connection().await?;
    let alone = connection.alone()?;
    let rows = alone.query_typed(statement, values).await?;
    alone.end();
    Ok(rows)
}
