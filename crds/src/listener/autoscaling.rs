//! How many pods there are, by load.

use kube::KubeSchema;
use serde::{Deserialize, Serialize};

/// How many pods there are, by load: a `HorizontalPodAutoscaler` decides in the place of `replicas`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[x_kube(validation = Rule::new("self.minReplicas <= self.maxReplicas")
    .message("there cannot be more pods at least than at most; write a minReplicas that is not above maxReplicas")
    .field_path(".minReplicas"))]
pub struct Autoscaling {
    /// Pods at least, 1 to 64.
    #[serde(default = "two")]
    #[schemars(range(min = 1, max = 64))]
    pub min_replicas: i32,
    /// Pods at most, 1 to 64.
    #[schemars(range(min = 1, max = 64))]
    pub max_replicas: i32,
    /// CPU that the pods use on average, in percent of what they request, 1 to 1000.
    #[serde(default = "seventy", rename = "targetCPUUtilizationPercentage")]
    #[schemars(range(min = 1, max = 1_000))]
    pub target_cpu_utilization_percentage: i32,
}

/// One that answers while another is drained.
fn two() -> i32 {
    2
}

/// Room for what comes until a further pod is ready.
fn seventy() -> i32 {
    70
}
