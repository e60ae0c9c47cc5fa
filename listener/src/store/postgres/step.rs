//! One step of a schema: taken once, in a transaction of its own, without making others wait.
//!
//! # Invariants
//!
//! 1. A step waits for a lock no longer than [`LOCK_TIMEOUT`], because whoever wants the table meanwhile
//!    waits behind it; then it is undone, and tried again after a pause that grows. So somebody who has a table
//!    for long (a backup) holds up the step, and not the replicas that run.
//! 2. A step that was in the way of another, or of which another was in the way (a deadlock), is tried again.
//! 3. What a step has locked is free soon after this process stands still: the server then ends its transaction.
//! 4. What reads a large table (an index) comes first in a step, before anything else is locked, and `head`,
//!    which each delivery needs, last.

use std::time::Duration;

use rand::RngCore;
use tokio_postgres::{Client, Error};

use super::schema::Whose;
use super::sql::{int, text};
use super::trouble::Trouble;
use crate::store::StoreError;

/// Longer than a second, `deadlock_timeout`: after that time a vacuum that nobody needs at once gives way.
/// Shorter by far than the 5 s that replicas wait for a lock, and senders for an answer.
const LOCK_TIMEOUT: &str = "2s";
/// After the first try, and at most.
const FIRST_PAUSE: Duration = Duration::from_millis(500);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// One step.
pub(super) struct Step {
    /// What it does.
    pub(super) sql: &'static str,
    /// The oldest version that still works afterwards.
    pub(super) compatible: i64,
}

/// Bounds of the session that takes steps. Making an index takes as long as it takes.
pub(super) async fn bound(client: &Client) -> Result<(), Error> {
    let settings = format!(
        "SET lock_timeout = '{LOCK_TIMEOUT}'; SET idle_in_transaction_session_timeout = '10s'; \
         SET statement_timeout = 0; SET client_min_messages = 'error'"
    );
    client.batch_execute(&settings).await
}

/// Takes step `at`, again and again, at most `tries` times, while others have what it needs.
pub(super) async fn take(
    client: &Client,
    whose: &Whose<'_>,
    (at, step): (usize, &Step),
    tries: u32,
) -> Result<(), StoreError> {
    let (number, schema) = (at + 1, &whose.schema);
    let mut pause = FIRST_PAUSE;
    let mut attempt = 0;
    loop {
        attempt += 1;
        let Err(error) = try_take(client, whose, at, step).await else { return Ok(()) };
        let _ = client.batch_execute("ROLLBACK").await;
        let trouble = Trouble::from(error);
        if !trouble.is_passing() {
            return Err(StoreError::Open(format!(
                "step {number} of the schema {schema} failed, and nothing was changed: {trouble}{}",
                whose.rights()
            )));
        }
        let holder = holder(client, schema).await;
        if attempt == tries {
            return Err(StoreError::Open(format!(
                "step {number} of the schema {schema} was tried {tries} times and nothing was changed, because \
                 others have its tables: {trouble}{holder}; let them end, or end them with \
                 pg_terminate_backend(pid)"
            )));
        }
        if attempt == 1 {
            tracing::warn!(
                "step {number} of the schema {schema} waits, and is tried again, because others have its tables: \
                 {trouble}{holder}"
            );
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

async fn try_take(client: &Client, whose: &Whose<'_>, at: usize, step: &Step) -> Result<(), Error> {
    client.batch_execute("BEGIN").await?;
    client.batch_execute(step.sql).await?;
    if at == 0 {
        let mut name = [0; 8];
        rand::rng().fill_bytes(&mut name);
        let name = hex::encode(name);
        let values = [text(&name), text(&whose.namespace), text(&whose.listener)];
        let insert = "INSERT INTO meta(name, namespace, listener) VALUES ($1, $2, $3)";
        client.query_typed(insert, &values).await?;
    }
    let number = i64::try_from(at + 1).unwrap_or(i64::MAX);
    let insert = "INSERT INTO schema_version(number, compatible) VALUES ($1, $2)";
    client.query_typed(insert, &[int(&number), int(&step.compatible)]).await?;
    client.batch_execute("COMMIT").await
}

/// Who has had tables of the schema for longest, in words; nothing where nobody has.
async fn holder(client: &Client, schema: &str) -> String {
    let query = "SELECT a.pid, coalesce(a.application_name, ''), coalesce(a.usename::text, ''), \
        coalesce(floor(extract(epoch FROM clock_timestamp() - a.xact_start))::bigint, 0) \
        FROM pg_locks l JOIN pg_class c ON c.oid = l.relation JOIN pg_stat_activity a ON a.pid = l.pid \
        WHERE l.granted AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database()) \
        AND c.relnamespace = (SELECT oid FROM pg_namespace WHERE nspname = $1) AND l.pid <> pg_backend_pid() \
        ORDER BY a.xact_start NULLS LAST LIMIT 1";
    let found = client.query_typed(query, &[text(&schema)]).await.unwrap_or_default();
    let Some(row) = found.first() else { return String::new() };
    let read = || -> Result<String, Error> {
        let (pid, application): (i32, String) = (row.try_get(0)?, row.try_get(1)?);
        let (user, seconds): (String, i64) = (row.try_get(2)?, row.try_get(3)?);
        let application = if application.is_empty() { "a program without a name" } else { &application };
        Ok(format!("; process {pid} ({application}, user {user}) has had some of them for {seconds} s"))
    };
    read().unwrap_or_default()
}
