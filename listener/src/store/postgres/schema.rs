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
//! newest step asks for a newer listener than this one is refused. How a step is taken while replicas run:
//! [`step`].

use std::time::Duration;

use sha2::{Digest, Sha256};
use tokio_postgres::Client;

use super::connect::quoted;
use super::sql::text;
use super::step::{self, Step};
use super::trouble::{Trouble, unsigned};
use crate::store::StoreError;
use crate::store::names::Names;

/// Bytes of a name in PostgreSQL at most.
const NAME_BYTES: usize = 63;
/// Tries of a step while others have what it needs: two minutes.
const TRIES: u32 = 20;
/// Looks whether another process is done with the schema, and the time between two.
const LOOKS: u32 = 120;
const PAUSE: Duration = Duration::from_millis(500);

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
    Step { sql: include_str!("desk/blocks.sql"), compatible: 7 },
    Step { sql: include_str!("desk/blocks_of_old.sql"), compatible: 7 },
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

/// A listener, and its schema.
pub(super) struct Whose<'a> {
    pub(super) namespace: &'a str,
    pub(super) listener: &'a str,
    pub(super) schema: String,
}

impl Whose<'_> {
    /// What somebody may have to do about a refusal.
    pub(super) fn rights(&self) -> String {
        let schema = quoted(&self.schema);
        format!("; the user needs the right CREATE on the database, or a schema {schema} that it owns")
    }

    fn failed(&self, error: tokio_postgres::Error) -> StoreError {
        let (schema, rights) = (&self.schema, self.rights());
        StoreError::Open(format!("the schema {schema} cannot be opened: {}{rights}", Trouble::from(error)))
    }
}

/// Makes the schema, or brings it to this version; `client` is set to the schema afterwards.
pub(super) async fn open(client: &Client, namespace: &str, listener: &str) -> Result<Opened, StoreError> {
    let whose = Whose { namespace, listener, schema: name(namespace, listener) };
    bring(client, &whose, STEPS, TRIES).await?;
    read(client, &whose).await
}

/// Brings the schema as far as these steps lead, each tried so often.
async fn bring(client: &Client, whose: &Whose<'_>, steps: &[Step], tries: u32) -> Result<(), StoreError> {
    step::bound(client).await.map_err(|error| whose.failed(error))?;
    let locked = lock(client, &whose.schema).await;
    let done = match locked {
        Ok(()) => under_lock(client, whose, steps, tries).await,
        Err(error) => Err(error),
    };
    // The end of the session gives the lock back too.
    let _ = client.batch_execute("SELECT pg_advisory_unlock_all()").await;
    done
}

/// A schema as an older listener left it, for tests.
#[cfg(test)]
pub(super) async fn open_older(client: &Client, listener: &str, version: usize) {
    let whose = Whose { namespace: "sales", listener, schema: name("sales", listener) };
    bring(client, &whose, &STEPS[..version], TRIES).await.unwrap();
}

/// What opening says when each step is tried so often only.
#[cfg(test)]
pub(super) async fn open_hastily(client: &Client, listener: &str, tries: u32) -> Result<(), StoreError> {
    let whose = Whose { namespace: "sales", listener, schema: name("sales", listener) };
    bring(client, &whose, STEPS, tries).await
}

/// Waits for the schema's lock; no longer than a minute.
async fn lock(client: &Client, schema: &str) -> Result<(), StoreError> {
    let failed = |error: tokio_postgres::Error| StoreError::Open(Trouble::from(error).to_string());
    for _ in 0..LOOKS {
        let query = "SELECT pg_try_advisory_lock(hashtextextended($1, 7229))";
        let row = client.query_typed_one(query, &[text(&schema)]).await.map_err(failed)?;
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
    whose: &Whose<'_>,
    steps: &[Step],
    tries: u32,
) -> Result<(), StoreError> {
    let failed = |error: tokio_postgres::Error| whose.failed(error);
    let schema = &whose.schema;
    let there = "SELECT 1 FROM pg_namespace WHERE nspname = $1";
    if client.query_typed(there, &[text(schema)]).await.map_err(failed)?.is_empty() {
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
    let query = "SELECT coalesce(max(number), 0), coalesce(max(compatible), 0) FROM schema_version";
    let row = client.query_typed_one(query, &[]).await.map_err(failed)?;
    let (found, compatible): (i64, i64) = (row.try_get(0).map_err(failed)?, row.try_get(1).map_err(failed)?);
    if compatible > version_of(steps) {
        return Err(StoreError::Open(format!(
            "the schema {schema} is of version {found}, which a newer listener wrote and which needs version \
             {compatible} at least; this one has version {}: run the newer listener, nothing was changed",
            version_of(steps)
        )));
    }
    for step in steps.iter().enumerate().skip(usize::try_from(found).unwrap_or(0)) {
        step::take(client, whose, step, tries).await?;
    }
    Ok(())
}

/// Reads what the schema says of itself.
async fn read(client: &Client, whose: &Whose<'_>) -> Result<Opened, StoreError> {
    let failed = |error: tokio_postgres::Error| whose.failed(error);
    let schema = &whose.schema;
    let rows = client.query_typed("SELECT name, namespace, listener FROM meta", &[]).await.map_err(failed)?;
    let [row] = rows.as_slice() else {
        return Err(StoreError::Open(format!("the schema {schema} is damaged: it does not say whose it is")));
    };
    let said = |at: usize| row.try_get::<_, String>(at).map_err(failed);
    let (name, namespace, listener) = (said(0)?, said(1)?, said(2)?);
    if (namespace.as_str(), listener.as_str()) != (whose.namespace, whose.listener) {
        return Err(StoreError::Open(format!(
            "the schema {schema} belongs to the listener {namespace}/{listener}; give this listener another database"
        )));
    }
    let epochs = "SELECT first_page, name FROM epoch ORDER BY first_page";
    let mut later = Vec::new();
    for row in &client.query_typed(epochs, &[]).await.map_err(failed)? {
        let first: i64 = row.try_get(0).map_err(failed)?;
        later.push((unsigned(first), row.try_get::<_, String>(1).map_err(failed)?));
    }
    Ok(Opened { names: Names::new(&name, later) })
}

fn version_of(steps: &[Step]) -> i64 {
    i64::try_from(steps.len()).unwrap_or(i64::MAX)
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
