//! Schemas as each older listener left them: filled, opened by several at once, and while an older replica
//! goes on. All of it by the list of steps, so that a new step is tried without a word here.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use futures_util::future::join_all;
use tokio_postgres::Client;
use tokio_postgres::error::SqlState;

use super::older::{Older, client};
use super::*;
use crate::notice::Memory;
use crate::store::suite::{Rules, Sides};
use crate::store::{PRE_PAGE, PlacesWanted};

const RULES: Rules = Rules { folds: true };
/// The first version with all that can be asked for: errors, their history, and who was told.
const WHOLE: usize = 3;
/// Replicas wait for a lock for 5 s; somewhat less, so that a slow machine does not hide a step that waits too long.
const REPLICA: &str =
    "SET lock_timeout = '3500ms'; SET statement_timeout = '20s'; SET client_min_messages = 'error'";
/// A refused request is kept.
const REFUSED: &str = "INSERT INTO refused(id, at, status, cause, request_line, headers, body, body_bytes, size) \
    VALUES (gen_random_uuid(), 1, 401, 'other', '', '[]', '', 0, 0)";

async fn sides(url: &str, listener: &str, clock: &Clock) -> Sides {
    let url = SecretString::from(url.to_owned());
    let options = Options::new(url, "sales", listener, Arc::new(RULES), clock.clone());
    let store = Arc::new(Postgres::open(options).await.unwrap());
    Sides { store: Arc::clone(&store) as _, desk: Arc::clone(&store) as _, history: store }
}

/// A store that has something in each table, closed; what it said last.
async fn source(url: &str, world: &World) -> Vec<String> {
    let sides = sides(url, "contacts", &world.clock).await;
    suite::fill(&sides, world).await;
    let store = open(url, &world.clock).await;
    assert!(store.mine().await.unwrap());
    store.tell("told", Some(BEGIN_MS)).await.unwrap();
    store.places("a", PlacesWanted { spacing: Duration::from_millis(1), number: 1 }).await.unwrap();
    store.close().await;
    // Of acts that are over.
    postgres_server::execute(
        url,
        &format!(
            "SET search_path = {SCHEMA}; \
             INSERT INTO bulk(actor, selection, act, state, whole, planned_at) VALUES ('ann', '{{}}', '{{}}', 2, true, 1); \
             INSERT INTO bulk_item VALUES (1, 1, true); INSERT INTO retry VALUES (999, 1, 99, 1); \
             INSERT INTO erasure VALUES (1, 99); INSERT INTO replay VALUES (1, 1, 99, NULL)"
        ),
    );
    let told = suite::told(&sides).await;
    sides.store.close().await;
    told
}

