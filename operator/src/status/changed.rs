//! What changed between two statuses, for events.

use crds::condition::Type;
use crds::listener::HubSpotListenerStatus;

use super::conditions::find;

/// Type of an event, as Kubernetes knows them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EventType {
    /// It goes well, or it is under way.
    Normal,
    /// Somebody should look.
    Warning,
}

/// A condition that became another one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// The condition.
    pub condition: Type,
    /// Its reason: that of the event.
    pub reason: String,
    /// Its message.
    pub message: String,
    /// Type of the event.
    pub event_type: EventType,
}

/// The conditions whose status or reason changed, and those that are not True and say something else.
/// Counts in the message of good news are no change.
pub fn changed_conditions(old: &HubSpotListenerStatus, new: &HubSpotListenerStatus) -> Vec<Change> {
    Type::ALL
        .into_iter()
        .filter_map(|condition| {
            let now = find(new, condition)?;
            let same = find(old, condition).is_some_and(|before| {
                before.status == now.status
                    && before.reason == now.reason
                    && (now.status == "True" || before.message == now.message)
            });
            // What is not so far waits for another condition, and that one speaks.
            if same || now.status == "Unknown" {
                return None;
            }
            Some(Change {
                condition,
                reason: now.reason.clone(),
                message: now.message.clone(),
                event_type: event_type(&now.status, &now.reason),
            })
        })
        .collect()
}

fn event_type(status: &str, reason: &str) -> EventType {
    use crds::condition::Reason::{ConfigurationRefused, Progressing};
    let under_way = reason == Progressing.as_str();
    let well = status == "True" && reason != ConfigurationRefused.as_str();
    if well || under_way { EventType::Normal } else { EventType::Warning }
}
