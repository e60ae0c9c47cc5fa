//! The journal on real files.

mod erasing;
mod filling;
mod full;
mod model;
mod opening;
mod running;

use std::fs;
use std::path::Path;
use std::time::Duration;

use bytes::Bytes;
use uuid::Uuid;

use super::{Batch, Entry, Indexed, Journal, Location, NewEntry, Options, Reader, segment};
use crate::store::{AppendError, StoreError};

const STORE: &str = "5f0c9a7be13d4c28";

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap()
}

fn small_segments() -> Options {
    Options { segment_bytes: 600, ..Options::default() }
}

fn open(directory: &Path, indexed: Option<Indexed>) -> Result<(Journal, Reader), StoreError> {
    Journal::open(directory, STORE, indexed, small_segments())
}

fn entry(body: &[u8]) -> NewEntry {
    NewEntry { request: Uuid::new_v4(), received_at_ms: 1_000, body: Bytes::copy_from_slice(body) }
}

/// Everything that can be read now, in batches of one group each.
fn batches(reader: &mut Reader) -> Vec<Batch> {
    let mut batches = Vec::new();
    while let Ok(Some(batch)) = reader.next(1, Duration::ZERO) {
        batches.push(batch);
    }
    batches
}

fn entries(reader: &mut Reader) -> Vec<Entry> {
    batches(reader).into_iter().flat_map(|batch| batch.entries).collect()
}

fn bodies(reader: &mut Reader) -> Vec<Bytes> {
    entries(reader).into_iter().map(|entry| entry.body).collect()
}

/// Appends each as a group of its own and closes; where each group ended.
async fn written(directory: &Path, bodies: &[&[u8]], options: Options) -> Vec<Indexed> {
    let (journal, mut reader) = Journal::open(directory, STORE, None, options).unwrap();
    for body in bodies {
        journal.append(entry(body)).await.unwrap();
    }
    journal.close().await;
    let ends: Vec<_> = batches(&mut reader).into_iter().map(|batch| batch.end).collect();
    assert_eq!(ends.len(), bodies.len());
    ends
}

/// Every file with its bytes, to see that nothing was changed.
fn photograph(directory: &Path) -> Vec<(String, Vec<u8>)> {
    let mut files: Vec<_> = fs::read_dir(directory)
        .unwrap()
        .map(|file| file.unwrap())
        .map(|file| (file.file_name().into_string().unwrap(), fs::read(file.path()).unwrap()))
        .collect();
    files.sort();
    files
}

/// Opening refuses, changes nothing, and says `expected`.
#[track_caller]
fn refuses(directory: &Path, indexed: Option<Indexed>, expected: &str) {
    let before = photograph(directory);
    match open(directory, indexed) {
        Err(StoreError::Open(reason)) => assert!(reason.contains(expected), "{reason}"),
        other => panic!("not refused: {other:?}"),
    }
    assert!(before == photograph(directory), "a refused journal was changed");
}
