//! `/api/v1/status`

use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::{Extension, Json};
use serde::Serialize;
use tokio::time::timeout;

use super::auth::Caller;
use super::{Shown, View};
use crate::config::faults::Fault;
use crate::deliver::Paused;
use crate::store::{DestinationStatus, HookStatus, PRE_PAGE, Status, StoreError};

/// How long a store may take to count.
const PATIENCE: Duration = Duration::from_secs(5);

/// Everything that runs in this process.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Overview {
    listeners: Vec<Listener>,
    /// Why no configuration is live.
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Listener {
    pub(super) name: String,
    pub(super) namespace: String,
    pub(super) display_name: String,
    pub(super) description: Option<String>,
    pub(super) url: String,
    pub(super) configuration: Configured,
    pub(super) paused: bool,
    /// Why the store does not take deliveries, or cannot count.
    pub(super) store_error: Option<String>,
    pub(super) store: Option<Counts>,
    pub(super) refused: Option<Kept>,
    /// Templates that failed since the configuration is live.
    pub(super) template_errors: Vec<Fault>,
    /// The hook before pages are cut; null where there is none.
    pub(super) pre_page: Option<Hook>,
    pub(super) destinations: Vec<Destination>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Configured {
    /// false: the newest one was refused, and the one before it runs.
    pub(super) valid: bool,
    /// Of the one that runs.
    pub(super) generation: i64,
    /// Why the newest one was refused.
    pub(super) message: Option<String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Counts {
    pub(super) deliveries: u64,
    pub(super) events: u64,
    pub(super) records: u64,
    pub(super) duplicates: u64,
    pub(super) ignored: u64,
    pub(super) pending_records: u64,
    pub(super) open_errors: u64,
    pub(super) unindexed_bytes: u64,
    pub(super) unindexed_deliveries: u64,
    pub(super) file_bytes: u64,
    pub(super) last_delivery_ms: Option<i64>,
}

#[derive(Debug, Serialize)]
pub(super) struct Kept {
    pub(super) kept: u64,
    pub(super) dropped: u64,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Destination {
    #[serde(flatten)]
    pub(super) counts: DestinationStatus,
    /// Why nothing is handed on now; null while it runs.
    pub(super) paused: Option<Paused>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Hook {
    #[serde(flatten)]
    pub(super) counts: HookStatus,
    /// Why it is not called now; null while it is.
    pub(super) paused: Option<Paused>,
}

pub(super) async fn get(
    State(view): State<Arc<View>>,
    Extension(caller): Extension<Caller>,
) -> Json<Overview> {
    let mut listeners = Vec::new();
    for shown in view.listeners().iter().filter(|shown| caller.on(&shown.full_name()).is_some()) {
        listeners.push(listener(shown).await);
    }
    let message = if listeners.is_empty() { view.refusal() } else { None };
    Json(Overview { listeners, message })
}

/// The store's counters where it can count, and why it does not take deliveries or cannot count.
pub(super) async fn look(shown: &Shown) -> (Option<Status>, Option<String>) {
    match count(shown).await {
        Ok(status) => (Some(status), shown.endpoint().store().health().err()),
        Err(error) => (None, Some(error.to_string())),
    }
}

/// The store's counters, or why there are none. Never waits for long.
pub(super) async fn count(shown: &Shown) -> Result<Status, StoreError> {
    let counted = timeout(PATIENCE, shown.endpoint().store().status()).await;
    counted.unwrap_or_else(|_| Err(StoreError::Failed("it does not answer".to_owned())))
}

/// One listener as it is now.
pub(super) async fn listener(shown: &Shown) -> Listener {
    let live = shown.endpoint().live();
    let spec = &live.configuration.spec;
    let message = shown.refusal();
    let (status, failed) = look(shown).await;
    Listener {
        name: live.configuration.name.clone(),
        namespace: live.configuration.namespace.clone(),
        display_name: spec.display_name.clone(),
        description: spec.description.clone(),
        url: live.configuration.public_url.clone(),
        configuration: Configured {
            valid: message.is_none(),
            generation: live.configuration.generation,
            message,
        },
        paused: spec.paused,
        store_error: failed,
        refused: status
            .as_ref()
            .map(|status| Kept { kept: status.refused_kept, dropped: status.refused_dropped }),
        pre_page: hook(shown, status.as_ref()),
        template_errors: live.faults.list(),
        destinations: destinations(shown, status.as_ref()),
        store: status.as_ref().map(counts),
    }
}

fn counts(status: &Status) -> Counts {
    Counts {
        deliveries: status.deliveries,
        events: status.events,
        records: status.records,
        duplicates: status.duplicates,
        ignored: status.ignored,
        pending_records: status.pending_records,
        open_errors: status.open_errors,
        unindexed_bytes: status.unindexed_bytes,
        unindexed_deliveries: status.unindexed_deliveries,
        file_bytes: status.file_bytes,
        last_delivery_ms: status.last_delivery_ms,
    }
}

/// Every destination that the store or the delivery knows.
fn destinations(shown: &Shown, status: Option<&Status>) -> Vec<Destination> {
    let mut counted = status.map_or_else(Vec::new, |status| status.destinations.clone());
    let known = shown.states();
    for state in &known {
        if state.name != PRE_PAGE && !counted.iter().any(|counts| counts.name == state.name) {
            counted.push(DestinationStatus { name: state.name.clone(), ..DestinationStatus::default() });
        }
    }
    let with_state = |counts: DestinationStatus| {
        let state = known.iter().find(|state| state.name == counts.name);
        Destination { counts, paused: state.and_then(|state| state.paused) }
    };
    counted.into_iter().map(with_state).collect()
}

/// The hook, where the store or the delivery knows one.
fn hook(shown: &Shown, status: Option<&Status>) -> Option<Hook> {
    let counts = status.and_then(|status| status.hook.clone());
    let state = shown.states().into_iter().find(|state| state.name == PRE_PAGE);
    if counts.is_none() && state.is_none() {
        return None;
    }
    Some(Hook { counts: counts.unwrap_or_default(), paused: state.and_then(|state| state.paused) })
}
