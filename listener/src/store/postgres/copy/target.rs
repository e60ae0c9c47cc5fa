//! A schema that a copy goes into.

use std::fmt::Write;

use secrecy::SecretString;

use super::counters::{self, BLOCKS, SET_HEAD, SET_HISTORY, SET_META, SET_NUMBERS, TALLY};
use super::rows::{self, Column, State, insert};
use super::session::{Missing, Session};
use crate::store::StoreError;
use crate::store::copy::{Each, Kept, Mark, Row, Rows, TABLES, Table, VERSION, Value, refusal};
use crate::store::postgres::connect::Pool;
use crate::store::postgres::slices::Slices;
use crate::store::postgres::sql::{Value as Sent, int, ints, text};
use crate::store::postgres::trouble::{Trouble, count};

/// Tables whose triggers would count what was counted.
const QUIET: [&str; 8] = ["head", "meta", "refused", "error", "tag", "attempt", "page", "destination"];

/// A schema that is filled.
pub(in crate::store) struct Target {
    session: Session,
    pool: Pool,
    slices: Slices,
}

impl Target {
    /// Makes the schema, or brings it to this version, and takes its lock. Blocks.
    pub(in crate::store) fn open(
        url: &SecretString,
        namespace: &str,
        listener: &str,
    ) -> Result<Self, StoreError> {
        let session = Session::open(url, namespace, listener, Missing::Make)?;
        let pool = Pool::new(url, &session.schema).map_err(StoreError::Open)?;
        Ok(Self { session, pool, slices: Slices::default() })
    }

