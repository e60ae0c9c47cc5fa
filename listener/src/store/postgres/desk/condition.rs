//! A filter as conditions over the table `error`, and statements made of parts.

use tokio_postgres::types::{ToSql, Type};

use super::text::cleaned;
use crate::desk::ErrorFilter;
use crate::store::desk::{states, text};
use crate::store::postgres::connect::Tx;
use crate::store::postgres::trouble::Trouble;

/// A parameter of a statement.
#[derive(Clone, Debug)]
pub(super) enum Value {
    Number(i64),
    Numbers(Vec<i64>),
    Text(String),
}

impl Value {
    fn typed(&self) -> (&(dyn ToSql + Sync), Type) {
        match self {
            Self::Number(number) => (number, Type::INT8),
            Self::Numbers(numbers) => (numbers, Type::INT8_ARRAY),
            Self::Text(text) => (text, Type::TEXT),
        }
    }
}

impl From<i64> for Value {
    fn from(number: i64) -> Self {
        Self::Number(number)
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(cleaned(text))
    }
}

/// Conditions that must all hold: texts with `?`, and their parameters in order. No `?` stands in
/// a text for anything else.
#[derive(Clone, Debug, Default)]
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
            let numbers: Vec<_> = states.iter().map(|state| states::number(*state).to_string()).collect();
            all.texts.push(format!("state IN ({})", numbers.join(",")));
        }
        all.equal("destination", destination.as_deref());
        all.equal("class", class.map(crate::store::ErrorClass::as_str));
        all.equal("trace_key", trace_key.as_deref());
        if let Some(prefix) = trace_key_prefix {
            let (from, until) = text::prefix_range(&cleaned(prefix));
            all.push("trace_key >= ?", [from.as_str().into()]);
            if let Some(until) = until {
                all.push("trace_key < ?", [until.as_str().into()]);
            }
        }
        if let Some(tag) = tag {
            all.push("id IN (SELECT error FROM tag WHERE tag = ?)", [tag.as_str().into()]);
        }
        match assignee.as_deref() {
            None => {}
            Some("") => all.texts.push("assignee IS NULL".to_owned()),
            Some(_) => all.equal("assignee", assignee.as_deref()),
        }
        if let Some(text) = text {
            all.push(MESSAGE, [text.as_str().into()]);
        }
        if let Some(from) = from_ms {
            all.push("last_at >= ?", [(*from).into()]);
        }
        if let Some(until) = until_ms {
            all.push("last_at < ?", [(*until).into()]);
        }
        all
    }

    /// Of a filter of whose text the messages are known.
    pub(super) fn with_messages(filter: &ErrorFilter, messages: Vec<i64>) -> Self {
        let mut all = Self::of(&ErrorFilter { text: None, ..filter.clone() });
        all.push("message = ANY(?)", [Value::Numbers(messages)]);
        all
    }

    /// One more.
    pub(super) fn push<const N: usize>(&mut self, text: &str, values: [Value; N]) {
        self.texts.push(text.to_owned());
        self.values.extend(values);
    }

    fn equal(&mut self, column: &str, value: Option<&str>) {
        if let Some(value) = value {
            self.push(&format!("{column} = ?"), [value.into()]);
        }
    }
}

/// `lower` of the collation "C" knows ASCII only, which is what the filter says.
const MESSAGE: &str =
    "message IN (SELECT id FROM message WHERE strpos(lower(text), lower(? COLLATE \"C\")) > 0)";

/// A statement in the making.
#[derive(Debug, Default)]
pub(super) struct Statement {
    text: String,
    values: Vec<Value>,
}

impl Statement {
    /// Begins with a text without parameters.
    pub(super) fn new(text: &str) -> Self {
        Self { text: text.to_owned(), values: Vec::new() }
    }

    /// Goes on with a text, each `?` of which is one of the values.
    pub(super) fn add<const N: usize>(mut self, text: &str, values: [Value; N]) -> Self {
        self.append(text, values);
        self
    }

    /// Goes on with a text, each `?` of which is one of the values.
    pub(super) fn adds(mut self, text: &str, values: Vec<Value>) -> Self {
        self.append(text, values);
        self
    }

    /// Goes on with conditions; `true` where there are none.
    pub(super) fn meets(mut self, conditions: &Conditions) -> Self {
        let Conditions { texts, values } = conditions;
        let text = if texts.is_empty() { "true".to_owned() } else { texts.join(" AND ") };
        self.append(&text, values.iter().cloned());
        self
    }

    /// Goes on with another statement.
    pub(super) fn then(mut self, other: Self) -> Self {
        let Self { text, values } = other;
        // From the last on, so that `$1` is not found in `$12`, nor what was renumbered already.
        let had = self.values.len();
        let mut moved = text;
        for number in (1..=values.len()).rev() {
            moved = moved.replace(&format!("${number}"), &format!("$@{}", number + had));
        }
        self.text.push_str(&moved.replace("$@", "$"));
        self.values.extend(values);
        self
    }

    fn append(&mut self, text: &str, values: impl IntoIterator<Item = Value>) {
        let mut values = values.into_iter();
        for (at, part) in text.split('?').enumerate() {
            if at > 0 {
                self.values.extend(values.next());
                self.text.push('$');
                self.text.push_str(&self.values.len().to_string());
            }
            self.text.push_str(part);
        }
    }

    /// What it finds, by a plan for just these values.
    pub(super) async fn rows(&self, tx: &Tx<'_>) -> Result<Vec<tokio_postgres::Row>, Trouble> {
        Ok(tx.query_typed(&self.text, &self.parameters()).await?)
    }

    fn parameters(&self) -> Vec<(&(dyn ToSql + Sync), Type)> {
        self.values.iter().map(Value::typed).collect()
    }
}
