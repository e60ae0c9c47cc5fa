//! Which of the listeners are shown: what the address of the page asks for. Pure.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde::Deserialize;

use super::row::Row;

/// Listeners on a page.
pub(super) const PAGE: usize = 100;
/// Characters of a text that is looked for.
const MAX_TEXT: usize = 100;

/// What the address asks for; what makes no sense there is left.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub(super) struct Choice {
    /// Only this namespace; empty: all.
    pub(super) namespace: String,
    /// Only those in which this text is.
    pub(super) q: String,
    /// Anything: only those that somebody should look at.
    pub(super) attention: String,
    /// From 1.
    pub(super) page: String,
}

/// Those that are shown.
#[derive(Debug)]
pub(super) struct Chosen {
    pub(super) rows: Vec<Arc<Row>>,
    /// Of all pages.
    pub(super) count: usize,
    pub(super) page: usize,
    pub(super) pages: usize,
    /// All namespaces that have listeners.
    pub(super) namespaces: BTreeSet<String>,
    pub(super) totals: Totals,
}

/// Over all that are known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Totals {
    pub(super) listeners: usize,
    pub(super) attention: usize,
    pub(super) open_errors: i64,
    pub(super) pending: i64,
}

impl Choice {
    pub(super) fn of(&self, known: Vec<Arc<Row>>) -> Chosen {
        let mut totals = Totals { listeners: known.len(), ..Totals::default() };
        let mut namespaces = BTreeSet::new();
        for row in &known {
            totals.attention += usize::from(row.needs_attention());
            totals.open_errors = totals.open_errors.saturating_add(row.open_errors.unwrap_or_default());
            totals.pending = totals.pending.saturating_add(row.pending.unwrap_or_default());
            if !namespaces.contains(&row.namespace) {
                namespaces.insert(row.namespace.clone());
            }
        }
        let text = self.text().to_lowercase();
        let fits = |row: &Arc<Row>| {
            (self.namespace.is_empty() || row.namespace == self.namespace)
                && (self.attention.is_empty() || row.needs_attention())
                && (text.is_empty() || row.matches(&text))
        };
        let all: Vec<Arc<Row>> = known.into_iter().filter(fits).collect();
        let (count, pages) = (all.len(), all.len().div_ceil(PAGE).max(1));
        let page = self.page.parse::<usize>().unwrap_or(1).clamp(1, pages);
        let rows = all.into_iter().skip((page - 1) * PAGE).take(PAGE).collect();
        Chosen { rows, count, page, pages, namespaces, totals }
    }

    /// The text that is looked for.
    pub(super) fn text(&self) -> String {
        self.q.trim().chars().take(MAX_TEXT).collect()
    }

    /// The address of another page of the same choice.
    pub(super) fn address(&self, page: usize) -> String {
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        for (name, value) in [("namespace", self.namespace.as_str()), ("q", &self.text())] {
            if !value.is_empty() {
                query.append_pair(name, value);
            }
        }
        if !self.attention.is_empty() {
            query.append_pair("attention", "1");
        }
        query.append_pair("page", &page.to_string());
        format!("/?{}", query.finish())
    }
}
