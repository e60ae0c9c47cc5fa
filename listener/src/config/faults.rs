//! Templates that failed while a configuration was live: how often, and why the last time. Kept
//! with the configuration, so that a mended template begins at nothing.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use serde::Serialize;

/// Characters of a reason that are kept.
const MAX_REASON: usize = 500;

/// What failed, by place: `body`, `header`, `trace_key`, `data_uri`.
#[derive(Debug, Default)]
pub struct Faults(Mutex<BTreeMap<&'static str, Fault>>);

/// Failures at one place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Fault {
    /// `body`, `header`, `trace_key`, `data_uri`; as the label of the metric.
    pub place: &'static str,
    /// How often since the configuration is live.
    pub count: u64,
    /// Why the last time. May name a value of the record, as an unknown time zone.
    pub reason: String,
}

impl Faults {
    /// Notes a failure; the first at a place is also logged.
    pub fn note(&self, place: &'static str, listener: &str, reason: &str) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let fault = all.entry(place).or_insert(Fault { place, count: 0, reason: String::new() });
        fault.count += 1;
        if fault.reason != reason {
            fault.reason = reason.chars().take(MAX_REASON).collect();
        }
        if fault.count == 1 {
            tracing::warn!(
                listener,
                template.place = place,
                // What stands behind the helper's name may be of the record.
                template.helper = reason.split(':').next().unwrap_or_default(),
                "a template failed and gave nothing; further failures are counted only"
            );
        }
    }

    /// All of them, in order of place.
    pub fn list(&self) -> Vec<Fault> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).values().cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_place_keeps_its_number_and_its_last_reason() {
        let faults = Faults::default();
        faults.note("trace_key", "sales/contacts", "first");
        faults.note("body", "sales/contacts", &"x".repeat(600));
        faults.note("trace_key", "sales/contacts", "second");
        let all = faults.list();
        assert_eq!(
            all.iter().map(|fault| (fault.place, fault.count)).collect::<Vec<_>>(),
            [("body", 1), ("trace_key", 2)]
        );
        assert_eq!((all[0].reason.len(), all[1].reason.as_str()), (500, "second"));
    }
}
