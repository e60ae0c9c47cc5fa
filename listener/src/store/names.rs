//! What a store is called in page ids.
//!
//! A page id is never given twice, also where a backup is restored and the numbers that were given
//! since it was taken come again. So a restored store gives its further pages another name. A page that
//! was cut before keeps its id: what the destination may have seen under it are the same records.

use std::sync::Arc;

use super::PageId;

/// The names of a store, by the number of the first page of each. Clones share them.
#[derive(Clone, Debug)]
pub(in crate::store) struct Names(Arc<[(u64, Arc<str>)]>);

impl Names {
    /// `first` is the name of the store as it was made; `later` those since, with the first page of each,
    /// in order.
    pub(in crate::store) fn new(first: &str, later: impl IntoIterator<Item = (u64, String)>) -> Self {
        let later = later.into_iter().map(|(page, name)| (page, Arc::from(name)));
        Self(std::iter::once((0, Arc::from(first))).chain(later).collect())
    }

    /// The id of a page of this store.
    pub(in crate::store) fn page(&self, number: u64) -> PageId {
        PageId { store: Arc::clone(self.of(number)), number }
    }

    /// Whether the id is one of this store.
    pub(in crate::store) fn has(&self, page: &PageId) -> bool {
        *self.of(page.number) == page.store
    }

    /// The name that new pages get.
    pub(in crate::store) fn newest(&self) -> &Arc<str> {
        self.of(u64::MAX)
    }

    fn of(&self, number: u64) -> &Arc<str> {
        let names = &self.0;
        let after = names.partition_point(|(first, _)| *first <= number);
        &names[after.saturating_sub(1)].1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_has_the_name_under_which_it_was_given() {
        let names = Names::new("a", [(8, "b".to_owned()), (20, "c".to_owned())]);
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
