//! What the console shows of one listener: what its resource says, and nothing of its spec that is not for
//! everybody's eyes. Pure.

use crds::HubSpotListener;
use kube::ResourceExt;

use crate::run::caches::Guarded;

/// One listener.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Row {
    pub(super) namespace: String,
    pub(super) name: String,
    pub(super) display_name: String,
    pub(super) description: String,
    pub(super) url: Option<String>,
    pub(super) state: State,
    /// Of the condition Ready, or of the one that says why not.
    pub(super) reason: String,
    pub(super) message: String,
    pub(super) pending: Option<i64>,
    pub(super) open_errors: Option<i64>,
    pub(super) ready_replicas: i32,
    pub(super) replicas: i32,
    /// RFC 3339.
    pub(super) last_delivery: Option<String>,
}

/// How a listener is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    Ready,
    /// By the manifest.
    Paused,
    NotReady,
    /// The operator has not said yet.
    Unknown,
}

impl State {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Ready => "Ready",
            Self::Paused => "Paused",
            Self::NotReady => "Not ready",
            Self::Unknown => "Not known yet",
        }
    }

    /// For the style.
    pub(super) fn class(self) -> &'static str {
        match self {
            Self::Ready => "ready",
            Self::Paused | Self::Unknown => "pending",
            Self::NotReady => "broken",
        }
    }
}

impl Row {
    /// Of what says that it is a listener.
    pub(super) fn of(object: &Guarded) -> Self {
        match &object.0 {
            Ok(listener) => Self::of_listener(listener),
            Err(invalid) => Self {
                namespace: invalid.metadata.namespace.clone().unwrap_or_default(),
                name: invalid.metadata.name.clone().unwrap_or_default(),
                display_name: invalid.metadata.name.clone().unwrap_or_default(),
                description: String::new(),
                url: None,
                state: State::NotReady,
                reason: "Unreadable".to_owned(),
                message: format!("this console cannot read it: {}", invalid.error),
                pending: None,
                open_errors: None,
                ready_replicas: 0,
                replicas: 0,
                last_delivery: None,
            },
        }
    }

    fn of_listener(listener: &HubSpotListener) -> Self {
        let status = listener.status.clone().unwrap_or_default();
        let condition = |name: &str| status.conditions.iter().find(|one| one.type_ == name);
        let ready = condition("Ready");
        let current = ready.is_some_and(|one| {
            one.observed_generation.is_none_or(|seen| Some(seen) == listener.metadata.generation)
        });
        let state = match ready.map(|one| one.status.as_str()) {
            Some("True") if listener.spec.paused => State::Paused,
            Some("True") if current => State::Ready,
            Some("False") => State::NotReady,
            _ => State::Unknown,
        };
        // What is wrong says more than that something is.
        let refused = ["Accepted", "ResolvedRefs", "Programmed"].into_iter().filter_map(condition);
        let said = refused.filter(|one| one.status == "False").chain(ready).next();
        let (reason, message) = said.map(|one| (one.reason.clone(), one.message.clone())).unwrap_or_default();
        Self {
            namespace: listener.namespace().unwrap_or_default(),
            name: listener.name_any(),
            display_name: listener.spec.display_name.clone(),
            description: listener.spec.description.clone().unwrap_or_default(),
            url: status.url,
            state,
            reason,
            message,
            pending: status.pending_records,
            open_errors: status.open_errors,
            ready_replicas: status.ready_replicas.unwrap_or_default(),
            replicas: listener.spec.replicas,
            last_delivery: status.last_delivery_time,
        }
    }

    /// Whether somebody should look at it.
    pub(super) fn needs_attention(&self) -> bool {
        self.state == State::NotReady || self.open_errors.is_some_and(|errors| errors > 0)
    }

    /// Whether this text, in small letters, is in what people call it.
    pub(super) fn matches(&self, text: &str) -> bool {
        [&self.namespace, &self.name, &self.display_name, &self.description]
            .iter()
            .any(|field| field.to_lowercase().contains(text))
            || self.url.as_ref().is_some_and(|url| url.contains(text))
    }
}
