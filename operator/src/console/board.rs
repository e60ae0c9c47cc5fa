//! The rows that are known, kept by the watch, read by the page.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};

use kube::runtime::watcher::Event;

use super::row::Row;
use crate::run::caches::Guarded;

type Rows = BTreeMap<(String, String), Arc<Row>>;

/// The rows that are known.
#[derive(Debug, Default)]
pub(super) struct Board(RwLock<Inner>);

#[derive(Debug, Default)]
struct Inner {
    rows: Rows,
    /// A listing that is not complete yet.
    listing: Rows,
    /// Whether a first listing is complete.
    listed: bool,
    /// Whether what is shown may be old.
    stale: bool,
}

/// What is known at one moment, by namespace and name.
#[derive(Clone, Debug, Default)]
pub(super) struct Known {
    pub(super) rows: Vec<Arc<Row>>,
    pub(super) listed: bool,
    pub(super) stale: bool,
}

impl Board {
    /// Takes an event in: what is listed shows when the listing is complete.
    pub(super) fn take(&self, event: &Event<Guarded>) {
        let mut inner = self.0.write().unwrap_or_else(PoisonError::into_inner);
        match event {
            Event::Init => inner.listing = Rows::new(),
            Event::InitApply(object) => {
                let (key, row) = entry(object);
                inner.listing.insert(key, row);
            }
            Event::InitDone => {
                inner.rows = std::mem::take(&mut inner.listing);
                inner.listed = true;
                inner.stale = false;
            }
            Event::Apply(object) => {
                let (key, row) = entry(object);
                inner.rows.insert(key, row);
                inner.stale = false;
            }
            Event::Delete(object) => {
                inner.rows.remove(&entry(object).0);
                inner.stale = false;
            }
        }
    }

    /// The watch broke off; it begins again.
    pub(super) fn trouble(&self) {
        self.0.write().unwrap_or_else(PoisonError::into_inner).stale = true;
    }

    pub(super) fn known(&self) -> Known {
        let inner = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let Inner { rows, listing: _, listed, stale } = &*inner;
        Known { rows: rows.values().cloned().collect(), listed: *listed, stale: *stale }
    }
}

fn entry(object: &Guarded) -> ((String, String), Arc<Row>) {
    let row = Row::of(object);
    ((row.namespace.clone(), row.name.clone()), Arc::new(row))
}
