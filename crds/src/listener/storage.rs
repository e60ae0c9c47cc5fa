//! Where deliveries are kept, and for how long.

use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::SecretKeyRef;
use crate::limits;

/// Where deliveries are kept, and for how long.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[x_kube(validation = Rule::new("!(has(self.embedded) && has(self.postgres))")
    .message("a listener has one store; keep either embedded or postgres"))]
pub struct Storage {
    /// On a volume of the pod; the default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub embedded: Option<EmbeddedStorage>,
    /// In PostgreSQL.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub postgres: Option<PostgresStorage>,
    /// How long things are kept.
    #[serde(default)]
    pub retention: Retention,
}

/// On a volume of the pod.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct EmbeddedStorage {
    /// Size of the claim.
    #[serde(default = "default_size")]
    #[schemars(length(min = 1, max = 32))]
    #[x_kube(validation = Rule::new("self.matches('^[1-9][0-9]*([.][0-9]+)?(Ki|Mi|Gi|Ti|Pi|k|M|G|T|P)?$')")
        .message("this is not a size; write a number and a unit, such as 5Gi"))]
    pub size: String,
    /// Storage class of the claim.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 253))]
    pub storage_class_name: Option<String>,
}

impl Default for EmbeddedStorage {
    fn default() -> Self {
        Self { size: default_size(), storage_class_name: None }
    }
}

/// In PostgreSQL.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PostgresStorage {
    /// Secret with the connection URL.
    pub url_secret_ref: SecretKeyRef,
}

/// How long things are kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Retention {
    /// Hours that a delivered record is kept, 0 to 8760.
    #[schemars(range(min = 0, max = 8_760))]
    pub delivered_hours: i32,
    /// Days that an error is kept, 1 to 3650.
    #[schemars(range(min = 1, max = 3_650))]
    pub error_days: i32,
    /// Hours that a refused request is kept, 0 to 8760.
    #[schemars(range(min = 0, max = 8_760))]
    pub refused_hours: i32,
    /// Hours in which a repeated event is known as a duplicate, 1 to 8760.
    #[schemars(range(min = 1, max = 8_760))]
    pub dedupe_hours: i32,
}

impl Default for Retention {
    fn default() -> Self {
        Self {
            delivered_hours: limits::DEFAULT_DELIVERED_HOURS,
            error_days: limits::DEFAULT_ERROR_DAYS,
            refused_hours: limits::DEFAULT_REFUSED_HOURS,
            dedupe_hours: limits::DEFAULT_DEDUPE_HOURS,
        }
    }
}

fn default_size() -> String {
    limits::DEFAULT_STORAGE_SIZE.to_owned()
}
