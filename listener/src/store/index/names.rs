//! What the store is called in page ids.
//!
//! A page id is never given twice, also where a backup is restored and the numbers that were given
//! since it was taken come again. So a restored store gives its further pages another name: `epoch`
//! has the number of the first page of each name but the first. A page that was cut before keeps
//! its id: what the destination may have seen under it are the same records.
//!
//! A backup is marked (`meta.restored`); whoever opens it, wherever it was copied to, begins a new name.

use std::sync::Arc;

use rand::RngCore;
use rusqlite::Connection;

use super::trouble::{Trouble, signed, unsigned};
use crate::store::PageId;

/// The names of a store, by the number of the first page of each. Clones share them.
#[derive(Clone, Debug)]
pub(super) struct Names(Arc<[(u64, Arc<str>)]>);

impl Names {
    /// The id of a page of this store.
    pub(super) fn page(&self, number: u64) -> PageId {
        PageId { store: Arc::clone(self.of(number)), number }
    }

    /// Whether the id is one of this store.
    pub(super) fn has(&self, page: &PageId) -> bool {
        *self.of(page.number) == page.store
    }

    /// The name that new pages get.
    pub(super) fn newest(&self) -> &Arc<str> {
        self.of(u64::MAX)
    }

    fn of(&self, number: u64) -> &Arc<str> {
        let names = &self.0;
        let after = names.partition_point(|(first, _)| *first <= number);
        &names[after.saturating_sub(1)].1
    }

    /// Reads them; `first` is the name of the store as it was made, which the journal has.
    pub(super) fn read(connection: &Connection, first: &str) -> Result<Self, Trouble> {
        let mut names = vec![(0, Arc::from(first))];
        let mut statement = connection.prepare("SELECT first_page, name FROM epoch ORDER BY first_page")?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            names.push((unsigned(row.get(0)?), Arc::from(row.get::<_, String>(1)?)));
        }
        Ok(Self(names.into()))
    }
}

/// A name that no other store has.
pub(super) fn new() -> String {
    format!("{:016x}", rand::rng().next_u64())
}

/// Begins a new name where the store was restored from a backup; whether it did. `last_page` is the
/// last number that the backup knows.
pub(super) fn renew(connection: &Connection, last_page: u64) -> Result<bool, Trouble> {
    let restored: bool = connection.query_row("SELECT restored FROM meta", [], |row| row.get(0))?;
    if restored {
        // No page of the former name can be as high: `last_page` is the last that was given under it.
        connection.execute(
            "INSERT OR REPLACE INTO epoch(first_page, name) VALUES (?1, ?2)",
            (signed(last_page.saturating_add(1)), new()),
        )?;
        connection.execute("UPDATE meta SET restored = 0", [])?;
    }
    Ok(restored)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_has_the_name_under_which_it_was_given() {
        let names = Names(Arc::from([(0, Arc::from("a")), (8, Arc::from("b")), (20, Arc::from("c"))]));
        let given = |number: u64| names.page(number).to_string();
        assert_eq!(
            [given(1), given(7), given(8), given(19), given(20)],
            ["a-1", "a-7", "b-8", "b-19", "c-20"]
        );
        assert!(names.has(&names.page(7)));
        assert!(!names.has(&PageId { store: Arc::from("a"), number: 8 }));
        assert_eq!(&**names.newest(), "c");
    }
}
