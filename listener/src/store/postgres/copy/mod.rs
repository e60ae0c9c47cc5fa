//! The PostgreSQL store as what is copied into.
//!
//! A listener that has a schema open holds a lock of it, shared ([`hold`]); a copy holds it alone. The
//! triggers that count and note what happens are off while rows come that were counted already; at the
//! end the tallies are made anew, and the triggers go on, in the transaction that says that it is whole.

mod end;
mod rows;

use std::fmt::Write;
use std::pin::pin;

use futures_util::TryStreamExt;
use secrecy::SecretString;
use tokio::runtime::Handle;
use tokio::task::JoinHandle;
use tokio_postgres::Client;

use self::end::{COUNTED, SET_HEAD, SET_HISTORY, SET_META, SET_NUMBERS, TALLY};
use self::rows::{Column, insert, neutral, select};
use super::check;
use super::connect::{self, Pool, quoted};
use super::schema::{self, Opened};
use super::slices::Slices;
use super::sql::{Value as Sent, flag, int, ints, text};
use super::trouble::{Trouble, count, unsigned};
use crate::store::StoreError;
use crate::store::copy::{COUNTERS, Each, Kind, Mark, Row, Rows, TABLES, Table, Target, VERSION, Value};

/// The key of the lock, within the schema that is set.
const LOCK: &str = "hashtextextended(current_schema() || '/open', 7232)";
/// Tables whose triggers would count what was counted.
const QUIET: [&str; 8] = ["head", "meta", "refused", "error", "tag", "attempt", "page", "destination"];

/// Says, for as long as the connection lives, that a listener has the schema open; false where a copy
/// is being put into it.
pub(super) async fn hold(client: &Client) -> Result<bool, Trouble> {
    let query = format!("SELECT pg_try_advisory_lock_shared({LOCK})");
    Ok(client.query_typed_one(&query, &[]).await?.try_get(0)?)
}

/// Refuses a schema that holds part of a copy.
pub(super) async fn refuse_half(client: &Client, opened: Opened) -> Result<Opened, StoreError> {
    let failed = |trouble: Trouble| StoreError::Open(trouble.to_string());
    let query = "SELECT source FROM copy WHERE NOT finished";
    let half = client.query_typed(query, &[]).await.map_err(|error| failed(error.into()))?;
    if !half.is_empty() || !hold(client).await.map_err(failed)? {
        return Err(StoreError::Open(
            "the database holds part of a copy of another store (listener store copy): let the copy end, or run \
             the same command again, which goes on where it was; to begin without it drop the listener's schema"
                .to_owned(),
        ));
    }
    Ok(opened)
}

/// A schema that no listener has open while this lives.
pub(in crate::store) struct Copying {
    handle: Handle,
    client: Client,
    driving: JoinHandle<()>,
    pool: Pool,
    slices: Slices,
    schema: String,
}

impl Drop for Copying {
    fn drop(&mut self) {
        self.driving.abort();
    }
}

impl Copying {
    /// Makes the schema, or brings it to this version, and takes its lock. Blocks.
    pub(in crate::store) fn open(
        url: &SecretString,
        namespace: &str,
        listener: &str,
    ) -> Result<Self, StoreError> {
        let handle = Handle::current();
        handle.clone().block_on(async {
            let cannot = |reason: String| StoreError::Open(format!("the database cannot be used: {reason}"));
            let drive = |connection| {
                tokio::spawn(async move {
                    // Whoever waits for an answer is told.
                    let _ = std::future::IntoFuture::into_future(connection).await;
                })
            };
            let (client, driving) =
                connect::single(url, drive).await.map_err(|trouble| cannot(trouble.to_string()))?;
            let server = check::look(&client).await.map_err(|error| cannot(Trouble::from(error).to_string()))?;
            server.refuse().map_err(cannot)?;
            schema::open(&client, namespace, listener).await?;
            let schema = schema::name(namespace, listener);
            let query = format!("SELECT pg_try_advisory_lock({LOCK})");
            let lock = client.query_typed_one(&query, &[]).await.and_then(|row| row.try_get(0));
            if !lock.map_err(|error| cannot(Trouble::from(error).to_string()))? {
                return Err(StoreError::Open(format!(
                    "the schema {schema} is in use by a listener, or by another copy: stop the listener with all \
                     its replicas (with the operator, scale the operator to 0 and then the listener's Deployment), \
                     and copy then; nothing was copied"
                )));
            }
            let pool = Pool::new(url, &schema).map_err(StoreError::Open)?;
            Ok(Self { handle, client, driving, pool, slices: Slices::default(), schema })
        })
    }

