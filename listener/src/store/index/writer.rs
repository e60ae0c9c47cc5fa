//! The one thread that writes, and how others have it write.
//!
//! A job is a piece of work on the connection. What waits is done in one
//! transaction, each job in a savepoint of its own, so that a failed one undoes
//! only itself. A job is answered after the commit, never before.
//!
//! # What is synced
//!
//! A transaction with at least one [`Durability::Synced`] job ends with a sync of the
//! WAL (`synchronous=FULL`), which also covers every transaction before it. One that
//! holds only [`Durability::Replayable`] jobs is written without a sync (`NORMAL`): a
//! power cut may undo the last of them, as a whole and in order, never damage
//! anything. Indexing is of that kind, because the journal has it and it is done
//! again from the watermark, which stands in the same transaction.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use rusqlite::Connection;
use tokio::sync::{mpsc, oneshot};

use super::connect;
use super::trouble::Trouble;
use crate::store::StoreError;

/// Jobs that may wait.
const QUEUE: usize = 1_024;
/// Jobs in one transaction.
const GROUP: usize = 128;

/// Whether a job may be undone by a power cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Durability {
    /// Stays once it is answered.
    Synced,
    /// Done again from the journal, or not missed.
    Replayable,
}

trait Job: Send {
    fn durability(&self) -> Durability;
    fn apply(&mut self, connection: &Connection) -> Result<(), Trouble>;
    fn answer(self: Box<Self>, outcome: Result<(), String>);
}

struct Call<T, F> {
    durability: Durability,
    work: Option<F>,
    value: Option<T>,
    answer: oneshot::Sender<Result<T, StoreError>>,
}

impl<T, F> Job for Call<T, F>
where
    T: Send,
    F: FnOnce(&Connection) -> Result<T, Trouble> + Send,
{
    fn durability(&self) -> Durability {
        self.durability
    }

    fn apply(&mut self, connection: &Connection) -> Result<(), Trouble> {
        if let Some(work) = self.work.take() {
            self.value = Some(work(connection)?);
        }
        Ok(())
    }

    fn answer(self: Box<Self>, outcome: Result<(), String>) {
        let answer = match (outcome, self.value) {
            (Ok(()), Some(value)) => Ok(value),
            (Ok(()), None) => Err(StoreError::Failed("nothing was done".to_owned())),
            (Err(reason), _) => Err(StoreError::Failed(reason)),
        };
        // Nobody waits any more where this fails.
        let _ = self.answer.send(answer);
    }
}

type Queue = mpsc::Sender<Box<dyn Job>>;

/// The way to the thread that writes. Clones share it.
#[derive(Clone)]
pub(super) struct Writer {
    queue: Arc<Mutex<Option<Queue>>>,
    thread: Arc<Mutex<Option<JoinHandle<()>>>>,
}

impl std::fmt::Debug for Writer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Writer").finish_non_exhaustive()
    }
}

impl Writer {
    /// Starts the thread; `keep` lives as long as it does.
    pub(super) fn start<K: Send + 'static>(
        path: PathBuf,
        connection: Connection,
        keep: K,
    ) -> std::io::Result<Self> {
        let (queue, jobs) = mpsc::channel(QUEUE);
        let thread = std::thread::Builder::new().name("store-writer".to_owned()).spawn(move || {
            let _keep = keep;
            run(&path, connection, jobs);
        })?;
        Ok(Self { queue: Arc::new(Mutex::new(Some(queue))), thread: Arc::new(Mutex::new(Some(thread))) })
    }

    fn queue(&self) -> Result<Queue, StoreError> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner).clone().ok_or(StoreError::Closed)
    }

    /// Does `work` in a transaction; waits for a place and for the commit.
    pub(super) async fn call<T, F>(&self, durability: Durability, work: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> Result<T, Trouble> + Send + 'static,
    {
        let (answer, answered) = oneshot::channel();
        let call = Call { durability, work: Some(work), value: None, answer };
        self.queue()?.send(Box::new(call)).await.map_err(|_| StoreError::Closed)?;
        answered.await.map_err(|_| StoreError::Closed)?
    }

    /// The same for a thread that may block.
    pub(super) fn call_blocking<T, F>(&self, durability: Durability, work: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> Result<T, Trouble> + Send + 'static,
    {
        let (answer, answered) = oneshot::channel();
        let call = Call { durability, work: Some(work), value: None, answer };
        self.queue()?.blocking_send(Box::new(call)).map_err(|_| StoreError::Closed)?;
        answered.blocking_recv().map_err(|_| StoreError::Closed)?
    }

    /// Does `work` if there is a place for it now, else drops it. Nobody learns how it went.
    pub(super) fn offer<F>(&self, work: F)
    where
        F: FnOnce(&Connection) -> Result<(), Trouble> + Send + 'static,
    {
        let (answer, _) = oneshot::channel();
        let call = Call { durability: Durability::Replayable, work: Some(work), value: None, answer };
        if let Ok(queue) = self.queue() {
            let _ = queue.try_send(Box::new(call));
        }
    }

    /// Takes no more, does what waits, ends the thread. Blocks.
    pub(super) fn close(&self) {
        drop(self.queue.lock().unwrap_or_else(PoisonError::into_inner).take());
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if thread.is_some_and(|thread| thread.join().is_err()) {
            tracing::error!("the store's writer ended with a panic");
        }
    }
}

fn run(path: &Path, connection: Connection, mut jobs: mpsc::Receiver<Box<dyn Job>>) {
    super::priority::lower(5);
    let mut connection = Some(connection);
    while let Some(first) = jobs.blocking_recv() {
        let mut group = vec![first];
        while group.len() < GROUP
            && let Ok(job) = jobs.try_recv()
        {
            group.push(job);
        }
        let open = match connection.take().map_or_else(|| reopen(path), Ok) {
            Ok(open) => open,
            Err(trouble) => {
                refuse(group, &trouble.to_string());
                continue;
            }
        };
        match commit(&open, group) {
            Health::Sound => connection = Some(open),
            Health::Spoilt => {
                tracing::warn!("the store's connection is opened anew after an error of the disk");
            }
        }
    }
    if let Some(connection) = connection {
        // Leaves no WAL behind; where it fails the next opening reads it.
        let _ = connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()));
    }
}

