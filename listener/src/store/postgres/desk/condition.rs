//! A filter as conditions over the table `error`, and statements made of parts.

use tokio_postgres::types::{ToSql, Type};

use super::text::cleaned;
use crate::desk::ErrorFilter;
use crate::store::desk::condition::{self, Parameter};
use crate::store::postgres::trouble::Trouble;
use crate::store::postgres::tx::Tx;

/// A parameter of a statement.
#[derive(Clone, Debug)]
pub(in crate::store::postgres) enum Value {
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

/// Conditions over the table `error`.
pub(in crate::store::postgres) type Conditions = condition::Conditions<Value>;

impl Parameter for Value {
    // `lower` of the collation "C" knows ASCII only, which is what the filter says.
    const MESSAGE: &'static str =
        "message IN (SELECT id FROM message WHERE strpos(lower(text), lower(? COLLATE \"C\")) > 0)";

    fn kept(text: &str) -> String {
        cleaned(text)
    }

    fn text(text: &str) -> Self {
        text.into()
    }
}

/// Of a filter of whose text the messages are known.
pub(in crate::store::postgres) fn with_messages(filter: &ErrorFilter, messages: Vec<i64>) -> Conditions {
    let mut all = Conditions::of(&ErrorFilter { text: None, ..filter.clone() });
    all.push("message = ANY(?)", [Value::Numbers(messages)]);
    all
}

/// A statement in the making.
#[derive(Debug, Default)]
pub(in crate::store::postgres) struct Statement {
    text: String,
    values: Vec<Value>,
}

impl Statement {
    /// Begins with a text without parameters.
    pub(in crate::store::postgres) fn new(text: &str) -> Self {
        Self { text: text.to_owned(), values: Vec::new() }
    }

    /// Goes on with a text, each `?` of which is one of the values.
    pub(in crate::store::postgres) fn add<const N: usize>(mut self, text: &str, values: [Value; N]) -> Self {
        self.append(text, values);
        self
    }

    /// Goes on with a text, each `?` of which is one of the values.
    pub(in crate::store::postgres) fn adds(mut self, text: &str, values: Vec<Value>) -> Self {
        self.append(text, values);
        self
    }

    /// Goes on with conditions; `true` where there are none.
    pub(in crate::store::postgres) fn meets(mut self, conditions: &Conditions) -> Self {
        self.append(&conditions.text(), conditions.values().iter().cloned());
        self
    }

    /// Goes on with another statement.
    pub(in crate::store::postgres) fn then(mut self, other: Self) -> Self {
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
    pub(in crate::store::postgres) async fn rows(
        &self,
        tx: &Tx<'_>,
    ) -> Result<Vec<tokio_postgres::Row>, Trouble> {
        Ok(tx.query_typed(&self.text, &self.parameters()).await?)
    }

    fn parameters(&self) -> Vec<(&(dyn ToSql + Sync), Type)> {
        self.values.iter().map(Value::typed).collect()
    }
}
