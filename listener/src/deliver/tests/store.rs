//! A store in memory, as simple as the trait allows: no linger, no dedupe.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard};

use async_trait::async_trait;
use bytes::Bytes;
use tokio::sync::watch;

use crate::store::*;
use crate::verify::{Request, Verified};

#[derive(Debug)]
pub(super) struct FakeStore {
    state: Mutex<State>,
    changes: watch::Sender<u64>,
}

#[derive(Debug, Default)]
pub(super) struct State {
    records: Vec<Record>,
    lines: BTreeMap<String, Line>,
    pages: u64,
    /// What `set_destinations` was called with.
    pub(super) told: Vec<Vec<String>>,
    pub(super) errors: Vec<NewError>,
    pub(super) delivered: Vec<RecordId>,
    /// What the hook gave.
    pub(super) changed: Vec<(RecordId, Bytes)>,
    pub(super) dropped: Vec<RecordId>,
    pub(super) given_back: u32,
    pub(super) leases: u32,
    /// It cannot be told the destinations.
    pub(super) failing_destinations: bool,
    /// Calls that are to fail.
    pub(super) failing_leases: u32,
    pub(super) failing_settlements: u32,
}

#[derive(Debug, Default)]
struct Line {
    cursor: usize,
    waiting: VecDeque<(i64, Page)>,
    leased: BTreeMap<u64, Page>,
}

impl FakeStore {
    pub(super) fn new() -> Arc<Self> {
        Arc::new(Self { state: Mutex::default(), changes: watch::Sender::new(0) })
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    /// Puts records in, as one delivery.
    pub(super) fn put(&self, records: &[&str]) {
        let mut state = self.state();
        let delivery = state.records.last().map_or(0, |record| record.id.delivery) + 1;
        for (element, json) in (0_u32..).zip(records) {
            let id = RecordId { delivery, element };
            let bytes = Bytes::copy_from_slice(json.as_bytes());
            state.records.push(Record { id, received_at_ms: 0, bytes });
        }
        drop(state);
        self.changed();
    }

    /// Puts `count` records in, each a delivery of its own.
    pub(super) fn put_many(&self, count: usize) {
        for number in 0..count {
            self.put(&[&format!("{{\"objectId\":{number}}}")]);
        }
    }

    pub(super) fn leased(&self) -> usize {
        self.state().lines.values().map(|line| line.leased.len()).sum()
    }

    pub(super) fn waiting(&self) -> Vec<Page> {
        let state = self.state();
        state.lines.values().flat_map(|line| line.waiting.iter().map(|(_, page)| page.clone())).collect()
    }

    fn changed(&self) {
        self.changes.send_modify(|count| *count += 1);
    }
}

impl State {
    fn lease(&mut self, request: &PageRequest) -> Lease {
        self.leases += 1;
        let Some(line) = self.lines.get_mut(&request.destination) else {
            return Lease::Wait { until_ms: None };
        };
        if let Some(place) = line.waiting.iter().position(|(due, _)| *due <= request.now_ms) {
            let (_, page) = line.waiting.remove(place).unwrap();
            line.leased.insert(page.id.number, page.clone());
            return Lease::Page(page);
        }
        let mut records = Vec::new();
        let mut bytes = request.envelope_bytes;
        while request.cut && line.waiting.len() < request.max_waiting && records.len() < request.size {
            let Some(record) = self.records.get(line.cursor) else { break };
            let cost = (request.cost)(record);
            if !records.is_empty() && bytes + cost > request.max_bytes {
                break;
            }
            line.cursor += 1;
            match (request.route)(record) {
                Route::Take => {
                    bytes += cost;
                    records.push(record.clone());
                }
                Route::Skip => {}
                Route::Fail(error) => self.errors.push(*error),
            }
        }
        if records.is_empty() {
            return Lease::Wait { until_ms: line.waiting.iter().map(|(due, _)| *due).min() };
        }
        self.pages += 1;
        let page = Page {
            id: PageId { store: Arc::from("5f0c9a7be13d4c28"), number: self.pages },
            destination: request.destination.clone(),
            records,
            attempts: 0,
            first_attempt_at_ms: None,
            oversized: bytes > request.max_bytes,
            heals: false,
        };
        line.leased.insert(page.id.number, page.clone());
        Lease::Page(page)
    }

