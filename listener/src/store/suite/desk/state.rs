//! States, and what may be done in each.

use super::*;

/// Brings a new error into a state.
async fn brought(both: &Both, world: &World, event: u64, state: State) -> i64 {
    let id = both.fail(world, &[plain(event)]).await[0];
    match state {
        State::Open => {}
        State::Waiting => drop(both.act(id, Act::Wait { until_ms: None }).await.unwrap()),
        State::Retrying => drop(both.act(id, Act::Retry).await.unwrap()),
        State::Resolved => drop(both.act(id, Act::Resolve).await.unwrap()),
    }
    assert_eq!(both.state(id).await, state);
    id
}

pub(crate) async fn an_act_is_done_in_the_states_that_allow_it_and_refused_in_the_others(world: &World) {
    use State::{Open, Resolved, Retrying, Waiting};
    let both = open(world, FOLDS, &["a"]).await;
    let table: [(Act, [Option<State>; 4]); 8] = [
        (Act::Retry, [Some(Retrying), Some(Retrying), None, None]),
        (Act::Resolve, [Some(Resolved), Some(Resolved), None, None]),
        (Act::Reopen, [None, Some(Open), None, Some(Open)]),
        (Act::Wait { until_ms: None }, [Some(Waiting), Some(Waiting), None, None]),
        (edit("{}"), [Some(Open), Some(Waiting), None, None]),
        (
            Act::Assign { to: Some("bob".to_owned()) },
            [Some(Open), Some(Waiting), Some(Retrying), Some(Resolved)],
        ),
        (tag("x"), [Some(Open), Some(Waiting), Some(Retrying), Some(Resolved)]),
        (note("seen"), [Some(Open), Some(Waiting), Some(Retrying), Some(Resolved)]),
    ];
    let mut event = 0;
    for (act, after) in table {
        for (before, expected) in [Open, Waiting, Retrying, Resolved].into_iter().zip(after) {
            event += 1;
            let id = brought(&both, world, event, before).await;
            let counted = both.counts(&ErrorFilter::default()).await;
            let done = both.act(id, act.clone()).await;
            let told = format!("{act:?} in {before:?}: {done:?}");
            if let Some(state) = expected {
                assert_eq!(done.unwrap(), state, "{told}");
            } else {
                assert!(matches!(done, Err(DeskError::Conflict { .. })), "{told}");
                assert_eq!(both.counts(&ErrorFilter::default()).await, counted);
            }
            assert_eq!(both.state(id).await, expected.unwrap_or(before), "{told}");
            // Whatever is on its way is not in the way of the next.
            while let Lease::Page(page) = both.store.lease(world.ask("a")).await.unwrap() {
                world.done(&both.store, &page).await;
            }
        }
    }
    both.close().await;
}

pub(crate) async fn open_and_pending_are_right_at_each_step(world: &World) {
    let both = open(world, FOLDS, &["a"]).await;
    let id = both.fail(world, &[plain(1), plain(2)]).await[0];
    assert_eq!(both.counters("a").await, (2, 0, 2));
    both.act(id, Act::Wait { until_ms: None }).await.unwrap();
    assert_eq!(both.counters("a").await, (2, 0, 2), "what waits is open to a counter");
    both.act(id, Act::Retry).await.unwrap();
    assert_eq!(both.counters("a").await, (1, 1, 1));
    let page = world.page(&both.store, "a").await;
    assert_eq!(both.counters("a").await, (1, 1, 1));
    both.fail_page(world, &page, &plain(1)).await;
    assert_eq!(both.counters("a").await, (2, 0, 2));
    both.act(id, Act::Retry).await.unwrap();
    let page = world.page(&both.store, "a").await;
    world.done(&both.store, &page).await;
    assert_eq!(both.counters("a").await, (1, 0, 1));
    let status = both.store.status().await.unwrap();
    assert_eq!((status.records, status.destinations[0].delivered_records), (2, 1));
    both.act(id, Act::Reopen).await.unwrap();
    assert_eq!(both.counters("a").await, (2, 0, 2));
    both.close().await;
}

