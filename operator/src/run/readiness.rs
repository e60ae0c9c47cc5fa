//! What `/readyz` says: which stage the process is at, and what it waits for.

use std::sync::{Arc, Mutex, PoisonError};

/// Where the process is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    /// Not ready: something it cannot do without is not there.
    Waiting(String),
    /// Ready: another operator leads, and this one would follow it.
    StandingBy,
    /// Ready: it leads.
    Leading,
    /// Not ready: it was told to end.
    Stopping,
}

/// Shared by whoever moves the process on and whoever tells of it.
#[derive(Clone, Debug)]
pub(super) struct Readiness(Arc<Mutex<Stage>>);

impl Default for Readiness {
    fn default() -> Self {
        Self(Arc::new(Mutex::new(Stage::Waiting("the process has just begun".to_owned()))))
    }
}

impl Readiness {
    /// Moves on; gives whether that is news.
    pub(super) fn set(&self, stage: Stage) -> bool {
        let mut now = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let news = *now != stage;
        *now = stage;
        news
    }

    /// Where it is.
    pub(super) fn get(&self) -> Stage {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
