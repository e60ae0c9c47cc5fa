//! The rate limit over processes: several stores on one database.

use std::collections::BTreeSet;
use std::time::Instant;

use super::*;
use crate::store::{Places, PlacesWanted};

async fn take(store: &Postgres, spacing: Duration, number: u32) -> Duration {
    match store.places("warehouse", PlacesWanted { spacing, number }).await.unwrap() {
        Places::Given { after } => after,
        Places::Alone => panic!("it is shared"),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_place_is_given_once_over_all_processes_and_none_is_far_ahead_of_a_new_rate() {
    let url = postgres_server::shared().database();
    let clock = Clock::manual(BEGIN_MS);
    let (one, two) = (open(&url, &clock).await, open(&url, &clock).await);
    let begin = Instant::now();
    let spacing = Duration::from_secs(2);
    let mut at = BTreeSet::new();
    for round in 0..5_u32 {
        let (number, store) = if round % 2 == 0 { (1, &one) } else { (3, &two) };
        let after = take(store, spacing, number).await;
        at.insert(begin.elapsed() + after);
    }
    let at: Vec<Duration> = at.into_iter().collect();
    // 1, 3, 1, 3, 1 places: each behind the last of those before, give or take a round trip.
    for (pair, places) in at.windows(2).zip([1, 3, 1, 3]) {
        let between = pair[1].saturating_sub(pair[0]);
        let off = between.abs_diff(spacing * places);
        assert!(off < Duration::from_millis(900), "{at:?}");
    }
    // An hour ahead by a slow rate: the new one waits for no more than 64 processes of its own.
    take(&one, Duration::from_hours(1), 1).await;
    let after = take(&two, Duration::from_millis(10), 1).await;
    assert!(after <= Duration::from_millis(640), "{after:?}");
    // Another destination has its own.
    let other = one.places("audit", PlacesWanted { spacing, number: 1 }).await.unwrap();
    assert_eq!(other, Places::Given { after: Duration::ZERO });
    one.close().await;
    two.close().await;
}
