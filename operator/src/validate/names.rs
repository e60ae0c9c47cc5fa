//! Names and labels that are taken.

use crds::check::Refusal;
use crds::condition::Reason;
use kube::ResourceExt;

use super::Finding;
use crate::build::labels;
use crate::observed::Observed;
use crate::options::Defaults;

/// Nothing of somebody else stands where a child would stand: it would be overwritten.
pub(super) fn names_are_free(observed: &Observed, _: &Defaults) -> Vec<Finding> {
    let taken = observed.foreign.iter();
    taken
        .map(|(kind, name)| {
            let refusal = Refusal::new(
                "metadata.name",
                format!("there is a {kind} {name} already, and it is not this listener's"),
                format!("give this listener another name, or remove that {kind}"),
            );
            Finding::accepted(Reason::NameTaken, refusal)
        })
        .collect()
}

/// The labels by which pods are found are the operator's.
pub(super) fn labels_are_free(observed: &Observed, _: &Defaults) -> Vec<Finding> {
    let Some(template) = &observed.listener.spec.pod_template else { return Vec::new() };
    let own = labels::of(&observed.listener.name_any());
    let taken = template.labels.keys().filter(|label| own.contains_key(*label));
    taken
        .map(|label| {
            let refusal = Refusal::new(
                format!("spec.podTemplate.labels.{label}"),
                "the operator finds the listener's pods by this label",
                "remove it, or choose another label",
            );
            Finding::accepted(Reason::InvalidManifest, refusal)
        })
        .collect()
}
