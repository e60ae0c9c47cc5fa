//! How it went over time.

use super::*;
use crate::desk::{MAX_POINTS, Point, Range, Series};

const MINUTE_MS: i64 = 60_000;

async fn series(shows: &Shows, from_ms: i64, until_ms: i64, step_ms: i64) -> Series {
    shows.history.series(Range { from_ms, until_ms, step_ms }).await.unwrap()
}

pub(crate) async fn minutes_count_what_happened_and_survive_a_restart(world: &World) {
    // The minute in which the clock begins is a whole one.
    let begin = BEGIN_MS.div_euclid(MINUTE_MS) * MINUTE_MS;
    world.clock.set_ms(begin + 1);
    let shows = open(world, FIRST, &["a", "b"]).await;
    world.deliver(&shows.store, events(0..5)).await;
    world.deliver(&shows.store, format!("[{},7]", about(1, 1))).await;
    let first = world.page(&shows.store, "a").await;
    let mut settlement = Settlement {
        page: first.id.clone(),
        attempt: Some(Attempt { took_ms: 10, ..world.attempt(503) }),
        outcome: Outcome::Retry { at_ms: world.clock.now_ms() },
        healed: Vec::new(),
    };
    shows.store.settle(settlement).await.unwrap();
    world.pass(MINUTE_MS);
    let again = world.page(&shows.store, "a").await;
    let errors = vec![failing(&again.records[0], world.clock.now_ms())];
    settlement = Settlement {
        page: again.id.clone(),
        attempt: Some(Attempt { took_ms: 30, ..world.attempt(207) }),
        outcome: Outcome::Done { errors, again: Vec::new(), again_at_ms: 0 },
        healed: Vec::new(),
    };
    shows.store.settle(settlement).await.unwrap();
    drop(shows);
    let shows = open(world, FIRST, &["a", "b"]).await;
    world.deliver(&shows.store, events(10..13)).await;
    let found = series(&shows, begin, begin + 3 * MINUTE_MS, MINUTE_MS).await;
    assert_eq!((found.step_ms, found.points.len()), (MINUTE_MS, 3));
    let plain = |point: &Point| Point { backlog: None, ..point.clone() };
    let latency = |ms: f64| std::collections::BTreeMap::from([("a".to_owned(), ms)]);
    let expected = [
        Point { at_ms: begin, events: 7, errors: 1, latency_ms: latency(10.0), ..Point::default() },
        Point {
            at_ms: begin + MINUTE_MS,
            events: 3,
            errors: 1,
            latency_ms: latency(30.0),
            ..Point::default()
        },
        Point { at_ms: begin + 2 * MINUTE_MS, ..Point::default() },
    ];
    assert_eq!(found.points.iter().map(plain).collect::<Vec<_>>(), expected);
    let hour = 60 * MINUTE_MS;
    let found = series(&shows, begin, begin + 1, hour).await;
    assert_eq!(found.points.len(), 1);
    let point = &found.points[0];
    assert_eq!((point.at_ms, point.events, point.errors), (begin.div_euclid(hour) * hour, 10, 2));
    assert!((point.latency_ms["a"] - 20.0).abs() < f64::EPSILON);
    shows.close().await;
}

pub(crate) async fn the_backlog_is_noted_at_the_end_of_a_minute(world: &World) {
    let begin = BEGIN_MS.div_euclid(MINUTE_MS) * MINUTE_MS;
    world.clock.set_ms(begin + 1);
    let shows = open(world, FIRST, &["a"]).await;
    world.deliver(&shows.store, events(0..5)).await;
    shows.searched().await;
    // Whoever notes it has seen this minute by then.
    let looked = Instant::now();
    loop {
        tokio::time::sleep(Duration::from_millis(50)).await;
        world.pass(MINUTE_MS);
        let now = world.clock.now_ms();
        world.deliver(&shows.store, "[]").await;
        let found = series(&shows, begin, now + MINUTE_MS, MINUTE_MS).await;
        if found.points.iter().any(|point| point.backlog == Some(5)) {
            break;
        }
        assert!(looked.elapsed() < Duration::from_secs(20), "{found:?}");
    }
    shows.close().await;
}

pub(crate) async fn a_series_is_bounded_whatever_is_asked(world: &World) {
    let shows = open(world, FIRST, &["a"]).await;
    for (from_ms, until_ms, step_ms) in [
        (0, i64::MAX, 1),
        (i64::MIN, i64::MAX, i64::MIN),
        (i64::MAX, i64::MIN, i64::MAX),
        (BEGIN_MS, BEGIN_MS + 7 * 24 * HOUR_MS, MINUTE_MS),
        (BEGIN_MS, BEGIN_MS, MINUTE_MS),
        (BEGIN_MS, BEGIN_MS + 1, 0),
    ] {
        let found = series(&shows, from_ms, until_ms, step_ms).await;
        assert!(found.points.len() <= MAX_POINTS, "{}", found.points.len());
        assert_eq!(found.step_ms % MINUTE_MS, 0);
        assert!(found.points.windows(2).all(|pair| pair[1].at_ms - pair[0].at_ms == found.step_ms));
        if from_ms < until_ms && until_ms > 0 {
            assert!(!found.points.is_empty());
        } else {
            assert!(found.points.is_empty());
        }
    }
    shows.close().await;
}

pub(crate) async fn minutes_go_after_a_week(world: &World) {
    let shows = open(world, FIRST, &["a"]).await;
    world.deliver(&shows.store, events(0..5)).await;
    let now = world.clock.now_ms();
    let sum = |series: Series| series.points.iter().map(|point| point.events).sum::<u64>();
    world.pass(6 * 24 * HOUR_MS);
    shows.store.retain(&short()).await.unwrap();
    assert_eq!(sum(series(&shows, now - HOUR_MS, now + HOUR_MS, MINUTE_MS).await), 5);
    world.pass(25 * HOUR_MS);
    shows.store.retain(&short()).await.unwrap();
    assert_eq!(sum(series(&shows, now - HOUR_MS, now + HOUR_MS, MINUTE_MS).await), 0);
    shows.close().await;
}
