//! Values of statements, with their types.

use tokio_postgres::types::{ToSql, Type};

/// A value, and what PostgreSQL is to take it for.
pub(in crate::store::postgres) type Value<'a> = (&'a (dyn ToSql + Sync), Type);

/// `bigint`
pub(in crate::store::postgres) fn int<T: ToSql + Sync>(value: &T) -> Value<'_> {
    (value, Type::INT8)
}

/// `text`
pub(in crate::store::postgres) fn text<T: ToSql + Sync>(value: &T) -> Value<'_> {
    (value, Type::TEXT)
}

/// `boolean`
pub(in crate::store::postgres) fn flag<T: ToSql + Sync>(value: &T) -> Value<'_> {
    (value, Type::BOOL)
}

/// `bytea`
pub(in crate::store::postgres) fn bytes<T: ToSql + Sync>(value: &T) -> Value<'_> {
    (value, Type::BYTEA)
}

/// `bigint[]`
pub(in crate::store::postgres) fn ints<T: ToSql + Sync>(value: &T) -> Value<'_> {
    (value, Type::INT8_ARRAY)
}

/// `bytea[]`
pub(in crate::store::postgres) fn byte_lists<T: ToSql + Sync>(value: &T) -> Value<'_> {
    (value, Type::BYTEA_ARRAY)
}

/// `uuid[]`
pub(in crate::store::postgres) fn uuids<T: ToSql + Sync>(value: &T) -> Value<'_> {
    (value, Type::UUID_ARRAY)
}

/// `boolean[]`
pub(in crate::store::postgres) fn flags<T: ToSql + Sync>(value: &T) -> Value<'_> {
    (value, Type::BOOL_ARRAY)
}
