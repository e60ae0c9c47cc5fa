//! What takes something away from the journal and backups keep apart: a lock on the file `erasing` of the
//! store's directory, alone for a pass that erases and for a removal of old segments, shared for a backup.
//! The system gives it up when the process ends, however that ends. Nothing is ever in the file; who backs
//! up makes none.

use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::path::Path;
use std::time::{Duration, Instant};

use crate::store::StoreError;

const FILE: &str = "erasing";
/// Between two tries of a backup.
const AGAIN: Duration = Duration::from_millis(10);
/// A backup that waits so long for an erasure gives up.
const PATIENCE: Duration = Duration::from_mins(5);

/// Held until it is dropped.
#[derive(Debug)]
pub(super) struct Apart {
    _file: File,
}

/// For who takes something away, beside this database; none while a backup is taken, or another takes something
/// away.
pub(super) fn alone(database: &Path) -> io::Result<Option<Apart>> {
    lock(&database.with_file_name(FILE))
}

/// The file is there as long as the store is open, so that a backup finds it.
pub(super) fn make(directory: &Path) -> Result<(), StoreError> {
    lock(&directory.join(FILE)).map(|_| ()).map_err(|error| cannot(directory, &error))
}

fn lock(path: &Path) -> io::Result<Option<Apart>> {
    let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path)?;
    match file.try_lock() {
        Ok(()) => Ok(Some(Apart { _file: file })),
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

/// For a backup; none where nothing was ever erased. Blocks while something is being erased.
pub(super) fn back_up(directory: &Path) -> Result<Option<Apart>, StoreError> {
    let file = match File::open(directory.join(FILE)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        other => other.map_err(|error| cannot(directory, &error))?,
    };
    let begin = Instant::now();
    loop {
        match file.try_lock_shared() {
            Ok(()) => return Ok(Some(Apart { _file: file })),
            Err(TryLockError::WouldBlock) if begin.elapsed() < PATIENCE => std::thread::sleep(AGAIN),
            Err(TryLockError::WouldBlock) => {
                return Err(StoreError::Open(format!(
                    "{}: payloads are being erased for too long; take the backup later",
                    directory.display()
                )));
            }
            Err(TryLockError::Error(error)) => return Err(cannot(directory, &error)),
        }
    }
}

fn cannot(directory: &Path, error: &io::Error) -> StoreError {
    StoreError::Open(format!(
        "{} cannot be locked: {error}; a store needs a file system with locks, such as a local disk",
        directory.join(FILE).display()
    ))
}
