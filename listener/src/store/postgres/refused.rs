//! Refused requests: bounded in number and in bytes over all processes, the oldest give way.
//!
//! Keeping them is nobody's wait: a task of its own does it, a few at a time, and what is too much
//! is only counted.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::mpsc;
use tokio_postgres::Row;

use super::Inner;
use super::sql::{bytes, int, text};
use super::trouble::{Trouble, count, signed, unsigned};
use super::tx::Tx;
use crate::store::Refused;
use crate::store::refusals::{Bounds, Place, known, size};

/// Refused requests in one transaction.
const GROUP: usize = 64;
/// To keep a group, whatever the database does.
const PATIENCE: Duration = Duration::from_secs(15);

/// The way to those who keep them.
#[derive(Debug)]
pub(super) struct Waiting {
    sender: Mutex<Option<mpsc::Sender<(Refused, Place)>>>,
    number: Arc<AtomicUsize>,
    dropped: Arc<AtomicU64>,
    /// How many of the dropped ones the database knows of.
    told: AtomicU64,
}

impl Waiting {
    pub(super) fn new() -> (Self, mpsc::Receiver<(Refused, Place)>) {
        let (sender, receiver) = mpsc::channel(1_024);
        let waiting = Self {
            sender: Mutex::new(Some(sender)),
            number: Arc::default(),
            dropped: Arc::default(),
            told: AtomicU64::new(0),
        };
        (waiting, receiver)
    }

    /// Keeps one, where there is a place; else it is counted only.
    pub(super) fn offer(&self, refused: Refused) {
        let Some(place) = Place::take(&self.number, &self.dropped) else { return };
        let sender = self.sender.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(sender) = &*sender {
            // The place counts it where this fails.
            let _ = sender.try_send((refused, place));
        }
    }

    /// Takes no more.
    pub(super) fn close(&self) {
        drop(self.sender.lock().unwrap_or_else(PoisonError::into_inner).take());
    }

    /// Dropped ones that the database does not know of yet.
    pub(super) fn not_told(&self) -> u64 {
        self.dropped.load(Ordering::SeqCst).saturating_sub(self.told.load(Ordering::SeqCst))
    }
}

/// Keeps what comes until there is no more.
pub(super) async fn run(inner: Arc<Inner>, mut waiting: mpsc::Receiver<(Refused, Place)>) {
    let mut failing = false;
    while let Some(first) = waiting.recv().await {
        let mut group = vec![first];
        while group.len() < GROUP
            && let Ok(next) = waiting.try_recv()
        {
            group.push(next);
        }
        let dropped = inner.refused.not_told();
        let kept = tokio::time::timeout(PATIENCE, keep(&inner, &group, dropped)).await;
        let kept = kept.unwrap_or_else(|_| Err(Trouble::Pool("the database did not answer".to_owned())));
        match kept {
            Ok(()) => {
                failing = false;
                inner.refused.told.fetch_add(dropped, Ordering::SeqCst);
                for (_, place) in &mut group {
                    place.kept();
                }
            }
            Err(trouble) => {
                if !std::mem::replace(&mut failing, true) {
                    tracing::warn!(%trouble, "refused requests cannot be kept; they are counted only");
                }
            }
        }
    }
}

async fn keep(inner: &Inner, group: &[(Refused, Place)], dropped: u64) -> Result<(), Trouble> {
    let mut connection = inner.pool.connection().await?;
    let tx = connection.begin().await?;
    // The row of meta is locked first: processes that keep some at once do it one after the other.
    let lock = "UPDATE meta SET refused_dropped = refused_dropped + $1";
    tx.query_typed(lock, &[int(&signed(dropped))]).await?;
    for (refused, _) in group {
        insert(&tx, refused).await?;
    }
    make_room(&tx, inner.refused_bounds).await?;
    tx.commit().await
}

