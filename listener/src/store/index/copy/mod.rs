//! The embedded store as what is copied, and as what is copied into.
//!
//! # A store on its way
//!
//! A directory that is filled has the lock of a store, `journal/`, and the index under another name
//! ([`PARTIAL`]), so that nobody opens it. Beside the tables of every store the index has the table `copy`: how
//! far the copy is, and what the journal ends with.
//!
//! 1. Bodies go into the journal first, and are synced; then their rows, the mark and the end of the journal go
//!    into the index, in one synced transaction. So what a kill leaves in the journal behind the noted end is
//!    known to nobody, and is cut off when the copy goes on.
//! 2. Triggers keep the tallies, as they do for a listener. Failed records of a page are put into the page.
//!    Records of errors without a payload are asked to be erased, where that is not done; the search index is left
//!    to the thread that follows the indexer.
//! 3. At the end one transaction sets the counters and the watermark, and `copy` goes. The write-ahead log is
//!    folded into the file, the whole is verified as a backup is, and only then the index gets its name. One
//!    that was killed behind that transaction has no table `copy`, but a watermark: it is verified and named.

mod finish;
mod mark;
mod put;
mod rows;
mod source;
mod target;

pub(in crate::store) use source::Source;
pub(in crate::store) use target::Target;

/// The index's file until the copy is whole.
pub(super) const PARTIAL: &str = "store.db.copying";
