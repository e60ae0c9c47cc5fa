//! Why a journal is not opened: what is wrong, where, what it means, what to do.
//! None of them comes after a change to the files.

use std::io;
use std::path::Path;

use super::Position;
use crate::store::StoreError;

const KEPT: &str = "No file was changed. Restore the store's directory from a backup (journal and index \
    together), or move it aside to begin anew without what is in it";

fn refuse(what: &str) -> StoreError {
    StoreError::Open(format!("{what}. {KEPT}"))
}

pub(super) fn failed(path: &Path, error: &io::Error) -> StoreError {
    StoreError::Failed(format!("{}: {error}", path.display()))
}

/// Bad bytes that were synced once: another group, or segment, came after them.
pub(super) fn damaged(path: &Path, offset: u64, later: Option<(u64, u64)>) -> StoreError {
    let proof = match later {
        Some((at, group)) => format!("group {group} was written behind it, at byte {at}"),
        None => "more was written behind it".to_owned(),
    };
    refuse(&format!(
        "{} is damaged at byte {offset}: {proof}, so acknowledged deliveries stood there",
        path.display()
    ))
}

pub(super) fn too_short(path: &Path, valid: u64, length: u64) -> StoreError {
    refuse(&format!(
        "{} has {length} bytes, but {valid} were valid when the next segment was begun, and the indexed \
         part ends within them: acknowledged deliveries are missing",
        path.display()
    ))
}

pub(super) fn does_not_follow(path: &Path, offset: u64, last_group: u64) -> StoreError {
    refuse(&format!(
        "{} goes on at byte {offset} with another group than number {}: it is not the file that the \
         index and the segments before it know",
        path.display(),
        last_group.saturating_add(1)
    ))
}

pub(super) fn missing(path: &Path) -> StoreError {
    refuse(&format!(
        "{} is missing, while a later segment is there: acknowledged deliveries are missing",
        path.display()
    ))
}

pub(super) fn gap(directory: &Path, known: Position, first: u64) -> StoreError {
    refuse(&format!(
        "the journal in {} begins with segment {first}, but the index ends in segment {} at byte {}: what \
         came between is missing, or the index is an older one",
        directory.display(),
        known.segment,
        known.offset
    ))
}

pub(super) fn lost(directory: &Path, known: Position) -> StoreError {
    refuse(&format!(
        "the journal in {} ends before segment {}, byte {}, up to which the index has read it: synced \
         deliveries are missing, or the journal is an older one",
        directory.display(),
        known.segment,
        known.offset
    ))
}

pub(super) fn no_boundary(directory: &Path, known: Position) -> StoreError {
    refuse(&format!(
        "segment {} in {} is damaged before byte {}, up to which the index has read it, or it is not the \
         file that the index has read",
        known.segment,
        directory.display(),
        known.offset
    ))
}

/// Found while running: bytes that were good when they were synced.
pub(super) fn unreadable(path: &Path, offset: u64) -> StoreError {
    StoreError::Failed(format!(
        "{} is damaged at byte {offset}, since it was written; nothing behind it is indexed",
        path.display()
    ))
}

pub(super) fn other_store(path: &Path, found: &str, wanted: &str) -> StoreError {
    refuse(&format!(
        "{} belongs to the store `{found}`, not to `{wanted}`: the directory holds files of two stores",
        path.display()
    ))
}

pub(super) fn other_number(path: &Path, found: u64) -> StoreError {
    refuse(&format!("{} says that it is segment {found}: it was renamed", path.display()))
}

pub(super) fn newer(path: &Path, version: u32) -> StoreError {
    StoreError::Open(format!(
        "{} has format version {version}, this program reads up to {}. No file was changed. Run the newer \
         version that wrote it",
        path.display(),
        super::format::VERSION
    ))
}
