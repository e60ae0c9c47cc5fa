//! How much is in flight, and when nothing is: bounds, pauses, reload, stop.

use std::io::{self, Write};
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::time::Instant;

use super::scene::{Scene, http, live, one_by_one, timing, until};
use super::server::{Server, say};
use super::store::FakeStore;
use crate::config::{LiveDestination, Target};
use crate::deliver::{PauseReason, Sink, Timing, standard_output};

#[tokio::test]
async fn no_more_pages_are_in_flight_than_concurrency_says() {
    let server = Server::start(|_, _| say(200).after(30)).await;
    let scene = Scene::start(LiveDestination { concurrency: 3, ..one_by_one(&server.url("/")) }).await;
    scene.store.put_many(15);
    scene.delivered(15).await;
    assert_eq!(server.most_at_once(), 3);
}

#[tokio::test]
async fn attempts_keep_to_the_rate_limit() {
    let server = Server::start(|_, _| say(200)).await;
    let rate = Some((NonZeroU32::new(20).unwrap(), Duration::from_secs(1)));
    let scene = Scene::start(LiveDestination { rate, ..one_by_one(&server.url("/")) }).await;
    scene.store.put_many(9);
    scene.delivered(9).await;
    let seen = server.seen();
    let took = seen[8].at - seen[0].at;
    assert!(took >= Duration::from_millis(380), "{took:?}");
}

#[tokio::test]
async fn an_outage_pauses_the_destination_and_it_goes_on_when_the_destination_does() {
    let address = Server::start(|_, _| say(200)).await.address;
    let timing = Timing { failures_before_pause: 3, ..timing() };
    let destination = LiveDestination { max_attempts: 4, ..one_by_one(&format!("http://{address}/")) };
    let scene = Scene::start_with(live(vec![destination]), timing, FakeStore::new(), standard_output()).await;
    scene.store.put_many(10);
    until("it is paused", || scene.paused().is_some()).await;
    assert_eq!(scene.paused().unwrap().reason, PauseReason::Connection);
    let gauge = "destination_paused{namespace=\"sales\",listener=\"contacts\",destination=\"warehouse\"} ";
    until("the gauge says so", || scene.printed().contains(&format!("{gauge}1"))).await;
    let server = Server::start_at(address, |_, _| say(200)).await;
    scene.delivered(10).await;
    assert_eq!(server.seen().len(), 10);
    until("it goes on", || scene.paused().is_none()).await;
}

#[tokio::test]
async fn probes_that_find_no_connection_cost_no_attempts() {
    let address = Server::start(|_, _| say(200)).await.address;
    let timing = Timing { failures_before_pause: 3, ..timing() };
    let destination = LiveDestination { max_attempts: 4, ..http(&format!("http://{address}/")) };
    let scene = Scene::start_with(live(vec![destination]), timing, FakeStore::new(), standard_output()).await;
    scene.store.put(&["{}"]);
    let tried = |scene: &Scene| {
        let printed = scene.printed();
        let line = printed.lines().find(|line| line.contains("outcome=\"connection\""));
        line.and_then(|line| line.rsplit(' ').next()?.parse::<u32>().ok()).unwrap_or(0)
    };
    until("it was probed far more often than a page has attempts", || tried(&scene) >= 10).await;
    assert!(scene.store.state().errors.is_empty());
    let server = Server::start_at(address, |_, _| say(200)).await;
    scene.delivered(1).await;
    assert_eq!(server.seen()[0].header("x-hubspot-listener-attempt"), "4");
}

#[tokio::test]
async fn an_outage_ends_in_open_errors_when_pages_grow_too_old() {
    let address = Server::start(|_, _| say(200)).await.address;
    let timing = Timing { failures_before_pause: 2, ..timing() };
    let destination = LiveDestination {
        max_age: Duration::from_millis(400),
        max_attempts: 100,
        ..http(&format!("http://{address}/"))
    };
    let scene = Scene::start_with(live(vec![destination]), timing, FakeStore::new(), standard_output()).await;
    let began = Instant::now();
    scene.store.put(&["{}"]);
    scene.errors(1).await;
    assert!(began.elapsed() >= Duration::from_millis(400));
}

