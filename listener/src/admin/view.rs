//! What the admin port shows. Filled by whoever runs the listeners.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use arc_swap::{ArcSwap, ArcSwapOption};
use secrecy::SecretString;
use tracing::warn;

use super::mask::Masks;
use super::saving::{self, Saving};
use super::tokens::Tokens;
use crate::deliver::DestinationState;
use crate::desk::{Desk, History};
use crate::receive::Endpoint;

/// Gives the states of a listener's destinations as they are now.
type States = Arc<dyn Fn() -> Vec<DestinationState> + Send + Sync>;

/// One listener as the admin port shows it.
pub struct Shown {
    endpoint: Arc<Endpoint>,
    desk: Option<Arc<dyn Desk>>,
    history: Option<Arc<dyn History>>,
    tokens: ArcSwap<Tokens>,
    refusal: ArcSwapOption<String>,
    saving: saving::Memory,
    states: States,
}

impl Shown {
    /// A listener; `desk` and `history` are those of the endpoint's store, none where its kind of
    /// store has none; `states` is asked each time somebody looks, and must be quick.
    pub fn new(
        endpoint: Arc<Endpoint>,
        desk: Option<Arc<dyn Desk>>,
        history: Option<Arc<dyn History>>,
        states: impl Fn() -> Vec<DestinationState> + Send + Sync + 'static,
    ) -> Arc<Self> {
        Arc::new(Self {
            endpoint,
            desk,
            history,
            tokens: ArcSwap::default(),
            refusal: ArcSwapOption::empty(),
            saving: saving::Memory::default(),
            states: Arc::new(states),
        })
    }

    /// Takes up tokens, as keys of their Secret; those before them count no more. Says once what is
    /// wrong with a key.
    pub fn set_tokens(&self, secret: &BTreeMap<String, SecretString>) {
        if self.tokens.load().are_of(secret) {
            return;
        }
        let (tokens, wrong) = Tokens::read(secret);
        let name = self.full_name();
        for reason in wrong {
            warn!(listener.key = %name, "a token of {name} is left out (spec.desk.tokens): {reason}");
        }
        self.tokens.store(Arc::new(tokens));
    }

    pub(super) fn tokens(&self) -> Arc<Tokens> {
        self.tokens.load_full()
    }

    /// The error desk of the listener's store.
    pub fn desk(&self) -> Option<&Arc<dyn Desk>> {
        self.desk.as_ref()
    }

    /// The deliveries, records and refused requests of the listener's store.
    pub fn history(&self) -> Option<&Arc<dyn History>> {
        self.history.as_ref()
    }

    /// Saving the settings from here.
    pub(super) fn saving(&self) -> Saving<'_> {
        Saving::of(self, &self.saving)
    }

    /// Why the newest configuration was refused; none when it runs.
    pub fn set_refusal(&self, message: Option<String>) {
        self.refusal.store(message.map(Arc::new));
    }

    pub(super) fn refusal(&self) -> Option<String> {
        self.refusal.load_full().map(|message| message.as_ref().clone())
    }

    pub(super) fn endpoint(&self) -> &Arc<Endpoint> {
        &self.endpoint
    }

    /// What the manifest masks now.
    pub(super) fn masks(&self) -> Masks {
        Masks::new(&self.endpoint.live().configuration.spec.desk.masked_fields)
    }

    pub(super) fn states(&self) -> Vec<DestinationState> {
        (self.states)()
    }

    /// `namespace/name`
    pub(super) fn full_name(&self) -> String {
        let labels = self.endpoint.labels();
        format!("{}/{}", labels.namespace, labels.listener)
    }
}

impl fmt::Debug for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shown").field("listener", self.endpoint.labels()).finish_non_exhaustive()
    }
}

/// Everything that the admin port shows.
#[derive(Debug, Default)]
pub struct View {
    listeners: ArcSwap<Vec<Arc<Shown>>>,
    refusal: ArcSwapOption<String>,
}

impl View {
    /// Nothing yet: not ready.
    pub fn new() -> Arc<Self> {
        Arc::new(Self::default())
    }

    /// Shows exactly these listeners.
    pub fn set_listeners(&self, listeners: Vec<Arc<Shown>>) {
        self.listeners.store(Arc::new(listeners));
    }

    /// Why no configuration is live yet, for the time before the first one is.
    pub fn set_refusal(&self, message: Option<String>) {
        self.refusal.store(message.map(Arc::new));
    }

    pub(super) fn listeners(&self) -> Arc<Vec<Arc<Shown>>> {
        self.listeners.load_full()
    }

    pub(super) fn refusal(&self) -> Option<String> {
        self.refusal.load_full().map(|message| message.as_ref().clone())
    }
}
