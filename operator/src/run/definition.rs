//! Waits until the API server serves `HubSpotListener`: alive, not ready, and saying why.

use std::time::Duration;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::APIResourceList;
use kube::runtime::watcher::DefaultBackoff;
use kube::{Client, Resource};
use tracing::{info, warn};

use super::metrics::Metrics;
use super::readiness::{Readiness, Stage};
use super::said::{absent, said};

/// The longest wait between two looks: somebody who just applied the definition is waiting.
const LONGEST: Duration = Duration::from_secs(5);

/// Comes back when it is served.
pub(super) async fn wait(client: &Client, readiness: &Readiness, metrics: &Metrics) {
    let version = crds::HubSpotListener::api_version(&());
    let mut waits = DefaultBackoff::default();
    loop {
        let what = match client.list_api_group_resources(&version).await {
            Ok(APIResourceList { resources, .. }) if has_both(&resources) => {
                metrics.definition_served.set(1);
                info!("the API server serves {version} HubSpotListener");
                return;
            }
            Ok(_) => not_there(&version),
            Err(error) if absent(&error) => not_there(&version),
            Err(error) => format!("the API server does not answer: {}", said(&error)),
        };
        if readiness.set(Stage::Waiting(what.clone())) {
            warn!("waiting: {what}");
        }
        tokio::time::sleep(waits.next().unwrap_or(LONGEST).min(LONGEST)).await;
    }
}

fn has_both(resources: &[k8s_openapi::apimachinery::pkg::apis::meta::v1::APIResource]) -> bool {
    ["hubspotlisteners", "hubspotlisteners/status"]
        .iter()
        .all(|name| resources.iter().any(|one| one.name == *name))
}

fn not_there(version: &str) -> String {
    format!(
        "the cluster does not know {version} HubSpotListener; install the chart hubspot-listener-crds, or apply what `operator crd` prints"
    )
}
