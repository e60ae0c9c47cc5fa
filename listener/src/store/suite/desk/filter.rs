//! Filters, one by one and together, against a simple model; cursors.

use std::collections::BTreeSet;

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, TestRunner};

use super::*;

const KEYS: [&str; 6] = ["62515_1", "62515_12", "62515_2", "7_1", "7_\u{10FFFF}\u{10FFFF}z", "\u{D7FF}_1"];
const MESSAGES: [&str; 4] = ["no such property", "Property NAME is wrong", "50% of _it_", "größe"];
const TEXTS: [&str; 6] = ["property", "NAME", "%", "_", "größe", "nowhere"];
const PEOPLE: [&str; 2] = ["ann", "bob"];
const TAGS: [&str; 2] = ["urgent", "later"];

/// The conditions, said once more and simply.
fn matches(filter: &ErrorFilter, error: &ErrorShown) -> bool {
    let ErrorFilter {
        states,
        destination,
        class,
        trace_key,
        trace_key_prefix,
        tag,
        assignee,
        text,
        from_ms,
        until_ms,
    } = filter;
    let at = error.destination.clone().unwrap_or_default();
    let whose = error.assignee.clone().unwrap_or_default();
    let lower = |text: &str| text.to_ascii_lowercase();
    (states.is_empty() || states.contains(&error.state))
        && destination.as_ref().is_none_or(|name| *name == at)
        && class.is_none_or(|class| class == error.class)
        && trace_key.as_ref().is_none_or(|key| *key == error.trace_key)
        && trace_key_prefix.as_ref().is_none_or(|prefix| error.trace_key.starts_with(prefix.as_str()))
        && tag.as_ref().is_none_or(|tag| error.tags.contains(tag))
        && assignee.as_ref().is_none_or(|name| *name == whose)
        && text.as_ref().is_none_or(|text| lower(&error.message).contains(&lower(text)))
        && from_ms.is_none_or(|from| error.last_at_ms >= from)
        && until_ms.is_none_or(|until| error.last_at_ms < until)
}

