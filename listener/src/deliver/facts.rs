//! What a record says of itself, as far as delivery needs it.
//!
//! Numbers are taken as they stand in the JSON, at any size; the record is not
//! turned into a tree, and nothing in it can make this fail: what is absent or
//! of an unexpected kind is simply not known. Of a name that stands twice the
//! last one counts.

use std::borrow::Cow;
use std::fmt;

use serde::Deserializer;
use serde::de::{MapAccess, Visitor};
use serde_json::value::RawValue;

/// Fields of a record, as text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Facts<'a> {
    pub(super) portal_id: Option<Cow<'a, str>>,
    pub(super) subscription_type: Option<Cow<'a, str>>,
    pub(super) object_type_id: Option<Cow<'a, str>>,
    pub(super) object_id: Option<Cow<'a, str>>,
    pub(super) from_object_type_id: Option<Cow<'a, str>>,
    pub(super) from_object_id: Option<Cow<'a, str>>,
    pub(super) to_object_id: Option<Cow<'a, str>>,
    pub(super) event_id: Option<Cow<'a, str>>,
    pub(super) occurred_at: Option<Cow<'a, str>>,
    /// A workflow's record: its portal and its contact.
    pub(super) workflow_portal_id: Option<Cow<'a, str>>,
    pub(super) vid: Option<Cow<'a, str>>,
}

impl<'a> Facts<'a> {
    /// Reads a record's JSON.
    pub(super) fn read(record: &'a [u8]) -> Self {
        let mut json = serde_json::Deserializer::from_slice(record);
        json.deserialize_map(FactsVisitor).unwrap_or_default()
    }
}

struct FactsVisitor;

impl<'de> Visitor<'de> for FactsVisitor {
    type Value = Facts<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a record")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Facts<'de>, A::Error> {
        let mut facts = Facts::default();
        while let Some(name) = map.next_key::<Cow<'de, str>>()? {
            let value = map.next_value::<&'de RawValue>()?;
            let place = match name.as_ref() {
                "portalId" => &mut facts.portal_id,
                "subscriptionType" => &mut facts.subscription_type,
                "objectTypeId" => &mut facts.object_type_id,
                "objectId" => &mut facts.object_id,
                "fromObjectTypeId" => &mut facts.from_object_type_id,
                "fromObjectId" => &mut facts.from_object_id,
                "toObjectId" => &mut facts.to_object_id,
                "eventId" => &mut facts.event_id,
                "occurredAt" => &mut facts.occurred_at,
                "portal-id" => &mut facts.workflow_portal_id,
                "vid" => &mut facts.vid,
                _ => continue,
            };
            *place = text(value);
        }
        Ok(facts)
    }
}

/// A number as written, or a string that is not empty.
fn text(value: &RawValue) -> Option<Cow<'_, str>> {
    let json = value.get();
    match json.as_bytes().first()? {
        b'"' => {
            // Text that no escape stands in is taken as it is; a lone surrogate cannot be text at all.
            let inner = json.get(1..json.len() - 1)?;
            let text = if inner.contains('\\') {
                Cow::Owned(serde_json::from_str::<String>(json).ok()?)
            } else {
                Cow::Borrowed(inner)
            };
            (!text.is_empty()).then_some(text)
        }
        b'-' | b'0'..=b'9' => Some(Cow::Borrowed(json)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_taken_as_written_at_any_size() {
        let facts = Facts::read(br#"{"objectId": 123456789012345678901234567890, "portalId":"62515"}"#);
        assert_eq!(facts.object_id.as_deref(), Some("123456789012345678901234567890"));
        assert_eq!(facts.portal_id.as_deref(), Some("62515"));
    }

    #[test]
    fn what_is_of_another_kind_is_not_known() {
        let facts =
            Facts::read(br#"{"objectId":null,"portalId":[1],"eventId":{"a":1},"vid":true,"toObjectId":""}"#);
        assert_eq!(facts, Facts::default());
        assert_eq!(Facts::read(b"[1]"), Facts::default());
        assert_eq!(Facts::read(b"{\"objectId\":"), Facts::default());
        assert_eq!(Facts::read(b""), Facts::default());
    }

    #[test]
    fn names_and_values_are_unescaped_and_the_last_of_a_name_counts() {
        let facts = Facts::read(br#"{"objectId":1,"object\u0049d":2,"subscriptionType":"a\"b\u00e9"}"#);
        assert_eq!(facts.object_id.as_deref(), Some("2"));
        assert_eq!(facts.subscription_type.as_deref(), Some("a\"b\u{e9}"));
        assert_eq!(Facts::read(br#"{"subscriptionType":"\ud800","objectId":3}"#).subscription_type, None);
    }

    #[test]
    fn depth_does_not_matter() {
        let deep = format!("{{\"x\":{}{},\"objectId\":5}}", "[".repeat(100_000), "]".repeat(100_000));
        assert_eq!(Facts::read(deep.as_bytes()).object_id.as_deref(), Some("5"));
    }
}
