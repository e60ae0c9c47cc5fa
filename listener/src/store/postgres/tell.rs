//! Processes wake each other: LISTEN and NOTIFY on a channel named as the schema, over a connection
//! of its own, and a look at the tables every second, which also tells whether the database is in reach.
//!
//! A process tells the others at most every few milliseconds, apart from its transactions: a
//! notification within them would make all commits of the database server wait for each other.

use std::future::{Future, poll_fn};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio_postgres::{AsyncMessage, Client};

use super::Inner;
use super::connect::{Driven, quoted};
use super::copy;
use super::sql::text;
use super::trouble::Trouble;

/// Between two looks at the tables.
const LOOK: Duration = Duration::from_secs(1);
/// To look, whatever the database does.
const PATIENCE: Duration = Duration::from_secs(10);
/// What changes within this time is told once.
const GATHER: Duration = Duration::from_millis(5);
/// Before the first try to connect again, and the longest.
const FIRST_WAIT: Duration = Duration::from_millis(100);
const LONGEST_WAIT: Duration = Duration::from_secs(3);

/// Until `stop`.
pub(super) async fn run(inner: Arc<Inner>) {
    let mut wait = FIRST_WAIT;
    while !inner.stop.is_cancelled() {
        let ended = tokio::select! {
            ended = listen(&inner, &mut wait) => ended,
            () = inner.stop.cancelled() => return,
        };
        if let Err(trouble) = ended {
            inner.contact.fails(&trouble.to_string());
        }
        // Nobody tells us anything meanwhile.
        inner.changed_here();
        tokio::select! {
            () = tokio::time::sleep(wait) => {}
            () = inner.stop.cancelled() => return,
        }
        wait = (wait * 2).min(LONGEST_WAIT);
    }
}

/// Ends with the connection.
async fn listen(inner: &Arc<Inner>, wait: &mut Duration) -> Result<(), Trouble> {
    let (heard, mut told) = mpsc::channel(1);
    let own = inner.holder.to_string();
    let (client, driving) = inner.pool.beside(|connection| drive(connection, heard, own)).await?;
    let _ended = Ended(driving);
    let channel = quoted(&inner.schema);
    // What is told is lost with the server anyway: it waits for no disk.
    let begin = format!("SET synchronous_commit = off; SET search_path = {channel}; LISTEN {channel}");
    client.batch_execute(&begin).await?;
    // As long as this connection lives no copy is put into the schema.
    if !copy::hold(&client).await? {
        return Err(Trouble::Pool("another store is being copied into the schema".to_owned()));
    }
    inner.changed_here();
    let mut seen = look(&client).await?;
    inner.contact.works();
    *wait = FIRST_WAIT;
    loop {
        tokio::select! {
            heard = told.recv() => match heard {
                Some(()) => inner.changed_here(),
                None => return Err(Trouble::Pool("the connection that listens was lost".to_owned())),
            },
            () = inner.tell.notified() => {
                tokio::time::sleep(GATHER).await;
                let holder = inner.holder.to_string();
                bounded(notify(&client, &inner.schema, &holder)).await?;
            }
            () = tokio::time::sleep(LOOK) => {
                let now = bounded(look(&client)).await?;
                inner.contact.works();
                if std::mem::replace(&mut seen, now) != now {
                    inner.changed_here();
                }
            }
        }
    }
}

async fn notify(client: &Client, channel: &String, holder: &String) -> Result<(), Trouble> {
    client.query_typed("SELECT pg_notify($1, $2)", &[text(channel), text(holder)]).await?;
    Ok(())
}

async fn bounded<T>(work: impl Future<Output = Result<T, Trouble>>) -> Result<T, Trouble> {
    let late = |_| Trouble::Pool(format!("the database did not answer in {} s", PATIENCE.as_secs()));
    tokio::time::timeout(PATIENCE, work).await.map_err(late)?
}

/// What changes when somebody should look.
async fn look(client: &Client) -> Result<(i64, i64), Trouble> {
    let query = "SELECT head.delivery, page_number.last_value FROM head, page_number";
    let row = client.query_typed_one(query, &[]).await?;
    Ok((row.try_get(0)?, row.try_get(1)?))
}

/// Ends the task that drives the connection along with it.
struct Ended(JoinHandle<()>);

impl Drop for Ended {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Drives a connection, and passes on that something was told by somebody else; once is enough.
fn drive(mut connection: Driven, heard: mpsc::Sender<()>, own: String) -> JoinHandle<()> {
    tokio::spawn(async move {
        loop {
            match poll_fn(|context| connection.poll_message(context)).await {
                Some(Ok(AsyncMessage::Notification(told))) if told.payload() != own => {
                    let _ = heard.try_send(());
                }
                Some(Ok(_)) => {}
                Some(Err(error)) => {
                    tracing::debug!(%error, "the connection that listens ended: {error}");
                    return;
                }
                None => return,
            }
        }
    })
}
