//! The listener's schema: its name, its version, and how an older one becomes a newer one.
//!
//! Each listener has a schema of its own, `hsl_<namespace>_<name>`, with the table
//! `schema_version`: one row per step that was taken, `number` from 1. A step is taken once, under
//! an advisory lock of the schema, in a transaction of its own, together with its row; so of several
//! processes that start at once one takes it and the others find it taken.
//!
//! A replica of an older version goes on meanwhile and afterwards: a step first only adds
//! (expand), and what is no longer needed goes in a step of a later version (contract). `compatible` of a
//! step is the oldest version of the listener's schema that still works with it; a database whose
//! newest step asks for a newer listener than this one is refused. A step waits for a lock for moments
//! only, and is tried again, so that it never makes others wait behind it.

use std::time::Duration;

use rand::RngCore;
use sha2::{Digest, Sha256};
use tokio_postgres::error::SqlState;
use tokio_postgres::types::Type;
use tokio_postgres::{Client, Row};

use super::connect::quoted;
use super::trouble::{Trouble, unsigned};
use crate::store::StoreError;
use crate::store::names::Names;

/// Bytes of a name in PostgreSQL at most.
const NAME_BYTES: usize = 63;
/// Tries of a step that is in the way of others.
const TRIES: u32 = 60;
/// Between them.
const PAUSE: Duration = Duration::from_millis(500);

/// One step.
struct Step {
    /// What it does.
    sql: &'static str,
    /// The oldest version that still works afterwards.
    compatible: i64,
}

/// What leads from version n to n + 1.
const STEPS: &[Step] = &[
    Step { sql: include_str!("core.sql"), compatible: 1 },
    Step { sql: include_str!("desk/desk.sql"), compatible: 2 },
    Step { sql: include_str!("history/history.sql"), compatible: 2 },
    Step { sql: include_str!("told.sql"), compatible: 2 },
    Step { sql: include_str!("pace.sql"), compatible: 2 },
    // An older one would take a replay for a bulk act on errors without any, and end it.
    Step { sql: include_str!("history/replay/replay.sql"), compatible: 6 },
    Step { sql: include_str!("copy.sql"), compatible: 7 },
];

/// How many steps there are.
#[cfg(test)]
pub(super) fn steps() -> usize {
    STEPS.len()
}

/// Name of a listener's schema. Names of namespaces and listeners hold no `_`, so no two share one.
pub(super) fn name(namespace: &str, listener: &str) -> String {
    let whole = format!("hsl_{namespace}_{listener}");
    if whole.len() <= NAME_BYTES {
        return whole;
    }
    let hash = hex::encode(Sha256::digest(whole.as_bytes()));
    let mut begin = 0;
    while let Some(next) = whole[begin..].chars().next().map(char::len_utf8)
        && begin + next <= NAME_BYTES - 17
    {
        begin += next;
    }
    format!("{}_{}", &whole[..begin], &hash[..16])
}

/// What a schema turned out to be.
#[derive(Clone, Debug)]
pub(super) struct Opened {
    /// Its names in page ids.
    pub(super) names: Names,
}

/// Makes the schema, or brings it to this version; `client` is set to the schema afterwards.
pub(super) async fn open(client: &Client, namespace: &str, listener: &str) -> Result<Opened, StoreError> {
    let schema = name(namespace, listener);
    let failed = |error: tokio_postgres::Error| {
        StoreError::Open(format!(
            "the schema {schema} cannot be opened: {}{}",
            Trouble::from(error),
            rights(&schema)
        ))
    };
    client
        .batch_execute("SET lock_timeout = '2s'; SET client_min_messages = 'error'")
        .await
        .map_err(failed)?;
    let locked = lock(client, &schema).await;
    let done = match locked {
        Ok(()) => under_lock(client, &schema, namespace, listener, STEPS).await,
        Err(error) => Err(error),
    };
    // The end of the session gives the lock back too.
    let _ = client.batch_execute("SELECT pg_advisory_unlock_all()").await;
    done
}

/// What somebody may have to do about a refusal.
fn rights(schema: &str) -> String {
    format!("; the user needs the right CREATE on the database, or a schema {} that it owns", quoted(schema))
}

/// Waits for the schema's lock; no longer than a minute.
async fn lock(client: &Client, schema: &str) -> Result<(), StoreError> {
    let failed = |error: tokio_postgres::Error| StoreError::Open(Trouble::from(error).to_string());
    for _ in 0..TRIES * 2 {
        let query = "SELECT pg_try_advisory_lock(hashtextextended($1, 7229))";
        let row = client.query_typed_one(query, &[(&schema, Type::TEXT)]).await.map_err(failed)?;
        if row.try_get(0).map_err(failed)? {
            return Ok(());
        }
        tokio::time::sleep(PAUSE).await;
    }
    Err(StoreError::Open(format!(
        "another process has been changing the schema {schema} for a minute; look for it in pg_stat_activity"
    )))
}