pub(crate) async fn an_edited_payload_stands_beside_the_original(world: &World) {
    let both = open(world, FOLDS, &["a"]).await;
    let id = both.fail(world, &[plain(1)]).await[0];
    let text = r#"{"objectId": 9007199254740993,  "email":"ann@example.com"}"#;
    world.pass(5);
    both.act(id, edit(text)).await.unwrap();
    let error = both.error(id).await;
    assert_eq!(error.payload.unwrap(), event(1));
    let (edited, by, at_ms) = error.edited.unwrap();
    assert_eq!((edited.as_ref(), by.as_str(), at_ms), (text.as_bytes(), "ann@example.com", BEGIN_MS + 5));
    assert!(error.shown.edited);
    for wrong in ["", "{", "[1]", "7"] {
        assert!(matches!(both.act(id, edit(wrong)).await, Err(DeskError::Invalid { .. })), "{wrong}");
    }
    both.act(id, Act::Edit { payload: None }).await.unwrap();
    let error = both.error(id).await;
    assert_eq!((error.edited, error.shown.edited), (None, false));
    both.close().await;
}

pub(crate) async fn who_did_what_stands_in_the_audit_log(world: &World) {
    let both = open(world, FOLDS, &["a"]).await;
    let ids = both.fail(world, &[plain(1), plain(2)]).await;
    both.act(ids[0], Act::Assign { to: Some("bob".to_owned()) }).await.unwrap();
    world.pass(10);
    let two = Act::Tag { add: vec!["z".to_owned(), "b".to_owned()], remove: vec!["none".to_owned()] };
    both.desk.act(Actor("bob".to_owned()), ids[0], two).await.unwrap();
    both.act(ids[0], note("  looked at it ")).await.unwrap();
    assert!(both.act(ids[0], Act::Reopen).await.is_err(), "what is refused is no act");
    both.act(ids[1], Act::Resolve).await.unwrap();
    let error = both.error(ids[0]).await;
    assert_eq!(error.shown.tags, ["b", "z"]);
    assert_eq!(error.shown.assignee.as_deref(), Some("bob"));
    let notes: Vec<_> = error.notes.iter().map(|note| (note.by.as_str(), note.text.as_str())).collect();
    assert_eq!(notes, [("ann@example.com", "looked at it")]);
    let lines: Vec<_> = error
        .audit
        .iter()
        .map(|line| (line.actor.as_str(), line.act.as_str(), line.detail.as_str()))
        .collect();
    assert_eq!(
        lines,
        [
            ("ann@example.com", "note", ""),
            ("bob", "tag", "+z +b -none"),
            ("ann@example.com", "assign", "to bob"),
        ]
    );
    let (mut seen, mut cursor) = (Vec::new(), None);
    loop {
        let part = both.desk.audit(Query { filter: None, cursor, limit: 3 }).await.unwrap();
        seen.extend(part.items.into_iter().map(|line| (line.act, line.error)));
        cursor = part.next;
        if cursor.is_none() {
            break;
        }
    }
    let [first, second] = [Some(ids[0]), Some(ids[1])];
    let expected = [("resolve", second), ("note", first), ("tag", first), ("assign", first)];
    assert_eq!(seen, expected.map(|(act, error)| (act.to_owned(), error)));
    both.close().await;
}

pub(crate) async fn an_act_that_makes_no_sense_changes_nothing(world: &World) {
    let both = open(world, FOLDS, &["a"]).await;
    let id = both.fail(world, &[plain(1)]).await[0];
    let many = |number: usize| (0..number).map(|tag| format!("t{tag}")).collect::<Vec<_>>();
    for act in [
        note(" "),
        note(&"x".repeat(4_001)),
        Act::Assign { to: Some(" ".to_owned()) },
        Act::Tag { add: Vec::new(), remove: Vec::new() },
        tag(""),
        tag(&"x".repeat(64)),
        Act::Tag { add: many(33), remove: Vec::new() },
    ] {
        let done = both.act(id, act.clone()).await;
        assert!(matches!(done, Err(DeskError::Invalid { .. })), "{act:?}: {done:?}");
    }
    both.act(id, Act::Tag { add: many(32), remove: Vec::new() }).await.unwrap();
    let done = both.act(id, tag("one more")).await;
    assert!(matches!(done, Err(DeskError::Conflict { .. })), "{done:?}");
    assert_eq!(both.error(id).await.shown.tags.len(), 32);
    assert_eq!(both.error(id).await.audit.len(), 1);
    assert!(matches!(both.act(99, Act::Resolve).await, Err(DeskError::NotFound { .. })));
    assert!(matches!(both.desk.error(99).await, Err(DeskError::NotFound { .. })));
    both.close().await;
}

