//! The steps that copy.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::time::Duration;

use rusqlite::Connection;
use rusqlite::backup::{Backup, StepResult};

use super::super::trouble::{Trouble, unsigned};
use super::{Held, Outside, Progress, Step, Target, names, schema};
use crate::store::StoreError;
use crate::store::journal::{Place, Visit, segment_path};

/// Pages of the index that are copied at once: 4 MiB.
const STEP_PAGES: i32 = 1_024;
/// Before a step that found the index locked is tried again.
const LOCKED: Duration = Duration::from_millis(20);
/// A step that finds the index locked so often gives up: a minute.
const PATIENCE: u32 = 3_000;
/// Looks for further segments in step 1: where they come as fast as they are copied, step 3 has more to do.
const ROUNDS: usize = 20;

/// Step 1: segments that another follows, until at most one of them is left.
pub(super) fn sealed(from: &Outside, to: &Target, progress: Progress<'_>) -> Result<Vec<Held>, StoreError> {
    let mut copied: Vec<Held> = Vec::new();
    for _ in 0..ROUNDS {
        let numbers = from.segments()?;
        let (_, sealed) = numbers.split_last().unwrap_or((&0, &[]));
        let done = copied.last().map_or(0, |held| held.number);
        let left: Vec<u64> = sealed.iter().copied().filter(|number| *number > done).collect();
        if left.is_empty() || (left.len() == 1 && !copied.is_empty()) {
            break;
        }
        segments(from, to, &left, None, &mut copied, progress)?;
    }
    Ok(copied)
}

/// Step 3: what is left, with the newest segment.
pub(super) fn rest(
    from: &Outside,
    to: &Target,
    copied: &mut Vec<Held>,
    progress: Progress<'_>,
) -> Result<(), StoreError> {
    let numbers = from.segments()?;
    let done = copied.last().map_or(0, |held| held.number);
    let left: Vec<u64> = numbers.iter().copied().filter(|number| *number > done).collect();
    segments(from, to, &left, numbers.last().copied(), copied, progress)
}

fn segments(
    from: &Outside,
    to: &Target,
    numbers: &[u64],
    newest: Option<u64>,
    copied: &mut Vec<Held>,
    progress: Progress<'_>,
) -> Result<(), StoreError> {
    let before: u64 = copied.iter().map(|held| held.bytes).sum();
    let all = before + numbers.iter().map(|number| from.file_bytes(*number)).sum::<u64>();
    let mut done = before;
    for &number in numbers {
        let path = segment_path(&to.journal, number);
        let file = OpenOptions::new().write(true).create_new(true).open(&path);
        let mut copying = Copying {
            file: file.map_err(|error| to.failed(&error))?,
            failed: None,
            told: |bytes| progress(Step::Journal, done + bytes, all.max(done + bytes)),
            bytes: 0,
        };
        let held = from.read(number, newest == Some(number), &mut copying);
        let Copying { file, failed, .. } = copying;
        if let Some(error) = failed {
            return Err(to.failed(&error));
        }
        match held? {
            Some(held) => {
                file.sync_all().map_err(|error| to.failed(&error))?;
                done += held.bytes;
                copied.push(held);
            }
            // Retention was faster: the index, copied later, does not need it.
            None => std::fs::remove_file(&path).map_err(|error| to.failed(&error))?,
        }
    }
    Ok(())
}

/// Writes what is read.
struct Copying<F> {
    file: File,
    /// An error of the target, to be told from one of the source.
    failed: Option<io::Error>,
    told: F,
    bytes: u64,
}

impl<F: FnMut(u64)> Visit for Copying<F> {
    fn bytes(&mut self, bytes: &[u8]) -> io::Result<()> {
        if let Err(error) = self.file.write_all(bytes) {
            let kind = error.kind();
            self.failed = Some(error);
            return Err(kind.into());
        }
        self.bytes += bytes.len() as u64;
        (self.told)(self.bytes);
        Ok(())
    }

    fn delivery(&mut self, _place: Place) -> Result<(), StoreError> {
        Ok(())
    }
}

/// Step 2: the index as it is at one moment, marked as a copy.
pub(super) fn index(from: &Connection, to: &Target, progress: Progress<'_>) -> Result<(), StoreError> {
    let failed = |trouble: Trouble| {
        StoreError::Failed(format!(
            "the index cannot be copied: {trouble}. The backup is not whole: remove {}, and begin again",
            to.directory.display()
        ))
    };
    snapshot(from, to, progress).and_then(|()| mark(to)).map_err(failed)?;
    let synced = File::open(&to.index).and_then(|file| file.sync_all());
    synced.map_err(|error| to.failed(&error))
}

fn snapshot(from: &Connection, to: &Target, progress: Progress<'_>) -> Result<(), Trouble> {
    let mut copy = Connection::open(&to.index)?;
    // All steps see one moment, and no write of the listener makes them begin anew.
    let moment = from.unchecked_transaction()?;
    let page_bytes: i64 = moment.pragma_query_value(None, "page_size", |row| row.get(0))?;
    let _: i64 = moment.query_row("SELECT last_delivery FROM meta", [], |row| row.get(0))?;
    let backup = Backup::new(&moment, &mut copy)?;
    let mut locked = 0;
    loop {
        match backup.step(STEP_PAGES)? {
            StepResult::Done => return Ok(()),
            StepResult::Busy | StepResult::Locked if locked < PATIENCE => {
                locked += 1;
                std::thread::sleep(LOCKED);
            }
            StepResult::Busy | StepResult::Locked => {
                return Err(Trouble::Asked("it stays locked by another process".to_owned()));
            }
            _ => {
                let at = backup.progress();
                let bytes = |pages: i32| unsigned(i64::from(pages) * page_bytes);
                progress(Step::Index, bytes(at.pagecount - at.remaining), bytes(at.pagecount));
            }
        }
    }
}

/// One file, of this version, that says what it is.
fn mark(to: &Target) -> Result<(), Trouble> {
    let copy = Connection::open(&to.index)?;
    copy.pragma_update_and_check(None, "journal_mode", "DELETE", |_| Ok(()))?;
    schema::migrate(&copy, &names::new())?;
    copy.execute("UPDATE meta SET restored = 1, clean = 1", [])?;
    copy.close().map_err(|(_, error)| error.into())
}