    /// Whether something stands in a table.
    async fn used(&self) -> Result<Option<&'static str>, Trouble> {
        for table in TABLES {
            let query = format!("SELECT 1 FROM {} LIMIT 1", table.name);
            if !self.client.query_typed(&query, &[]).await?.is_empty() {
                return Ok(Some(table.name));
            }
        }
        Ok(None)
    }

    async fn mark(&self, source: &str) -> Result<Mark, StoreError> {
        let schema = &self.schema;
        let query = "SELECT source, version, stage, key, finished FROM copy";
        let rows = self.client.query_typed(query, &[]).await.map_err(Trouble::from)?;
        let Some(row) = rows.first() else { return self.begin_anew(source).await };
        let read = || -> Result<(String, i64, i64, Option<String>, bool), Trouble> {
            Ok((row.try_get(0)?, row.try_get(1)?, row.try_get(2)?, row.try_get(3)?, row.try_get(4)?))
        };
        let (of, version, stage, key, finished) = read()?;
        if finished || of != source || version != VERSION {
            let what = match (finished, of != source) {
                (true, _) => "a whole copy, which a listener may have worked on since",
                (false, true) => "part of a copy of another store",
                (false, false) => "part of a copy by another version of this program",
            };
            return Err(StoreError::Open(format!(
                "the schema {schema} holds {what}: choose another database, or, where nobody needs it, drop the \
                 schema (DROP SCHEMA {} CASCADE); nothing was changed",
                quoted(schema)
            )));
        }
        let damaged =
            |_| StoreError::Open(format!("the mark of the copy in the schema {schema} is damaged: drop it"));
        let key = key.map(|key| serde_json::from_str(&key)).transpose().map_err(damaged)?;
        Ok(Mark { stage: usize::try_from(stage).unwrap_or(usize::MAX), key })
    }

    async fn begin_anew(&self, source: &str) -> Result<Mark, StoreError> {
        if let Some(table) = self.used().await? {
            return Err(StoreError::Open(format!(
                "the schema {} is in use: it has rows in the table {table}. Copy into a database in which this \
                 listener has not run, or, where nobody needs what is there, drop the schema (DROP SCHEMA {} \
                 CASCADE); nothing was changed",
                self.schema,
                quoted(&self.schema)
            )));
        }
        let mut begin = "BEGIN; SET LOCAL lock_timeout = '5s'".to_owned();
        for table in QUIET {
            let _ = write!(begin, "; ALTER TABLE {table} DISABLE TRIGGER USER");
        }
        self.client.batch_execute(&begin).await.map_err(Trouble::from)?;
        let insert = "INSERT INTO copy(source, version) VALUES ($1, $2)";
        self.client.query_typed(insert, &[text(&source), int(&VERSION)]).await.map_err(Trouble::from)?;
        self.client.batch_execute("COMMIT").await.map_err(Trouble::from)?;
        Ok(Mark::default())
    }

    async fn put_all(&self, table: &Table, rows: &[Row], mark: &Mark) -> Result<(), Trouble> {
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
        let key = serde_json::to_string(&mark.key).map_err(|error| Trouble::Asked(error.to_string()))?;
        let stage = count(mark.stage);
        self.client.batch_execute("BEGIN").await?;
        self.client.query_typed(&insert(table), &values).await?;
        self.client.query_typed("UPDATE copy SET stage = $1, key = $2", &[int(&stage), text(&key)]).await?;
        Ok(self.client.batch_execute("COMMIT").await?)
    }

    async fn read(&self, table: &Table, each: Each<'_>) -> Result<(), StoreError> {
        self.client.batch_execute("SET statement_timeout = 0").await.map_err(Trouble::from)?;
        let none: [i64; 0] = [];
        let stream = self.client.query_raw(&select(table), none).await.map_err(Trouble::from)?;
        let mut stream = pin!(stream);
        while let Some(found) = stream.try_next().await.map_err(Trouble::from)? {
            let columns = table.columns.iter().enumerate();
            let row = columns.map(|(at, column)| neutral(&found, at, column.kind));
            each(row.collect::<Result<Row, Trouble>>()?)?;
        }
        Ok(())
    }

    async fn read_counters(&self) -> Result<Row, Trouble> {
        let row = self.client.query_typed_one(COUNTED, &[]).await?;
        let mut counters = vec![neutral(&row, 0, Kind::Text)?];
        for at in 1..COUNTERS {
            counters.push(neutral(&row, at, Kind::Int)?);
        }
        Ok(counters)
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
        let client = &self.client;
        let set = async {
            client.batch_execute("BEGIN; SET LOCAL statement_timeout = 0").await?;
            client.query_typed(SET_META, &[text(&name), ints(&numbers)]).await?;
            client.query_typed(SET_HEAD, &[ints(&numbers)]).await?;
            client.query_typed(SET_HISTORY, &[ints(&numbers)]).await?;
            client.query_typed(SET_NUMBERS, &[ints(&numbers)]).await?;
            client.batch_execute(TALLY).await?;
            self.read_counters().await
        };
        let there = set.await?;
        let as_set = |value: &Value| if *value == Value::Null { Value::Int(0) } else { value.clone() };
        if !there.iter().map(as_set).eq(counters.iter().map(as_set)) {
            let _ = client.batch_execute("ROLLBACK").await;
            return Err(StoreError::Failed(
                "the counters of the copy are not those of its source; the target is not marked as whole"
                    .to_owned(),
            ));
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

impl Rows for Copying {
    fn count(&mut self, table: &Table) -> Result<u64, StoreError> {
        let query = format!("SELECT count(*) FROM {} WHERE $1", table.name);
        let row = self.handle.block_on(self.client.query_typed_one(&query, &[flag(&true)]));
        let rows = row.and_then(|row| row.try_get(0)).map_err(Trouble::from)?;
        Ok(unsigned(rows))
    }

    fn rows(&mut self, table: &Table, after: Option<&[Value]>, each: Each<'_>) -> Result<(), StoreError> {
        if after.is_some() {
            return Err(StoreError::Failed("what was copied is read from its beginning only".to_owned()));
        }
        self.handle.block_on(self.read(table, each))
    }

    fn counters(&mut self) -> Result<Row, StoreError> {
        Ok(self.handle.block_on(self.read_counters())?)
    }
}

impl Target for Copying {
    fn begin(&mut self, source: &str) -> Result<Mark, StoreError> {
        self.handle.block_on(self.mark(source))
    }

    fn put(&mut self, table: &Table, rows: &[Row], mark: &Mark) -> Result<(), StoreError> {
        Ok(self.handle.block_on(self.put_all(table, rows, mark))?)
    }

    fn finish(&mut self, counters: &[Value]) -> Result<(), StoreError> {
        self.handle.block_on(self.end(counters))
    }
}