async fn under_lock(
    client: &Client,
    schema: &str,
    namespace: &str,
    listener: &str,
    steps: &[Step],
) -> Result<Opened, StoreError> {
    let failed = |error: tokio_postgres::Error| {
        StoreError::Open(format!(
            "the schema {schema} cannot be opened: {}{}",
            Trouble::from(error),
            rights(schema)
        ))
    };
    let there = client
        .query_typed("SELECT 1 FROM pg_namespace WHERE nspname = $1", &[(&schema, Type::TEXT)])
        .await
        .map_err(failed)?;
    if there.is_empty() {
        client.batch_execute(&format!("CREATE SCHEMA {}", quoted(schema))).await.map_err(failed)?;
    }
    client.batch_execute(&format!("SET search_path = {}", quoted(schema))).await.map_err(failed)?;
    client
        .batch_execute(
            "CREATE TABLE IF NOT EXISTS schema_version(\
             number bigint PRIMARY KEY, compatible bigint NOT NULL, at timestamptz NOT NULL DEFAULT now())",
        )
        .await
        .map_err(failed)?;
    let rows = client
        .query_typed("SELECT coalesce(max(number), 0), coalesce(max(compatible), 0) FROM schema_version", &[])
        .await
        .map_err(failed)?;
    let [row] = rows.as_slice() else {
        return Err(StoreError::Open(format!("the schema {schema} has no version")));
    };
    let (found, compatible): (i64, i64) = (row.try_get(0).map_err(failed)?, row.try_get(1).map_err(failed)?);
    if compatible > version_of(steps) {
        return Err(StoreError::Open(format!(
            "the schema {schema} is of version {found}, which a newer listener wrote and which needs version \
             {compatible} at least; this one has version {}: run the newer listener, nothing was changed",
            version_of(steps)
        )));
    }
    for (at, step) in steps.iter().enumerate().skip(usize::try_from(found).unwrap_or(0)) {
        take(client, schema, at, step, (namespace, listener)).await?;
    }
    let rows = client.query_typed("SELECT name, namespace, listener FROM meta", &[]).await.map_err(failed)?;
    let [row] = rows.as_slice() else {
        return Err(StoreError::Open(format!("the schema {schema} is damaged: it does not say whose it is")));
    };
    let text = |row: &Row, at: usize| row.try_get::<_, String>(at).map_err(failed);
    let owner = (text(row, 1)?, text(row, 2)?);
    if owner != (namespace.to_owned(), listener.to_owned()) {
        return Err(StoreError::Open(format!(
            "the schema {schema} belongs to the listener {}/{}; give this listener another database",
            owner.0, owner.1
        )));
    }
    let epochs = "SELECT first_page, name FROM epoch ORDER BY first_page";
    let mut later = Vec::new();
    for row in &client.query_typed(epochs, &[]).await.map_err(failed)? {
        let first: i64 = row.try_get(0).map_err(failed)?;
        later.push((unsigned(first), text(row, 1)?));
    }
    Ok(Opened { names: Names::new(&text(row, 0)?, later) })
}

fn version_of(steps: &[Step]) -> i64 {
    i64::try_from(steps.len()).unwrap_or(i64::MAX)
}

/// Takes one step, again and again while others hold what it needs.
async fn take(
    client: &Client,
    schema: &str,
    at: usize,
    step: &Step,
    whose: (&str, &str),
) -> Result<(), StoreError> {
    for attempt in 1.. {
        match try_take(client, at, step, whose).await {
            Ok(()) => return Ok(()),
            Err(error) => {
                let _ = client.batch_execute("ROLLBACK").await;
                let waits = error.code() == Some(&SqlState::LOCK_NOT_AVAILABLE);
                if !waits || attempt >= TRIES {
                    return Err(StoreError::Open(format!(
                        "step {} of the schema {schema} failed, and nothing was changed: {}{}",
                        at + 1,
                        Trouble::from(error),
                        rights(schema)
                    )));
                }
            }
        }
        tokio::time::sleep(PAUSE).await;
    }
    Ok(())
}

async fn try_take(
    client: &Client,
    at: usize,
    step: &Step,
    whose: (&str, &str),
) -> Result<(), tokio_postgres::Error> {
    client.batch_execute("BEGIN").await?;
    client.batch_execute(step.sql).await?;
    if at == 0 {
        let mut name = [0; 8];
        rand::rng().fill_bytes(&mut name);
        let name = hex::encode(name);
        let values: [(&(dyn tokio_postgres::types::ToSql + Sync), Type); 3] =
            [(&name, Type::TEXT), (&whose.0, Type::TEXT), (&whose.1, Type::TEXT)];
        client
            .query_typed("INSERT INTO meta(name, namespace, listener) VALUES ($1, $2, $3)", &values)
            .await?;
    }
    let number = i64::try_from(at + 1).unwrap_or(i64::MAX);
    let values: [(&(dyn tokio_postgres::types::ToSql + Sync), Type); 2] =
        [(&number, Type::INT8), (&step.compatible, Type::INT8)];
    client.query_typed("INSERT INTO schema_version(number, compatible) VALUES ($1, $2)", &values).await?;
    client.batch_execute("COMMIT").await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_listener_has_a_name_of_its_own_that_fits() {
        assert_eq!(name("sales", "contacts"), "hsl_sales_contacts");
        assert_ne!(name("a-b", "c"), name("a", "b-c"));
        let (one, two) = (name("sales", &"x".repeat(63)), name("sales", &format!("{}y", "x".repeat(62))));
        assert!(one.len() <= NAME_BYTES && two.len() <= NAME_BYTES);
        assert_ne!(one, two);
        assert!(one.starts_with("hsl_sales_xxx"));
    }

    #[test]
    fn no_step_asks_for_a_listener_newer_than_itself() {
        for (at, step) in STEPS.iter().enumerate() {
            assert!(step.compatible <= i64::try_from(at).unwrap() + 1);
        }
    }
}
