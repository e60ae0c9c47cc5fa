//! A connection that has a listener's schema alone.

use std::time::Duration;

use secrecy::SecretString;
use tokio::runtime::Handle;
use tokio::task::JoinHandle;
use tokio_postgres::Client;

use super::LOCK;
use crate::store::StoreError;
use crate::store::postgres::check;
use crate::store::postgres::connect::{self, quoted};
use crate::store::postgres::schema;
use crate::store::postgres::trouble::Trouble;

/// Tries of the lock: the server may not have seen yet that a process has ended.
const TRIES: u32 = 10;
/// Between them.
const PAUSE: Duration = Duration::from_millis(100);

/// What becomes of a schema that is not there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Missing {
    /// It is made.
    Make,
    /// It is an error.
    Refuse,
}

/// A schema that no listener has open while this lives.
pub(super) struct Session {
    pub(super) handle: Handle,
    pub(super) client: Client,
    driving: JoinHandle<()>,
    /// Its name.
    pub(super) schema: String,
}

impl Drop for Session {
    fn drop(&mut self) {
        self.driving.abort();
    }
}

impl Session {
    /// Takes the lock of the schema, and brings it to this version. Blocks.
    pub(super) fn open(
        url: &SecretString,
        namespace: &str,
        listener: &str,
        missing: Missing,
    ) -> Result<Self, StoreError> {
        let handle = Handle::current();
        handle.clone().block_on(async {
            let drive = |connection| {
                tokio::spawn(async move {
                    // Whoever waits for an answer is told.
                    let _ = std::future::IntoFuture::into_future(connection).await;
                })
            };
            let (client, driving) =
                connect::single(url, drive).await.map_err(|trouble| cannot(&trouble.to_string()))?;
            let schema = schema::name(namespace, listener);
            let session = Self { handle, client, driving, schema };
            let server = check::look(&session.client).await;
            server.map_err(failed)?.refuse().map_err(|reason| cannot(&reason))?;
            if missing == Missing::Refuse {
                session.find().await?;
                // Before anything is changed; opening gives it back.
                session.lock().await?;
            }
            schema::open(&session.client, namespace, listener).await?;
            session.lock().await?;
            Ok(session)
        })
    }

    /// Sets the schema, which must be there.
    async fn find(&self) -> Result<(), StoreError> {
        let Self { client, schema, .. } = self;
        let query = "SELECT 1 FROM pg_tables WHERE schemaname = $1 AND tablename = 'schema_version'";
        let found = client.query_typed(query, &[crate::store::postgres::sql::text(schema)]).await;
        if found.map_err(failed)?.is_empty() {
            return Err(StoreError::Open(format!(
                "the database has no schema {schema} with a listener's store: correct --listener, which names \
                 the schema, or the database in the URL; nothing was copied"
            )));
        }
        let set = format!("SET search_path = {}", quoted(schema));
        client.batch_execute(&set).await.map_err(failed)
    }

    async fn lock(&self) -> Result<(), StoreError> {
        let query = format!("SELECT pg_try_advisory_lock({LOCK})");
        for attempt in 0..TRIES {
            if attempt > 0 {
                tokio::time::sleep(PAUSE).await;
            }
            let lock = self.client.query_typed_one(&query, &[]).await.and_then(|row| row.try_get(0));
            if lock.map_err(failed)? {
                return Ok(());
            }
        }
        Err(StoreError::Open(format!(
            "the schema {} is in use by a listener, or by another copy: stop the listener with all its replicas \
             (with the operator, scale the operator to 0 and then the listener's Deployment), and copy then; \
             nothing was copied",
            self.schema
        )))
    }

    /// Gives the lock back at once, for whoever opens the schema next.
    pub(super) async fn release(&self) {
        // The end of the session does so too, some moments later.
        let _ = self.client.batch_execute("SELECT pg_advisory_unlock_all()").await;
    }

    /// What to do to get rid of the schema.
    pub(super) fn remedy(&self) -> String {
        format!("drop the schema (DROP SCHEMA {} CASCADE)", quoted(&self.schema))
    }
}

fn cannot(reason: &str) -> StoreError {
    StoreError::Open(format!("the database cannot be used: {reason}"))
}

fn failed(error: tokio_postgres::Error) -> StoreError {
    cannot(&Trouble::from(error).to_string())
}
