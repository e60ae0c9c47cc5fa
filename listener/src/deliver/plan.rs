//! How one destination is served under one configuration: what is asked of the
//! store, and how a page is sent.

use std::sync::Arc;

use crds::limits::MAX_PAGE_BYTES;

use super::classify::Reply;
use super::context::Context;
use super::format::Encoder;
use super::timing::millis;
use super::{http, label, log};
use crate::config::{Live, LiveDestination, Target};
use crate::metrics::{DestinationLabels, Metrics};
use crate::store::{Cost, ErrorClass, Failure, NewError, Page, PageRequest, Record, RecordId, Route, Router};
use language::filter::FilterError;

/// Pages that may wait for a retry before no new one is cut, at least.
const MIN_WAITING: usize = 64;

/// One destination under one configuration.
pub(super) struct Plan {
    pub(super) live: Arc<Live>,
    pub(super) destination: Arc<LiveDestination>,
    pub(super) labels: DestinationLabels,
    listener: String,
    envelope_bytes: usize,
    cost: Cost,
    route: Router,
    encoder: Option<Encoder>,
}

impl Plan {
    /// The plan of the destination `name`, where the configuration has one.
    pub(super) fn of(name: &str, live: &Arc<Live>, context: &Context) -> Option<Arc<Self>> {
        let destination = live.destinations.iter().find(|destination| destination.name == name)?;
        let namespace = &live.configuration.namespace;
        let listener = format!("{namespace}/{}", live.configuration.name);
        let encoder = match &destination.target {
            Target::Http { format, .. } => {
                let url = &live.configuration.public_url;
                Some(Encoder::new(*format, destination.page_size, url))
            }
            Target::Log => None,
        };
        let (envelope_bytes, cost): (usize, Cost) = match encoder.clone() {
            Some(encoder) => (encoder.envelope_bytes(), Arc::new(move |record| encoder.cost(record))),
            None => (log::envelope_bytes(name, &listener), Arc::new(|record| record.bytes.len() + 1)),
        };
        Some(Arc::new(Self {
            labels: DestinationLabels {
                namespace: namespace.clone(),
                listener: live.configuration.name.clone(),
                destination: name.to_owned(),
            },
            route: router(live, destination, context),
            live: Arc::clone(live),
            destination: Arc::clone(destination),
            listener,
            envelope_bytes,
            cost,
            encoder,
        }))
    }

    /// What the store is asked for.
    pub(super) fn request(&self, now_ms: i64) -> PageRequest {
        let destination = &self.destination;
        PageRequest {
            destination: destination.name.clone(),
            size: destination.page_size,
            max_bytes: MAX_PAGE_BYTES,
            envelope_bytes: self.envelope_bytes,
            cost: Arc::clone(&self.cost),
            route: Arc::clone(&self.route),
            linger_ms: millis(destination.linger),
            cut: true,
            max_waiting: destination.concurrency.saturating_mul(4).max(MIN_WAITING),
            now_ms,
        }
    }

    /// Hands a page on.
    pub(super) async fn send(&self, page: &Page, attempt: u32, context: &Context) -> Reply {
        let destination = &self.destination;
        let (Target::Http { url, headers, timeout, .. }, Some(encoder)) =
            (&destination.target, &self.encoder)
        else {
            let line = log::line_of(&page.id, &destination.name, &self.listener, &page.records);
            return log::write(&context.sink, line).await;
        };
        let encoder = encoder.for_page(page.records.len());
        let request = http::Request {
            url,
            headers,
            timeout: *timeout,
            content_type: encoder.content_type(),
            page: &page.id,
            attempt,
            records: page.records.len(),
            body: encoder.encode(&page.id, &page.records),
        };
        let client = context.client.load_full();
        http::send(&client, &context.clock, request).await
    }

    /// Whether errors of one trace key fold.
    pub(super) fn folds(&self) -> bool {
        self.live.configuration.spec.desk.fold_errors
    }

    /// What a record is called.
    pub(super) fn trace_key(&self, record: &Record, metrics: &Metrics) -> String {
        label::trace_key(&self.live, metrics, &record.bytes)
    }

    /// The open error of a record.
    pub(super) fn error(&self, record: &Record, failure: Failure, at_ms: i64, metrics: &Metrics) -> NewError {
        new_error(&self.live, record, failure, at_ms, metrics)
    }
}

fn new_error(live: &Live, record: &Record, failure: Failure, at_ms: i64, metrics: &Metrics) -> NewError {
    let keep = !live.configuration.spec.do_not_store_retry_data;
    NewError {
        record: record.id,
        failure,
        trace_key: label::trace_key(live, metrics, &record.bytes),
        data_uri: label::data_uri(live, metrics, &record.bytes),
        payload: keep.then(|| record.bytes.clone()),
        at_ms,
    }
}

fn router(live: &Arc<Live>, destination: &Arc<LiveDestination>, context: &Context) -> Router {
    let (live, destination) = (Arc::clone(live), Arc::clone(destination));
    let (clock, metrics) = (context.clock.clone(), Arc::clone(&context.metrics));
    Arc::new(move |record| {
        let Some(filter) = &destination.filter else { return Route::Take };
        match judge(record.id, filter.matches(&record.bytes, &live.surroundings)) {
            Ok(true) => Route::Take,
            Ok(false) => Route::Skip,
            Err(failure) => {
                Route::Fail(Box::new(new_error(&live, record, failure, clock.now_ms(), &metrics)))
            }
        }
    })
}

fn judge(record: RecordId, matched: Result<bool, FilterError>) -> Result<bool, Failure> {
    matched.map_err(|error| {
        tracing::debug!(record.id = %record, "a destination's filter failed on record {record}");
        Failure {
            class: ErrorClass::Value,
            code: "filter_error".to_owned(),
            message: format!("the destination's filter failed on this record: {error}"),
            status: None,
            response: None,
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_that_fails_makes_an_open_error_of_class_value() {
        let id = RecordId { delivery: 1, element: 0 };
        let failure = judge(id, Err(FilterError { reason: "no such key: x".to_owned() })).unwrap_err();
        assert_eq!((failure.class, failure.code.as_str()), (ErrorClass::Value, "filter_error"));
        assert!(failure.message.contains("no such key: x"));
        assert_eq!(judge(id, Ok(false)), Ok(false));
    }
}
