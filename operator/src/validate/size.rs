//! The configuration goes into a ConfigMap, and that has a limit.

use crds::check::Refusal;
use crds::condition::Reason;

use super::{Finding, url};
use crate::build::config_map;
use crate::observed::Observed;
use crate::options::Defaults;

/// Bytes of the data of a ConfigMap: 1 MiB, of which a little is kept back for its key.
/// <https://kubernetes.io/docs/concepts/configuration/configmap/#motivation>
const MAX_BYTES: usize = 1_048_576 - 1_024;

/// The configuration fits into its ConfigMap.
pub(super) fn configuration_fits(observed: &Observed, defaults: &Defaults) -> Vec<Finding> {
    let listener = &observed.listener;
    let (host, path) = url::host_and_path(listener, defaults).unwrap_or_default();
    let bytes = config_map::text(&super::configuration(listener, defaults, &host, &path)).len();
    if bytes <= MAX_BYTES {
        return Vec::new();
    }
    let refusal = Refusal::new(
        "spec",
        format!("the configuration has {bytes} bytes, and a ConfigMap holds {MAX_BYTES}"),
        "move settings into a ConfigMap of their own with settingsFrom, or make two listeners",
    );
    vec![Finding::accepted(Reason::InvalidManifest, refusal)]
}
