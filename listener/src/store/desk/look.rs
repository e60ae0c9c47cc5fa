//! What answers a count, and what it looks at where errors must be looked at: those that one condition of the
//! filter leaves, by the index that knows it, until the bound is reached. Of those the ones are counted for
//! which all conditions hold.

use crate::desk::ErrorFilter;

/// What answers a count of errors by their places, with at most one thing more.
#[derive(Debug)]
pub(in crate::store) enum Answer<'a> {
    /// The counters of the places.
    Places,
    /// Those that are apart by one thing more.
    Tag(&'a str),
    Assignee(&'a str),
    Text(&'a str),
    /// Those of the places, less those of every assignee.
    Nobody,
    /// Those of whole hours; and errors, at both ends.
    Time,
    /// Errors, with the prefix or without it.
    Prefix(&'a str),
    /// Errors.
    Errors,
}

impl<'a> Answer<'a> {
    /// To a filter. Takes it apart, so that a new field is not forgotten here.
    pub(in crate::store) fn of(filter: &'a ErrorFilter) -> Self {
        let ErrorFilter {
            states: _,
            destination: _,
            class: _,
            trace_key,
            trace_key_prefix,
            tag,
            assignee,
            text,
            from_ms,
            until_ms,
        } = filter;
        let timed = from_ms.is_some() || until_ms.is_some();
        match (trace_key, trace_key_prefix, tag, assignee.as_deref(), text, timed) {
            (None, None, None, None, None, false) => Self::Places,
            (None, Some(prefix), None, None, None, false) => Self::Prefix(prefix),
            (None, None, Some(tag), None, None, false) => Self::Tag(tag),
            (None, None, None, Some(""), None, false) => Self::Nobody,
            (None, None, None, Some(name), None, false) => Self::Assignee(name),
            (None, None, None, None, Some(text), false) => Self::Text(text),
            (None, None, None, None, None, true) => Self::Time,
            _ => Self::Errors,
        }
    }
}

/// The condition by which errors are looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::store) enum By {
    TraceKey,
    Assignee,
    Tag,
    Text,
    Time,
    /// None has an index of its own.
    Place,
}

impl By {
    /// The most telling of a filter's conditions, and the filter of that condition alone.
    pub(in crate::store) fn of(filter: &ErrorFilter) -> (Self, ErrorFilter) {
        let none = ErrorFilter::default;
        let ErrorFilter { trace_key, trace_key_prefix, tag, assignee, text, from_ms, until_ms, .. } =
            filter.clone();
        if trace_key.is_some() || trace_key_prefix.is_some() {
            return (Self::TraceKey, ErrorFilter { trace_key, trace_key_prefix, ..none() });
        }
        if assignee.as_ref().is_some_and(|name| !name.is_empty()) {
            return (Self::Assignee, ErrorFilter { assignee, ..none() });
        }
        if tag.is_some() {
            return (Self::Tag, ErrorFilter { tag, ..none() });
        }
        if text.is_some() {
            return (Self::Text, ErrorFilter { text, ..none() });
        }
        if from_ms.is_some() || until_ms.is_some() {
            return (Self::Time, filter.time());
        }
        (Self::Place, filter.places())
    }
}

impl By {
    /// In what order errors are looked at: that of the index, the newest first where it knows them.
    pub(in crate::store) const fn order(self) -> &'static str {
        match self {
            Self::TraceKey => "ORDER BY trace_key, id",
            Self::Assignee => "ORDER BY id DESC",
            Self::Time => "ORDER BY last_at DESC",
            Self::Tag | Self::Text | Self::Place => "",
        }
    }
}

/// The columns that the conditions of a filter and a count read: an index that has them all answers alone.
pub(in crate::store) fn columns(filter: &ErrorFilter) -> String {
    let ErrorFilter {
        states: _,
        destination: _,
        class: _,
        trace_key,
        trace_key_prefix,
        tag,
        assignee,
        text,
        from_ms,
        until_ms,
    } = filter;
    let mut columns = vec!["destination", "class", "state"];
    for (is_read, column) in [
        (trace_key.is_some() || trace_key_prefix.is_some(), "trace_key"),
        (tag.is_some(), "id"),
        (assignee.is_some(), "assignee"),
        (text.is_some(), "message"),
        (from_ms.is_some() || until_ms.is_some(), "last_at"),
    ] {
        if is_read {
            columns.push(column);
        }
    }
    columns.join(", ")
}
