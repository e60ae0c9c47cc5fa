//! What `operator check` says too: the name, the schema's rules, and their meaning.

use crds::check;
use crds::condition::Reason;
use kube::ResourceExt;

use super::Finding;
use crate::observed::Observed;
use crate::options::Defaults;

/// The resource's own name.
pub(super) fn name(observed: &Observed, _: &Defaults) -> Vec<Finding> {
    let refusal = check::check_name(&observed.listener.name_any());
    refusal.map(|refusal| Finding::accepted(Reason::InvalidManifest, refusal)).into_iter().collect()
}

/// The spec. The API server has run the rules; it may have been by an older definition.
pub(super) fn spec(observed: &Observed, _: &Defaults) -> Vec<Finding> {
    let refusals = check::check(&observed.listener.spec).into_iter();
    refusals.map(|refusal| Finding::accepted(Reason::InvalidManifest, refusal)).collect()
}
