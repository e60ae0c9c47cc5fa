//! Whether the cluster serves the Gateway API, and the watch of `HTTPRoutes` once it does.
//!
//! Asked at the first listener that wants a route, and again, at most every half minute, as long
//! as the answer is no. Once it was yes the watch runs, and is not asked again: if the definition
//! goes, each apply says so.

use std::sync::Arc;
use std::time::{Duration, Instant};

use k8s_openapi::apimachinery::pkg::apis::meta::v1::APIResourceList;
use kube::Client;
use tokio::sync::Mutex;
use tracing::info;

use super::watch::Watches;
use crate::apply::kind::{GATEWAY_API, Kind};

/// Time between two looks while the answer is no.
const LOOK: Duration = Duration::from_secs(30);

/// Whether the cluster serves the Gateway API.
#[derive(Clone)]
pub struct GatewayApi(Arc<Inner>);

struct Inner {
    client: Client,
    watches: Watches,
    known: Mutex<Known>,
}

#[derive(Default)]
struct Known {
    watch: Option<tokio_util::task::AbortOnDropHandle<()>>,
    looked: Option<Instant>,
}

impl std::fmt::Debug for GatewayApi {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("GatewayApi")
    }
}

impl GatewayApi {
    pub(super) fn new(client: Client, watches: Watches) -> Self {
        Self(Arc::new(Inner { client, watches, known: Mutex::default() }))
    }

    /// Whether it serves `HTTPRoutes`. Starts their watch when it does.
    pub async fn served(&self) -> Result<bool, kube::Error> {
        let mut known = self.0.known.lock().await;
        if known.watch.is_some() {
            return Ok(true);
        }
        if known.looked.is_some_and(|at| at.elapsed() < LOOK) {
            return Ok(false);
        }
        known.looked = Some(Instant::now());
        match self.0.client.list_api_group_resources(GATEWAY_API).await {
            Ok(APIResourceList { resources, .. }) if resources.iter().any(|one| one.name == "httproutes") => {
                info!("the cluster serves {GATEWAY_API}");
                let watch = tokio::spawn(self.0.watches.clone().children(Kind::HttpRoute));
                known.watch = Some(tokio_util::task::AbortOnDropHandle::new(watch));
                Ok(true)
            }
            Ok(_) => Ok(false),
            Err(error) if super::said::absent(&error) => Ok(false),
            Err(error) => {
                // No answer is no answer: the next one asks again.
                known.looked = None;
                Err(error)
            }
        }
    }
}
