//! Rows on their way into PostgreSQL and out of it.

use tokio_postgres::Row as Found;
use tokio_postgres::types::{FromSql, Type};

use crate::store::copy::{Kind, Row, Table, Value};
use crate::store::postgres::sql::{Value as Sent, byte_lists, ints};
use crate::store::postgres::trouble::Trouble;

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

/// Reads a table in the order of its key.
pub(super) fn select(table: &Table) -> String {
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
