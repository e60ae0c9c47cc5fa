//! How records are cut into pages.

use kube::KubeSchema;
use serde::{Deserialize, Serialize};

use crate::limits;

/// How records are cut into pages.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Page {
    /// Records in a page, from 1; no upper limit, but a page is also cut at 5 MB.
    #[serde(default = "default_size")]
    #[schemars(range(min = 1))]
    #[x_kube(validation = Rule::new("self >= 1")
        .message("a page holds at least one record; write 1 or more, or remove size for 20"))]
    pub size: i32,
    /// Milliseconds that a page waits to fill, 0 to 600000.
    #[serde(default = "default_linger")]
    #[schemars(range(min = 0, max = 600_000))]
    pub linger_milliseconds: i32,
}

impl Default for Page {
    fn default() -> Self {
        Self { size: default_size(), linger_milliseconds: default_linger() }
    }
}

fn default_size() -> i32 {
    limits::DEFAULT_PAGE_SIZE
}

fn default_linger() -> i32 {
    limits::DEFAULT_LINGER_MILLISECONDS
}
