//! The store in PostgreSQL, which several processes may share.
//!
//! A delivery is put down with its records, dedupe keys, errors and counters in one transaction, for
//! all that wait at that moment ([`ingest`]); it is acknowledged when the commit has come back. A
//! destination has a cursor over the deliveries, like the reader of a log; a page is cut from there
//! ([`cut`]), leased ([`lease`]) and settled ([`settle`]), by whichever process asks.
//!
//! # Invariants
//!
//! 1. Nothing is acknowledged that is not committed. A commit whose answer is lost counts as
//!    not done: the sender is told 503 and sends again, and the dedupe key finds the second.
//! 2. Deliveries are committed in the order of their numbers, without gaps: each transaction that
//!    puts some down changes the row `head` last, and sends the commit along. So who has seen one
//!    delivery has seen all before it, in whatever process.
//! 3. A cursor moves in the transaction that makes the page of what it passes, counts what a filter
//!    left out, and keeps what a filter failed on; and only if it still stands where the
//!    scan began. So no two processes cut one record, and none holds a lock while a filter works.
//! 4. A lease has an end by the server's clock. Its holder renews it; when it has run out the page is
//!    due again, and a settlement by the former holder is refused without harm.
//! 5. No lock is held over a wait for somebody else than the server, beyond what
//!    `idle_in_transaction_session_timeout` allows.
//!
//! # Modules
//!
//! [`connect`] and [`check`]: connections, and what a server must be. [`schema`] and [`step`]: tables and
//! how they change. [`slices`]: parts by time. [`tell`]: processes wake each other. [`keep`]: leases are
//! renewed. [`desk`]: the error desk. [`copy`]: another store is copied in.

mod again;
mod check;
mod connect;
mod contact;
pub(in crate::store) mod copy;
mod cut;
mod desk;
mod destinations;
mod duty;
mod history;
mod holding;
mod hook;
mod ingest;
mod keep;
mod lease;
mod leases;
mod pages;
mod places;
mod queue;
mod read;
mod refused;
mod retention;
mod schema;
mod settle;
mod slices;
mod sql;
mod status;
mod step;
mod tell;
#[cfg(test)]
mod tests;
mod tls;
mod told;
mod trouble;
mod tx;
mod url;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use crds::listener::Retention;
use language::clock::Clock;
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

pub use url::{UrlError, check as check_url};

use self::connect::Pool;
use self::contact::Contact;
use self::leases::Leases;
use self::queue::{Entry, Queue};
use self::slices::Slices;
use super::names::Names;
use super::refusals::Bounds;
use super::{
    AppendError, Appended, Lease, OpenError, PageRequest, Places, PlacesWanted, Refused, Retained,
    Settlement, Sorter, Status, Store, StoreError,
};
use crate::verify::{Request, Verified};

/// How a store in PostgreSQL is opened.
#[derive(Debug)]
pub struct Options {
    /// `postgres://user:password@host/database?sslmode=..`
    pub url: SecretString,
    /// Namespace of the listener.
    pub namespace: String,
    /// Name of the listener; with the namespace it names the schema.
    pub listener: String,
    /// Judges the elements of each delivery.
    pub sorter: Sorter,
    /// The clock.
    pub clock: Clock,
    /// Refused requests that are kept at most, by all processes.
    pub max_refused: usize,
    /// Bytes of bodies of refused requests that are kept at most.
    pub max_refused_bytes: usize,
    /// How long a page stays with a process that is not heard of.
    pub lease: Duration,
}

impl Options {
    /// The usual bounds.
    pub fn new(url: SecretString, namespace: &str, listener: &str, sorter: Sorter, clock: Clock) -> Self {
        Self {
            url,
            namespace: namespace.to_owned(),
            listener: listener.to_owned(),
            sorter,
            clock,
            max_refused: 1_000,
            max_refused_bytes: 8 * 1024 * 1024,
            lease: Duration::from_secs(30),
        }
    }
}

/// What the tasks of a store share.
pub(in crate::store::postgres) struct Inner {
    /// Its names in page ids.
    names: Names,
    schema: String,
    url: Mutex<SecretString>,
    namespace: String,
    listener: String,
    pool: Pool,
    sorter: Sorter,
    clock: Clock,
    /// This process among those that share the store.
    holder: i64,
    lease: Duration,
    destinations: lease::Destinations,
    leases: Leases,
    slices: Slices,
    queue: Queue,
    contact: Contact,
    refused: refused::Waiting,
    refused_bounds: Bounds,
    changes: watch::Sender<u64>,
    tell: tokio::sync::Notify,
    runner: desk::Runner,
    file_bytes: status::FileBytes,
    closed: AtomicBool,
    stop: CancellationToken,
}