fn reopen(path: &Path) -> Result<Connection, Trouble> {
    let connection = connect::writer(path, connect::Missing::Refuse)?;
    connect::tune_writer(&connection)?;
    Ok(connection)
}

fn refuse(group: Vec<Box<dyn Job>>, reason: &str) {
    for job in group {
        job.answer(Err(reason.to_owned()));
    }
}

enum Health {
    Sound,
    Spoilt,
}

/// Does a group of jobs in one transaction and answers them.
fn commit(connection: &Connection, group: Vec<Box<dyn Job>>) -> Health {
    let synced = group.iter().any(|job| job.durability() == Durability::Synced);
    if let Err(trouble) = begin(connection, synced) {
        refuse(group, &trouble.to_string());
        return health(connection, &trouble);
    }
    let alone = group.len() == 1;
    let mut applied = Vec::with_capacity(group.len());
    let mut jobs = group.into_iter();
    for mut job in jobs.by_ref() {
        let outcome = if alone { job.apply(connection) } else { in_savepoint(connection, job.as_mut()) };
        match outcome {
            Ok(()) => applied.push(job),
            Err(trouble) => {
                job.answer(Err(trouble.to_string()));
                // A full disk or an I/O error may have undone the whole transaction.
                if connection.is_autocommit() || trouble.spoils_connection() {
                    let _ = connection.execute_batch("ROLLBACK");
                    applied.extend(jobs);
                    refuse(applied, &trouble.to_string());
                    return health(connection, &trouble);
                }
            }
        }
    }
    let end = if alone && applied.is_empty() { "ROLLBACK" } else { "COMMIT" };
    match connection.execute_batch(end) {
        Ok(()) => {
            for job in applied {
                job.answer(Ok(()));
            }
            Health::Sound
        }
        Err(error) => {
            let trouble = Trouble::from(error);
            let _ = connection.execute_batch("ROLLBACK");
            refuse(applied, &trouble.to_string());
            health(connection, &trouble)
        }
    }
}

fn begin(connection: &Connection, synced: bool) -> Result<(), Trouble> {
    // Between transactions only; the pragma is a few instructions.
    connection.execute_batch(if synced { "PRAGMA synchronous=FULL" } else { "PRAGMA synchronous=NORMAL" })?;
    connection.execute_batch("BEGIN IMMEDIATE")?;
    Ok(())
}

fn in_savepoint(connection: &Connection, job: &mut dyn Job) -> Result<(), Trouble> {
    connection.execute_batch("SAVEPOINT job")?;
    match job.apply(connection) {
        Ok(()) => Ok(connection.execute_batch("RELEASE job")?),
        Err(trouble) => {
            if !connection.is_autocommit() {
                connection.execute_batch("ROLLBACK TO job; RELEASE job")?;
            }
            Err(trouble)
        }
    }
}

/// A connection that is still inside a transaction, or met a broken disk, is of no more use.
fn health(connection: &Connection, trouble: &Trouble) -> Health {
    if trouble.spoils_connection() || !connection.is_autocommit() { Health::Spoilt } else { Health::Sound }
}
