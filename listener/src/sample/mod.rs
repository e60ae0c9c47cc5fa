//! One example event for each subscription type: the fixture `events.json` of HubSpot's contract,
//! whole, in the binary, so that no file is needed. Each event keeps its bytes.

use crds::check::nearest;
use serde::Deserialize;
use serde_json::value::RawValue;

const SAMPLES: &str = include_str!("events.json");

/// An example event.
#[derive(Clone, Copy, Debug, Deserialize)]
pub struct Sample<'a> {
    /// Its subscription type.
    #[serde(rename = "subscriptionType")]
    pub subscription_type: &'a str,
    /// The event, as HubSpot writes it.
    #[serde(borrow)]
    pub event: &'a RawValue,
}

/// Nobody knows this subscription type.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown subscription type `{wanted}`{}; known are: {known}", meant(.nearest.as_deref()))]
pub struct UnknownType {
    /// As given.
    pub wanted: String,
    /// The one that was meant, perhaps.
    pub nearest: Option<String>,
    /// All that are known.
    pub known: String,
}

fn meant(nearest: Option<&str>) -> String {
    nearest.map(|name| format!("; did you mean `{name}`?")).unwrap_or_default()
}

/// Why there is no sample.
#[derive(Debug, thiserror::Error)]
pub enum SampleError {
    /// Nobody knows this subscription type.
    #[error(transparent)]
    Unknown(#[from] UnknownType),
    /// The embedded file is broken; a test proves that it is not.
    #[error("the embedded samples cannot be read: {0}")]
    Broken(#[from] serde_json::Error),
}

/// All of them, in the order of HubSpot's contract.
pub fn all() -> Result<Vec<Sample<'static>>, SampleError> {
    Ok(serde_json::from_str(SAMPLES)?)
}

/// That of a subscription type.
pub fn of(subscription_type: &str) -> Result<Sample<'static>, SampleError> {
    let samples = all()?;
    if let Some(found) = samples.iter().find(|sample| sample.subscription_type == subscription_type) {
        return Ok(*found);
    }
    let mut known: Vec<&str> = samples.iter().map(|sample| sample.subscription_type).collect();
    known.sort_unstable();
    Err(UnknownType {
        wanted: subscription_type.to_owned(),
        nearest: nearest(subscription_type, known.iter().copied()).map(str::to_owned),
        known: known.join(", "),
    }
    .into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_samples_are_the_fixture() {
        let fixture =
            include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/fixtures/hubspot/events.json"));
        assert_eq!(SAMPLES, fixture);
    }

    #[test]
    fn there_is_one_for_each_of_the_48_types() {
        let samples = all().unwrap();
        assert_eq!(samples.len(), 48);
        for sample in samples {
            let event: serde_json::Value = serde_json::from_str(sample.event.get()).unwrap();
            assert_eq!(event["subscriptionType"], sample.subscription_type);
            assert_eq!(of(sample.subscription_type).unwrap().event.get(), sample.event.get());
        }
    }

    #[test]
    fn an_unknown_type_names_the_nearest_and_all_others() {
        let message = of("contact.creatoin").unwrap_err().to_string();
        assert!(message.contains("did you mean `contact.creation`?"), "{message}");
        assert!(message.contains("ticket.propertyChange"), "{message}");
        assert!(!of("x").unwrap_err().to_string().contains("did you mean"));
    }
}
