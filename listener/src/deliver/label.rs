//! What an open error is called: its trace key and its data URI.
//!
//! # Data URI
//!
//! The template's output, over the record, `error` (`class`, `code`, `message`) and `response`
//! (`status`, `body`: the beginning, at most 4 KiB; both null where there was no answer).
//!
//! # Trace key
//!
//! The template's output where there is one; where it fails, nothing. Without a
//! template the built-in choice, by subscription type, the same for each event
//! about one object:
//!
//! | Event | Trace key |
//! |---|---|
//! | about an object | `<portalId>/<object type>/<objectId>` |
//! | about an association | `<portalId>/<object type>/<fromObjectId>/<toObjectId>` |
//! | without an object's id | `<portalId>/<object type>/event-<eventId>` |
//! | a workflow's record | `<portal-id>/contact/<vid>` |
//! | anything else | `record-<16 hex digits of SHA-256 over its bytes>` |
//!
//! The property is not part of it: two changes of one contact are about one contact.
//! The object type is the name before the first dot of the subscription type;
//! for `object.*` it is the object type id, and the ids of HubSpot's own types
//! are written as the classic names (`0-1` as `contact`), so that `contact.creation`
//! and `object.creation` about one contact agree. An absent portal is left out.
//!
//! A key has at most 256 Unicode scalar values. Of a longer one the first 120 and the
//! last 118 stay, with `~`, 16 hex digits of SHA-256 over the whole, `~` between them.

use std::borrow::Cow;

use crds::limits::MAX_TRACE_KEY_CHARACTERS;
use serde_json::json;
use sha2::{Digest, Sha256};

use super::facts::Facts;
use crate::config::Live;
use crate::metrics::{CauseLabels, Metrics};
use crate::store::Failure;
use language::template::{Json, RenderError, Scope, Template};

/// Scalar values that stay at the beginning of a key that is cut.
const HEAD: usize = 120;
/// Scalar values that stay at its end.
const TAIL: usize = 118;

/// Names a record; see the module. A template that fails is counted and gives nothing.
pub fn trace_key(live: &Live, metrics: &Metrics, record: &[u8]) -> String {
    try_trace_key(live, record).unwrap_or_else(|error| failed(live, metrics, "trace_key", &error))
}

/// A link to a record, or whatever its template gives; nothing where there is none or it fails, which is counted.
pub fn data_uri(live: &Live, metrics: &Metrics, record: &[u8], failure: &Failure) -> String {
    try_data_uri(live, record, Some(failure))
        .unwrap_or_else(|error| failed(live, metrics, "data_uri", &error))
}

/// Names a record, or says why its template does not.
pub(crate) fn try_trace_key(live: &Live, record: &[u8]) -> Result<String, RenderError> {
    let key = match &live.trace_key {
        Some(template) => render(live, template, record, None)?,
        None => built_in(record),
    };
    Ok(bounded(key))
}

/// A link to a record, empty where there is no template, or why its template gives none. Without a
/// failure, as before it happened, `error` and `response` are not there.
pub(crate) fn try_data_uri(
    live: &Live,
    record: &[u8],
    failure: Option<&Failure>,
) -> Result<String, RenderError> {
    let Some(template) = &live.data_uri else { return Ok(String::new()) };
    let asked = template.mentions("error") || template.mentions("response");
    let more = failure.filter(|_| asked).map(more);
    render(live, template, record, more.as_ref())
}

/// What a data URI sees beside the record.
fn more(failure: &Failure) -> Json {
    let Failure { class, code, message, status, response } = failure;
    json!({
        "error": {"class": class, "code": code, "message": message},
        "response": {"status": status, "body": response},
    })
    .into()
}

fn render(
    live: &Live,
    template: &Template,
    record: &[u8],
    more: Option<&Json>,
) -> Result<String, RenderError> {
    template.render(&Scope {
        record: Some(record),
        settings: Some(&live.settings),
        listener: Some(&live.listener),
        more,
        ..Scope::default()
    })
}

fn failed(live: &Live, metrics: &Metrics, cause: &'static str, error: &RenderError) -> String {
    live.faults.note(cause, &live.full_name(), &error.reason);
    let labels = CauseLabels {
        namespace: live.configuration.namespace.clone(),
        listener: live.configuration.name.clone(),
        cause,
    };
    metrics.template_errors.get_or_create(&labels).inc();
    String::new()
}

fn built_in(record: &[u8]) -> String {
    let facts = Facts::read(record);
    let Some((kind, id)) = object(&facts) else { return format!("record-{}", digest(record)) };
    match facts.portal_id.as_ref().or(facts.workflow_portal_id.as_ref()) {
        Some(portal) => format!("{portal}/{kind}/{id}"),
        None => format!("{kind}/{id}"),
    }
}

/// Type and id of what a record is about.
fn object<'a>(facts: &'a Facts<'_>) -> Option<(&'a str, Cow<'a, str>)> {
    if facts.subscription_type.is_none() && facts.object_id.is_none() {
        return facts.vid.as_deref().map(|vid| ("contact", Cow::Borrowed(vid)));
    }
    let type_id = facts.object_type_id.as_deref().or(facts.from_object_type_id.as_deref());
    let name =
        facts.subscription_type.as_deref().map_or("object", |name| name.split('.').next().unwrap_or(name));
    let kind = type_id.map_or(name, classic_name);
    let id = if let Some(id) = facts.object_id.as_deref() {
        Cow::Borrowed(id)
    } else if let (Some(from), Some(to)) = (&facts.from_object_id, &facts.to_object_id) {
        Cow::Owned(format!("{from}/{to}"))
    } else {
        Cow::Owned(format!("event-{}", facts.event_id.as_deref()?))
    };
    Some((kind, id))
}