async fn insert(tx: &Tx<'_>, refused: &Refused) -> Result<(), Trouble> {
    let headers = serde_json::to_string(&refused.headers)
        .map_err(|_| Trouble::Damaged("headers that cannot be written"))?;
    let size = count(size(refused, &headers));
    // PostgreSQL keeps every text but NUL.
    let clean = |text: &str| text.replace('\0', "\u{fffd}");
    let (diagnosis, peer) = (refused.diagnosis.as_deref().map(clean), refused.peer.as_deref().map(clean));
    let (line, headers) = (clean(&refused.request_line), clean(&headers));
    let (status, body_bytes) = (i64::from(refused.status), signed(refused.body_bytes));
    let body: &[u8] = &refused.body;
    let statement = "WITH kept AS (INSERT INTO refused(id, at, status, cause, diagnosis, diagnosis_code, request_line, \
        headers, body, body_bytes, peer, size) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)) \
        UPDATE meta SET refused_kept = refused_kept + 1, refused_bytes = refused_bytes + $12";
    let values = [
        (&refused.id as &(dyn tokio_postgres::types::ToSql + Sync), tokio_postgres::types::Type::UUID),
        int(&refused.at_ms),
        int(&status),
        text(&refused.cause),
        text(&diagnosis),
        text(&refused.diagnosis_code),
        text(&line),
        text(&headers),
        bytes(&body),
        int(&body_bytes),
        text(&peer),
        int(&size),
    ];
    tx.query_typed(statement, &values).await?;
    Ok(())
}

/// Lets the oldest go where there is too much.
async fn make_room(tx: &Tx<'_>, bounds: Bounds) -> Result<(), Trouble> {
    let statement = "WITH newest AS (\
        SELECT number, size, row_number() OVER w AS place, sum(size) OVER w AS bytes FROM refused \
        WINDOW w AS (ORDER BY number DESC)), \
        old AS (DELETE FROM refused WHERE number IN (SELECT number FROM newest WHERE place > $1 OR bytes > $2) \
        RETURNING size) \
        UPDATE meta SET refused_kept = greatest(0, refused_kept - (SELECT count(*) FROM old)), \
        refused_bytes = greatest(0, refused_bytes - (SELECT coalesce(sum(size), 0) FROM old)::bigint) \
        WHERE EXISTS (SELECT 1 FROM old)";
    let (number, bytes) = (count(bounds.number), count(bounds.bytes));
    tx.query_typed(statement, &[int(&number), int(&bytes)]).await?;
    Ok(())
}

/// Removes at most `limit` of those that came before `before_ms`; how many.
pub(super) async fn remove(tx: &Tx<'_>, before_ms: i64, limit: i64) -> Result<u64, Trouble> {
    let statement = "WITH old AS (DELETE FROM refused WHERE number IN \
        (SELECT number FROM refused WHERE at < $1 ORDER BY number LIMIT $2) RETURNING size), \
        counted AS (SELECT count(*) AS number, coalesce(sum(size), 0)::bigint AS bytes FROM old) \
        UPDATE meta SET refused_kept = greatest(0, refused_kept - counted.number), \
        refused_bytes = greatest(0, refused_bytes - counted.bytes) FROM counted RETURNING counted.number";
    let row = tx.query_typed_one(statement, &[int(&before_ms), int(&limit)]).await?;
    Ok(unsigned(row.try_get(0)?))
}

/// The newest first.
pub(super) async fn list(inner: &Inner, limit: usize) -> Result<Vec<Refused>, Trouble> {
    let mut connection = inner.pool.connection().await?;
    let query = "SELECT id, at, status, cause, diagnosis, diagnosis_code, request_line, headers, body, body_bytes, peer \
        FROM refused ORDER BY number DESC LIMIT $1";
    let limit = count(limit);
    let alone = connection.alone()?;
    let rows = alone.query_typed(query, &[int(&limit)]).await?;
    alone.end();
    rows.iter().map(read).collect()
}

pub(super) fn read(row: &Row) -> Result<Refused, Trouble> {
    let headers: String = row.try_get(7)?;
    let cause: String = row.try_get(3)?;
    let code: Option<String> = row.try_get(5)?;
    Ok(Refused {
        id: row.try_get(0)?,
        at_ms: row.try_get(1)?,
        status: u16::try_from(row.try_get::<_, i64>(2)?).unwrap_or(0),
        cause: known(&cause),
        diagnosis: row.try_get(4)?,
        diagnosis_code: code.as_deref().map(known),
        request_line: row.try_get(6)?,
        headers: serde_json::from_str(&headers)
            .map_err(|_| Trouble::Damaged("headers of a refused request"))?,
        body: row.try_get::<_, Vec<u8>>(8)?.into(),
        body_bytes: unsigned(row.try_get(9)?),
        peer: row.try_get(10)?,
    })
}
