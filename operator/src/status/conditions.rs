//! The four conditions.

use crds::condition::{Reason, Type};
use crds::listener::HubSpotListenerStatus;
use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};

use super::{Outcome, ready};
use crate::observed::Observed;
use crate::validate::{MAX_MESSAGE, bounded};

/// Status of a condition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    True,
    False,
    Unknown,
}

impl State {
    fn as_str(self) -> &'static str {
        match self {
            Self::True => "True",
            Self::False => "False",
            Self::Unknown => "Unknown",
        }
    }
}

/// What a condition says.
pub(super) struct Said {
    pub(super) state: State,
    pub(super) reason: Reason,
    pub(super) message: String,
}

impl Said {
    /// The remedy of the reason is put at the end, but for good news.
    pub(super) fn new(state: State, reason: Reason, message: &str) -> Self {
        let message = match reason.remedy() {
            Some(remedy) => format!("{}; {remedy}", bounded(message, MAX_MESSAGE - remedy.len() - 2)),
            None => bounded(message, MAX_MESSAGE),
        };
        Self { state, reason, message }
    }

    /// Of a message that has its remedy already.
    pub(super) fn whole(state: State, reason: Reason, message: &str) -> Self {
        Self { state, reason, message: bounded(message, MAX_MESSAGE) }
    }
}

/// All four, in the order of [`Type::ALL`].
pub(super) fn make(
    previous: &HubSpotListenerStatus,
    observed: &Observed,
    outcome: &Outcome,
    generation: Option<i64>,
    now: Timestamp,
) -> Vec<Condition> {
    Type::ALL
        .into_iter()
        .map(|condition| {
            let said = match condition {
                Type::Accepted => {
                    looked_at(condition, outcome, Reason::Accepted, "the manifest is understood")
                }
                Type::ResolvedRefs => looked_at(
                    condition,
                    outcome,
                    Reason::ResolvedRefs,
                    "every Secret and ConfigMap that the manifest names is there",
                ),
                Type::Programmed => programmed(outcome),
                Type::Ready => ready::ready(previous, observed, outcome),
            };
            stamp(previous, condition, said, generation, now)
        })
        .collect()
}

/// Validation looks at everything each time, so what it does not refuse is good.
fn looked_at(condition: Type, outcome: &Outcome, good: Reason, message: &str) -> Said {
    match outcome.rejection(condition) {
        Some(rejection) => Said::whole(State::False, rejection.reason, &rejection.message),
        None => Said::new(State::True, good, message),
    }
}

fn programmed(outcome: &Outcome) -> Said {
    match outcome {
        Outcome::Applied => {
            Said::new(State::True, Reason::Programmed, "the cluster holds what the manifest asks for")
        }
        Outcome::NotApplied(message) => Said::new(State::False, Reason::ApplyFailed, message),
        Outcome::Refused(rejections) => {
            let waits: Vec<&str> = rejections.iter().map(|rejection| rejection.condition.as_str()).collect();
            let message = format!("nothing is changed in the cluster until {} is True", waits.join(" and "));
            Said::whole(State::Unknown, Reason::Pending, &format!("{message}; see there what to do"))
        }
    }
}

/// The condition as it stands in the status. Its time is the previous one where its state is.
fn stamp(
    previous: &HubSpotListenerStatus,
    condition: Type,
    said: Said,
    generation: Option<i64>,
    now: Timestamp,
) -> Condition {
    let state = said.state.as_str();
    let before = find(previous, condition).filter(|before| before.status == state);
    // The API server keeps seconds only; with more, each look would seem to differ.
    let now = Timestamp::from_second(now.as_second()).unwrap_or(now);
    Condition {
        type_: condition.as_str().to_owned(),
        status: state.to_owned(),
        reason: said.reason.as_str().to_owned(),
        message: said.message,
        observed_generation: generation,
        last_transition_time: before.map_or(Time(now), |before| before.last_transition_time.clone()),
    }
}

/// A condition of a status.
pub(super) fn find(status: &HubSpotListenerStatus, condition: Type) -> Option<&Condition> {
    status.conditions.iter().find(|one| one.type_ == condition.as_str())
}
