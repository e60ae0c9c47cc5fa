//! How one destination is served under one configuration: what is asked of the
//! store, and how a page is sent.

use std::sync::Arc;

use bytes::Bytes;
use crds::limits::MAX_PAGE_BYTES;

use super::classify::{Reply, classify};
use super::context::Context;
use super::format::Encoder;
use super::hook::{Envelope, Judged};
use super::mapped::{Load, Mapper};
use super::timing::millis;
use super::{hook, http, label, log};
use crate::config::{Live, LiveDestination, Target};
use crate::metrics::{DestinationLabels, Metrics};
use crate::store::{
    Cost, ErrorClass, Failure, NewError, PRE_PAGE, Page, PageRequest, Record, RecordId, Route, Router,
};
use language::clock::Clock;
use language::filter::FilterError;

/// Pages that may wait for a retry before no new one is cut, at least.
const MIN_WAITING: usize = 64;
/// Records that become open errors in one step when a destination is gone.
const LAST_RECORDS: usize = 1_000;

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
    mapper: Arc<Mapper>,
    /// Set for the hook only.
    hook: Option<Envelope>,
}

impl Plan {
    /// The plan of the destination `name`, where the configuration has one.
    pub(super) fn of(
        name: &str,
        live: &Arc<Live>,
        clock: &Clock,
        metrics: &Arc<Metrics>,
    ) -> Option<Arc<Self>> {
        let destination = live.stages().find(|destination| destination.name == name)?;
        let namespace = &live.configuration.namespace;
        let listener = format!("{namespace}/{}", live.configuration.name);
        let encoder = match &destination.target {
            Target::Http { format, .. } => {
                let url = &live.configuration.public_url;
                Some(Encoder::new(*format, destination.page_size, url))
            }
            Target::Log => None,
        };
        let labels = DestinationLabels {
            namespace: namespace.clone(),
            listener: live.configuration.name.clone(),
            destination: name.to_owned(),
        };
        let mapper = Arc::new(Mapper::new(live, destination, &labels, metrics));
        let mapping = Arc::clone(&mapper);
        let hook = (name == PRE_PAGE).then(|| Envelope::new(&live.settings, &live.listener));
        let (envelope_bytes, cost): (usize, Cost) = match (&hook, encoder.clone()) {
            (Some(envelope), _) => (envelope.bytes(), Arc::new(Envelope::cost)),
            (None, Some(encoder)) => (
                encoder.envelope_bytes(),
                Arc::new(move |record| encoder.cost(record, &mapping.data(record))),
            ),
            (None, None) => {
                (log::envelope_bytes(name, &listener), Arc::new(move |record| mapping.data(record).len() + 1))
            }
        };
        Some(Arc::new(Self {
            labels,
            route: router(live, destination, &mapper, clock, metrics),
            live: Arc::clone(live),
            destination: Arc::clone(destination),
            listener,
            envelope_bytes,
            cost,
            encoder,
            mapper,
            hook,
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
            max_leased: destination.concurrency,
            max_waiting: destination.concurrency.saturating_mul(4).max(MIN_WAITING),
            now_ms,
        }
    }

    /// What is sent in the place of a record.
    pub(super) fn handed_on(&self, record: &Record) -> Bytes {
        self.mapper.data(record)
    }

    /// Whether records are sent as they came.
    pub(super) fn sends_as_it_came(&self) -> bool {
        !self.mapper.is_there()
    }

    /// Maps a page's records; takes its time where there is a transform.
    pub(super) fn load(&self, page: Page) -> Load {
        let room = MAX_PAGE_BYTES.saturating_sub(self.envelope_bytes);
        self.mapper.load(page, room, |record, data| match &self.encoder {
            Some(encoder) => encoder.cost(record, data),
            None => data.len() + 1,
        })
    }

    /// What the store is asked for when the destination is gone: all that is its.
    pub(super) fn last_request(&self, now_ms: i64) -> PageRequest {
        PageRequest {
            size: LAST_RECORDS,
            linger_ms: 0,
            max_leased: usize::MAX,
            max_waiting: usize::MAX,
            ..self.request(now_ms)
        }
    }

    /// Hands a page on.
    pub(super) async fn send(&self, load: &Load, attempt: u32, context: &Context) -> Reply {
        let destination = &self.destination;
        let (page, outgoing) = (&load.page, load.outgoing());
        let (Target::Http { url, headers, timeout, .. }, Some(encoder)) =
            (&destination.target, &self.encoder)
        else {
            let line = log::line_of(&page.id, &destination.name, &self.listener, &outgoing);
            return log::write(&context.sink, line).await;
        };
        let encoder = encoder.for_page(outgoing.len());
        let (body, answer_bytes) = match &self.hook {
            Some(envelope) => (envelope.body(&load.page.records), hook::ANSWER_BYTES),
            None => (encoder.encode(&page.id, &outgoing), http::answer_bytes(outgoing.len())),
        };
        let request = http::Request {
            url,
            headers,
            timeout: *timeout,
            content_type: encoder.content_type(),
            page: &page.id,
            attempt,
            records: outgoing.len(),
            body,
            answer_bytes,
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

    /// Whether it is the hook's.
    pub(super) fn is_hook(&self) -> bool {
        self.hook.is_some()
    }

    /// What a reply means for a page.
    pub(super) fn judge(&self, reply: &Reply, page: &Page) -> Judged {
        if self.is_hook() {
            hook::judge(reply, page.records.len())
        } else {
            classify(reply, page.records.len()).into()
        }
    }

    /// The open error of a record.
    pub(super) fn error(&self, record: &Record, failure: Failure, at_ms: i64, metrics: &Metrics) -> NewError {
        let mut failure = failure;
        if self.is_hook() && self.live.configuration.spec.do_not_store_retry_data {
            // The answer of a hook is made of records.
            failure.response = None;
        }
        new_error(&self.live, record, failure, at_ms, metrics)
    }
}

fn new_error(live: &Live, record: &Record, failure: Failure, at_ms: i64, metrics: &Metrics) -> NewError {
    let keep = !live.configuration.spec.do_not_store_retry_data;
    NewError {
        record: record.id,
        trace_key: label::trace_key(live, metrics, &record.bytes),
        data_uri: label::data_uri(live, metrics, &record.bytes, &failure),
        failure,
        payload: keep.then(|| record.bytes.clone()),
        at_ms,
    }
}

fn router(
    live: &Arc<Live>,
    destination: &Arc<LiveDestination>,
    mapper: &Arc<Mapper>,
    clock: &Clock,
    metrics: &Arc<Metrics>,
) -> Router {
    let (live, destination, mapper) = (Arc::clone(live), Arc::clone(destination), Arc::clone(mapper));
    let (clock, metrics) = (clock.clone(), Arc::clone(metrics));
    Arc::new(move |record| {
        let taken = match &destination.filter {
            Some(filter) => judge(record.id, filter.matches(&record.bytes, &live.surroundings)),
            None => Ok(true),
        };
        match taken.and_then(|taken| if taken { mapper.try_on(record).map(|()| true) } else { Ok(false) }) {
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
