use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use crds::listener::Retention;
use tokio::sync::watch;

use super::*;
use crate::store::{
    AppendError, Appended, Lease, OpenError, PageRequest, Refused, Retained, Settlement, Status,
};
use crate::verify::{Request, Verified};

/// Gives out places as a shared store does, and nothing else; counts how often it was asked.
#[derive(Debug)]
struct Shared {
    alone: bool,
    next: Mutex<(Instant, u32)>,
}

impl Shared {
    fn new(alone: bool) -> Arc<Self> {
        Arc::new(Self { alone, next: Mutex::new((Instant::now(), 0)) })
    }

    fn asked(&self) -> u32 {
        self.next.lock().unwrap().1
    }
}

#[async_trait]
impl Store for Shared {
    async fn places(&self, _: &str, wanted: PlacesWanted) -> Result<Places, StoreError> {
        if self.alone {
            return Ok(Places::Alone);
        }
        let mut next = self.next.lock().unwrap();
        let now = Instant::now();
        let from = next.0.max(now);
        *next = (from + wanted.spacing * wanted.number, next.1 + 1);
        Ok(Places::Given { after: from - now })
    }

    async fn append(&self, _: Request<Verified>) -> Result<Appended, AppendError> {
        Err(AppendError::Closed)
    }

    fn refuse(&self, _: Refused) {}

    async fn set_destinations(&self, _: &[String]) -> Result<(), StoreError> {
        Err(StoreError::Closed)
    }

    async fn fail_orphans(&self) -> Result<(), StoreError> {
        Err(StoreError::Closed)
    }

    async fn lease(&self, _: PageRequest) -> Result<Lease, StoreError> {
        Err(StoreError::Closed)
    }

    async fn settle(&self, _: Settlement) -> Result<(), StoreError> {
        Err(StoreError::Closed)
    }

    fn changes(&self) -> watch::Receiver<u64> {
        watch::channel(0).1
    }

    async fn open_errors(&self, _: usize) -> Result<Vec<OpenError>, StoreError> {
        Err(StoreError::Closed)
    }

    async fn refused(&self, _: usize) -> Result<Vec<Refused>, StoreError> {
        Err(StoreError::Closed)
    }

    async fn status(&self) -> Result<Status, StoreError> {
        Err(StoreError::Closed)
    }

    async fn retain(&self, _: &Retention) -> Result<Retained, StoreError> {
        Err(StoreError::Closed)
    }

    fn health(&self) -> Result<(), String> {
        Ok(())
    }

    async fn close(&self) {}
}

fn limiter(requests: u32, span: Duration) -> Limiter {
    Limiter::new((NonZeroU32::new(requests).unwrap(), span)).unwrap()
}

/// Takes places for a while, each attempt of so long; when they began.
async fn attempts(store: Arc<Shared>, mut limiter: Limiter, each: Duration, until: Instant) -> Vec<Instant> {
    let mut begun = Vec::new();
    while Instant::now() < until {
        match limiter.take(&*store, "warehouse").await.unwrap() {
            Ok(()) => {
                begun.push(Instant::now());
                tokio::time::sleep(each).await;
            }
            Err(wait) => tokio::time::sleep(wait).await,
        }
    }
    begun
}

/// The most attempts that any span saw.
fn most_in(mut begun: Vec<Instant>, span: Duration) -> usize {
    begun.sort_unstable();
    (0..begun.len())
        .map(|first| begun[first..].iter().take_while(|at| **at < begun[first] + span).count())
        .max()
        .unwrap_or(0)
}

#[tokio::test]
async fn alone_places_are_spread_over_the_span() {
    let store = Shared::new(true);
    let mut limiter = limiter(4, Duration::from_secs(2));
    assert_eq!(limiter.take(&*store, "a").await.unwrap(), Ok(()));
    let wait = limiter.take(&*store, "a").await.unwrap().unwrap_err();
    assert!(wait > Duration::from_millis(400) && wait <= Duration::from_millis(500), "{wait:?}");
}

#[test]
fn a_span_of_nothing_is_no_limit() {
    assert!(Limiter::new((NonZeroU32::MIN, Duration::ZERO)).is_none());
}

#[tokio::test(start_paused = true)]
async fn the_limit_holds_over_all_processes_and_is_made_use_of() {
    // Requests in a span, milliseconds of an attempt, and what part of the limit they reach at least.
    for (requests, span, each_ms, part) in [
        (50, 1, 1, 90),
        (1_000, 1, 0, 60),
        // Each of the eight is far too slow for all of it.
        (1_000, 1, 20, 20),
        (600, 60, 1, 90),
        (1, 30, 1, 90),
    ] {
        let span = Duration::from_secs(span);
        let store = Shared::new(false);
        let until = Instant::now() + span * 4;
        let processes = (0..8).map(|_| {
            let each = Duration::from_millis(each_ms);
            attempts(Arc::clone(&store), limiter(requests, span), each, until)
        });
        let begun: Vec<Instant> = futures_util::future::join_all(processes).await.concat();
        let most = most_in(begun.clone(), span);
        let limit = requests as usize;
        assert!(most <= limit + limit / 50 + 1, "{requests} in {span:?}: {most}");
        let reached = begun.len() * 100 / (limit * 4);
        assert!(reached >= part, "{requests} in {span:?}, {each_ms} ms each: {reached} % of the limit");
    }
}

#[tokio::test(start_paused = true)]
async fn a_high_rate_does_not_ask_the_store_for_each_attempt() {
    let store = Shared::new(false);
    let until = Instant::now() + Duration::from_secs(4);
    let begun =
        attempts(Arc::clone(&store), limiter(5_000, Duration::from_secs(1)), Duration::ZERO, until).await;
    assert!(begun.len() > 10_000, "{}", begun.len());
    assert!((store.asked() as usize) < begun.len() / 10, "{} of {}", store.asked(), begun.len());
}

#[tokio::test(start_paused = true)]
async fn a_place_that_was_not_used_in_time_is_lost() {
    let store = Shared::new(false);
    let mut limiter = limiter(10, Duration::from_secs(1));
    assert_eq!(limiter.take(&*store, "a").await.unwrap(), Ok(()));
    let wait = limiter.take(&*store, "a").await.unwrap().unwrap_err();
    tokio::time::sleep(wait + Duration::from_secs(5)).await;
    // Not the old one, and the new one is the only one: no burst of what was missed.
    assert_eq!(limiter.take(&*store, "a").await.unwrap(), Ok(()));
    assert_eq!(limiter.take(&*store, "a").await.unwrap(), Err(Duration::from_millis(100)));
}
