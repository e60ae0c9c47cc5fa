//! Opening: look first, refuse or repair, then start the writer.
//!
//! What a repair does, and all that it does: a half-made segment is removed, a
//! torn tail is cut off. Then the last group is written again in its place, the
//! same bytes, and synced. It may never have been acknowledged, and after a
//! failed sync the page cache can show bytes that the disk has not got; all
//! groups before it are known to be synced.

use std::fs;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::Arc;

use tokio::sync::{mpsc, watch};

use super::bodies::Bodies;
use super::disk::{Bounds, Disk};
use super::format::{FIRST_GROUP, MAX_STORE_NAME, SEGMENT_HEADER, SegmentHeader};
use super::handle::Inner;
use super::scan::{self, Found};
use super::shared::{Segment, Shared, State};
use super::writer::Writer;
use super::{Indexed, Journal, Options, Reader, refusal, segment};
use crate::store::StoreError;

impl Journal {
    /// Opens or makes the journal in `directory` and starts its writer thread.
    /// Refuses (without touching a byte) a journal of another store, of a newer
    /// format, a damaged one, or one whose `indexed` part is missing without reason.
    /// The caller sees to it that nobody else has it open.
    pub fn open(
        directory: &Path,
        store: &str,
        indexed: Option<Indexed>,
        options: Options,
    ) -> Result<(Self, Reader), StoreError> {
        if store.len() > MAX_STORE_NAME {
            let what = format!("the name of the store has more than {MAX_STORE_NAME} bytes: `{store}`");
            return Err(StoreError::Open(what));
        }
        let failed = |error: io::Error| refusal::failed(directory, &error);
        make_directory(directory).map_err(failed)?;
        let found = scan::scan(directory, store, indexed, &[])?;
        let repaired = repair(directory, store, found).map_err(failed)?;
        start(directory, store, repaired, options)
    }
}

pub(super) fn make_directory(directory: &Path) -> io::Result<()> {
    if !directory.is_dir() {
        fs::create_dir_all(directory)?;
        if let Some(parent) = directory.parent().filter(|parent| !parent.as_os_str().is_empty()) {
            segment::sync_directory(parent)?;
        }
    }
    Ok(())
}

/// The newest segment, ready to be written to.
pub(super) struct Repaired {
    pub(super) found: Found,
    pub(super) file: fs::File,
    pub(super) newest: Segment,
}

pub(super) fn repair(directory: &Path, store: &str, mut found: Found) -> io::Result<Repaired> {
    if let Some(number) = found.half_made {
        tracing::warn!(
            journal.segment = number,
            "segment {number} was being made when the process ended; it holds nothing and is removed"
        );
        fs::remove_file(segment::path(directory, number))?;
    }
    let Some(newest) = found.segments.back_mut() else { return begin(directory, store, found) };
    let file = segment::open_to_write(directory, newest.number)?;
    if found.torn_bytes > 0 {
        tracing::warn!(
            journal.segment = newest.number,
            journal.offset = newest.end,
            journal.cut_bytes = found.torn_bytes,
            "segment {} ends with {} bytes of a group that was not acknowledged; they are cut off",
            newest.number,
            found.torn_bytes
        );
        file.set_len(newest.end)?;
        newest.file_bytes = newest.end;
    }
    let newest = *newest;
    let end = if found.last_piece == 0 { SEGMENT_HEADER as u64 } else { newest.end };
    let mut piece = vec![0; usize::try_from(end - found.last_piece).map_err(io::Error::other)?];
    file.read_exact_at(&mut piece, found.last_piece)?;
    file.write_all_at(&piece, found.last_piece)?;
    file.sync_all()?;
    segment::sync_directory(directory)?;
    Ok(Repaired { found, file, newest })
}

/// The first segment of a new journal.
fn begin(directory: &Path, store: &str, mut found: Found) -> io::Result<Repaired> {
    let header = SegmentHeader {
        store: store.to_owned(),
        segment: 1,
        first_group: 1,
        first_delivery: 1,
        previous_length: 0,
    };
    let file = segment::create(directory, &header, 0)?;
    let newest = Segment { number: 1, base: 0, end: FIRST_GROUP, file_bytes: FIRST_GROUP };
    found.segments.push_back(newest);
    Ok(Repaired { found, file, newest })
}

fn start(
    directory: &Path,
    store: &str,
    repaired: Repaired,
    options: Options,
) -> Result<(Journal, Reader), StoreError> {
    let Repaired { found, file, newest } = repaired;
    let Found { segments, start, end, last_received_at_ms, previous_length, .. } = found;
    let Options { segment_bytes, segment_ms, queue, max_unindexed_bytes } = options;
    let shared = Arc::new(Shared::new(State {
        segments,
        end,
        last_received_at_ms,
        indexed: start,
        failure: None,
        closed: false,
    }));
    let newest = (file, newest, previous_length);
    let bounds = Bounds { bytes: segment_bytes, ms: segment_ms };
    let disk = Disk::new(directory.to_owned(), store, bounds, newest, end);
    let (commands, waiting) = mpsc::channel(queue.max(1));
    let (ended, ending) = watch::channel(());
    let writer = Writer::new(disk, Arc::clone(&shared), waiting);
    std::thread::Builder::new()
        .name("journal-writer".into())
        .spawn(move || writer.run(ended))
        .map_err(|error| StoreError::Failed(format!("the writer's thread cannot be started: {error}")))?;
    let reader = Reader::new(directory.to_owned(), store, Arc::clone(&shared), start);
    let bodies = Bodies::new(directory.to_owned());
    let (directory, store) = (directory.to_owned(), store.to_owned());
    let inner = Inner { directory, store, shared, commands, ending, bodies, max_unindexed_bytes };
    Ok((Journal::new(inner), reader))
}