impl Inner {
    /// Wakes who waits for pages, here and in other processes.
    fn changed(&self) {
        self.changed_here();
        self.tell.notify_one();
    }

    fn changed_here(&self) {
        self.changes.send_modify(|number| *number = number.wrapping_add(1));
    }

    /// A delivery of our own: an error that goes the whole way again.
    async fn append_own(&self, request: Uuid, received_at_ms: i64, body: Bytes) -> Result<u64, AppendError> {
        self.queue.append(Entry { request, received_at_ms, body }).await
    }

    fn is_open(&self) -> Result<(), StoreError> {
        if self.closed.load(Ordering::SeqCst) { Err(StoreError::Closed) } else { Ok(()) }
    }
}

/// The store in PostgreSQL.
pub struct Postgres {
    inner: Arc<Inner>,
    tasks: Mutex<Vec<JoinHandle<()>>>,
}

impl std::fmt::Debug for Postgres {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Postgres").field("schema", &self.inner.schema).finish_non_exhaustive()
    }
}

impl Postgres {
    /// Opens or makes the store: looks what the server is, then brings the schema to this version.
    pub async fn open(options: Options) -> Result<Self, StoreError> {
        let Options { url, namespace, listener, sorter, clock, max_refused, max_refused_bytes, lease } =
            options;
        let names = look(&url, &namespace, &listener).await?;
        let schema = schema::name(&namespace, &listener);
        let pool = Pool::new(&url, &schema).map_err(StoreError::Open)?;
        let (queue, waiting) = Queue::new();
        let (refused, to_keep) = refused::Waiting::new();
        let inner = Arc::new(Inner {
            names,
            schema,
            url: Mutex::new(url),
            namespace,
            listener,
            pool,
            sorter,
            clock,
            // Never zero, never negative: any number names one process.
            holder: i64::from(rand::random::<u32>()) << 31 | i64::from(rand::random::<u32>() >> 1) | 1,
            lease,
            destinations: lease::Destinations::default(),
            leases: Leases::default(),
            slices: Slices::default(),
            queue,
            contact: Contact::default(),
            refused,
            refused_bounds: Bounds { number: max_refused, bytes: max_refused_bytes },
            changes: watch::Sender::new(0),
            tell: tokio::sync::Notify::new(),
            runner: desk::Runner::default(),
            file_bytes: status::FileBytes::default(),
            closed: AtomicBool::new(false),
            stop: CancellationToken::new(),
        });
        let now_ms = inner.clock.now_ms();
        inner
            .slices
            .ensure(&inner.pool, std::iter::once(now_ms))
            .await
            .map_err(|trouble| StoreError::Open(trouble.to_string()))?;
        let tasks = vec![
            tokio::spawn(ingest::run(Arc::clone(&inner), waiting)),
            tokio::spawn(refused::run(Arc::clone(&inner), to_keep)),
            tokio::spawn(tell::run(Arc::clone(&inner))),
            tokio::spawn(keep::run(Arc::clone(&inner))),
        ];
        inner.runner.start(Arc::clone(&inner));
        Ok(Self { inner, tasks: Mutex::new(tasks) })
    }

    /// Name of the schema, for people.
    pub fn schema(&self) -> &str {
        &self.inner.schema
    }

    /// Goes to the database by another URL from now on (another password, another host), if that leads
    /// to this very store; what is under way ends by the old one.
    pub async fn replace_url(&self, url: SecretString) -> Result<(), StoreError> {
        let inner = &self.inner;
        let same =
            inner.url.lock().unwrap_or_else(PoisonError::into_inner).expose_secret() == url.expose_secret();
        if same {
            return Ok(());
        }
        let names = look(&url, &inner.namespace, &inner.listener).await?;
        if names.newest() != inner.names.newest() {
            return Err(StoreError::Open(
                "the new URL of the database leads to another store than the one that is open; restart the listener \
                 to change the store, or correct the URL"
                    .to_owned(),
            ));
        }
        let pool = Pool::new(&url, &inner.schema).map_err(StoreError::Open)?;
        inner.pool.replace(&pool);
        inner.contact.works();
        *inner.url.lock().unwrap_or_else(PoisonError::into_inner) = url;
        inner.changed_here();
        Ok(())
    }
}

