//! From the files to a store that runs: lock, index, what a kill left of an erasure, journal, threads.

use std::path::Path;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use tokio::sync::watch;

use super::desk::Runner;
use super::erase::{self, Eraser};
use super::history::Follower;
use super::indexer::{Indexer, Progress};
use super::lease::Destinations;
use super::lock::Lock;
use super::readers::Readers;
use super::writer::Writer;
use super::{Embedded, Inner, Options, apart, backup, copy, open};
use crate::store::copy::refusal;
use crate::store::journal::{Journal, Reader};
use crate::store::refusals::Bounds;
use crate::store::{Sorter, StoreError};
use language::clock::Clock;

impl Embedded {
    /// Blocks.
    pub(super) fn begin(options: Options) -> Result<Self, StoreError> {
        let Options { directory, sorter, clock, journal, max_refused, max_refused_bytes, erase_every: _ } =
            options;
        let bounds = Bounds { number: max_refused, bytes: max_refused_bytes };
        let (lock, opened) = prepare(&directory)?;
        let files = directory.join("journal");
        apart::make(&directory)?;
        erase::redo(&opened.connection, &files, &opened.name)?;
        let (journal, reader) = Journal::open(&files, &opened.name, opened.watermark, journal)?;
        let inner = start(&directory, lock, opened, journal, Setup { sorter, clock, bounds })?;
        let progress = Arc::new(Progress::default());
        let follower = Arc::new(Follower::default());
        let indexer = index(&inner, reader, Arc::clone(&progress), Arc::clone(&follower))?;
        let Inner { writer, readers, journal, database, .. } = &inner;
        let eraser = Eraser::new(writer.clone(), readers.clone(), journal.clone(), database.clone());
        // From here on whoever gives up ends the threads.
        let store = Self {
            inner,
            progress,
            indexer: Mutex::new(Some(indexer)),
            follower,
            runner: Runner::default(),
            eraser: Arc::new(eraser),
            erasing: Mutex::default(),
        };
        store.follow()?;
        Ok(store)
    }
}

/// What the index is told from outside.
struct Setup {
    sorter: Sorter,
    clock: Clock,
    bounds: Bounds,
}

/// Makes the directory, takes its lock, opens the index.
pub(super) fn prepare(directory: &Path) -> Result<(Lock, open::Opened), StoreError> {
    let cannot = |error| StoreError::Open(format!("{} cannot be made: {error}", directory.display()));
    std::fs::create_dir_all(directory).map_err(cannot)?;
    let lock = Lock::take(directory)?;
    let database = directory.join("store.db");
    let journal = directory.join("journal");
    let is_used = |entry: std::fs::ReadDir| entry.count() > 0;
    let is_blank = std::fs::metadata(&database).map_or(true, |file| file.len() == 0);
    if is_blank && directory.join(copy::PARTIAL).exists() {
        return Err(refusal::half(&directory.display().to_string(), "remove the directory"));
    }
    if is_blank && journal.read_dir().is_ok_and(is_used) {
        return Err(StoreError::Open(format!(
            "{} is missing or empty, but {} is not empty: put a backup of the whole directory in its place, \
             or move the directory away to begin anew; nothing was changed",
            database.display(),
            journal.display()
        )));
    }
    if is_blank && directory.join(backup::PARTIAL).exists() {
        return Err(StoreError::Open(format!(
            "{} is a backup that was cut short: put a whole one in its place; nothing was changed",
            directory.display()
        )));
    }
    let opened = open::open(&database)?;
    // A new file is there after a power cut only when its directory is synced.
    std::fs::File::open(directory)
        .and_then(|directory| directory.sync_all())
        .map_err(|error| StoreError::Open(format!("{} cannot be synced: {error}", directory.display())))?;
    Ok((lock, opened))
}

fn start(
    directory: &Path,
    lock: Lock,
    opened: open::Opened,
    journal: Journal,
    setup: Setup,
) -> Result<Inner, StoreError> {
    let database = directory.join("store.db");
    let open::Opened { connection, name: _, names, watermark: _, last_page, refused_dropped } = opened;
    // The lock is the writer's: it ends with the last write.
    let writer = Writer::start(database.clone(), connection, lock)
        .map_err(|error| StoreError::Open(format!("the store's writer cannot be started: {error}")))?;
    Ok(Inner {
        names,
        writer,
        readers: Readers::new(database.clone()),
        database,
        journal,
        sorter: setup.sorter,
        clock: setup.clock,
        destinations: Destinations::default(),
        changes: Arc::new(watch::Sender::new(0)),
        last_page: AtomicU64::new(last_page),
        refused_bounds: setup.bounds,
        refused_waiting: Arc::default(),
        refused_dropped: Arc::new(AtomicU64::new(refused_dropped)),
        retaining: tokio::sync::Mutex::default(),
    })
}

fn index(
    inner: &Inner,
    reader: Reader,
    progress: Arc<Progress>,
    follower: Arc<Follower>,
) -> Result<JoinHandle<()>, StoreError> {
    let indexer = Indexer {
        reader,
        journal: inner.journal.clone(),
        writer: inner.writer.clone(),
        sorter: Arc::clone(&inner.sorter),
        progress,
        changes: Arc::clone(&inner.changes),
        follower,
    };
    std::thread::Builder::new()
        .name("store-index".to_owned())
        .spawn(move || indexer.run())
        .map_err(|error| StoreError::Open(format!("the store's index cannot be started: {error}")))
}
