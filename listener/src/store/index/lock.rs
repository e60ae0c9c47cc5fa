//! One process, one store: an exclusive lock on the file `lock`, which says who has it. The system
//! gives it up when the process ends, however that ends.
//!
//! The lock is flock(2). On Linux it holds between the pods of a node, and over NFS between
//! nodes too, where the server keeps locks (`NFSv4` does; `nolock` and `local_lock` do not). A share that keeps
//! none, silently, would let two processes write one store: a network file system is warned of.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::Path;

use crate::store::StoreError;

/// Bytes that are read of who has it.
const MAX_HOLDER: u64 = 512;

/// A lock that is held until this is dropped.
#[derive(Debug)]
pub(super) struct Lock {
    _file: File,
}

impl Lock {
    /// Takes the lock of `directory`; never waits for it.
    pub(super) fn take(directory: &Path) -> Result<Self, StoreError> {
        let path = directory.join("lock");
        let cannot = |error| cannot(&path, &error);
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)
            .map_err(cannot)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(open_already(directory, file)),
            Err(TryLockError::Error(error)) => return Err(cannot(error)),
        }
        if let Some(kind) = network(&file) {
            tracing::warn!(
                "{} is on {kind}, where a lock may not keep a second process out and a power cut may undo what \
                 was synced: use a volume of the kind block or a local disk",
                directory.display()
            );
        }
        // Only for the message: a full disk must not keep a store from opening.
        let _ = file
            .set_len(0)
            .and_then(|()| file.seek(SeekFrom::Start(0)))
            .and_then(|_| write!(file, "{} on {}", std::process::id(), host()));
        Ok(Self { _file: file })
    }
}

/// Sees to it that nobody has the store open while this lives, without a change to it; none where it
/// never was open in this place.
pub(super) fn look(directory: &Path) -> Result<Option<Lock>, StoreError> {
    let path = directory.join("lock");
    let file = match File::open(&path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        other => other.map_err(|error| cannot(&path, &error))?,
    };
    match file.try_lock_shared() {
        Ok(()) => Ok(Some(Lock { _file: file })),
        Err(TryLockError::WouldBlock) => Err(open_already(directory, file)),
        Err(TryLockError::Error(error)) => Err(cannot(&path, &error)),
    }
}

fn cannot(path: &Path, error: &std::io::Error) -> StoreError {
    StoreError::Open(format!(
        "{} cannot be locked: {error}; a store needs a file system with locks, such as a local disk",
        path.display()
    ))
}

fn open_already(directory: &Path, file: File) -> StoreError {
    let mut holder = String::new();
    let _ = file.take(MAX_HOLDER).read_to_string(&mut holder);
    let holder = holder.trim();
    let holder = if holder.is_empty() { "another process".to_owned() } else { format!("process {holder}") };
    StoreError::Open(format!(
        "{} is open already ({holder}); a store belongs to one process: stop that one, or choose another \
         directory. In Kubernetes two pods have one volume: an embedded store is for one pod, so wait for the \
         other to end, or delete it; for several replicas set storage.postgres",
        directory.display()
    ))
}

/// The name of the machine; in Kubernetes, of the pod.
fn host() -> String {
    rustix::system::uname().nodename().to_string_lossy().into_owned()
}

/// What a file lies on, where that is a network's.
#[cfg(target_os = "linux")]
fn network(file: &File) -> Option<&'static str> {
    // linux/magic.h
    match u64::try_from(rustix::fs::fstatfs(file).ok()?.f_type).ok()? & 0xffff_ffff {
        0x6969 => Some("NFS"),
        0x517b | 0xff53_4d42 | 0xfe53_4d42 => Some("SMB"),
        0x0102_1997 => Some("9P"),
        _ => None,
    }
}

#[cfg(not(target_os = "linux"))]
fn network(_file: &File) -> Option<&'static str> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_second_to_come_is_told_who_has_the_store() {
        let directory = tempfile::tempdir().unwrap();
        assert!(look(directory.path()).unwrap().is_none(), "nobody ever had it");
        let first = Lock::take(directory.path()).unwrap();
        for message in [
            Lock::take(directory.path()).unwrap_err().to_string(),
            look(directory.path()).unwrap_err().to_string(),
        ] {
            assert!(message.contains(&std::process::id().to_string()), "{message}");
            assert!(message.contains(&host()), "{message}");
            assert!(message.contains(&directory.path().display().to_string()), "{message}");
        }
        drop(first);
        drop(Lock::take(directory.path()).unwrap());
        let looking = look(directory.path()).unwrap();
        assert!(looking.is_some());
        assert!(Lock::take(directory.path()).is_err(), "nobody opens what is being looked at");
    }
}
