//! `backup.json`: what a backup holds, and the sum of its index's file.

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::Path;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::Verified;

/// Name of the file.
pub(super) const FILE: &str = "backup.json";
/// The form that is written, and the newest that is read.
const FORMAT: u32 = 1;
/// Bytes of the file at most.
const MAX_BYTES: u64 = 64 * 1024;

/// What a backup holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Description {
    /// Form of this file.
    pub format: u32,
    /// When the copy was whole.
    pub taken_at: String,
    /// Version of the listener that took it.
    pub listener_version: String,
    /// Number of the last delivery in its journal.
    pub last_delivery: u64,
    /// Files of its journal.
    pub segments: u64,
    /// Their bytes.
    pub journal_bytes: u64,
    /// Bytes of `store.db`.
    pub index_bytes: u64,
    /// SHA-256 of `store.db`, in hex.
    pub index_sha256: String,
}

impl Description {
    /// Of a copy that was verified.
    pub(super) fn of(verified: &Verified, now_ms: i64) -> Self {
        Self {
            format: FORMAT,
            taken_at: Timestamp::from_millisecond(now_ms).map(|at| at.to_string()).unwrap_or_default(),
            listener_version: env!("CARGO_PKG_VERSION").to_owned(),
            last_delivery: verified.last_delivery,
            segments: verified.segments,
            journal_bytes: verified.journal_bytes,
            index_bytes: verified.index_bytes,
            index_sha256: verified.index_sha256.clone(),
        }
    }

    /// Writes it into a directory, synced.
    pub(super) fn write(&self, directory: &Path) -> io::Result<()> {
        let mut file = File::create_new(directory.join(FILE))?;
        file.write_all(&serde_json::to_vec_pretty(self)?)?;
        file.write_all(b"\n")?;
        file.sync_all()
    }

    /// The one in a directory; none where there is none.
    pub(super) fn read(directory: &Path) -> Result<Option<Self>, String> {
        let file = match File::open(directory.join(FILE)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            other => other.map_err(|error| error.to_string())?,
        };
        let mut text = Vec::new();
        file.take(MAX_BYTES).read_to_end(&mut text).map_err(|error| error.to_string())?;
        let description: Self = serde_json::from_slice(&text).map_err(|error| error.to_string())?;
        if description.format > FORMAT {
            return Err(format!(
                "it has form {}, this program reads up to {FORMAT}: use the newer one",
                description.format
            ));
        }
        Ok(Some(description))
    }
}

/// SHA-256 of a file, in hex, and its length.
pub(super) fn sum(path: &Path, mut each: impl FnMut(u64)) -> io::Result<(String, u64)> {
    let mut file = File::open(path)?;
    let mut hasher = Sha256::new();
    let mut piece = vec![0; 1024 * 1024];
    let mut bytes = 0;
    loop {
        let read = file.read(&mut piece)?;
        if read == 0 {
            return Ok((hex::encode(hasher.finalize()), bytes));
        }
        hasher.update(&piece[..read]);
        bytes += read as u64;
        each(bytes);
    }
}
