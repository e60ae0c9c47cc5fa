//! The error desk of a store: states, folding, retries, bulk acts, filters.

mod bulk;
mod filter;
mod fold;
mod hooked;
mod retry;
mod state;

use std::collections::BTreeMap;

pub(crate) use self::{bulk::*, filter::*, fold::*, hooked::*, retry::*, state::*};
use super::*;
use crate::desk::{
    Act, Actor, Bulk, BulkState, Counting, Counts, Cursor, Desk, DeskError, ErrorDetail, ErrorFilter,
    ErrorShown, Plan, Query, Selection, State,
};

/// How the sorter of a store under test answers; the rest is [`Plain`]'s.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rules {
    /// [`Sort::folds`]
    pub(crate) folds: bool,
}

impl Sort for Rules {
    fn sort(&self, body: &[u8]) -> Vec<Sorted> {
        Plain.sort(body)
    }

    fn folds(&self) -> bool {
        self.folds
    }

    fn label(&self, record: &[u8], _failure: &Failure) -> Label {
        Label { trace_key: format!("raw_{}", record.len()), data_uri: String::new() }
    }
}

const FOLDS: Rules = Rules { folds: true };
const KEEPS_APART: Rules = Rules { folds: false };

/// A store and its desk.
struct Both {
    store: Arc<dyn Store>,
    desk: Arc<dyn Desk>,
}

async fn open(world: &World, rules: Rules, names: &[&str]) -> Both {
    let (store, desk) = (world.open_desk)(rules).await;
    set_destinations(&store, names).await;
    Both { store, desk }
}

fn ann() -> Actor {
    Actor("ann@example.com".to_owned())
}

/// An error to be.
#[derive(Clone, Debug)]
struct Failed {
    event: u64,
    destination: &'static str,
    key: String,
    class: ErrorClass,
    message: String,
    payload: bool,
}

/// With a key of its own.
fn plain(event: u64) -> Failed {
    Failed {
        event,
        destination: "a",
        key: format!("62515_{event}"),
        class: ErrorClass::Value,
        message: "no such property".to_owned(),
        payload: true,
    }
}

impl Both {
    /// Delivers events, takes them at their destination, and fails them there; numbers of the errors.
    async fn fail(&self, world: &World, all: &[Failed]) -> Vec<i64> {
        let mut ids = Vec::new();
        for failed in all {
            world.deliver(&self.store, body(&[event(failed.event)])).await;
            let page = world.page(&self.store, failed.destination).await;
            assert_eq!(page.records.len(), 1);
            self.fail_page(world, &page, failed).await;
            ids.push(self.newest().await);
        }
        ids
    }

    async fn fail_page(&self, world: &World, page: &Page, failed: &Failed) {
        let errors = page.records.iter().map(|record| {
            let error = failing(record, world.clock.now_ms());
            NewError {
                trace_key: failed.key.clone(),
                payload: error.payload.filter(|_| failed.payload),
                failure: Failure { class: failed.class, message: failed.message.clone(), ..error.failure },
                ..error
            }
        });
        let outcome = Outcome::Done { errors: errors.collect(), again: Vec::new(), again_at_ms: 0 };
        world.settle(&self.store, page, 400, outcome).await;
    }

    /// Settles a page as taken, with the trace keys of its records.
    async fn take(&self, world: &World, page: &Page, key: &str) {
        let settlement = Settlement {
            page: page.id.clone(),
            attempt: Some(world.attempt(200)),
            outcome: Outcome::Done { errors: Vec::new(), again: Vec::new(), again_at_ms: 0 },
            healed: page.records.iter().map(|record| (record.id, key.to_owned())).collect(),
        };
        self.store.settle(settlement).await.unwrap();
    }

    async fn newest(&self) -> i64 {
        let query = Query { filter: ErrorFilter::default(), cursor: None, limit: 1 };
        self.desk.errors(query).await.unwrap().items[0].id
    }

