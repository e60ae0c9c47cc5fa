//! `/report`: what the operator asks for. See [`crds::report`].

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use crds::report::{Report, Reports};

use super::status::look;
use super::{Shown, View};

pub(super) async fn get(State(view): State<Arc<View>>) -> Json<Reports> {
    let mut listeners = Vec::new();
    for shown in view.listeners().iter() {
        listeners.push(report(shown).await);
    }
    let message = if listeners.is_empty() { view.refusal() } else { None };
    Json(Reports { listeners, message })
}

async fn report(shown: &Shown) -> Report {
    let live = shown.endpoint().live();
    let (counted, store_failed) = look(shown).await;
    Report {
        namespace: live.configuration.namespace.clone(),
        name: live.configuration.name.clone(),
        generation: live.configuration.generation,
        configuration_refused: shown.refusal(),
        store_failed,
        pending_records: counted.as_ref().map(|status| status.pending_records),
        open_errors: counted.as_ref().map(|status| status.open_errors),
        last_delivery_ms: counted.and_then(|status| status.last_delivery_ms),
        settings_wanted: shown.saving().wanted(),
    }
}