fn one_of<const N: usize>(all: [&'static str; N]) -> impl Strategy<Value = Option<String>> {
    prop_oneof![3 => Just(None), 2 => (0..N).prop_map(move |at| Some(all[at].to_owned()))]
}

fn filters() -> impl Strategy<Value = ErrorFilter> {
    let states = prop::collection::vec(0_usize..4, 0..3)
        .prop_map(|all| all.into_iter().map(|at| State::ALL[at]).collect::<Vec<_>>());
    let time = || prop_oneof![3 => Just(None), 1 => (0_i64..60).prop_map(|at| Some(BEGIN_MS + at))];
    let class = prop_oneof![2 => Just(None), 1 => (0_usize..3).prop_map(|at| Some(ErrorClass::ALL[at]))];
    let prefix = one_of(["62515_1", "6", "7_\u{10FFFF}", "\u{D7FF}", "", "zz"]);
    let places = (states, one_of(["a", "b", ""]), class);
    let names = (one_of(KEYS), prefix, one_of(["urgent", "later", "none"]), one_of(["ann", "bob", ""]));
    (places, names, one_of(TEXTS), time(), time()).prop_map(
        |(
            (states, destination, class),
            (trace_key, trace_key_prefix, tag, assignee),
            text,
            from_ms,
            until_ms,
        )| {
            ErrorFilter {
                states,
                destination,
                class,
                trace_key,
                trace_key_prefix,
                tag,
                assignee,
                text,
                from_ms,
                until_ms,
            }
        },
    )
}

/// One condition alone for each kind and value.
fn lone() -> Vec<ErrorFilter> {
    let none = ErrorFilter::default;
    let text = |text: &str| Some(text.to_owned());
    let mut all = vec![none()];
    all.extend(State::ALL.map(only));
    all.extend(["a", "b", "", "gone"].map(|name| ErrorFilter { destination: text(name), ..none() }));
    all.extend(ErrorClass::ALL.map(|class| ErrorFilter { class: Some(class), ..none() }));
    all.extend(KEYS.map(|key| ErrorFilter { trace_key: text(key), ..none() }));
    all.extend(KEYS.map(|key| ErrorFilter { trace_key_prefix: text(key), ..none() }));
    all.extend(
        ["6", "", "zz", "\u{10FFFF}", "7_\u{10FFFF}"]
            .map(|key| ErrorFilter { trace_key_prefix: text(key), ..none() }),
    );
    all.extend(["urgent", "later", "none"].map(|tag| ErrorFilter { tag: text(tag), ..none() }));
    all.extend(["ann", "bob", "", "none"].map(|name| ErrorFilter { assignee: text(name), ..none() }));
    all.extend(TEXTS.map(|words| ErrorFilter { text: text(words), ..none() }));
    for at in [0, 20, 59, 60] {
        all.push(ErrorFilter { from_ms: Some(BEGIN_MS + at), ..none() });
        all.push(ErrorFilter { until_ms: Some(BEGIN_MS + at), ..none() });
    }
    all
}

/// 60 errors of all kinds.
async fn filled(world: &World) -> Both {
    let both = open(world, KEEPS_APART, &["a", "b"]).await;
    for number in 0..60_usize {
        let event_id = number as u64;
        if number % 10 == 9 {
            world.deliver(&both.store, format!("[{number}]")).await;
        } else {
            world.deliver(&both.store, body(&[event(event_id)])).await;
            let (at, other) = if number % 3 == 0 { ("b", "a") } else { ("a", "b") };
            let page = world.page(&both.store, at).await;
            let failed = Failed {
                key: KEYS[number % KEYS.len()].to_owned(),
                class: ErrorClass::ALL[(number / 2) % 3],
                message: MESSAGES[(number / 3) % MESSAGES.len()].to_owned(),
                ..plain(event_id)
            };
            both.fail_page(world, &page, &failed).await;
            world.drain(&both.store, other).await;
        }
        let id = both.newest().await;
        if number % 4 == 0 {
            both.act(id, tag(TAGS[(number / 4) % 2])).await.unwrap();
        }
        if number % 5 == 0 {
            both.act(id, Act::Assign { to: Some(PEOPLE[(number / 5) % 2].to_owned()) }).await.unwrap();
        }
        match number % 7 {
            1 | 2 => drop(both.act(id, Act::Resolve).await.unwrap()),
            3 => drop(both.act(id, Act::Wait { until_ms: None }).await.unwrap()),
            _ => {}
        }
        world.pass(1);
    }
    // On their way, and not leased.
    for at in ["a", "b"] {
        let filter = ErrorFilter { destination: Some(at.to_owned()), ..only(State::Open) };
        for error in both.all(&filter, 10).await.iter().take(4) {
            both.act(error.id, Act::Retry).await.unwrap();
        }
    }
    both
}

fn numbers(errors: &[ErrorShown]) -> Vec<i64> {
    errors.iter().map(|error| error.id).collect()
}

pub(crate) async fn list_count_and_bulk_obey_a_filter_exactly(world: &World) {
    let both = filled(world).await;
    let everything = both.all(&ErrorFilter::default(), 1_000).await;
    assert_eq!(everything.len(), 60);
    assert!(numbers(&everything).windows(2).all(|two| two[0] > two[1]), "newest first");
    let mut runner = TestRunner::new(Config { failure_persistence: None, ..Config::default() });
    let drawn = (0..400).map(|_| filters().new_tree(&mut runner).unwrap().current());
    let mut hits = 0;
    for (number, filter) in lone().into_iter().chain(drawn).enumerate() {
        let expected: Vec<i64> =
            numbers(&everything.iter().filter(|error| matches(&filter, error)).cloned().collect::<Vec<_>>());
        hits += usize::from(!expected.is_empty());
        for limit in [7, 1_000] {
            assert_eq!(numbers(&both.all(&filter, limit).await), expected, "{filter:?}");
        }
        let counts = both.counts(&filter).await;
        assert_eq!(counts.values().sum::<u64>(), expected.len() as u64, "{filter:?}");
        if number % 4 == 0 && filter.tag.is_none() {
            let mark = format!("mark-{number}");
            let plan = both.plan(filter.clone(), tag(&mark)).await;
            assert_eq!(plan.effect.matched, expected.len() as u64, "{filter:?}");
            both.desk.start(ann(), plan.id).await.unwrap();
            assert_eq!(both.ended(plan.id).await.done, expected.len() as u64);
            let marked = ErrorFilter { tag: Some(mark.clone()), ..ErrorFilter::default() };
            assert_eq!(numbers(&both.all(&marked, 1_000).await), expected, "{filter:?}");
            let clean = Act::Tag { add: Vec::new(), remove: vec![mark] };
            let plan = both.plan(marked, clean).await;
            both.desk.start(ann(), plan.id).await.unwrap();
            both.ended(plan.id).await;
        }
    }
    assert!(hits > 100, "{hits}");
    both.close().await;
}

pub(crate) async fn a_list_has_no_gap_and_no_repeat_while_errors_arrive(world: &World) {
    let both = open(world, KEEPS_APART, &["a"]).await;
    let mut expected: Vec<i64> = both.fail(world, &(0..30).map(plain).collect::<Vec<_>>()).await;
    expected.reverse();
    for filter in [ErrorFilter::default(), only(State::Open)] {
        let (mut seen, mut cursor, mut next) = (Vec::new(), None, both.newest().await.unsigned_abs() + 100);
        loop {
            let query = Query { filter: filter.clone(), cursor, limit: 4 };
            let listing = both.desk.errors(query).await.unwrap();
            seen.extend(numbers(&listing.items));
            cursor = listing.next;
            if cursor.is_none() {
                break;
            }
            both.fail(world, &[plain(next)]).await;
            next += 1;
        }
        assert_eq!(seen, expected);
        expected = numbers(&both.all(&ErrorFilter::default(), 1_000).await);
    }
    assert_eq!(expected.iter().collect::<BTreeSet<_>>().len(), expected.len());
    for wrong in ["x", "-", "9999999999999999999999"] {
        let cursor = Some(Cursor::parse(wrong).unwrap());
        let asked = both.desk.errors(Query { filter: ErrorFilter::default(), cursor, limit: 4 }).await;
        assert!(matches!(asked, Err(DeskError::Invalid { .. })), "{wrong}");
    }
    both.close().await;
}

/// Statements for either store that put errors far apart by their numbers, so that many blocks hold them, a
/// second after each other; but one comes with an old time, of one the time goes back, and one failed again.
pub(crate) fn far_apart() -> String {
    let mut sql: String = (1..=40).map(|number| far(number, number * 1_000)).collect();
    sql.push_str(&far(41, 5));
    sql.push_str("UPDATE error SET last_at = 500 WHERE id = 12000; ");
    sql.push_str("UPDATE error SET last_at = 90000 WHERE id = 1800; ");
    sql
}

fn far(number: i64, at: i64) -> String {
    format!(
        "INSERT INTO error(id, first_at, last_at, delivery, message, element, attempts, has_payload, destination, \
         class, trace_key, code, data_uri) VALUES ({}, 1, {at}, 1, 1, 0, 1, true, 'a', 'value', 'k', 'c', ''); ",
        number * 600
    )
}

/// Lists up to each time, of a desk with the errors of [`far_apart`]; then their time is over.
pub(crate) async fn each_time_is_obeyed_far_apart(store: &dyn Store, desk: &dyn Desk) {
    let listed = async |filter: ErrorFilter| {
        desk.errors(Query { filter, cursor: None, limit: 1_000 }).await.unwrap().items
    };
    let all = listed(ErrorFilter::default()).await;
    assert_eq!(all.len(), 41);
    let mut times: Vec<i64> = all.iter().flat_map(|error| [error.last_at_ms, error.last_at_ms + 1]).collect();
    times.extend([0, 1_000_000]);
    for until in times {
        for (from_ms, states) in [
            (None, Vec::new()),
            (Some(3_000), Vec::new()),
            (None, vec![State::Open]),
            (Some(-1), vec![State::Open]),
        ] {
            let filter = ErrorFilter { from_ms, until_ms: Some(until), states, ..ErrorFilter::default() };
            let expected: Vec<_> = all.iter().filter(|error| matches(&filter, error)).cloned().collect();
            assert_eq!(numbers(&listed(filter.clone()).await), numbers(&expected), "{filter:?}");
        }
    }
    store.retain(&short()).await.unwrap();
    assert!(listed(ErrorFilter::default()).await.is_empty());
}
