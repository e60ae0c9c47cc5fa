//! A filter as conditions over the table `error`.

use rusqlite::types::Value;

use super::state;
use crate::desk::ErrorFilter;
use crate::store::desk::text::prefix_range;

/// Conditions that must all hold, and their parameters in order.
#[derive(Debug, Default)]
pub(super) struct Conditions {
    texts: Vec<String>,
    values: Vec<Value>,
}

impl Conditions {
    /// Of a filter. Takes it apart, so that a new field is not forgotten here.
    pub(super) fn of(filter: &ErrorFilter) -> Self {
        let ErrorFilter {
            states,
            destination,
            class,
            trace_key,
            trace_key_prefix,
            tag,
            assignee,
            text,
            from_ms,
            until_ms,
        } = filter;
        let mut all = Self::default();
        if !states.is_empty() {
            let numbers: Vec<_> = states.iter().map(|state| state::number(*state).to_string()).collect();
            all.texts.push(format!("state IN ({})", numbers.join(",")));
        }
        all.equal("destination", destination.as_deref());
        all.equal("class", class.map(crate::store::ErrorClass::as_str));
        all.equal("trace_key", trace_key.as_deref());
        if let Some(prefix) = trace_key_prefix {
            let (from, until) = prefix_range(prefix);
            all.push("trace_key >= ?", [from.into()]);
            if let Some(until) = until {
                all.push("trace_key < ?", [until.into()]);
            }
        }
        if let Some(tag) = tag {
            all.push("id IN (SELECT error FROM tag WHERE tag = ?)", [tag.clone().into()]);
        }
        match assignee.as_deref() {
            None => {}
            Some("") => all.texts.push("assignee IS NULL".to_owned()),
            Some(_) => all.equal("assignee", assignee.as_deref()),
        }
        if let Some(text) = text {
            all.push(MESSAGE, [text.clone().into()]);
        }
        if let Some(from) = from_ms {
            all.push("last_at >= ?", [(*from).into()]);
        }
        if let Some(until) = until_ms {
            all.push("last_at < ?", [(*until).into()]);
        }
        all
    }

    /// One more.
    pub(super) fn push<const N: usize>(&mut self, text: &str, values: [Value; N]) {
        self.texts.push(text.to_owned());
        self.values.extend(values);
    }

    fn equal(&mut self, column: &str, value: Option<&str>) {
        if let Some(value) = value {
            self.push(&format!("{column} = ?"), [value.to_owned().into()]);
        }
    }

    /// After `WHERE`.
    pub(super) fn text(&self) -> String {
        if self.texts.is_empty() { "1".to_owned() } else { self.texts.join(" AND ") }
    }

    /// For the question marks in [`text`](Self::text).
    pub(super) fn values(&self) -> &[Value] {
        &self.values
    }
}

/// SQLite's `lower` knows ASCII only, which is what the filter says.
const MESSAGE: &str = "message IN (SELECT id FROM message WHERE instr(lower(text), lower(?)) > 0)";
