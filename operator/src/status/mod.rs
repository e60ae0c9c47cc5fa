//! Step 5: makes the status. Pure.
//!
//! # Invariants
//!
//! 1. All four conditions stand in it, each with the generation that it speaks of. The change time
//!    moves when the status of a condition moves, and only then.
//! 2. A message is bounded, and ends with what to do where something is to be done.
//! 3. Ready speaks of the pods that run, whether or not the newest manifest was taken: a bad change
//!    does not make a working listener look broken.
//! 4. The URL stands there once the manifest was accepted, and stays when a later change is refused:
//!    it is what is registered in HubSpot.
//! 5. Counters keep their last value where no pod answers.

mod changed;
mod conditions;
mod counters;
mod ready;
#[cfg(test)]
mod tests;

use crds::condition::Type;
use crds::listener::HubSpotListenerStatus;
use jiff::Timestamp;

pub use changed::{Change, EventType, changed_conditions};

use crate::observed::Observed;
use crate::validate::Rejection;

/// How far a reconcile has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// [`crate::validate`] refused the manifest; nothing was applied.
    Refused(Vec<Rejection>),
    /// The API server did not take a child: what it says, with the kind and name of the child.
    NotApplied(String),
    /// All children are as they should be.
    Applied,
}

impl Outcome {
    /// The rejection that makes `condition` False.
    fn rejection(&self, condition: Type) -> Option<&Rejection> {
        match self {
            Self::Refused(rejections) => rejections.iter().find(|rejection| rejection.condition == condition),
            Self::NotApplied(_) | Self::Applied => None,
        }
    }
}

/// The status after a reconcile. `url` is what [`crate::validate::public_url`] gives.
pub fn status(
    previous: Option<&HubSpotListenerStatus>,
    observed: &Observed,
    url: Option<&str>,
    outcome: &Outcome,
    now: Timestamp,
) -> HubSpotListenerStatus {
    let none = HubSpotListenerStatus::default();
    let previous = previous.unwrap_or(&none);
    let generation = observed.listener.metadata.generation;
    let counted = counters::count(previous, observed);
    HubSpotListenerStatus {
        url: shown_url(previous, observed, url, outcome),
        observed_generation: generation,
        conditions: conditions::make(previous, observed, outcome, generation, now),
        pending_records: counted.pending,
        open_errors: counted.open_errors,
        last_delivery_time: counted.last_delivery,
        ready_replicas: Some(ready::replicas(observed)),
    }
}

/// The URL that people may use: that of the manifest once it is accepted, or, while the manifest is
/// not carried out and pods run by an earlier one, the URL of that.
fn shown_url(
    previous: &HubSpotListenerStatus,
    observed: &Observed,
    url: Option<&str>,
    outcome: &Outcome,
) -> Option<String> {
    let refused = matches!(outcome, Outcome::Refused(_));
    let earlier_runs = previous.url.is_some() && observed.deployment.is_some();
    if outcome.rejection(Type::Accepted).is_some() || (refused && earlier_runs) {
        return previous.url.clone();
    }
    url.map(ToOwned::to_owned)
}
