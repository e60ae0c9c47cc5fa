//! Rows on their way into PostgreSQL and out of it.

use std::pin::pin;

use futures_util::TryStreamExt;
use tokio_postgres::types::{FromSql, Type};
use tokio_postgres::{Client, Row as Found};

use crate::store::StoreError;
use crate::store::copy::{Each, Kind, Row, Table, Value};
use crate::store::postgres::sql::{Value as Sent, byte_lists, bytes, int, ints, text};
use crate::store::postgres::trouble::{Trouble, unsigned};

/// What the rows of a schema are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// As a copy has put them there.
    Copied,
    /// As a listener has left them.
    Worked,
}

impl State {
    fn from(self, table: &Table) -> &'static str {
        match self {
            Self::Copied => table.name,
            Self::Worked => table.worked,
        }
    }
}

/// Values of one column, of many rows.
pub(super) enum Column<'a> {
    Ints(Vec<Option<i64>>),
    Texts(Vec<Option<&'a str>>),
    Bytes(Vec<Option<&'a [u8]>>),
}

impl<'a> Column<'a> {
    /// Of the rows, those at one place.
    pub(super) fn of(kind: Kind, rows: &'a [Row], at: usize) -> Self {
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

    /// As it is sent.
    pub(super) fn sent(&self) -> Sent<'_> {
        match self {
            Self::Ints(values) => ints(values),
            Self::Texts(values) => (values, Type::TEXT_ARRAY),
            Self::Bytes(values) => byte_lists(values),
        }
    }
}

/// Puts rows into a table, of which each column is a list.
pub(super) fn insert(table: &Table) -> String {
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

/// Reads a table in the order of its key, from behind one on.
fn select(table: &Table, state: State, after: bool) -> String {
    let columns = table.columns.iter().map(|column| {
        let value = column.worked.filter(|_| state == State::Worked).unwrap_or(column.name);
        match column.kind {
            Kind::Int => format!("({value})::bigint"),
            Kind::Flag => format!("({value})::int::bigint"),
            Kind::Text | Kind::Bytes => value.to_owned(),
            Kind::Uuid => format!("uuid_send({value})"),
        }
    });
    // Texts in the order of their bytes, as the other store has them.
    let key = table.columns.iter().take(table.key).map(|column| match column.kind {
        Kind::Text => format!("{} COLLATE \"C\"", column.name),
        _ => column.name.to_owned(),
    });
    let (columns, key): (Vec<_>, Vec<_>) = (columns.collect(), key.collect());
    let (columns, key) = (columns.join(", "), key.join(", "));
    let behind = if after {
        let values: Vec<_> = (1..=table.key).map(|number| format!("${number}")).collect();
        format!("WHERE ({key}) > ({})", values.join(", "))
    } else {
        String::new()
    };
    format!("SELECT {columns} FROM {} {behind} ORDER BY {key}", state.from(table))
}

/// Reads a table row by row, however long it takes.
pub(super) async fn read(
    client: &Client,
    (table, state): (&Table, State),
    after: Option<&[Value]>,
    each: Each<'_>,
) -> Result<(), StoreError> {
    client.batch_execute("SET statement_timeout = 0").await.map_err(Trouble::from)?;
    let values = after.unwrap_or_default().iter().map(sent).collect::<Result<Vec<_>, _>>()?;
    let query = select(table, state, after.is_some());
    let stream = client.query_typed_raw(&query, values).await.map_err(Trouble::from)?;
    let mut stream = pin!(stream);
    while let Some(found) = stream.try_next().await.map_err(Trouble::from)? {
        let columns = table.columns.iter().enumerate();
        let row = columns.map(|(at, column)| neutral(&found, at, column.kind));
        each(row.collect::<Result<Row, Trouble>>()?)?;
    }
    Ok(())
}

/// A value of a key.
fn sent(value: &Value) -> Result<Sent<'_>, Trouble> {
    match value {
        Value::Null => Err(Trouble::Damaged("a key has no value")),
        Value::Int(number) => Ok(int(number)),
        Value::Text(value) => Ok(text(value)),
        Value::Bytes(value) => Ok(bytes(value)),
    }
}

/// How many rows a table has.
pub(super) async fn count(client: &Client, table: &Table, state: State) -> Result<u64, Trouble> {
    let query = format!("SELECT count(*) FROM {}", state.from(table));
    Ok(unsigned(client.query_typed_one(&query, &[]).await?.try_get(0)?))
}

/// What a statement gives, neutral.
pub(super) fn neutral(row: &Found, at: usize, kind: Kind) -> Result<Value, Trouble> {
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
