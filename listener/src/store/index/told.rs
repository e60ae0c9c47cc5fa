//! What notices have told, in the index.

use std::collections::BTreeMap;

use async_trait::async_trait;
use rusqlite::params;

use super::Embedded;
use super::writer::Durability;
use crate::notice::Memory;
use crate::store::StoreError;

#[async_trait]
impl Memory for Embedded {
    /// The store belongs to one process.
    async fn mine(&self) -> Result<bool, StoreError> {
        Ok(true)
    }

    async fn told(&self, prefix: &str) -> Result<BTreeMap<String, i64>, StoreError> {
        let prefix = prefix.to_owned();
        self.inner
            .readers
            .run(move |connection| {
                let mut statement = connection
                    .prepare_cached("SELECT key, at FROM told WHERE substr(key, 1, length(?1)) = ?1")?;
                let rows = statement.query_map([prefix], |row| Ok((row.get(0)?, row.get(1)?)))?;
                Ok(rows.collect::<Result<_, _>>()?)
            })
            .await
    }

    async fn tell(&self, key: &str, at_ms: Option<i64>) -> Result<(), StoreError> {
        let key = key.to_owned();
        self.inner
            .writer
            .call(Durability::Synced, move |connection| {
                match at_ms {
                    Some(at_ms) => connection
                        .prepare_cached(
                            "INSERT INTO told(key, at) VALUES (?1, ?2) ON CONFLICT DO UPDATE SET at = ?2",
                        )?
                        .execute(params![key, at_ms])?,
                    None => connection.prepare_cached("DELETE FROM told WHERE key = ?1")?.execute([key])?,
                };
                Ok(())
            })
            .await
    }
}
