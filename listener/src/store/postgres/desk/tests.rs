//! The error desk on PostgreSQL: the shared suite, and what only the tables know.

use std::sync::Arc;

use futures_util::future::BoxFuture;
use language::clock::Clock;
use secrecy::SecretString;
use tokio_postgres::NoTls;

use crate::desk::{Desk, History};
use crate::store::postgres::{Options, Postgres};
use crate::store::suite::{self, BEGIN_MS, MAX_REFUSED, Plain, World};
use crate::store::{Sorter, Store};

mod erasing;
mod several;

/// Opens the store of a database.
pub(super) async fn open(url: &str, clock: &Clock, sorter: Sorter) -> Arc<Postgres> {
    let url = SecretString::from(url.to_owned());
    let options =
        Options { max_refused: MAX_REFUSED, ..Options::new(url, "sales", "contacts", sorter, clock.clone()) };
    Arc::new(Postgres::open(options).await.unwrap())
}

/// Rows of a statement, in the schema of the listener.
pub(super) async fn numbers(url: &str, sql: &str) -> Vec<i64> {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.unwrap();
    let driving = tokio::spawn(connection);
    client.batch_execute("SET search_path = hsl_sales_contacts").await.unwrap();
    let rows = client.query(sql, &[]).await.unwrap();
    drop(client);
    let _ = driving.await;
    rows.iter().map(|row| row.get(0)).collect()
}

/// The leases of a process that was killed have run out.
async fn end_leases(url: &str) {
    let sql = "SELECT 1::bigint WHERE to_regclass('hsl_sales_contacts.page') IS NOT NULL";
    if !numbers(url, sql).await.is_empty() {
        let end = "UPDATE page SET leased_until = '2000-01-01' WHERE state = 1 RETURNING number";
        numbers(url, end).await;
    }
}

async fn reopen(url: &str, clock: &Clock, sorter: Sorter) -> Arc<Postgres> {
    end_leases(url).await;
    open(url, clock, sorter).await
}

/// A store in a database of its own.
pub(in crate::store::postgres) fn world(url: &str) -> World {
    let clock = Clock::manual(BEGIN_MS);
    let (database, at) = (url.to_owned(), clock.clone());
    let open = Box::new(move || {
        let (url, clock) = (database.clone(), at.clone());
        let opening = async move { reopen(&url, &clock, Arc::new(Plain)).await as Arc<dyn Store> };
        Box::pin(opening) as BoxFuture<'static, _>
    });
    let (database, at) = (url.to_owned(), clock.clone());
    let open_desk = Box::new(move |rules: suite::Rules| {
        let (url, clock) = (database.clone(), at.clone());
        let opening = async move {
            let both = reopen(&url, &clock, Arc::new(rules)).await;
            (Arc::clone(&both) as Arc<dyn Store>, both as Arc<dyn Desk>)
        };
        Box::pin(opening) as BoxFuture<'static, _>
    });
    let (database, at) = (url.to_owned(), clock.clone());
    let open_history = Box::new(move |named: suite::Named| {
        let (url, clock) = (database.clone(), at.clone());
        let opening = async move {
            let all = reopen(&url, &clock, Arc::new(named)).await;
            let (store, desk): (Arc<dyn Store>, Arc<dyn Desk>) =
                (Arc::<Postgres>::clone(&all), Arc::<Postgres>::clone(&all));
            (store, desk, all as Arc<dyn History>)
        };
        Box::pin(opening) as BoxFuture<'static, _>
    });
    World { clock, open, open_desk, open_history }
}

macro_rules! shared {
    ($($name:ident)*) => { $(
        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $name() {
            let url = postgres_server::shared().database();
            suite::$name(&world(&url)).await;
            counters_are_those_of_the_errors(&url).await;
        }
    )* };
}

suite::desk_tests!(shared);

/// The tally, with what is not in it yet, counts what is there.
async fn counters_are_those_of_the_errors(url: &str) {
    let tally = "SELECT kind::text, key, value, destination, class, state, sum(number)::bigint FROM tallied \
         GROUP BY 1, 2, 3, 4, 5, 6 HAVING sum(number) <> 0";
    let counted = "SELECT kind, key, value, destination, class, state, count(*) FROM (\
         SELECT 'p'::text AS kind, 0::bigint AS key, '' AS value, destination, class, state FROM error \
         UNION ALL SELECT 'm', message, '', destination, class, state FROM error \
         UNION ALL SELECT 'h', hour_of(last_at), '', destination, class, state FROM error \
         UNION ALL SELECT 'a', 0, assignee, destination, class, state FROM error WHERE assignee IS NOT NULL \
         UNION ALL SELECT 't', 0, tag, destination, class, state FROM tag JOIN error ON error.id = tag.error\
         ) AS seen GROUP BY 1, 2, 3, 4, 5, 6";
    for (one, other) in [(tally, counted), (counted, tally)] {
        let wrong = format!("SELECT count(*) FROM (({one}) EXCEPT ({other})) AS wrong");
        assert_eq!(numbers(url, &wrong).await, [0], "{wrong}");
    }
    let outside = "SELECT count(*) FROM error WHERE NOT EXISTS \
         (SELECT FROM error_block WHERE number = id / 1024 AND earliest <= last_at)";
    assert_eq!(numbers(url, outside).await, [0]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_list_up_to_a_time_obeys_it_in_every_block() {
    let url = postgres_server::shared().database();
    let store = open(&url, &Clock::manual(BEGIN_MS), Arc::new(Plain)).await;
    let (client, connection) = tokio_postgres::connect(&url, NoTls).await.unwrap();
    let driving = tokio::spawn(connection);
    client
        .batch_execute(&format!("SET search_path = hsl_sales_contacts; {}", suite::far_apart()))
        .await
        .unwrap();
    drop(client);
    let _ = driving.await;
    counters_are_those_of_the_errors(&url).await;
    suite::each_time_is_obeyed_far_apart(store.as_ref(), store.as_ref()).await;
    store.close().await;
    let left = "SELECT count(DISTINCT number) FROM error_block";
    assert_eq!(numbers(&url, left).await, [2], "they go with their errors, but for the newest two");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_of_an_error_stays_in_any_table_after_its_time() {
    let url = postgres_server::shared().database();
    suite::errors_go_after_their_time_with_all_that_is_theirs(&world(&url)).await;
    for (table, left) in [("payload", 2), ("tag", 1), ("note", 1), ("error", 2)] {
        assert_eq!(numbers(&url, &format!("SELECT count(*) FROM {table}")).await, [left], "{table}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "takes minutes; the same with fewer errors is above"]
async fn a_bulk_retry_of_100_000_errors_is_killed_and_sends_each_once() {
    let url = postgres_server::shared().database();
    suite::killed_halfway(&world(&url), 100_000).await;
}
