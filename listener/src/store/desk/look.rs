//! What a bounded count looks at: the errors that one condition of the filter leaves, by the index that knows
//! it, until the bound is reached. Of those the ones are counted for which all conditions hold.

use crate::desk::ErrorFilter;

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
            return (Self::Time, ErrorFilter { from_ms, until_ms, ..none() });
        }
        let ErrorFilter { states, destination, class, .. } = filter.clone();
        (Self::Place, ErrorFilter { states, destination, class, ..none() })
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
