//! Statements sent with the types of their parameters: one round trip each, planned for the values.

use tokio_postgres::Row;
use tokio_postgres::types::{ToSql, Type};

use crate::store::postgres::trouble::Trouble;
use crate::store::postgres::tx::Tx;

/// A parameter, which knows its type.
pub(in crate::store::postgres) trait Param: Sync {
    /// Its type in PostgreSQL.
    fn kind(&self) -> Type;
    /// As the driver takes it.
    fn sql(&self) -> &(dyn ToSql + Sync);
}

macro_rules! params {
    ($($kind:ident: $($of:ty),+;)*) => { $($(
        impl Param for $of {
            fn kind(&self) -> Type {
                Type::$kind
            }

            fn sql(&self) -> &(dyn ToSql + Sync) {
                self
            }
        }
    )+)* };
}

params! {
    INT8: i64, Option<i64>;
    BOOL: bool;
    TEXT: String, &str, Option<String>, Option<&String>, Option<&str>;
    BYTEA: &[u8], Option<&[u8]>;
    INT8_ARRAY: Vec<i64>, &[i64], Vec<Option<i64>>;
    TEXT_ARRAY: Vec<String>, &[String], Vec<&str>, Vec<Option<String>>;
    BYTEA_ARRAY: Vec<Option<&[u8]>>;
    UUID: uuid::Uuid;
}

/// Parameters of a statement.
pub(in crate::store::postgres) type Params<'a> = &'a [&'a (dyn Param + 'a)];

fn typed(params: Params<'_>) -> Vec<(&(dyn ToSql + Sync), Type)> {
    params.iter().map(|param| (param.sql(), param.kind())).collect()
}

/// Every row.
pub(in crate::store::postgres) async fn rows(
    tx: &Tx<'_>,
    sql: &str,
    params: Params<'_>,
) -> Result<Vec<Row>, Trouble> {
    Ok(tx.query_typed(sql, &typed(params)).await?)
}

/// The one row.
pub(in crate::store::postgres) async fn one(
    tx: &Tx<'_>,
    sql: &str,
    params: Params<'_>,
) -> Result<Row, Trouble> {
    Ok(tx.query_typed_one(sql, &typed(params)).await?)
}

/// The row, where there is one.
pub(in crate::store::postgres) async fn maybe(
    tx: &Tx<'_>,
    sql: &str,
    params: Params<'_>,
) -> Result<Option<Row>, Trouble> {
    Ok(tx.query_typed_opt(sql, &typed(params)).await?)
}

/// How many rows it changed.
pub(in crate::store::postgres) async fn run(
    tx: &Tx<'_>,
    sql: &str,
    params: Params<'_>,
) -> Result<u64, Trouble> {
    Ok(tx.execute_typed(sql, &typed(params)).await?)
}
