//! The steps that copy.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::time::Duration;

use rusqlite::backup::{Backup, StepResult};
use rusqlite::{Connection, Transaction};

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
/// Rounds of step 1: where the journal grows as fast as it is copied, step 3 has more to do.
const ROUNDS: usize = 20;

/// Step 1: what there is of the journal, until there is not much more.
pub(super) fn journal(from: &Outside, to: &Target, progress: Progress<'_>) -> Result<Vec<Held>, StoreError> {
    let mut copied: Vec<Held> = Vec::new();
    for _ in 0..ROUNDS {
        let before = copied.last().map_or(0, |held| held.number);
        rest(from, to, &mut copied, progress)?;
        if copied.last().is_none_or(|held| held.number <= before + 1) {
            break;
        }
    }
    Ok(copied)
}

/// Step 3, and a round of step 1: what came behind what is copied.
pub(super) fn rest(
    from: &Outside,
    to: &Target,
    copied: &mut Vec<Held>,
    progress: Progress<'_>,
) -> Result<(), StoreError> {
    let numbers = from.segments()?;
    let newest = numbers.last().copied();
    let reached = copied.last().map_or(0, |held| held.number);
    let left: Vec<u64> = numbers.into_iter().filter(|number| *number >= reached).collect();
    let mut done: u64 = copied.iter().map(|held| held.bytes).sum();
    let all = done + left.iter().map(|number| from.file_bytes(*number)).sum::<u64>();
    for number in left {
        let before = copied.pop_if(|held| held.number == number);
        done -= before.map_or(0, |held| held.bytes);
        let path = segment_path(&to.journal, number);
        let mut options = OpenOptions::new();
        let options =
            if before.is_some() { options.append(true) } else { options.write(true).create_new(true) };
        let mut copying = Copying {
            file: options.open(&path).map_err(|error| to.failed(&error))?,
            failed: None,
            told: |bytes| progress(Step::Journal, done + bytes, all.max(done + bytes)),
            bytes: before.map_or(0, |held| held.bytes),
        };
        let held = from.read(number, newest == Some(number), before.as_ref(), &mut copying);
        let Copying { file, failed, .. } = copying;
        if let Some(error) = failed {
            return Err(to.failed(&error));
        }
        match held? {
            // One without a group may be made anew.
            Some(held) if !held.is_empty() => {
                file.set_len(held.bytes).and_then(|()| file.sync_all()).map_err(|error| to.failed(&error))?;
                done += held.bytes;
                copied.push(held);
            }
            // The retention of an older listener was faster: the index of the next step does not need it.
            _ => std::fs::remove_file(&path).map_err(|error| to.failed(&error))?,
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

/// Step 2: the index at one moment. What is read within it is as it is now.
pub(super) fn moment(from: &Connection) -> Result<Transaction<'_>, Trouble> {
    let moment = from.unchecked_transaction()?;
    // Only a read begins it.
    let _: i64 = moment.query_row("SELECT last_delivery FROM meta", [], |row| row.get(0))?;
    Ok(moment)
}

/// Step 4: copies it, and marks it as a copy.
pub(super) fn index(moment: &Transaction<'_>, to: &Target, progress: Progress<'_>) -> Result<(), StoreError> {
    let failed = |trouble: Trouble| {
        StoreError::Failed(format!(
            "the index cannot be copied: {trouble}. The backup is not whole: remove {}, and begin again",
            to.directory.display()
        ))
    };
    pages(moment, to, progress).and_then(|()| mark(to)).map_err(failed)?;
    let synced = File::open(&to.index).and_then(|file| file.sync_all());
    synced.map_err(|error| to.failed(&error))
}

fn pages(moment: &Transaction<'_>, to: &Target, progress: Progress<'_>) -> Result<(), Trouble> {
    let mut copy = Connection::open(&to.index)?;
    let page_bytes: i64 = moment.pragma_query_value(None, "page_size", |row| row.get(0))?;
    // All steps see the one moment, and no write of the listener makes them begin anew.
    let backup = Backup::new(moment, &mut copy)?;
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