/// Looks what a URL leads to, brings the schema to this version, and gives the names of the store.
async fn look(url: &SecretString, namespace: &str, listener: &str) -> Result<Names, StoreError> {
    let cannot = |reason: String| StoreError::Open(format!("the database cannot be used: {reason}"));
    let (client, driving) =
        connect::single(url, tokio::spawn).await.map_err(|trouble| cannot(trouble.to_string()))?;
    let server =
        check::look(&client).await.map_err(|error| cannot(trouble::Trouble::from(error).to_string()))?;
    server.refuse().map_err(cannot)?;
    let opened = match schema::open(&client, namespace, listener).await {
        Ok(opened) => copy::refuse_half(&client, opened).await,
        Err(error) => Err(error),
    };
    drop(client);
    let _ = driving.await;
    let opened = opened?;
    tracing::debug!("PostgreSQL {} has the schema of {namespace}/{listener}", server.version());
    Ok(opened.names)
}

#[async_trait]
impl Store for Postgres {
    async fn append(&self, delivery: Request<Verified>) -> Result<Appended, AppendError> {
        let received = delivery.into_received();
        let entry = Entry { request: received.id, received_at_ms: received.at_ms, body: received.body };
        Ok(Appended { delivery: self.inner.queue.append(entry).await? })
    }

    fn refuse(&self, refused: Refused) {
        self.inner.refused.offer(refused);
    }

    async fn set_destinations(&self, names: &[String]) -> Result<(), StoreError> {
        self.inner.is_open()?;
        destinations::set(&self.inner, names).await
    }

    async fn fail_orphans(&self) -> Result<(), StoreError> {
        self.inner.is_open()?;
        destinations::fail_orphans(&self.inner).await
    }

    async fn lease(&self, request: PageRequest) -> Result<Lease, StoreError> {
        self.inner.is_open()?;
        lease::lease(&self.inner, request).await
    }

    async fn settle(&self, settlement: Settlement) -> Result<(), StoreError> {
        self.inner.is_open()?;
        settle::settle(&self.inner, settlement).await
    }

    async fn places(&self, destination: &str, wanted: PlacesWanted) -> Result<Places, StoreError> {
        self.inner.is_open()?;
        Ok(places::take(&self.inner, destination, wanted).await?)
    }

    fn changes(&self) -> watch::Receiver<u64> {
        self.inner.changes.subscribe()
    }

    async fn open_errors(&self, limit: usize) -> Result<Vec<OpenError>, StoreError> {
        self.inner.is_open()?;
        let mut connection = self.inner.pool.connection().await?;
        let tx = connection.look().await?;
        let errors = desk::errors::list(&tx, &self.inner.names, limit).await?;
        tx.undo().await?;
        Ok(errors)
    }

    async fn refused(&self, limit: usize) -> Result<Vec<Refused>, StoreError> {
        self.inner.is_open()?;
        Ok(refused::list(&self.inner, limit).await?)
    }

    async fn status(&self) -> Result<Status, StoreError> {
        self.inner.is_open()?;
        Ok(status::read(&self.inner).await?)
    }

    async fn retain(&self, retention: &Retention) -> Result<Retained, StoreError> {
        self.inner.is_open()?;
        Ok(retention::retain(&self.inner, retention).await?)
    }

    fn health(&self) -> Result<(), String> {
        self.inner.is_open().map_err(|error| error.to_string())?;
        self.inner.contact.health()
    }

    async fn close(&self) {
        let inner = &self.inner;
        // What is taken is answered first: the queue ends when it is empty.
        inner.queue.close();
        inner.refused.close();
        inner.runner.stop();
        let tasks = std::mem::take(&mut *self.tasks.lock().unwrap_or_else(PoisonError::into_inner));
        let mut tasks = tasks.into_iter();
        for task in tasks.by_ref().take(2) {
            let _ = task.await;
        }
        inner.stop.cancel();
        for task in tasks {
            let _ = task.await;
        }
        if !inner.closed.swap(true, Ordering::SeqCst)
            && let Err(trouble) = lease::give_all_back(inner).await
        {
            tracing::warn!(%trouble, "leased pages could not be given back; they are due again when their leases run out");
        }
        inner.pool.close();
    }
}

impl Drop for Postgres {
    /// A store that was not closed stops all the same, as a killed process does.
    fn drop(&mut self) {
        self.inner.stop.cancel();
        self.inner.runner.stop();
        self.inner.queue.close();
        self.inner.refused.close();
    }
}
