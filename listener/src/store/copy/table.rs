//! What a table is to a copy: its columns, what they hold, and where they come from.

/// What a column holds, and so how it stands in PostgreSQL.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::store) enum Kind {
    /// A number.
    Int,
    /// Yes or no, as 1 or 0.
    Flag,
    /// A text.
    Text,
    /// Bytes.
    Bytes,
    /// An id of a request, as its 16 bytes.
    Uuid,
}

/// Where the embedded store has a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::store) enum From {
    /// In the column of this name.
    Column,
    /// In the column of this name, which is read by an expression.
    Shown(&'static str),
    /// In an expression over what stands elsewhere.
    Sql(&'static str),
    /// In the journal: the body of the delivery.
    Body,
    /// In its list of records: the element of the first.
    FirstElement,
}

/// A column.
#[derive(Clone, Copy, Debug)]
pub(in crate::store) struct Column {
    /// Its name.
    pub(in crate::store) name: &'static str,
    /// What it holds.
    pub(in crate::store) kind: Kind,
    /// Where the embedded store has it.
    pub(in crate::store) from: From,
    /// Where a PostgreSQL store that a listener worked on has it, if not in the column of its name. What
    /// a copy has put there stands as it came.
    pub(in crate::store) worked: Option<&'static str>,
}

impl Column {
    /// The same, out of somewhere else.
    pub(super) const fn out_of(self, from: From) -> Self {
        Self { from, ..self }
    }

    /// The same, by an expression where a listener worked on a PostgreSQL store.
    pub(super) const fn worked_on(self, sql: &'static str) -> Self {
        Self { worked: Some(sql), ..self }
    }
}

const fn column(name: &'static str, kind: Kind) -> Column {
    Column { name, kind, from: From::Column, worked: None }
}

pub(super) const fn int(name: &'static str) -> Column {
    column(name, Kind::Int)
}

pub(super) const fn flag(name: &'static str) -> Column {
    column(name, Kind::Flag)
}

pub(super) const fn text(name: &'static str) -> Column {
    column(name, Kind::Text)
}

pub(super) const fn bytes(name: &'static str) -> Column {
    column(name, Kind::Bytes)
}

pub(super) const fn uuid(name: &'static str) -> Column {
    column(name, Kind::Uuid)
}

/// A table. Its rows go in the order of its key: the first `key` columns, which no two rows share.
#[derive(Clone, Copy, Debug)]
pub(in crate::store) struct Table {
    /// Its name, in PostgreSQL and for people.
    pub(in crate::store) name: &'static str,
    /// What stands behind FROM in the embedded store, if not its name.
    pub(in crate::store) from: &'static str,
    /// What stands behind FROM in a PostgreSQL store that a listener worked on, if not its name.
    pub(in crate::store) worked: &'static str,
    /// How many columns its key has.
    pub(in crate::store) key: usize,
    /// Its columns.
    pub(in crate::store) columns: &'static [Column],
    /// A column that only PostgreSQL has, with its expression over `r`, a row of the others.
    pub(in crate::store) extra: Option<(&'static str, &'static str)>,
}

impl Table {
    /// A table that has the same name in both.
    pub(super) const fn new(name: &'static str, key: usize, columns: &'static [Column]) -> Self {
        Self { name, from: name, worked: name, key, columns, extra: None }
    }
}
