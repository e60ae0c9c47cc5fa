//! What every store must do: the same tests for each kind of store.
//!
//! A kind of store gives a [`World`] that opens one and the same store again and
//! again, with the sorter [`Plain`] and the bounds named here.

mod append;
mod desk;
mod filled;
mod history;
mod hook;
mod model;
mod names;
mod pages;
mod retention;
mod settle;

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures_util::future::BoxFuture;
use serde_json::value::RawValue;
use sha2::{Digest, Sha256};
use uuid::Uuid;

pub(crate) use self::names::{desk_tests, history_tests, store_tests};
pub(crate) use self::{
    append::*, desk::*, filled::*, history::*, hook::*, model::*, pages::*, retention::*, settle::*,
};
use super::*;
use crate::desk::{Desk, History};
use crate::verify::{Received, Request};
use language::clock::Clock;
use language::event::DedupeKey;

/// When the clock of every test begins.
pub(crate) const BEGIN_MS: i64 = 1_790_000_000_000;
/// Refused requests that a store under test keeps.
pub(crate) const MAX_REFUSED: usize = 20;

/// Opens a store with its desk, with a sorter that keeps these rules.
pub(crate) type OpenDesk =
    Box<dyn Fn(Rules) -> BoxFuture<'static, (Arc<dyn Store>, Arc<dyn Desk>)> + Send + Sync>;

/// A store, its desk and its history.
pub(crate) type Whole = (Arc<dyn Store>, Arc<dyn Desk>, Arc<dyn History>);

/// Opens a store with its desk and its history, with a sorter that names records so.
pub(crate) type OpenHistory = Box<dyn Fn(Named) -> BoxFuture<'static, Whole> + Send + Sync>;

/// One store, opened again and again.
pub(crate) struct World {
    /// The store's clock; manual.
    pub(crate) clock: Clock,
    /// Opens it.
    pub(crate) open: Box<dyn Fn() -> BoxFuture<'static, Arc<dyn Store>> + Send + Sync>,
    /// Opens it with its desk.
    pub(crate) open_desk: OpenDesk,
    /// Opens it with its desk and its history.
    pub(crate) open_history: OpenHistory,
}

impl World {
    /// Opens it, with these destinations.
    pub(crate) async fn open(&self, destinations: &[&str]) -> Arc<dyn Store> {
        let store = (self.open)().await;
        set_destinations(&store, destinations).await;
        store
    }

    /// Moves the clock.
    pub(crate) fn pass(&self, ms: i64) {
        self.clock.set_ms(self.clock.now_ms() + ms);
    }

    /// Appends a delivery and waits until it is indexed.
    pub(crate) async fn deliver(&self, store: &Arc<dyn Store>, body: impl Into<Bytes>) -> u64 {
        let delivery = self.append(store, body).await;
        indexed(store).await;
        delivery
    }

    /// Appends a delivery.
    pub(crate) async fn append(&self, store: &Arc<dyn Store>, body: impl Into<Bytes>) -> u64 {
        let received = Received {
            id: Uuid::now_v7(),
            at_ms: self.clock.now_ms(),
            method: http::Method::POST,
            target: "/".to_owned(),
            host: None,
            headers: http::HeaderMap::new(),
            body: body.into(),
            peer: None,
        };
        store.append(Request::proven(received)).await.unwrap().delivery
    }

    /// A request that takes every record, at once.
    pub(crate) fn ask(&self, destination: &str) -> PageRequest {
        PageRequest {
            destination: destination.to_owned(),
            size: 20,
            max_bytes: 5 * 1024 * 1024,
            envelope_bytes: 2,
            cost: Arc::new(|record| record.bytes.len() + 1),
            route: Arc::new(|_| Route::Take),
            linger_ms: 0,
            cut: true,
            max_leased: usize::MAX,
            max_waiting: 100,
            now_ms: self.clock.now_ms(),
        }
    }

    /// Leases the next page, which must be there.
    pub(crate) async fn page(&self, store: &Arc<dyn Store>, destination: &str) -> Page {
        page(store, self.ask(destination)).await
    }

    /// One attempt, now.
    pub(crate) fn attempt(&self, status: u16) -> Attempt {
        Attempt { at_ms: self.clock.now_ms(), took_ms: 7, status: Some(status) }
    }

    /// Settles a page as wholly delivered.
    pub(crate) async fn done(&self, store: &Arc<dyn Store>, page: &Page) {
        let outcome = Outcome::Done { errors: Vec::new(), again: Vec::new(), again_at_ms: 0 };
        self.settle(store, page, 204, outcome).await;
    }

    /// Settles a page after an attempt.
    pub(crate) async fn settle(&self, store: &Arc<dyn Store>, page: &Page, status: u16, outcome: Outcome) {
        let settlement = Settlement {
            page: page.id.clone(),
            attempt: Some(self.attempt(status)),
            outcome,
            healed: Vec::new(),
        };
        store.settle(settlement).await.unwrap();
    }

