//! The shared suite on PostgreSQL, and what only a store of several processes has to show.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use language::clock::Clock;
use postgres_server::Server;
use proptest::test_runner::{Config, TestRunner};
use secrecy::SecretString;

use super::*;
use crate::desk::{Desk, History};
use crate::store::suite::{self, BEGIN_MS, MAX_REFUSED, Plain, World};

mod migrating;
mod older;
mod opening;
mod places;
mod pool;
mod shared;
mod tls;

/// Schema of every listener in these tests.
const SCHEMA: &str = "hsl_sales_contacts";

fn options(url: &str, clock: &Clock, sorter: Sorter) -> Options {
    let url = SecretString::from(url.to_owned());
    Options { max_refused: MAX_REFUSED, ..Options::new(url, "sales", "contacts", sorter, clock.clone()) }
}

async fn open(url: &str, clock: &Clock) -> Postgres {
    Postgres::open(options(url, clock, Arc::new(Plain))).await.unwrap()
}

/// What a process that was killed had is due again once its leases have run out: as if that time had passed.
fn end_leases(url: &str) {
    let update = format!("UPDATE {SCHEMA}.page SET leased_until = '2000-01-01' WHERE state = 1");
    let there = format!("SELECT 1 WHERE to_regclass('{SCHEMA}.page') IS NOT NULL");
    if postgres_server::query_rows(url, &there) > 0 {
        postgres_server::execute(url, &update);
    }
}

fn world(server: &Server) -> World {
    let clock = Clock::manual(BEGIN_MS);
    let url = server.database();
    let (at, database) = (clock.clone(), url.clone());
    let open = Box::new(move || {
        let (url, clock) = (database.clone(), at.clone());
        let opening = async move {
            end_leases(&url);
            Arc::new(open(&url, &clock).await) as Arc<dyn Store>
        };
        Box::pin(opening) as BoxFuture<'static, _>
    });
    let (at, database) = (clock.clone(), url.clone());
    let open_desk = Box::new(move |rules: suite::Rules| {
        let (url, clock) = (database.clone(), at.clone());
        let opening = async move {
            end_leases(&url);
            let both = Arc::new(Postgres::open(options(&url, &clock, Arc::new(rules))).await.unwrap());
            (Arc::clone(&both) as Arc<dyn Store>, both as Arc<dyn Desk>)
        };
        Box::pin(opening) as BoxFuture<'static, _>
    });
    let at = clock.clone();
    let open_history = Box::new(move |named: suite::Named| {
        let (url, clock) = (url.clone(), at.clone());
        let opening = async move {
            end_leases(&url);
            let all = Arc::new(Postgres::open(options(&url, &clock, Arc::new(named))).await.unwrap());
            (Arc::clone(&all) as Arc<dyn Store>, Arc::clone(&all) as Arc<dyn Desk>, all as Arc<dyn History>)
        };
        Box::pin(opening) as BoxFuture<'static, _>
    });
    World { clock, open, open_desk, open_history }
}

macro_rules! shared {
    ($($name:ident)*) => { $(
        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $name() {
            suite::$name(&world(postgres_server::shared())).await;
        }
    )* };
}

suite::store_tests!(shared);

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap()
}

fn runner() -> TestRunner {
    TestRunner::new(Config { cases: 8, failure_persistence: None, ..Config::default() })
}

#[test]
fn whatever_is_done_each_acknowledged_event_ends_once() {
    let runtime = runtime();
    runner()
        .run(&suite::steps(), |steps| {
            let world = world(postgres_server::shared());
            runtime.block_on(suite::whatever_is_done_each_acknowledged_event_ends_once(&world, steps));
            Ok(())
        })
        .unwrap();
}

#[test]
fn whatever_the_hook_does_each_record_goes_on_once_and_in_order() {
    let runtime = runtime();
    runner()
        .run(&suite::hook_steps(), |steps| {
            let world = world(postgres_server::shared());
            runtime
                .block_on(suite::whatever_the_hook_does_each_record_goes_on_once_and_in_order(&world, steps));
            Ok(())
        })
        .unwrap();
}