pub(crate) async fn waiting_errors_open_by_themselves(world: &World) {
    let both = open(world, FOLDS, &["a"]).await;
    let ids = both.fail(world, &[plain(1), plain(2), plain(3)]).await;
    both.act(ids[0], Act::Wait { until_ms: Some(BEGIN_MS + 1_000) }).await.unwrap();
    both.act(ids[1], Act::Wait { until_ms: Some(BEGIN_MS + 5_000) }).await.unwrap();
    both.act(ids[2], Act::Wait { until_ms: None }).await.unwrap();
    assert_eq!(both.error(ids[0]).await.shown.waits_until_ms, Some(BEGIN_MS + 1_000));
    world.pass(1_000);
    both.comes_to(ids[0], State::Open).await;
    assert_eq!(both.error(ids[0]).await.shown.waits_until_ms, None);
    both.close().await;
    world.pass(4_000);
    let both = open(world, FOLDS, &["a"]).await;
    both.comes_to(ids[1], State::Open).await;
    assert_eq!(both.state(ids[2]).await, State::Waiting, "until somebody opens it");
    assert_eq!(both.counts(&ErrorFilter::default()).await, BTreeMap::from([("open", 2), ("waiting", 1)]));
    both.close().await;
}

pub(crate) async fn without_a_payload_there_is_nothing_to_edit_or_to_retry(world: &World) {
    let both = open(world, FOLDS, &["a"]).await;
    let id = both.fail(world, &[Failed { payload: false, ..plain(1) }]).await[0];
    let error = both.error(id).await;
    assert_eq!((error.payload, error.shown.has_payload), (None, false));
    for act in [Act::Retry, edit("{}")] {
        match both.act(id, act).await {
            Err(DeskError::Conflict { reason, .. }) => assert!(reason.contains("not kept"), "{reason}"),
            other => panic!("{other:?}"),
        }
    }
    both.act(id, Act::Resolve).await.unwrap();
    both.close().await;
}

pub(crate) async fn errors_go_after_their_time_with_all_that_is_theirs(world: &World) {
    let both = open(world, FOLDS, &["a"]).await;
    let ids = both.fail(world, &[plain(1), plain(2), plain(3)]).await;
    for id in &ids {
        both.act(*id, tag("x")).await.unwrap();
        both.act(*id, note("x")).await.unwrap();
    }
    both.act(ids[1], Act::Retry).await.unwrap();
    world.pass(25 * HOUR_MS);
    let new = both.fail_retrying_last(world, 4).await;
    both.store.retain(&short()).await.unwrap();
    for id in [ids[0], ids[2]] {
        assert!(matches!(both.desk.error(id).await, Err(DeskError::NotFound { .. })));
    }
    assert_eq!(both.state(ids[1]).await, State::Retrying, "what is on its way stays");
    assert_eq!(both.state(new).await, State::Open);
    let tagged = ErrorFilter { tag: Some("x".to_owned()), ..ErrorFilter::default() };
    assert_eq!(both.all(&tagged, 10).await.len(), 1);
    assert_eq!(both.counts(&ErrorFilter::default()).await, BTreeMap::from([("open", 1), ("retrying", 1)]));
    assert_eq!(both.counters("a").await, (1, 1, 1));
    both.close().await;
}

impl Both {
    /// One more error, while another is on its way and not yet leased.
    async fn fail_retrying_last(&self, world: &World, number: u64) -> i64 {
        world.deliver(&self.store, body(&[event(number)])).await;
        loop {
            let page = world.page(&self.store, "a").await;
            if texts(&page.records) == [event(number)] {
                self.fail_page(world, &page, &plain(number)).await;
                return self.newest().await;
            }
            let back = Settlement {
                page: page.id.clone(),
                attempt: None,
                outcome: Outcome::Retry { at_ms: i64::MAX },
                healed: Vec::new(),
            };
            self.store.settle(back).await.unwrap();
        }
    }
}