#[tokio::test]
async fn stopping_lets_what_is_in_flight_finish() {
    let server = Server::start(|_, _| say(200).after(200)).await;
    let scene = Scene::start(http(&server.url("/"))).await;
    scene.store.put(&["{}"]);
    until("it is in flight", || server.seen().len() == 1).await;
    scene.deliverer.stop(Duration::from_secs(10)).await;
    let state = scene.store.state();
    assert_eq!((state.delivered.len(), state.given_back), (1, 0));
}

#[tokio::test]
async fn stopping_gives_back_what_does_not_finish_in_time() {
    let server = Server::start(|_, _| say(200).after(60_000)).await;
    let scene = Scene::start(LiveDestination { concurrency: 2, ..one_by_one(&server.url("/")) }).await;
    scene.store.put_many(3);
    until("two are in flight", || server.seen().len() == 2).await;
    let began = Instant::now();
    scene.deliverer.stop(Duration::from_millis(50)).await;
    assert!(began.elapsed() < Duration::from_secs(3));
    assert_eq!(scene.store.leased(), 0);
    let waiting = scene.store.waiting();
    assert_eq!(waiting.len(), 2);
    assert!(waiting.iter().all(|page| page.attempts == 0));
    assert_eq!(scene.store.state().given_back, 2);
}

#[tokio::test]
async fn stopping_gives_back_a_page_that_waits_for_the_rate_limit() {
    let server = Server::start(|_, _| say(200)).await;
    let rate = Some((NonZeroU32::MIN, Duration::from_hours(1)));
    let scene = Scene::start(LiveDestination { rate, ..one_by_one(&server.url("/")) }).await;
    scene.store.put_many(2);
    scene.delivered(1).await;
    until("the second is leased", || scene.store.leased() == 1).await;
    scene.deliverer.stop(Duration::from_secs(10)).await;
    assert_eq!(scene.store.leased(), 0);
    assert_eq!(scene.store.state().given_back, 1);
}

#[tokio::test]
async fn a_paused_listener_hands_nothing_on_until_it_goes_on() {
    let server = Server::start(|_, _| say(200)).await;
    let mut paused = live(vec![http(&server.url("/"))]);
    paused.configuration.spec.paused = true;
    let scene = Scene::start_with(paused, timing(), FakeStore::new(), standard_output()).await;
    scene.store.put(&["{}"]);
    until("it says so", || scene.paused().is_some()).await;
    assert_eq!(scene.paused().unwrap().reason, PauseReason::Manifest);
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert_eq!((scene.store.state().leases, server.seen().len()), (0, 0));
    scene.live.send_replace(Arc::new(live(vec![http(&server.url("/"))])));
    scene.delivered(1).await;
}

#[tokio::test]
async fn new_settings_serve_the_next_page_and_what_is_in_flight_keeps_the_old() {
    let old = Server::start(|_, _| say(200).after(400)).await;
    let new = Server::start(|_, _| say(200)).await;
    let scene = Scene::start(LiveDestination { concurrency: 2, ..one_by_one(&old.url("/")) }).await;
    scene.store.put(&["{\"n\":1}"]);
    until("the first is in flight", || old.seen().len() == 1).await;
    scene.live.send_replace(Arc::new(live(vec![one_by_one(&new.url("/"))])));
    scene.store.put(&["{\"n\":2}"]);
    scene.delivered(2).await;
    assert_eq!((old.seen().len(), new.seen().len()), (1, 1));
    assert_eq!(new.seen()[0].body, "[{\"n\":2}]");
    assert_eq!(scene.store.state().given_back, 0);
}

