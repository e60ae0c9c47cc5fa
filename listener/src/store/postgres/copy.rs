//! The PostgreSQL store as what is copied into.
//!
//! A listener that has a schema open holds a lock of it, shared ([`hold`]); a copy holds it alone. The
//! triggers that count and note what happens are off while rows come that were counted already; at the
//! end the tallies are made anew, and the triggers go on, in the transaction that says that it is whole.

use std::fmt::Write;
use std::pin::pin;

use futures_util::TryStreamExt;
use secrecy::SecretString;
use tokio::runtime::Handle;
use tokio::task::JoinHandle;
use tokio_postgres::types::{FromSql, Type};
use tokio_postgres::{Client, Row as Found};

use super::check;
use super::connect::{self, Pool, quoted};
use super::schema::{self, Opened};
use super::slices::Slices;
use super::sql::{Value as Sent, byte_lists, flag, int, ints, text};
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

/// Values of one column, of many rows.
enum Column<'a> {
    Ints(Vec<Option<i64>>),
    Texts(Vec<Option<&'a str>>),
    Bytes(Vec<Option<&'a [u8]>>),
}

impl<'a> Column<'a> {
    fn of(kind: Kind, rows: &'a [Row], at: usize) -> Self {
        let values = rows.iter().map(|row| row.get(at));
        match kind {
            Kind::Int | Kind::Flag => {
                let one = |value: Option<&Value>| match value {
                    Some(Value::Int(number)) => Some(*number),
                    _ => None,
                };
                Self::Ints(values.map(one).collect())
            }
            Kind::Text => {
                let one = |value: Option<&'a Value>| match value {
                    Some(Value::Text(text)) => Some(text.as_str()),
                    _ => None,
                };
                Self::Texts(values.map(one).collect())
            }
            Kind::Bytes | Kind::Uuid => {
                let one = |value: Option<&'a Value>| match value {
                    Some(Value::Bytes(bytes)) => Some(bytes.as_slice()),
                    _ => None,
                };
                Self::Bytes(values.map(one).collect())
            }
        }
    }

    fn sent(&self) -> Sent<'_> {
        match self {
            Self::Ints(values) => ints(values),
            Self::Texts(values) => (values, Type::TEXT_ARRAY),
            Self::Bytes(values) => byte_lists(values),
        }
    }
}

fn insert(table: &Table) -> String {
    let (mut names, mut values, mut lists) = (Vec::new(), Vec::new(), Vec::new());
    for (column, number) in table.columns.iter().zip(1..) {
        let name = column.name;
        names.push(name);
        let (value, list) = match column.kind {
            Kind::Int => (format!("r.{name}"), "bigint"),
            Kind::Flag => (format!("r.{name} <> 0"), "bigint"),
            Kind::Text => (format!("r.{name}"), "text"),
            Kind::Bytes => (format!("r.{name}"), "bytea"),
            Kind::Uuid => (format!("encode(r.{name}, 'hex')::uuid"), "bytea"),
        };
        values.push(value);
        lists.push(format!("${number}::{list}[]"));
    }
    let of = names.join(", ");
    if let Some((name, value)) = table.extra {
        names.push(name);
        values.push(value.to_owned());
    }
    format!(
        "INSERT INTO {}({}) OVERRIDING SYSTEM VALUE SELECT {} FROM unnest({}) AS r({of})",
        table.name,
        names.join(", "),
        values.join(", "),
        lists.join(", ")
    )
}

fn select(table: &Table) -> String {
    let columns = table.columns.iter().map(|column| match column.kind {
        Kind::Int => format!("{}::bigint", column.name),
        Kind::Flag => format!("{}::int::bigint", column.name),
        Kind::Text | Kind::Bytes => column.name.to_owned(),
        Kind::Uuid => format!("uuid_send({})", column.name),
    });
    // Texts in the order of their bytes, as the other store has them.
    let key = table.columns.iter().take(table.key).map(|column| match column.kind {
        Kind::Text => format!("{} COLLATE \"C\"", column.name),
        _ => column.name.to_owned(),
    });
    let (columns, key): (Vec<_>, Vec<_>) = (columns.collect(), key.collect());
    format!("SELECT {} FROM {} ORDER BY {}", columns.join(", "), table.name, key.join(", "))
}

fn neutral(row: &Found, at: usize, kind: Kind) -> Result<Value, Trouble> {
    fn read<'a, T: FromSql<'a>>(row: &'a Found, at: usize) -> Result<Option<T>, Trouble> {
        Ok(row.try_get(at)?)
    }
    let value = match kind {
        Kind::Int | Kind::Flag => read(row, at)?.map(Value::Int),
        Kind::Text => read(row, at)?.map(Value::Text),
        Kind::Bytes | Kind::Uuid => read(row, at)?.map(Value::Bytes),
    };
    Ok(value.unwrap_or(Value::Null))
}

/// The counters as they stand, in their order. A sequence that was never used says 0.
const COUNTED: &str = "\
SELECT meta.name, head.delivery, head.records, head.events, head.duplicates, head.ignored, \
    head.last_received_at, meta.refused_kept, meta.refused_bytes, meta.refused_dropped, history.pages_gone, \
    (SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM page_number), \
    (SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM error_id_seq), \
    (SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM audit_id_seq), \
    (SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM bulk_id_seq), \
    (SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM refused_number_seq), \
    (SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM message_id_seq), \
    (SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM note_id_seq) \
FROM meta, head, history";

// Of an array the first element, the name, is null: so the numbers stand as above.
const SET_META: &str = "UPDATE meta SET name = $1, refused_kept = ($2::bigint[])[8], \
    refused_bytes = ($2::bigint[])[9], refused_dropped = ($2::bigint[])[10]";
const SET_HEAD: &str = "UPDATE head SET delivery = ($1::bigint[])[2], records = ($1::bigint[])[3], \
    events = ($1::bigint[])[4], duplicates = ($1::bigint[])[5], ignored = ($1::bigint[])[6], \
    last_received_at = ($1::bigint[])[7]";
const SET_HISTORY: &str = "UPDATE history SET pages_gone = ($1::bigint[])[11]";
const SET_NUMBERS: &str = "\
SELECT setval(s.name::regclass, greatest(s.last, 1), s.last > 0) FROM (\
    SELECT n.name, coalesce(($1::bigint[])[n.place], 0) AS last FROM (VALUES ('page_number', 12), \
    ('error_id_seq', 13), ('audit_id_seq', 14), ('bulk_id_seq', 15), ('refused_number_seq', 16), \
    ('message_id_seq', 17), ('note_id_seq', 18)) AS n(name, place)) AS s";

/// The tallies, as the triggers would have made them.
const TALLY: &str = "\
TRUNCATE tally, tally_delta; \
INSERT INTO tally(kind, key, value, destination, class, state, number) \
SELECT kind, key, value, destination, class, state, count(*) FROM ( \
    SELECT v.kind, v.key, v.value, e.destination, e.class, e.state \
    FROM error e CROSS JOIN LATERAL (VALUES ('p'::\"char\", 0::bigint, ''), ('m', e.message, ''), \
        ('h', hour_of(e.last_at), ''), ('a', 0, e.assignee)) AS v(kind, key, value) \
    WHERE v.value IS NOT NULL \
    UNION ALL SELECT 't', 0, tag.tag, e.destination, e.class, e.state \
    FROM error e JOIN tag ON tag.error = e.id \
) AS all_of_it GROUP BY 1, 2, 3, 4, 5, 6";

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
