//! Any order of operations, with stops in between: what was acknowledged is there, once.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::*;

/// A thing that is done to a store.
#[derive(Clone, Debug)]
pub(crate) enum Step {
    /// Elements of a delivery: below 200 an event of that number, then ignored, then unusable.
    Append(Vec<u8>),
    /// A page is leased and settled in one of the ways.
    Page { first: bool, size: usize, fate: u8 },
    /// Time passes.
    Pass(u16),
    /// Closed and opened.
    Close,
    /// Let go of without closing, and opened.
    Stop,
}

/// Sequences of steps.
pub(crate) fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        6 => prop::collection::vec(any::<u8>(), 0..12).prop_map(Step::Append),
        8 => (any::<bool>(), 1_usize..6, any::<u8>())
            .prop_map(|(first, size, fate)| Step::Page { first, size, fate }),
        2 => (0_u16..3_000).prop_map(Step::Pass),
        1 => Just(Step::Close),
        1 => Just(Step::Stop),
    ];
    prop::collection::vec(step, 1..40)
}

#[derive(Default)]
struct Model {
    events: u64,
    ignored: u64,
    unusable: u64,
    records: BTreeSet<String>,
    /// How often each text was delivered or failed, by destination.
    ends: BTreeMap<(String, String), u64>,
    failed: u64,
}

const NAMES: [&str; 2] = ["all", "even"];

fn ask(world: &World, destination: &str, size: usize) -> PageRequest {
    let even: Router = Arc::new(|record| {
        let fields: serde_json::Value = serde_json::from_slice(&record.bytes).unwrap();
        if fields["eventId"].as_u64().unwrap().is_multiple_of(2) { Route::Take } else { Route::Skip }
    });
    let request = world.ask(destination);
    if destination == "even" {
        PageRequest { size, route: even, ..request }
    } else {
        PageRequest { size, ..request }
    }
}

/// Does the steps, then delivers what is left, and counts.
pub(crate) async fn whatever_is_done_each_acknowledged_event_ends_once(world: &World, steps: Vec<Step>) {
    let mut store = world.open(&NAMES).await;
    let mut model = Model::default();
    for step in steps {
        match step {
            Step::Append(elements) => {
                let body = model.append(&elements);
                world.append(&store, body).await;
            }
            Step::Page { first, size, fate } => {
                let name = NAMES[usize::from(first)];
                if let Lease::Page(page) = store.lease(ask(world, name, size)).await.unwrap() {
                    model.settle(world, &store, &page, fate).await;
                }
            }
            Step::Pass(ms) => world.pass(ms.into()),
            Step::Close => {
                store.close().await;
                store = world.open(&NAMES).await;
            }
            Step::Stop => {
                drop(store);
                store = world.open(&NAMES).await;
            }
        }
    }
    indexed(&store).await;
    model.check(&store).await;
    world.pass(1_000_000);
    // Leased pages that nobody settled come back.
    store.close().await;
    let store = world.open(&NAMES).await;
    for name in NAMES {
        while let Lease::Page(page) = store.lease(ask(world, name, 50)).await.unwrap() {
            world.done(&store, &page).await;
            model.end(name, &page.records);
        }
    }
    model.check(&store).await;
    assert_eq!(store.status().await.unwrap().pending_records, 0);
    for text in &model.records {
        assert_eq!(model.ends.get(&("all".to_owned(), text.clone())), Some(&1), "{text}");
    }
    assert!(model.ends.values().all(|times| *times == 1), "{:?}", model.ends);
    store.close().await;
}

impl Model {
    fn append(&mut self, elements: &[u8]) -> String {
        self.events += elements.len() as u64;
        let texts: Vec<_> = elements
            .iter()
            .map(|element| match element {
                0..200 => {
                    let text = event(u64::from(*element));
                    self.records.insert(text.clone());
                    text
                }
                200..230 => {
                    self.ignored += 1;
                    r#"{"ignore":true}"#.to_owned()
                }
                230.. => {
                    self.unusable += 1;
                    "null".to_owned()
                }
            })
            .collect();
        body(&texts)
    }

    fn end(&mut self, destination: &str, records: &[Record]) {
        for text in texts(records) {
            *self.ends.entry((destination.to_owned(), text)).or_default() += 1;
        }
    }

    async fn settle(&mut self, world: &World, store: &Arc<dyn Store>, page: &Page, fate: u8) {
        let due = world.clock.now_ms() + i64::from(fate);
        match fate % 5 {
            0 => {
                world.done(store, page).await;
                self.end(&page.destination, &page.records);
            }
            1 => world.settle(store, page, 503, Outcome::Retry { at_ms: due }).await,
            2 => {
                let back = Settlement {
                    page: page.id.clone(),
                    attempt: None,
                    outcome: Outcome::GivenBack,
                    healed: Vec::new(),
                };
                store.settle(back).await.unwrap();
            }
            3 => {
                let (failed, rest) = page.records.split_at(page.records.len() / 3);
                let (again, done) = rest.split_at(rest.len() / 2);
                let outcome = Outcome::Done {
                    errors: failed.iter().map(|record| failing(record, due)).collect(),
                    again: again.iter().map(|record| record.id).collect(),
                    again_at_ms: due,
                };
                world.settle(store, page, 207, outcome).await;
                self.failed += failed.len() as u64;
                self.end(&page.destination, failed);
                self.end(&page.destination, done);
            }
            _ => {}
        }
    }

    async fn check(&self, store: &Arc<dyn Store>) {
        let status = store.status().await.unwrap();
        assert_eq!(status.events, self.events);
        assert_eq!(status.records, self.records.len() as u64);
        assert_eq!(status.ignored, self.ignored);
        assert_eq!(status.duplicates, self.events - status.records - self.ignored - self.unusable);
        assert_eq!(status.open_errors, self.unusable + self.failed);
        for destination in &status.destinations {
            let ends = destination.delivered_records + destination.ignored_records + destination.open_errors;
            assert_eq!(ends + destination.pending_records, status.records, "{destination:?}");
        }
    }
}