#[tokio::test]
async fn a_destination_that_is_removed_finishes_and_one_that_is_added_begins() {
    let old = Server::start(|_, _| say(200).after(300)).await;
    let new = Server::start(|_, _| say(200)).await;
    let scene = Scene::start(http(&old.url("/"))).await;
    scene.store.put(&["{}"]);
    until("it is in flight", || old.seen().len() == 1).await;
    let mailer = LiveDestination { name: "mailer".into(), ..http(&new.url("/")) };
    scene.live.send_replace(Arc::new(live(vec![mailer])));
    until("the new one is served", || new.seen().len() == 1).await;
    scene.delivered(2).await;
    until("the store is told that the old one is gone", || scene.store.state().told.len() == 3).await;
    let told = scene.store.state().told.clone();
    assert_eq!(told, [vec!["warehouse"], vec!["mailer", "warehouse"], vec!["mailer"]]);
    let names: Vec<String> = scene.deliverer.states().into_iter().map(|state| state.name).collect();
    assert_eq!(names, ["mailer"]);
}

#[tokio::test]
async fn allowed_addresses_are_reloaded() {
    let server = Server::start(|_, _| say(200)).await;
    let mut barred = live(vec![http(&server.url("/"))]);
    barred.configuration.allowed_addresses.clear();
    let scene = Scene::start_with(barred, timing(), FakeStore::new(), standard_output()).await;
    scene.store.put(&["{}"]);
    scene.errors(1).await;
    scene.live.send_replace(Arc::new(live(vec![http(&server.url("/"))])));
    // The loop and the client take the change up on their own; a page between them is an error like the first.
    until("it is reached", || {
        scene.store.put(&["{}"]);
        !server.seen().is_empty()
    })
    .await;
}

#[tokio::test]
async fn a_store_that_fails_for_a_while_gets_each_settlement_once() {
    let server = Server::start(|_, _| say(200)).await;
    let store = FakeStore::new();
    store.state().failing_leases = 4;
    store.state().failing_settlements = 3;
    let scene =
        Scene::start_with(live(vec![http(&server.url("/"))]), timing(), store, standard_output()).await;
    scene.store.put(&["{}"]);
    scene.delivered(1).await;
    assert_eq!(server.seen().len(), 1);
}

#[tokio::test]
async fn delivery_begins_when_the_store_knows_the_destinations() {
    let start =
        |store| Scene::try_start(live(vec![http("http://127.0.0.1:1/")]), timing(), store, standard_output());
    let scene = start(FakeStore::new()).await.unwrap();
    assert_eq!(scene.store.state().told, [vec!["warehouse"]], "before anything else ran");

    let store = FakeStore::new();
    store.state().failing_destinations = true;
    let refused = start(store).await.err().unwrap();
    assert_eq!(refused.to_string(), "the store cannot be told the destinations: the store failed: busy");
}

#[tokio::test]
async fn an_idle_destination_does_not_spin() {
    let server = Server::start(|_, _| say(200)).await;
    let scene = Scene::start(http(&server.url("/"))).await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    let leases = scene.store.state().leases;
    assert!(leases <= 3, "{leases}");
}

#[tokio::test]
async fn a_log_destination_writes_each_page_on_a_line() {
    #[derive(Clone, Default)]
    struct Buffer(Arc<Mutex<Vec<u8>>>, Arc<Mutex<bool>>);
    impl Write for Buffer {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            if !std::mem::replace(&mut *self.1.lock().unwrap(), true) {
                return Err(io::ErrorKind::StorageFull.into());
            }
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let buffer = Buffer::default();
    let sink: Sink = Arc::new(Mutex::new(Box::new(buffer.clone())));
    let audit = LiveDestination { name: "audit".into(), target: Target::Log, ..http("http://127.0.0.1/") };
    let scene = Scene::start_with(live(vec![audit]), timing(), FakeStore::new(), sink).await;
    scene.store.put(&["{\"id\": 12345678901234567890,\n\"n\":1.10}", "{}"]);
    scene.delivered(2).await;
    let written = String::from_utf8(buffer.0.lock().unwrap().clone()).unwrap();
    assert_eq!(
        written,
        "{\"page\":\"5f0c9a7be13d4c28-1\",\"destination\":\"audit\",\"listener\":\"sales/contacts\",\
         \"records\":[{\"id\": 12345678901234567890, \"n\":1.10},{}]}\n"
    );
}