    async fn act(&self, error: i64, act: Act) -> Result<State, DeskError> {
        self.desk.act(ann(), error, act).await.map(|acted| acted.state)
    }

    async fn error(&self, id: i64) -> ErrorDetail {
        self.desk.error(id).await.unwrap()
    }

    async fn state(&self, id: i64) -> State {
        self.error(id).await.shown.state
    }

    /// All that match, over as many lists as it takes.
    async fn all(&self, filter: &ErrorFilter, limit: usize) -> Vec<ErrorShown> {
        let (mut items, mut cursor): (Vec<ErrorShown>, Option<Cursor>) = (Vec::new(), None);
        loop {
            let query = Query { filter: filter.clone(), cursor, limit };
            let listing = self.desk.errors(query).await.unwrap();
            assert!(listing.items.len() <= limit);
            items.extend(listing.items);
            cursor = listing.next;
            if cursor.is_none() {
                return items;
            }
        }
    }

    /// Open and pending at a destination, then open in all.
    async fn counters(&self, destination: &str) -> (u64, u64, u64) {
        let status = self.store.status().await.unwrap();
        let one = status.destinations.iter().find(|one| one.name == destination).unwrap();
        (one.open_errors, one.pending_records, status.open_errors)
    }

    /// The counts are those of the list; by state.
    async fn counts(&self, filter: &ErrorFilter) -> BTreeMap<&'static str, u64> {
        let Counts { total, exact, by_state, by_class, by_destination } =
            self.desk.count(filter.clone(), Counting::Exact).await.unwrap();
        assert!(exact);
        self.bounded(filter, total).await;
        let sum = |numbers: Vec<u64>| numbers.iter().sum::<u64>();
        assert_eq!(sum(by_state.iter().map(|(_, number)| *number).collect()), total);
        assert_eq!(sum(by_class.iter().map(|(_, number)| *number).collect()), total);
        assert_eq!(sum(by_destination.iter().map(|(_, number)| *number).collect()), total);
        by_state.into_iter().map(|(state, number)| (state.as_str(), number)).collect()
    }

    /// A bounded count says all, or that it does not.
    async fn bounded(&self, filter: &ErrorFilter, all: u64) {
        for bound in [1, 3, 10_000] {
            let counts = self.desk.count(filter.clone(), Counting::Look(bound)).await.unwrap();
            if counts.exact {
                assert_eq!(counts.total, all, "{filter:?}");
            } else {
                assert!(bound < 10_000 && counts.total <= all && counts.by_state.is_empty(), "{counts:?}");
            }
        }
    }

    async fn plan(&self, filter: ErrorFilter, act: Act) -> Plan {
        self.desk.plan(ann(), Selection::Errors(filter), act).await.unwrap()
    }

    /// Waits until a bulk act has ended.
    async fn ended(&self, id: i64) -> Bulk {
        let begin = Instant::now();
        loop {
            let bulk = self.desk.bulk(id).await.unwrap();
            if bulk.state != BulkState::Running {
                return bulk;
            }
            assert!(begin.elapsed() < Duration::from_mins(2), "{bulk:?}");
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }

    /// Waits until an error has a state.
    async fn comes_to(&self, id: i64, state: State) {
        let begin = Instant::now();
        while self.state(id).await != state {
            assert!(begin.elapsed() < Duration::from_secs(20), "{:?}", self.error(id).await.shown);
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }

    async fn close(self) {
        self.store.close().await;
    }
}

fn note(text: &str) -> Act {
    Act::Note { text: text.to_owned() }
}

fn edit(payload: &str) -> Act {
    Act::Edit { payload: Some(payload.to_owned()) }
}

fn tag(name: &str) -> Act {
    Act::Tag { add: vec![name.to_owned()], remove: Vec::new() }
}

fn only(state: State) -> ErrorFilter {
    ErrorFilter { states: vec![state], ..ErrorFilter::default() }
}