/// Several that start at once; the name that each of them finds.
async fn open_at_once(url: &str, listener: &str) -> Vec<String> {
    let openers = (0..3).map(|_| async {
        let client = client(url).await;
        schema::open(&client, "sales", listener).await.unwrap().names.newest().to_string()
    });
    join_all(openers).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_an_older_listener_left_is_migrated_once_by_several_and_nothing_is_lost() {
    let url = postgres_server::shared().database();
    let world = suite::open_already(&Clock::manual(BEGIN_MS));
    let expected = source(&url, &world).await;
    world.pass(2 * suite::HOUR_MS);
    let now_ms = world.clock.now_ms();
    let mut newest = None;
    for version in (1..=schema::steps()).rev() {
        let older = Older::make(&url, version).await;
        older.take_rows_of(SCHEMA).await;
        let columns = older.columns().await;
        assert_eq!(older.version().await, version);
        let names = open_at_once(&url, &older.listener).await;
        assert!(names.windows(2).all(|two| two[0] == two[1]), "{version}: {names:?}");
        assert_eq!(older.steps_taken().await, schema::steps(), "each step once");
        older.has_rows_of(SCHEMA, &columns).await;

        let sides = sides(&url, &older.listener, &world.clock).await;
        world.clock.set_ms(now_ms);
        if version >= WHOLE {
            assert_eq!(suite::told(&sides).await, expected, "of version {version}");
        }
        // It goes on: with what waited, and with what comes.
        suite::set_destinations(&sides.store, &[PRE_PAGE, "a", "b"]).await;
        world.deliver(&sides.store, suite::body(&[suite::event(1_000), suite::event(3)])).await;
        world.drain(&sides.store, PRE_PAGE).await;
        let mut records = suite::texts(&world.drain(&sides.store, "a").await);
        records.extend(suite::texts(&world.drain(&sides.store, "b").await));
        assert_eq!(records.iter().filter(|text| **text == suite::event(1_000)).count(), 2, "{version}");
        // Version 1 knows of no errors, so of none that are sent again.
        if version > 1 {
            assert_eq!(newest.get_or_insert(records.clone()), &records, "of version {version}");
        }
        sides.store.close().await;
    }
}

/// What an older replica did.
struct Did {
    transactions: i64,
    longest: Duration,
}

/// An older replica: it puts down what comes, and reads, until `stop`.
async fn replica(url: String, older: Older, stop: Arc<AtomicBool>) -> Did {
    let client = client(&url).await;
    client.batch_execute(&format!("{REPLICA}; SET search_path = {}", older.schema)).await.unwrap();
    let columns = older.columns().await;
    let error = if columns.contains_key("error") {
        "INSERT INTO error(first_at, last_at, delivery, message, element, attempts, has_payload, destination, class, \
         trace_key, code, data_uri) VALUES (1, 1, 1, 1, 1, 1, true, 'a', 'value', 'key', 'code', '');"
    } else {
        ""
    };
    let reads: Vec<String> = columns.keys().map(|table| format!("SELECT FROM {table} LIMIT 1")).collect();
    let reads = reads.join("; ");
    let mut did = Did { transactions: 0, longest: Duration::ZERO };
    while !stop.load(Ordering::SeqCst) {
        let number = did.transactions;
        // As ingest has it: head last, with the commit.
        let write = format!(
            "BEGIN; INSERT INTO dedupe VALUES ({number}, '\\x01', 1); {error} \
             {REFUSED}; UPDATE head SET events = events + 1, last_received_at = 1; COMMIT"
        );
        let begin = Instant::now();
        match client.batch_execute(&write).await {
            Ok(()) => did.transactions += 1,
            // It tries again, as ingest does.
            Err(error) if error.code() == Some(&SqlState::T_R_DEADLOCK_DETECTED) => {
                client.batch_execute("ROLLBACK").await.unwrap();
            }
            Err(error) => panic!("{} was blocked: {error:?}", older.listener),
        }
        client.batch_execute(&reads).await.unwrap();
        did.longest = did.longest.max(begin.elapsed());
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    did
}

async fn migrate_beside_a_backup_and_a_replica(url: String, version: usize) {
    let older = Older::make(&url, version).await;
    let backup = client(&url).await;
    let tables = older.columns().await.into_keys().collect::<Vec<_>>().join(", ");
    let hold = format!("SET search_path = {}; BEGIN; LOCK TABLE {tables} IN ACCESS SHARE MODE", older.schema);
    backup.batch_execute(&hold).await.unwrap();
    let stop = Arc::new(AtomicBool::new(false));
    let replica = tokio::spawn(replica(url.clone(), older.clone(), Arc::clone(&stop)));
    tokio::time::sleep(Duration::from_millis(300)).await;
    let begin = Instant::now();
    let (place, listener) = (url.clone(), older.listener.clone());
    let migration = tokio::spawn(async move {
        let client = client(&place).await;
        schema::open(&client, "sales", &listener).await.unwrap();
    });
    tokio::time::sleep(Duration::from_secs(5)).await;
    if version < WHOLE {
        assert_ne!(older.version().await, schema::steps(), "it waits for the backup");
    }
    backup.batch_execute("COMMIT").await.unwrap();
    migration.await.unwrap();
    let took = begin.elapsed();
    tokio::time::sleep(Duration::from_millis(300)).await;
    stop.store(true, Ordering::SeqCst);
    let did = replica.await.unwrap();
    assert!(did.longest < Duration::from_millis(3_500), "{version}: {:?} of {took:?}", did.longest);
    assert!(did.transactions > 10, "{version}: it went on");
    let counted = format!("SELECT events, (SELECT count(*) FROM {0}.refused) FROM {0}.head", older.schema);
    let row = backup.query_one(&counted, &[]).await.unwrap();
    assert_eq!((row.get(0), row.get(1)), (did.transactions, did.transactions), "{version}: nothing is lost");
    assert_eq!(older.steps_taken().await, schema::steps());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_migration_waits_for_a_backup_and_older_replicas_go_on_meanwhile() {
    let url = postgres_server::shared().database();
    let all = (1..schema::steps()).map(|version| {
        let url = url.clone();
        tokio::spawn(migrate_beside_a_backup_and_a_replica(url, version))
    });
    for one in join_all(all).await {
        one.unwrap();
    }
}

#[tokio::test]
async fn a_migration_that_waits_in_vain_says_for_whom_and_changes_nothing() {
    let url = postgres_server::shared().database();
    let older = Older::make(&url, 2).await;
    let backup = client(&url).await;
    let hold = format!("SET application_name = 'nightly'; BEGIN; SELECT FROM {}.destination", older.schema);
    backup.batch_execute(&hold).await.unwrap();
    let pid: i32 = backup.query_one("SELECT pg_backend_pid()", &[]).await.unwrap().get(0);
    let migrating = client(&url).await;
    let refused = schema::open_hastily(&migrating, &older.listener, 2).await.unwrap_err().to_string();
    for words in
        ["step 3", "tried 2 times", "nothing was changed", "(nightly, user postgres)", "pg_terminate_backend"]
    {
        assert!(refused.contains(words), "{words}: {refused}");
    }
    assert!(refused.contains(&format!("process {pid} ")) && !refused.contains("CREATE"), "{refused}");
    assert_eq!(older.version().await, 2);
    // A replica that is stopped in a step, as by the freezer of its node, holds no table for long.
    let bound: String =
        migrating.query_one("SHOW idle_in_transaction_session_timeout", &[]).await.unwrap().get(0);
    assert_eq!(bound, "10s");
    drop(backup);
    schema::open(&migrating, "sales", &older.listener).await.unwrap();
}

/// Waits until somebody waits for a table.
async fn awaited(client: &Client, table: &str) {
    let begin = Instant::now();
    let query = format!("SELECT FROM pg_locks WHERE NOT granted AND relation = '{table}'::regclass");
    while client.query(&query, &[]).await.unwrap().is_empty() {
        assert!(begin.elapsed() < Duration::from_secs(20), "nobody waits for {table}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_migration_that_loses_a_deadlock_with_an_older_replica_is_tried_again() {
    let url = postgres_server::shared().database();
    let older = Older::make(&url, 2).await;
    let (replica, looking) = (client(&url).await, client(&url).await);
    // As refused requests are kept: meta first. The migration is the one that looks for a deadlock.
    let begin = format!(
        "{REPLICA}; SET deadlock_timeout = '10s'; SET search_path = {}; \
         BEGIN; UPDATE meta SET refused_dropped = refused_dropped + 1",
        older.schema
    );
    replica.batch_execute(&begin).await.unwrap();
    let (place, listener) = (url.clone(), older.listener.clone());
    let migration = tokio::spawn(async move {
        let client = client(&place).await;
        schema::open(&client, "sales", &listener).await.map(|_| ()).map_err(|error| error.to_string())
    });
    // It has refused by then.
    awaited(&looking, &format!("{}.meta", older.schema)).await;
    replica.batch_execute(&format!("{REFUSED}; COMMIT")).await.unwrap();
    migration.await.unwrap().unwrap();
    assert_eq!(older.version().await, schema::steps());
}
