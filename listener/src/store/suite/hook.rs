//! The hook before pages are cut: its outcomes, and what destinations see of them.

use proptest::prelude::*;

use super::*;

fn events(ids: std::ops::Range<u64>) -> Vec<String> {
    ids.map(event).collect()
}

fn changed_text(id: u64) -> String {
    format!(r#"{{"eventId":{id},  "big":123456789012345678901234567890,"seen":true}}"#)
}

fn change(record: &Record, id: u64) -> (RecordId, Bytes) {
    (record.id, changed_text(id).into())
}

/// Settles a page of the hook: its first record changes, its second is dropped, its third fails.
async fn one_of_each(world: &World, store: &Arc<dyn Store>, page: &Page, first: u64) {
    let [one, two, three, ..] = page.records.as_slice() else { panic!("a short page") };
    let outcome = Outcome::Hooked {
        changed: vec![change(one, first)],
        dropped: vec![two.id],
        errors: vec![failing(three, world.clock.now_ms())],
        again: Vec::new(),
        again_at_ms: 0,
    };
    world.settle(store, page, 200, outcome).await;
}

pub(crate) async fn destinations_wait_for_the_hook_and_take_what_it_gives(world: &World) {
    let store = world.open(&[PRE_PAGE, "a"]).await;
    world.deliver(&store, body(&events(0..5))).await;
    assert_eq!(wait(&store, world.ask("a")).await, None);
    let page = world.page(&store, PRE_PAGE).await;
    assert_eq!(texts(&page.records), events(0..5));
    assert_eq!(wait(&store, world.ask("a")).await, None, "it is at the hook");
    let mut changes = store.changes();
    changes.mark_unchanged();
    one_of_each(world, &store, &page, 0).await;
    assert!(changes.has_changed().unwrap(), "the destinations wait for it");
    let taken = world.page(&store, "a").await;
    assert_eq!(texts(&taken.records), [changed_text(0), event(3), event(4)]);
    let status = store.status().await.unwrap();
    let hook = status.hook.clone().unwrap();
    assert_eq!((hook.passed_records, hook.changed_records, hook.dropped_records), (3, 1, 1));
    assert_eq!((hook.open_errors, hook.pending_records, status.open_errors), (1, 0, 1));
    assert_eq!(status.destinations.len(), 1, "the hook is no destination");
    let a = &status.destinations[0];
    assert_eq!((a.withheld_records, a.ignored_records, a.pending_records), (2, 0, 3));
    let errors = store.open_errors(10).await.unwrap();
    assert_eq!(errors[0].destination.as_deref(), Some(PRE_PAGE));
    assert_eq!(errors[0].page.as_ref(), Some(&page.id));
    assert_eq!(errors[0].error, failing(&page.records[2], world.clock.now_ms()));
    store.close().await;
}

pub(crate) async fn what_the_hook_gave_is_read_at_every_attempt_and_after_reopening(world: &World) {
    let store = world.open(&[PRE_PAGE, "a", "b"]).await;
    world.deliver(&store, body(&events(0..4))).await;
    let page = world.page(&store, PRE_PAGE).await;
    one_of_each(world, &store, &page, 0).await;
    let expected = [changed_text(0), event(3)];
    let first = world.page(&store, "a").await;
    assert_eq!(texts(&first.records), expected);
    world.settle(&store, &first, 503, Outcome::Retry { at_ms: world.clock.now_ms() }).await;
    let again = world.page(&store, "a").await;
    assert_eq!((&again.id, texts(&again.records)), (&first.id, expected.to_vec()));
    let other = world.page(&store, "b").await;
    world.settle(&store, &other, 503, Outcome::Retry { at_ms: i64::MAX }).await;
    drop(store);
    let store = world.open(&[PRE_PAGE, "a"]).await;
    let errors = store.open_errors(2).await.unwrap();
    let payloads: Vec<_> = errors.iter().rev().map(|open| open.error.payload.clone().unwrap()).collect();
    assert_eq!(payloads, expected.clone().map(Bytes::from), "of the destination that is gone");
    let third = world.page(&store, "a").await;
    assert_eq!((&third.id, texts(&third.records)), (&first.id, expected.to_vec()));
    world.done(&store, &third).await;
    assert_eq!(store.status().await.unwrap().pending_records, 0);
    store.close().await;
}

pub(crate) async fn order_holds_while_the_hook_is_asked_again(world: &World) {
    let store = world.open(&[PRE_PAGE, "a"]).await;
    world.deliver(&store, body(&events(0..6))).await;
    let ask = || PageRequest { size: 2, ..world.ask(PRE_PAGE) };
    let mut pages = Vec::new();
    for _ in 0..3 {
        pages.push(page(&store, ask()).await);
    }
    world.done(&store, &pages[1]).await;
    world.done(&store, &pages[2]).await;
    assert_eq!(wait(&store, world.ask("a")).await, None, "the first two are not settled");
    let at_ms = world.clock.now_ms() + 10;
    world.settle(&store, &pages[0], 503, Outcome::Retry { at_ms }).await;
    assert_eq!(wait(&store, world.ask("a")).await, None);
    world.pass(10);
    let again = page(&store, ask()).await;
    assert_eq!((&again.id, &again.records), (&pages[0].id, &pages[0].records));
    let outcome = Outcome::Hooked {
        changed: vec![change(&again.records[0], 0)],
        dropped: Vec::new(),
        errors: Vec::new(),
        again: vec![again.records[1].id],
        again_at_ms: world.clock.now_ms(),
    };
    world.settle(&store, &again, 200, outcome).await;
    assert_eq!(texts(&world.page(&store, "a").await.records), [changed_text(0)]);
    assert_eq!(wait(&store, world.ask("a")).await, None, "the second goes again");
    let child = page(&store, ask()).await;
    assert_eq!(texts(&child.records), [event(1)]);
    world.done(&store, &child).await;
    assert_eq!(texts(&world.page(&store, "a").await.records), events(1..6));
    store.close().await;
}

pub(crate) async fn a_call_that_was_answered_and_not_settled_comes_again_as_it_was(world: &World) {
    let store = world.open(&[PRE_PAGE, "a"]).await;
    world.deliver(&store, body(&events(0..5))).await;
    let ask = || PageRequest { size: 3, ..world.ask(PRE_PAGE) };
    let (first, second) = (page(&store, ask()).await, page(&store, ask()).await);
    world.done(&store, &second).await;
    // The hook has answered the first; then the process is killed.
    drop(store);
    let store = world.open(&[PRE_PAGE, "a"]).await;
    assert_eq!(wait(&store, world.ask("a")).await, None, "nothing went around the hook");
    let again = page(&store, ask()).await;
    assert_eq!((&again.id, &again.records, again.attempts), (&first.id, &first.records, 0));
    assert_eq!(wait(&store, ask()).await, None, "the second does not come again");
    one_of_each(world, &store, &again, 0).await;
    assert_eq!(texts(&world.page(&store, "a").await.records), [changed_text(0), event(3), event(4)]);
    store.close().await;
}

pub(crate) async fn a_hook_that_is_added_begins_with_what_comes_then(world: &World) {
    let store = world.open(&["a"]).await;
    world.deliver(&store, body(&events(0..3))).await;
    set_destinations(&store, &[PRE_PAGE, "a"]).await;
    world.deliver(&store, body(&events(3..5))).await;
    assert_eq!(texts(&world.page(&store, "a").await.records), events(0..3), "as if there were no hook");
    assert_eq!(wait(&store, world.ask("a")).await, None);
    let page = world.page(&store, PRE_PAGE).await;
    assert_eq!(texts(&page.records), events(3..5));
    world.done(&store, &page).await;
    assert_eq!(texts(&world.page(&store, "a").await.records), events(3..5));
    store.close().await;
}

pub(crate) async fn a_hook_that_is_removed_lets_what_waits_go_on_unchanged(world: &World) {
    let store = world.open(&[PRE_PAGE, "a"]).await;
    world.deliver(&store, body(&events(0..9))).await;
    let ask = || PageRequest { size: 3, ..world.ask(PRE_PAGE) };
    let (settled, waiting, leased) =
        (page(&store, ask()).await, page(&store, ask()).await, page(&store, ask()).await);
    one_of_each(world, &store, &settled, 0).await;
    world.settle(&store, &waiting, 503, Outcome::Retry { at_ms: i64::MAX }).await;
    world.deliver(&store, body(&events(9..11))).await;
    set_destinations(&store, &["a"]).await;
    assert!(store.status().await.unwrap().hook.is_none());
    let late = Outcome::Hooked {
        changed: vec![change(&leased.records[0], 6)],
        dropped: Vec::new(),
        errors: Vec::new(),
        again: Vec::new(),
        again_at_ms: 0,
    };
    let late = Settlement { page: leased.id.clone(), attempt: None, outcome: late, healed: Vec::new() };
    assert!(store.settle(late).await.is_err(), "too late");
    let mut expected = vec![changed_text(0)];
    expected.extend(events(3..11));
    assert_eq!(texts(&world.page(&store, "a").await.records), expected);
    // Back again: it begins anew.
    set_destinations(&store, &[PRE_PAGE, "a"]).await;
    assert_eq!(wait(&store, world.ask(PRE_PAGE)).await, None);
    world.deliver(&store, body(&events(11..12))).await;
    assert_eq!(texts(&world.page(&store, PRE_PAGE).await.records), events(11..12));
    assert_eq!(wait(&store, world.ask("a")).await, None);
    assert_eq!(store.status().await.unwrap().open_errors, 1, "removing it failed nothing");
    store.close().await;
}

pub(crate) async fn a_hooks_outcome_that_cannot_be_changes_nothing(world: &World) {
    let store = world.open(&[PRE_PAGE, "a"]).await;
    world.deliver(&store, body(&events(0..2))).await;
    let at_hook = world.page(&store, PRE_PAGE).await;
    let id = at_hook.records[0].id;
    let stranger = RecordId { delivery: 9, element: 9 };
    let hooked = |changed: Vec<(RecordId, Bytes)>, dropped: Vec<RecordId>| Outcome::Hooked {
        changed,
        dropped,
        errors: Vec::new(),
        again: Vec::new(),
        again_at_ms: 0,
    };
    for outcome in [
        hooked(vec![(id, Bytes::from_static(b"{}"))], vec![id]),
        hooked(Vec::new(), vec![id, id]),
        hooked(Vec::new(), vec![stranger]),
    ] {
        let settlement = Settlement { page: at_hook.id.clone(), attempt: None, outcome, healed: Vec::new() };
        assert!(matches!(store.settle(settlement).await, Err(StoreError::Failed(_))));
    }
    world.done(&store, &at_hook).await;
    let at_a = world.page(&store, "a").await;
    let outcome = hooked(Vec::new(), vec![id]);
    let settlement = Settlement { page: at_a.id.clone(), attempt: None, outcome, healed: Vec::new() };
    assert!(store.settle(settlement).await.is_err(), "a destination is no hook");
    assert_eq!(texts(&at_a.records), events(0..2));
    store.close().await;
}

/// A thing that is done to a store with a hook.
#[derive(Clone, Debug)]
pub(crate) enum HookStep {
    /// A delivery of so many events.
    Append(u8),
    /// A page of the hook, or of the destination, is leased and settled in one of the ways.
    Page { hook: bool, size: usize, fate: u8 },
    /// Time passes.
    Pass(u16),
    /// Let go of without closing, and opened.
    Stop,
}

/// Sequences of steps.
pub(crate) fn hook_steps() -> impl Strategy<Value = Vec<HookStep>> {
    let step = prop_oneof![
        4 => (0_u8..9).prop_map(HookStep::Append),
        12 => (any::<bool>(), 1_usize..6, any::<u8>())
            .prop_map(|(hook, size, fate)| HookStep::Page { hook, size, fate }),
        2 => (0_u16..300).prop_map(HookStep::Pass),
        1 => Just(HookStep::Stop),
    ];
    prop::collection::vec(step, 1..50)
}

/// What the destination must see, and what it has seen.
#[derive(Default)]
struct Seen {
    /// What the hook let through, by record.
    passed: std::collections::BTreeMap<RecordId, Bytes>,
    withheld: u64,
    /// What the destination was given, by record.
    given: std::collections::BTreeMap<RecordId, Bytes>,
    last: Option<RecordId>,
}

/// Does the steps, then settles what is left: each record ends once, and a destination sees
/// each by order of arrival and always as the hook gave it.
pub(crate) async fn whatever_the_hook_does_each_record_goes_on_once_and_in_order(
    world: &World,
    steps: Vec<HookStep>,
) {
    let names = [PRE_PAGE, "a"];
    let mut store = world.open(&names).await;
    let mut seen = Seen::default();
    let mut next = 0;
    for step in steps {
        match step {
            HookStep::Append(count) => {
                let last = next + u64::from(count);
                world.append(&store, body(&events(next..last))).await;
                next = last;
            }
            HookStep::Page { hook, size, fate } => {
                let ask = PageRequest { size, ..world.ask(names[usize::from(!hook)]) };
                if let Lease::Page(page) = store.lease(ask).await.unwrap() {
                    seen.settle(world, &store, &page, fate).await;
                }
            }
            HookStep::Pass(ms) => world.pass(ms.into()),
            HookStep::Stop => {
                drop(store);
                store = world.open(&names).await;
            }
        }
    }
    indexed(&store).await;
    store.close().await;
    let store = world.open(&names).await;
    world.pass(1_000_000);
    for name in names {
        while let Lease::Page(page) = store.lease(world.ask(name)).await.unwrap() {
            seen.settle(world, &store, &page, 0).await;
        }
    }
    assert_eq!(seen.given, seen.passed);
    let status = store.status().await.unwrap();
    let hook = status.hook.unwrap();
    assert_eq!(hook.passed_records, seen.passed.len() as u64);
    assert_eq!(hook.dropped_records + hook.open_errors, seen.withheld);
    assert_eq!(seen.passed.len() as u64 + seen.withheld, next);
    assert_eq!((hook.pending_records, status.pending_records), (0, 0));
    let a = &status.destinations[0];
    assert_eq!((a.delivered_records, a.withheld_records), (seen.passed.len() as u64, seen.withheld));
    store.close().await;
}

impl Seen {
    async fn settle(&mut self, world: &World, store: &Arc<dyn Store>, page: &Page, fate: u8) {
        let due = world.clock.now_ms() + i64::from(fate);
        if page.destination == PRE_PAGE {
            return self.settle_hook(world, store, page, fate, due).await;
        }
        for record in &page.records {
            if let Some(before) = self.given.insert(record.id, record.bytes.clone()) {
                assert_eq!(before, record.bytes, "another reading gives other bytes");
            } else {
                assert!(self.last < Some(record.id), "out of order: {}", record.id);
                self.last = Some(record.id);
            }
            assert_eq!(self.passed.get(&record.id), Some(&record.bytes), "{}", record.id);
        }
        match fate % 3 {
            0 => world.done(store, page).await,
            1 => world.settle(store, page, 503, Outcome::Retry { at_ms: due }).await,
            _ => {}
        }
    }

    async fn settle_hook(&mut self, world: &World, store: &Arc<dyn Store>, page: &Page, fate: u8, due: i64) {
        match fate % 4 {
            0 => {
                world.done(store, page).await;
                self.passed.extend(page.records.iter().map(|record| (record.id, record.bytes.clone())));
            }
            1 => world.settle(store, page, 503, Outcome::Retry { at_ms: due }).await,
            2 => {
                let (mut changed, mut dropped) = (Vec::new(), Vec::new());
                let (mut errors, mut again) = (Vec::new(), Vec::new());
                for (record, way) in page.records.iter().zip(usize::from(fate / 4)..) {
                    match way % 5 {
                        0 => changed.push((record.id, Bytes::from(format!(r#"{{"was":"{}"}}"#, record.id)))),
                        1 => dropped.push(record.id),
                        2 => errors.push(failing(record, due)),
                        3 => again.push(record.id),
                        _ => {
                            self.passed.insert(record.id, record.bytes.clone());
                        }
                    }
                }
                self.passed.extend(changed.iter().cloned());
                self.withheld += (dropped.len() + errors.len()) as u64;
                let outcome = Outcome::Hooked { changed, dropped, errors, again, again_at_ms: due };
                world.settle(store, page, 200, outcome).await;
            }
            _ => {}
        }
    }
}

/// A store with the destination `a` alone gets a hook, which then holds back what comes.
pub(crate) async fn destinations_wait_after_a_hook_was_added(world: &World, store: &Arc<dyn Store>) {
    set_destinations(store, &[PRE_PAGE, "a"]).await;
    world.deliver(store, body(&events(0..3))).await;
    assert_eq!(wait(store, world.ask("a")).await, None);
    let page = world.page(store, PRE_PAGE).await;
    one_of_each(world, store, &page, 0).await;
    assert_eq!(texts(&world.page(store, "a").await.records), [changed_text(0)]);
}
