//! A filter as conditions over the table `error`, which has the same columns in every store.

use super::counts::Tally;
use super::states;
use super::text::prefix_range;
use crate::desk::ErrorFilter;
use crate::store::ErrorClass;

/// A parameter of a store's statements.
pub(in crate::store) trait Parameter: Sized + From<i64> {
    /// The condition that a text, its one parameter, stands in the message; small and capital letters
    /// are the same for ASCII.
    const MESSAGE: &'static str;

    /// A text as the store keeps it.
    fn kept(text: &str) -> String;

    /// A text.
    fn text(text: &str) -> Self;
}

/// Conditions that must all hold: texts with `?`, and their parameters in order. No `?` stands in
/// a text for anything else.
#[derive(Clone, Debug)]
pub(in crate::store) struct Conditions<V> {
    texts: Vec<String>,
    values: Vec<V>,
}

impl<V> Default for Conditions<V> {
    fn default() -> Self {
        Self { texts: Vec::new(), values: Vec::new() }
    }
}

impl<V: Parameter> Conditions<V> {
    /// Of a filter. Takes it apart, so that a new field is not forgotten here.
    pub(in crate::store) fn of(filter: &ErrorFilter) -> Self {
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
        all.equal("class", class.map(ErrorClass::as_str));
        all.equal("trace_key", trace_key.as_deref());
        if let Some(prefix) = trace_key_prefix {
            let (from, until) = prefix_range(&V::kept(prefix));
            all.push("trace_key >= ?", [V::text(&from)]);
            if let Some(until) = until {
                all.push("trace_key < ?", [V::text(&until)]);
            }
        }
        if let Some(tag) = tag {
            all.push("id IN (SELECT error FROM tag WHERE tag = ?)", [V::text(tag)]);
        }
        match assignee.as_deref() {
            None => {}
            Some("") => all.texts.push("assignee IS NULL".to_owned()),
            Some(_) => all.equal("assignee", assignee.as_deref()),
        }
        if let Some(text) = text {
            all.push(V::MESSAGE, [V::text(text)]);
        }
        if let Some(from) = from_ms {
            all.push("last_at >= ?", [(*from).into()]);
        }
        if let Some(until) = until_ms {
            all.push("last_at < ?", [(*until).into()]);
        }
        all
    }

    /// Of a filter, in one of the places that it names.
    pub(in crate::store) fn part(filter: &ErrorFilter, place: Tally) -> Self {
        let Tally { destination, class, state, number: _ } = place;
        let rest = ErrorFilter {
            states: Vec::new(),
            destination: Some(destination),
            class: Some(class),
            ..filter.clone()
        };
        let mut conditions = Self::of(&rest);
        // Equality, so that the rows of the index come in the order of their numbers.
        conditions.push("state = ?", [states::number(state).into()]);
        conditions
    }

    /// Also, where a number is given, up to that one.
    pub(in crate::store) fn up_to(mut self, last: Option<i64>) -> Self {
        if let Some(last) = last {
            self.push("id <= ?", [last.into()]);
        }
        self
    }

    /// One more.
    pub(in crate::store) fn push<const N: usize>(&mut self, text: &str, values: [V; N]) {
        self.texts.push(text.to_owned());
        self.values.extend(values);
    }

    fn equal(&mut self, column: &str, value: Option<&str>) {
        if let Some(value) = value {
            self.push(&format!("{column} = ?"), [V::text(value)]);
        }
    }
}

impl<V> Conditions<V> {
    /// After `WHERE`.
    pub(in crate::store) fn text(&self) -> String {
        if self.texts.is_empty() { "true".to_owned() } else { self.texts.join(" AND ") }
    }

    /// For the question marks in [`text`](Self::text).
    pub(in crate::store) fn values(&self) -> &[V] {
        &self.values
    }
}