/// The classic name of one of HubSpot's own object types.
fn classic_name(type_id: &str) -> &str {
    match type_id {
        "0-1" => "contact",
        "0-2" => "company",
        "0-3" => "deal",
        "0-5" => "ticket",
        "0-7" => "product",
        "0-8" => "line_item",
        other => other,
    }
}

/// The key, or what is left of it where it is longer than a key may be; see the module.
pub(crate) fn bounded(key: String) -> String {
    // As many bytes are never more scalar values.
    if key.len() <= MAX_TRACE_KEY_CHARACTERS {
        return key;
    }
    let count = key.chars().count();
    if count <= MAX_TRACE_KEY_CHARACTERS {
        return key;
    }
    let head = key.chars().take(HEAD);
    let tail = key.chars().skip(count - TAIL);
    head.chain(['~']).chain(digest(key.as_bytes()).chars()).chain(['~']).chain(tail).collect()
}

/// 16 hex digits of SHA-256.
fn digest(bytes: &[u8]) -> String {
    let hash = Sha256::digest(bytes);
    hex::encode(&hash[..8])
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;
    use crate::store::ErrorClass;
    use language::template::Place;

    #[test]
    fn long_keys_are_cut_as_the_shared_cases_say() {
        #[derive(serde::Deserialize)]
        struct Cases {
            trace_keys: Vec<Case>,
        }
        #[derive(serde::Deserialize)]
        struct Case {
            name: String,
            text: String,
            expect: String,
        }
        let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/fixtures/templates/cases.json");
        let cases: Cases = serde_json::from_str(&std::fs::read_to_string(file).unwrap()).unwrap();
        assert!(cases.trace_keys.len() >= 9);
        for case in cases.trace_keys {
            assert_eq!(bounded(case.text), case.expect, "{}", case.name);
        }
    }

    #[rstest]
    #[case(r#"{"portalId":62515,"subscriptionType":"contact.creation","objectId":138}"#, "62515/contact/138")]
    #[case(
        r#"{"portalId":62515,"subscriptionType":"contact.propertyChange","objectId":138,"propertyName":"email"}"#,
        "62515/contact/138"
    )]
    #[case(
        r#"{"portalId":62515,"subscriptionType":"object.creation","objectTypeId":"0-1","objectId":138}"#,
        "62515/contact/138"
    )]
    #[case(
        r#"{"portalId":62515,"subscriptionType":"object.merge","objectTypeId":"2-100000001","objectId":7}"#,
        "62515/2-100000001/7"
    )]
    #[case(
        r#"{"portalId":1,"subscriptionType":"deal.associationChange","fromObjectId":64,"toObjectId":65}"#,
        "1/deal/64/65"
    )]
    #[case(
        r#"{"portalId":1,"subscriptionType":"object.associationChange","fromObjectTypeId":"0-1","fromObjectId":6,"toObjectId":5}"#,
        "1/contact/6/5"
    )]
    #[case(
        r#"{"portalId":1,"subscriptionType":"conversation.newMessage","objectId":36}"#,
        "1/conversation/36"
    )]
    #[case(r#"{"portalId":1,"subscriptionType":"contact.creation","eventId":9}"#, "1/contact/event-9")]
    #[case(r#"{"vid":13,"portal-id":62515,"is-contact":true}"#, "62515/contact/13")]
    #[case(r#"{"subscriptionType":"something","objectId":1}"#, "something/1")]
    #[case(
        r#"{"portalId":1,"subscriptionType":"contact.creation","objectId":123456789012345678901234567890}"#,
        "1/contact/123456789012345678901234567890"
    )]
    #[case(r"{}", "record-44136fa355b3678a")]
    fn the_built_in_key_goes_by_subscription_type(#[case] record: &str, #[case] expect: &str) {
        assert_eq!(built_in(record.as_bytes()), expect);
    }

    #[test]
    fn a_data_uri_sees_the_error_and_what_the_destination_answered() {
        let failure = Failure {
            class: ErrorClass::Value,
            code: "http_400".to_owned(),
            message: "no".to_owned(),
            status: Some(400),
            response: Some("{\"a\":1}".to_owned()),
        };
        let template = Template::compile(
            "{{id}} {{{error.class}}} {{error.code}} {{response.status}} {{{response.body}}}",
            Place::Raw,
        );
        let more = more(&failure);
        let scope = Scope { record: Some(b"{\"id\":7}"), more: Some(&more), ..Scope::default() };
        assert_eq!(template.unwrap().render(&scope).unwrap(), "7 value http_400 400 {\"a\":1}");
    }

    #[test]
    fn classic_events_about_one_object_share_a_key() {
        #[derive(serde::Deserialize)]
        struct Sample {
            event: Box<serde_json::value::RawValue>,
        }
        let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/fixtures/hubspot/events.json");
        let samples: Vec<Sample> = serde_json::from_str(&std::fs::read_to_string(file).unwrap()).unwrap();
        let about = samples.iter().map(|sample| built_in(sample.event.get().as_bytes()));
        let contact: Vec<String> = about.filter(|key| key == "62515/contact/138000000137").collect();
        assert!(contact.len() >= 5, "{contact:?}");
    }

    proptest! {
        #[test]
        fn a_key_never_has_more_than_256_scalar_values(key in ".{0,600}") {
            prop_assert!(bounded(key).chars().count() <= MAX_TRACE_KEY_CHARACTERS);
        }

        #[test]
        fn the_built_in_key_is_made_of_anything(record in proptest::collection::vec(any::<u8>(), 0..200)) {
            prop_assert!(!built_in(&record).is_empty());
        }
    }
}
