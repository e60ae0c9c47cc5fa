//! The bodies: a sample event of a subscription type, or events from a file.

use std::fmt;

use bytes::Bytes;
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use crate::sample::{self, SampleError};

const DAY_MS: i64 = 24 * 3600 * 1000;

/// Where events come from.
#[derive(Clone, Debug)]
pub struct Source {
    templates: Vec<Template>,
    /// The same events in each delivery and in each run of a day.
    repeat: bool,
    /// Ids and times of this run begin here.
    start_ms: i64,
}

/// What becomes of one delivery.
#[derive(Clone, Debug)]
pub enum Batch {
    /// This body, byte for byte, each time.
    Fixed(Bytes),
    /// So many events of the source.
    Made {
        /// Where they come from.
        source: Source,
        /// In each delivery.
        size: usize,
    },
}

/// Why there are no events.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// There is no sample to send.
    #[error(transparent)]
    Sample(#[from] SampleError),
    /// The file is no JSON array of objects and no object.
    #[error("the events are neither a JSON array of objects nor one object: {0}")]
    NotEvents(#[from] serde_json::Error),
    /// The file holds no event to send.
    #[error("the events file holds an empty array; leave --count and --batch out to send it as it is")]
    Empty,
}

impl Source {
    /// A sample of this subscription type.
    pub fn sample(subscription_type: &str, repeat: bool, start_ms: i64) -> Result<Self, SourceError> {
        let sample = sample::of(subscription_type)?;
        let template = serde_json::from_str(sample.event.get())?;
        Ok(Self { templates: vec![template], repeat, start_ms })
    }

    /// The events of a file: a JSON array of objects, or one object.
    pub fn parse(json: &[u8], repeat: bool, start_ms: i64) -> Result<Self, SourceError> {
        let is_object = json.trim_ascii_start().first() == Some(&b'{');
        let templates: Vec<Template> =
            if is_object { vec![serde_json::from_slice(json)?] } else { serde_json::from_slice(json)? };
        if templates.is_empty() {
            return Err(SourceError::Empty);
        }
        Ok(Self { templates, repeat, start_ms })
    }

    /// How many different events it has.
    pub fn len(&self) -> usize {
        self.templates.len()
    }

    /// Never: a source has an event at least.
    pub fn is_empty(&self) -> bool {
        self.templates.is_empty()
    }

    /// The body of delivery `number` (from 0) with `size` events.
    fn body(&self, number: u64, size: usize) -> Bytes {
        // Ids of a run begin at its time in milliseconds, times a thousand: 16 digits, below 2^53 and apart from
        // those of every run that did not send a thousand events in each millisecond between.
        let (origin, first) = if self.repeat {
            (self.start_ms.div_euclid(DAY_MS) * DAY_MS, 0)
        } else {
            (self.start_ms, number.saturating_mul(size as u64))
        };
        let mut body = Vec::with_capacity(size * 320 + 2);
        body.push(b'[');
        for (index, template) in (first..).zip(self.templates.iter().cycle().take(size)) {
            if body.len() > 1 {
                body.push(b',');
            }
            let id = u64::try_from(origin).unwrap_or(0).saturating_mul(1000).saturating_add(index);
            template.write(&mut body, id, index, origin);
        }
        body.push(b']');
        Bytes::from(body)
    }
}

impl Batch {
    /// The body of delivery `number`, from 0.
    pub fn body(&self, number: u64) -> Bytes {
        match self {
            Self::Fixed(body) => body.clone(),
            Self::Made { source, size } => source.body(number, *size),
        }
    }

    /// Events in each delivery; None where the body is sent as it is.
    pub fn size(&self) -> Option<usize> {
        match self {
            Self::Fixed(_) => None,
            Self::Made { size, .. } => Some(*size),
        }
    }
}

/// An event whose fields keep their order and their bytes, but for those that make it an event of its own.
#[derive(Clone, Debug)]
struct Template(Vec<(String, Box<RawValue>)>);

impl Template {
    fn write(&self, out: &mut Vec<u8>, id: u64, index: u64, occurred_at: i64) {
        out.push(b'{');
        for (at, (name, value)) in self.0.iter().enumerate() {
            if at > 0 {
                out.push(b',');
            }
            // Strings and numbers always print.
            if serde_json::to_writer(&mut *out, name).is_err() {
                continue;
            }
            out.push(b':');
            match (name.as_str(), value.get().parse::<u64>()) {
                ("eventId", _) => out.extend_from_slice(id.to_string().as_bytes()),
                ("occurredAt", _) => out.extend_from_slice(occurred_at.to_string().as_bytes()),
                ("objectId", Ok(object)) => {
                    out.extend_from_slice(object.saturating_add(index).to_string().as_bytes());
                }
                _ => out.extend_from_slice(value.get().as_bytes()),
            }
        }
        out.push(b'}');
    }
}

impl<'de> Deserialize<'de> for Template {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Fields;
        impl<'de> Visitor<'de> for Fields {
            type Value = Template;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an event, which is a JSON object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Template, A::Error> {
                let mut fields = Vec::new();
                while let Some(field) = map.next_entry()? {
                    fields.push(field);
                }
                Ok(Template(fields))
            }
        }
        deserializer.deserialize_map(Fields)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use serde_json::Value;

    const NOW: i64 = 1_790_000_000_137;

    fn made(source: Source, size: usize) -> Batch {
        Batch::Made { source, size }
    }

    fn ids(body: &[u8]) -> Vec<u64> {
        let events: Vec<Value> = serde_json::from_slice(body).unwrap();
        events.iter().map(|event| event["eventId"].as_u64().unwrap()).collect()
    }

    #[test]
    fn all_48_types_give_events_and_an_unknown_one_lists_them() {
        for sample in sample::all().unwrap() {
            let name = sample.subscription_type;
            let batch = made(Source::sample(name, false, NOW).unwrap(), 1);
            let events: Vec<Value> = serde_json::from_slice(&batch.body(0)).unwrap();
            assert_eq!(events[0]["subscriptionType"], name);
            assert_eq!(events[0]["occurredAt"], NOW);
        }
        assert!(matches!(Source::sample("contact.x", false, NOW), Err(SourceError::Sample(_))));
    }

    #[test]
    fn each_event_has_an_id_of_its_own_within_and_across_runs() {
        let mut seen = HashSet::new();
        for start in [NOW, NOW + 1] {
            let batch = made(Source::sample("contact.creation", false, start).unwrap(), 7);
            for number in 0..5 {
                seen.extend(ids(&batch.body(number)));
            }
        }
        assert_eq!(seen.len(), 70);
        assert!(seen.iter().all(|id| *id < (1 << 53)));
    }

    #[test]
    fn repeated_events_are_the_same_in_each_delivery_and_in_each_run_of_a_day() {
        let first = made(Source::sample("contact.creation", true, NOW).unwrap(), 3);
        let later = made(Source::sample("contact.creation", true, NOW + 60_000).unwrap(), 3);
        assert_eq!(first.body(0), first.body(9));
        assert_eq!(first.body(0), later.body(0));
        assert_eq!(ids(&first.body(0)).into_iter().collect::<HashSet<_>>().len(), 3);
    }

    #[test]
    fn events_of_a_file_keep_the_bytes_of_their_other_fields() {
        let json = br#" [ {"eventId": 1, "big": 123456789012345678901, "x": 1.0}, {"a\"b": [ 1 ]} ]"#;
        let source = Source::parse(json, false, 5).unwrap();
        assert_eq!(source.len(), 2);
        let body = made(source, 3).body(0);
        assert_eq!(
            std::str::from_utf8(&body).unwrap(),
            r#"[{"eventId":5000,"big":123456789012345678901,"x":1.0},{"a\"b":[ 1 ]},{"eventId":5002,"big":123456789012345678901,"x":1.0}]"#
        );
        assert_eq!(Source::parse(b"{\"a\":1}", false, 5).unwrap().len(), 1);
        assert!(matches!(Source::parse(b"[]", false, 5), Err(SourceError::Empty)));
        assert!(matches!(Source::parse(b"[1]", false, 5), Err(SourceError::NotEvents(_))));
        assert!(matches!(Source::parse(b"nonsense", false, 5), Err(SourceError::NotEvents(_))));
    }
}