    fn settle(&mut self, settlement: Settlement) {
        let Settlement { page, attempt, outcome, healed: _ } = settlement;
        let line =
            self.lines.values_mut().find(|line| line.leased.contains_key(&page.number)).expect("leased");
        let mut page = line.leased.remove(&page.number).unwrap();
        if let Some(attempt) = attempt {
            page.attempts += 1;
            page.first_attempt_at_ms.get_or_insert(attempt.at_ms);
        }
        match outcome {
            Outcome::GivenBack => {
                self.given_back += 1;
                line.waiting.push_front((0, page));
            }
            Outcome::Retry { at_ms } => line.waiting.push_back((at_ms, page)),
            Outcome::Hooked { changed, dropped, errors, again, again_at_ms } => {
                self.changed.extend(changed);
                self.dropped.extend(dropped);
                self.errors.extend(errors);
                if !again.is_empty() {
                    let records =
                        page.records.iter().filter(|record| again.contains(&record.id)).cloned().collect();
                    self.pages += 1;
                    let id = PageId { number: self.pages, ..page.id.clone() };
                    line.waiting.push_back((again_at_ms, Page { id, records, ..page }));
                }
            }
            Outcome::Done { errors, again, again_at_ms } => {
                let (again, taken): (Vec<_>, Vec<_>) =
                    page.records.iter().cloned().partition(|record| again.contains(&record.id));
                let failed = |id| errors.iter().any(|error| error.record == id);
                self.delivered.extend(taken.iter().map(|record| record.id).filter(|&id| !failed(id)));
                self.errors.extend(errors.iter().cloned());
                if !again.is_empty() {
                    self.pages += 1;
                    let id = PageId { number: self.pages, ..page.id.clone() };
                    line.waiting.push_back((again_at_ms, Page { id, records: again, ..page }));
                }
            }
        }
    }
}

#[async_trait]
impl Store for FakeStore {
    async fn append(&self, _: Request<Verified>) -> Result<Appended, AppendError> {
        Err(AppendError::Closed)
    }

    fn refuse(&self, _: Refused) {}

    async fn set_destinations(&self, names: &[String]) -> Result<(), StoreError> {
        let mut state = self.state();
        if state.failing_destinations {
            return Err(StoreError::Failed("busy".into()));
        }
        state.told.push(names.to_vec());
        for name in names {
            state.lines.entry(name.clone()).or_default();
        }
        Ok(())
    }

    async fn fail_orphans(&self) -> Result<(), StoreError> {
        Ok(())
    }

    async fn lease(&self, request: PageRequest) -> Result<Lease, StoreError> {
        let mut state = self.state();
        if state.failing_leases > 0 {
            state.failing_leases -= 1;
            return Err(StoreError::Failed("busy".into()));
        }
        Ok(state.lease(&request))
    }

    async fn settle(&self, settlement: Settlement) -> Result<(), StoreError> {
        {
            let mut state = self.state();
            if state.failing_settlements > 0 {
                state.failing_settlements -= 1;
                return Err(StoreError::Failed("busy".into()));
            }
            state.settle(settlement);
        }
        self.changed();
        Ok(())
    }

    fn changes(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }

    async fn open_errors(&self, _: usize) -> Result<Vec<OpenError>, StoreError> {
        Ok(Vec::new())
    }

    async fn refused(&self, _: usize) -> Result<Vec<Refused>, StoreError> {
        Ok(Vec::new())
    }

    async fn status(&self) -> Result<Status, StoreError> {
        Ok(Status::default())
    }

    async fn retain(&self, _: &crds::listener::Retention) -> Result<Retained, StoreError> {
        Ok(Retained::default())
    }

    fn health(&self) -> Result<(), String> {
        Ok(())
    }

    async fn close(&self) {}
}
