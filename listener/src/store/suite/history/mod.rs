//! What a store shows of deliveries, records, refused requests and time, and replays.

mod deliveries;
mod records;
mod refusals;
mod replay;
mod series;
mod way;

pub(crate) use self::{deliveries::*, records::*, refusals::*, replay::*, series::*, way::*};
use super::*;
use crate::desk::{
    Act, Actor, Bulk, BulkState, Cursor, DeskError, Plan, Query, RecordDetail, RecordFilter, RecordShown,
    Selection, StepKind,
};

/// How the sorter of a store under test names records: `<prefix>_<eventId>`; the rest is [`Plain`]'s.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Named {
    /// Before the event's id.
    pub(crate) prefix: &'static str,
}

impl Sort for Named {
    fn sort(&self, body: &[u8]) -> Vec<Sorted> {
        Plain.sort(body)
    }

    fn name(&self, record: &[u8]) -> Label {
        let record: serde_json::Value = serde_json::from_slice(record).unwrap_or_default();
        let Some(id) = record["eventId"].as_u64() else { return Label::default() };
        Label { trace_key: format!("{}_{id}", self.prefix), data_uri: format!("https://e/{id}") }
    }
}

const FIRST: Named = Named { prefix: "k" };

/// A store, what it shows, and what may be done.
struct Shows {
    store: Arc<dyn Store>,
    desk: Arc<dyn Desk>,
    history: Arc<dyn History>,
}

async fn open(world: &World, named: Named, destinations: &[&str]) -> Shows {
    let (store, desk, history) = (world.open_history)(named).await;
    set_destinations(&store, destinations).await;
    Shows { store, desk, history }
}

/// An event about an object.
fn about(id: u64, object: u64) -> String {
    format!(
        r#"{{"eventId":{id},"occurredAt":{BEGIN_MS},"subscriptionType":"contact.creation","objectId":{object}}}"#
    )
}

fn events(ids: std::ops::Range<u64>) -> String {
    body(&ids.map(|id| about(id, id % 7)).collect::<Vec<_>>())
}

fn ann() -> Actor {
    Actor("ann@example.com".to_owned())
}

impl Shows {
    /// All that match, over as many lists as it takes, each of at most `limit`.
    async fn records(&self, filter: &RecordFilter, limit: usize) -> Vec<RecordShown> {
        let (mut items, mut cursor): (Vec<RecordShown>, Option<Cursor>) = (Vec::new(), None);
        loop {
            let query = Query { filter: filter.clone(), cursor, limit };
            let listing = self.history.records(query).await.unwrap().list;
            assert!(listing.items.len() <= limit);
            items.extend(listing.items);
            cursor = listing.next;
            if cursor.is_none() {
                return items;
            }
        }
    }

    /// The same, by name.
    async fn names(&self, filter: &RecordFilter) -> Vec<String> {
        self.records(filter, 100).await.into_iter().map(|shown| shown.record).collect()
    }

    /// Waits until the search index holds every delivery.
    async fn searched(&self) {
        let begin = Instant::now();
        let filter = RecordFilter { object_id: Some("none".to_owned()), ..RecordFilter::default() };
        loop {
            let query = Query { filter: filter.clone(), cursor: None, limit: 1 };
            if self.history.records(query).await.unwrap().behind == 0 {
                return;
            }
            assert!(begin.elapsed() < Duration::from_secs(20), "the search index does not follow");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    async fn record(&self, id: RecordId) -> RecordDetail {
        self.history.record(id).await.unwrap()
    }

    /// Its way as kinds and places.
    async fn way(&self, id: RecordId) -> Vec<(StepKind, Option<String>)> {
        self.record(id).await.way.into_iter().map(|step| (step.what, step.destination)).collect()
    }

    async fn plan(&self, filter: RecordFilter, to: &str) -> Plan {
        self.desk.plan(ann(), Selection::Records(filter), Act::Replay { to: to.to_owned() }).await.unwrap()
    }

    async fn start(&self, plan: &Plan) -> Bulk {
        self.desk.start(ann(), plan.id).await.unwrap()
    }

    async fn pending(&self, destination: &str) -> u64 {
        let status = self.store.status().await.unwrap();
        status.destinations.iter().find(|one| one.name == destination).unwrap().pending_records
    }

    async fn close(self) {
        self.store.close().await;
    }
}

fn id(delivery: u64, element: u32) -> RecordId {
    RecordId { delivery, element }
}

#[expect(clippy::unnecessary_wraps, reason = "it stands where a filter or a step may have one")]
fn at(destination: &str) -> Option<String> {
    Some(destination.to_owned())
}

fn to(destination: &str) -> RecordFilter {
    RecordFilter { delivered_to: at(destination), ..RecordFilter::default() }
}
