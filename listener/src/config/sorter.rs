//! Judges the elements of a delivery by the live configuration.
//!
//! The journal is read by the configuration of the moment: a filter that was mended while
//! deliveries waited to be indexed is the one that judges them.

use std::sync::Arc;

use arc_swap::ArcSwap;

use super::Live;
use crate::deliver;
use crate::metrics::Metrics;
use crate::store::{ErrorClass, Failure, Label, Sort, Sorted};
use language::event::{self, Split};
use language::filter::{Filter, Surroundings};

/// Sorts by the configuration that is live when it is asked.
#[derive(Clone, Debug)]
pub struct LiveSorter {
    live: Arc<ArcSwap<Live>>,
    metrics: Arc<Metrics>,
}

impl LiveSorter {
    /// Follows `live`; templates that fail are counted in `metrics`.
    pub fn new(live: Arc<ArcSwap<Live>>, metrics: Arc<Metrics>) -> Self {
        Self { live, metrics }
    }
}

impl Sort for LiveSorter {
    fn sort(&self, body: &[u8]) -> Vec<Sorted> {
        // One configuration for the whole delivery.
        let live = self.live.load();
        sort(body, live.filter.as_ref(), &live.surroundings)
    }

    fn keeps_payload(&self) -> bool {
        !self.live.load().configuration.spec.do_not_store_retry_data
    }

    fn folds(&self) -> bool {
        self.live.load().configuration.spec.desk.fold_errors
    }

    fn label(&self, record: &[u8], failure: &Failure) -> Label {
        let live = self.live.load();
        Label {
            trace_key: deliver::trace_key(&live, &self.metrics, record),
            data_uri: deliver::data_uri(&live, &self.metrics, record, failure),
        }
    }

    fn name(&self, record: &[u8]) -> Label {
        let live = self.live.load();
        Label {
            trace_key: deliver::try_trace_key(&live, record).unwrap_or_default(),
            data_uri: deliver::try_data_uri(&live, record, None).unwrap_or_default(),
        }
    }
}

/// Judges each element of `body`, in order.
pub fn sort(body: &[u8], filter: Option<&Filter>, surroundings: &Surroundings) -> Vec<Sorted> {
    let elements = match event::split(body) {
        Split::Elements(elements) => elements,
        Split::Unusable { reason } => {
            let message = format!("the body is not JSON that can be used: {reason}");
            return vec![Sorted::Failed {
                span: 0..body.len(),
                failure: failure(ErrorClass::Parse, "not_json", message),
            }];
        }
    };
    let judge = |element: event::Element| {
        let event::Element { span, is_object } = element;
        if !is_object {
            let message = "the element is JSON, but no object".to_owned();
            return Sorted::Failed { span, failure: failure(ErrorClass::Parse, "not_an_object", message) };
        }
        let event = body.get(span.clone()).unwrap_or_default();
        match filter.map_or(Ok(true), |filter| filter.matches(event, surroundings)) {
            Ok(true) => Sorted::Record { key: event::dedupe_key(event), span },
            Ok(false) => Sorted::Ignored,
            Err(error) => {
                let message = format!("the listener's filter failed: {error}");
                Sorted::Failed { span, failure: failure(ErrorClass::Value, "filter_error", message) }
            }
        }
    };
    elements.into_iter().map(judge).collect()
}

fn failure(class: ErrorClass, code: &str, message: String) -> Failure {
    Failure { class, code: code.to_owned(), message, status: None, response: None }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn sorted(body: &str, filter: Option<&str>) -> Vec<Sorted> {
        let filter = filter.map(|text| Filter::compile(text).unwrap());
        let surroundings = Surroundings::new(&json!({"own": "INTEGRATION"}), &json!({"name": "contacts"}));
        sort(body.as_bytes(), filter.as_ref(), &surroundings)
    }

    fn codes(sorted: &[Sorted]) -> Vec<String> {
        sorted
            .iter()
            .map(|one| match one {
                Sorted::Record { .. } => "record".to_owned(),
                Sorted::Ignored => "ignored".to_owned(),
                Sorted::Failed { failure, .. } => format!("{} {}", failure.class.as_str(), failure.code),
            })
            .collect()
    }

    #[test]
    fn without_a_filter_each_object_is_a_record_with_its_key() {
        let body = r#"[ {"eventId":1}, {"id":2} ]"#;
        let key = event::dedupe_key(br#"{"eventId":1}"#);
        assert!(key.is_some());
        let expected = [Sorted::Record { span: 2..15, key }, Sorted::Record { span: 17..25, key: None }];
        assert_eq!(sorted(body, None), expected);
        assert_eq!(sorted("[]", None), []);
    }

    #[test]
    fn a_body_that_is_not_json_fails_as_a_whole() {
        let sorted = sorted("[{\"eventId\":1},", None);
        assert_eq!(codes(&sorted), ["parse not_json"]);
        let Sorted::Failed { span, failure } = &sorted[0] else { panic!() };
        assert_eq!(*span, 0..15);
        assert!(failure.message.ends_with("the text ends where a JSON value is expected at byte 15"));
    }

    #[test]
    fn what_is_no_object_fails_alone() {
        assert_eq!(
            codes(&sorted(r#"[{"eventId":1},5,[{}],null]"#, None)),
            ["record", "parse not_an_object", "parse not_an_object", "parse not_an_object"]
        );
    }

    #[test]
    fn the_filter_ignores_takes_and_fails() {
        let body = r#"[{"changeSource":"INTEGRATION"},{"changeSource":"CRM_UI"},{"objectId":5}]"#;
        let sorted = sorted(body, Some("event.changeSource != settings.own"));
        assert_eq!(codes(&sorted), ["ignored", "record", "value filter_error"]);
        let Sorted::Failed { span, failure } = &sorted[2] else { panic!() };
        assert_eq!(&body[span.clone()], r#"{"objectId":5}"#);
        assert_eq!(
            failure.message,
            "the listener's filter failed: event has no member `changeSource`; ask for it with `has` first"
        );
    }
}
