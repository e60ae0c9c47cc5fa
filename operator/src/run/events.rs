//! Events of events.k8s.io, on change of a condition only. One recorder for the process: it
//! folds what is said again within minutes.

use std::sync::Arc;

use k8s_openapi::api::core::v1::ObjectReference;
use kube::runtime::events::{Event, EventType, Recorder, Reporter};
use kube::{Client, Resource};
use tracing::debug;

use super::metrics::Metrics;
use super::said::said;
use crate::status::{Change, EventType as Tone};

/// What a note may hold, in bytes; the API server refuses more.
const MAX_NOTE: usize = 1_000;

/// Tells people what changed.
#[derive(Clone)]
pub(super) struct Events {
    recorder: Recorder,
    metrics: Arc<Metrics>,
}

impl Events {
    /// In the name of this process.
    pub(super) fn new(client: Client, identity: &str, metrics: Arc<Metrics>) -> Self {
        let reporter = Reporter {
            controller: "hubspot-listener.dev/operator".to_owned(),
            instance: Some(identity.chars().take(128).collect()),
        };
        Self { recorder: Recorder::new(client, reporter), metrics }
    }

    /// A condition changed.
    pub(super) async fn changed(&self, regarding: &ObjectReference, change: Change) {
        let Change { condition, reason, message, event_type } = change;
        let type_ = match event_type {
            Tone::Normal => EventType::Normal,
            Tone::Warning => EventType::Warning,
        };
        self.publish(regarding, type_, reason, condition.as_str(), &message).await;
    }

    /// Somebody saved settings from the web page of a listener.
    pub(super) async fn saved(&self, regarding: &ObjectReference, actor: &str, generation: i64) {
        let message = format!("{actor} saved spec.settings from the web page: generation {generation}");
        self.publish(regarding, EventType::Normal, "SettingsSaved".to_owned(), "SaveSettings", &message)
            .await;
    }

    /// What says that it is a listener cannot be read as one.
    pub(super) async fn unreadable<K: Resource<DynamicType = ()>>(&self, object: &K, error: &str) {
        let message = format!(
            "this is no HubSpotListener that this operator can read: {error}; correct the field and apply it again"
        );
        let reason = "Unreadable".to_owned();
        self.publish(&object.object_ref(&()), EventType::Warning, reason, "Accepted", &message).await;
    }

    async fn publish(
        &self,
        regarding: &ObjectReference,
        type_: EventType,
        reason: String,
        action: &str,
        message: &str,
    ) {
        let event =
            Event { type_, reason, note: Some(cut(message)), action: action.to_owned(), secondary: None };
        // An event is a courtesy: the condition says the same, and stays.
        if let Err(error) = self.recorder.publish(&event, regarding).await {
            self.metrics.events_lost.inc();
            debug!(
                error = said(&error),
                "an event of {} was lost",
                regarding.name.as_deref().unwrap_or_default()
            );
        }
    }
}

/// At most [`MAX_NOTE`] bytes, cut between characters.
fn cut(message: &str) -> String {
    let mut end = message.len().min(MAX_NOTE);
    while !message.is_char_boundary(end) {
        end -= 1;
    }
    message[..end].to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_note_is_cut_between_characters() {
        assert_eq!(cut("short"), "short");
        assert_eq!(cut(&"é".repeat(600)).len(), MAX_NOTE);
        assert_eq!(cut(&format!("x{}", "é".repeat(600))).len(), MAX_NOTE - 1);
    }
}