    /// Delivers all that is due; the records.
    pub(crate) async fn drain(&self, store: &Arc<dyn Store>, destination: &str) -> Vec<Record> {
        let mut records = Vec::new();
        while let Lease::Page(page) = store.lease(self.ask(destination)).await.unwrap() {
            self.done(store, &page).await;
            records.extend(page.records);
        }
        records
    }
}

/// Sets the destinations, and fails what is left of those that are gone.
pub(crate) async fn set_destinations(store: &Arc<dyn Store>, names: &[&str]) {
    let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    store.set_destinations(&names).await.unwrap();
    store.fail_orphans().await.unwrap();
}

/// Leases a page, which must be there.
pub(crate) async fn page(store: &Arc<dyn Store>, request: PageRequest) -> Page {
    match store.lease(request).await.unwrap() {
        Lease::Page(page) => page,
        Lease::Wait { until_ms } => panic!("no page, wait until {until_ms:?}"),
    }
}

/// Asks for a page, which must not be there; until when to wait.
pub(crate) async fn wait(store: &Arc<dyn Store>, request: PageRequest) -> Option<i64> {
    match store.lease(request).await.unwrap() {
        Lease::Page(page) => panic!("page {}", page.id),
        Lease::Wait { until_ms } => until_ms,
    }
}

/// Waits until all that was appended is indexed.
pub(crate) async fn indexed(store: &Arc<dyn Store>) {
    let begin = Instant::now();
    while store.status().await.unwrap().unindexed_deliveries > 0 {
        assert!(begin.elapsed() < Duration::from_secs(20), "deliveries are not indexed");
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

/// An event, and one array of several.
pub(crate) fn event(id: u64) -> String {
    format!(r#"{{"eventId":{id},"occurredAt":{BEGIN_MS},"portalId":62515,"objectId":9007199254740993}}"#)
}

/// The body of a delivery.
pub(crate) fn body(events: &[String]) -> String {
    format!("[{}]", events.join(" ,\n"))
}

/// Texts of records.
pub(crate) fn texts(records: &[Record]) -> Vec<String> {
    records.iter().map(|record| String::from_utf8(record.bytes.to_vec()).unwrap()).collect()
}

/// An open error to be, for a record of a page.
pub(crate) fn failing(record: &Record, at_ms: i64) -> NewError {
    NewError {
        record: record.id,
        failure: Failure {
            class: ErrorClass::Value,
            code: "http_400".to_owned(),
            message: "no such property".to_owned(),
            status: Some(400),
            response: Some("bad".to_owned()),
        },
        trace_key: format!("62515_{}", record.id),
        data_uri: "https://example.com/1".to_owned(),
        payload: Some(record.bytes.clone()),
        at_ms,
    }
}

/// A sorter with simple rules, apart from the real ones: an object with an `eventId` has
/// its text without `attemptNumber` as key, `"ignore":true` is ignored, what is no object fails.
#[derive(Debug)]
pub(crate) struct Plain;

impl Sort for Plain {
    fn sort(&self, body: &[u8]) -> Vec<Sorted> {
        let text = std::str::from_utf8(body).unwrap_or("");
        if let Ok(elements) = serde_json::from_str::<Vec<&RawValue>>(text) {
            return elements.iter().map(|element| judge(text, element)).collect();
        }
        match serde_json::from_str::<&RawValue>(text) {
            Ok(lone) => vec![judge(text, lone)],
            Err(error) => vec![unusable(0..body.len(), &error.to_string())],
        }
    }
}

fn judge(body: &str, element: &RawValue) -> Sorted {
    let start = element.get().as_ptr() as usize - body.as_ptr() as usize;
    let span = start..start + element.get().len();
    let Ok(mut fields) = serde_json::from_str::<serde_json::Map<String, serde_json::Value>>(element.get())
    else {
        return unusable(span, "not an object");
    };
    if fields.get("ignore").is_some_and(|ignore| ignore == true) {
        return Sorted::Ignored;
    }
    fields.remove("attemptNumber");
    let key = fields.get("eventId").map(|_| DedupeKey {
        occurred_at: fields.get("occurredAt").and_then(serde_json::Value::as_i64).unwrap_or(0),
        hash: Sha256::digest(serde_json::to_vec(&fields).unwrap())[..16].try_into().unwrap(),
    });
    Sorted::Record { span, key }
}

fn unusable(span: std::ops::Range<usize>, message: &str) -> Sorted {
    let failure = Failure {
        class: ErrorClass::Parse,
        code: "not_json".to_owned(),
        message: message.to_owned(),
        status: None,
        response: None,
    };
    Sorted::Failed { span, failure }
}