    /// Whether something stands in a table.
    async fn used(&self) -> Result<Option<&'static str>, Trouble> {
        for table in TABLES {
            let query = format!("SELECT 1 FROM {} LIMIT 1", table.name);
            if !self.session.client.query_typed(&query, &[]).await?.is_empty() {
                return Ok(Some(table.name));
            }
        }
        Ok(None)
    }

    async fn mark(&self, source: &str) -> Result<Mark, StoreError> {
        let query = "SELECT source, version, stage, key, finished FROM copy";
        let rows = self.session.client.query_typed(query, &[]).await.map_err(Trouble::from)?;
        let Some(row) = rows.first() else { return self.begin_anew(source).await };
        let read = || -> Result<Kept, Trouble> {
            Ok(Kept {
                source: row.try_get(0)?,
                version: row.try_get(1)?,
                stage: row.try_get(2)?,
                key: row.try_get(3)?,
                finished: row.try_get(4)?,
            })
        };
        read()?.mark(source, &format!("the schema {}", self.session.schema), &self.session.remedy())
    }

    async fn begin_anew(&self, source: &str) -> Result<Mark, StoreError> {
        if let Some(table) = self.used().await? {
            return Err(StoreError::Open(format!(
                "the schema {} is in use: it has rows in the table {table}. Copy into a database in which this \
                 listener has not run, or, where nobody needs what is there, {}; nothing was changed",
                self.session.schema,
                self.session.remedy()
            )));
        }
        let mut begin = "BEGIN; SET LOCAL lock_timeout = '5s'".to_owned();
        for table in QUIET {
            let _ = write!(begin, "; ALTER TABLE {table} DISABLE TRIGGER USER");
        }
        self.session.client.batch_execute(&begin).await.map_err(Trouble::from)?;
        let insert = "INSERT INTO copy(source, version) VALUES ($1, $2)";
        self.session
            .client
            .query_typed(insert, &[text(&source), int(&VERSION)])
            .await
            .map_err(Trouble::from)?;
        self.session.client.batch_execute("COMMIT").await.map_err(Trouble::from)?;
        Ok(Mark::default())
    }

    async fn put_all(&self, table: &Table, rows: &[Row], (stage, key): (i64, String)) -> Result<(), Trouble> {
        let client = &self.session.client;
        if table.extra.is_some() {
            let place = table.columns.iter().position(|column| column.name == "received_at");
            let times = rows.iter().filter_map(|row| match place.and_then(|place| row.get(place)) {
                Some(Value::Int(at)) => Some(*at),
                _ => None,
            });
            self.slices.ensure(&self.pool, times).await?;
        }
        let columns: Vec<Column<'_>> =
            table.columns.iter().enumerate().map(|(at, column)| Column::of(column.kind, rows, at)).collect();
        let values: Vec<Sent<'_>> = columns.iter().map(Column::sent).collect();
        client.batch_execute("BEGIN").await?;
        client.query_typed(&insert(table), &values).await?;
        client.query_typed("UPDATE copy SET stage = $1, key = $2", &[int(&stage), text(&key)]).await?;
        Ok(client.batch_execute("COMMIT").await?)
    }

    async fn end(&self, counters: &[Value]) -> Result<(), StoreError> {
        let numbers: Vec<Option<i64>> = counters
            .iter()
            .map(|value| if let Value::Int(number) = value { Some(*number) } else { None })
            .collect();
        let name = match counters.first() {
            Some(Value::Text(name)) => name.clone(),
            _ => String::new(),
        };
        let client = &self.session.client;
        let set = async {
            client.batch_execute("BEGIN; SET LOCAL statement_timeout = 0").await?;
            client.query_typed(SET_META, &[text(&name), ints(&numbers)]).await?;
            client.query_typed(SET_HEAD, &[ints(&numbers)]).await?;
            client.query_typed(SET_HISTORY, &[ints(&numbers)]).await?;
            client.query_typed(SET_NUMBERS, &[ints(&numbers)]).await?;
            client.batch_execute(TALLY).await?;
            client.batch_execute(BLOCKS).await?;
            counters::read(client, State::Copied).await
        };
        let there = set.await?;
        if let Err(unlike) = refusal::counters(&there, counters) {
            let _ = client.batch_execute("ROLLBACK").await;
            return Err(unlike);
        }
        let mut end = String::new();
        for table in QUIET {
            let _ = write!(end, "ALTER TABLE {table} ENABLE TRIGGER USER; ");
        }
        end.push_str("UPDATE copy SET finished = true; COMMIT");
        client.batch_execute(&end).await.map_err(Trouble::from)?;
        let names: Vec<_> = TABLES.iter().map(|table| table.name).collect();
        // Without it the first queries are planned for empty tables; the server would do it later.
        if let Err(error) = client.batch_execute(&format!("ANALYZE {}, tally", names.join(", "))).await {
            tracing::warn!("the copied tables were not analysed: {}", Trouble::from(error));
        }
        Ok(())
    }
}

impl Rows for Target {
    fn count(&mut self, table: &Table) -> Result<u64, StoreError> {
        let Session { handle, client, .. } = &self.session;
        Ok(handle.block_on(rows::count(client, table, State::Copied))?)
    }

    fn rows(&mut self, table: &Table, after: Option<&[Value]>, each: Each<'_>) -> Result<(), StoreError> {
        let Session { handle, client, .. } = &self.session;
        handle.block_on(rows::read(client, (table, State::Copied), after, each))
    }

    fn counters(&mut self) -> Result<Row, StoreError> {
        let Session { handle, client, .. } = &self.session;
        Ok(handle.block_on(counters::read(client, State::Copied))?)
    }
}

impl crate::store::copy::Target for Target {
    fn begin(&mut self, source: &str) -> Result<Mark, StoreError> {
        self.session.handle.block_on(self.mark(source))
    }

    fn put(&mut self, table: &Table, rows: &[Row], mark: &Mark) -> Result<(), StoreError> {
        let mark = (count(mark.stage), mark.key_text()?);
        Ok(self.session.handle.block_on(self.put_all(table, rows, mark))?)
    }

    fn finish(self, counters: &[Value]) -> Result<(), StoreError> {
        self.session.handle.block_on(async {
            self.end(counters).await?;
            self.session.release().await;
            Ok(())
        })
    }

    fn remedy(&self) -> String {
        self.session.remedy()
    }
}
