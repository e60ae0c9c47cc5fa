//! The claim of an embedded store: what it may become once it is there.

use crds::check::Refusal;
use crds::condition::Reason;
use crds::listener::EmbeddedStorage;
use k8s_openapi::api::core::v1::PersistentVolumeClaim;

use super::{Finding, quantity};
use crate::observed::Observed;
use crate::options::Defaults;

/// A claim cannot shrink, and keeps its class.
/// <https://kubernetes.io/docs/concepts/storage/persistent-volumes/#expanding-persistent-volumes-claims>
pub(super) fn claim_can_become_what_is_asked(observed: &Observed, _: &Defaults) -> Vec<Finding> {
    let storage = &observed.listener.spec.storage;
    let (Some(claim), None) = (&observed.claim, &storage.postgres) else { return Vec::new() };
    let wanted = storage.embedded.clone().unwrap_or_default();
    let mut findings = Vec::new();
    let mut refuse = |field: &str, reason: String, remedy: String| {
        findings.push(Finding::accepted(Reason::InvalidManifest, Refusal::new(field, reason, remedy)));
    };
    if let Some(has) = size(claim)
        && let (Some(now), Some(then)) = (quantity::bytes(has), quantity::bytes(&wanted.size))
        && then < now
    {
        refuse(
            "spec.storage.embedded.size",
            format!("the claim has {has} and cannot shrink to {}", wanted.size),
            format!("write {has} or more"),
        );
    }
    if let (Some(wanted), Some(has)) = (&wanted.storage_class_name, class(claim))
        && wanted != has
    {
        refuse(
            "spec.storage.embedded.storageClassName",
            format!("the claim is of class `{has}` and cannot change to `{wanted}`"),
            format!("write {has}, or make a new listener and move to it"),
        );
    }
    findings
}

/// The manifest's class; else that of the claim that is there, so that a new default of the
/// operator does not ask of old claims what they cannot become; else the operator's default.
pub(super) fn storage_class(observed: &Observed, defaults: &Defaults) -> Option<String> {
    let of_manifest =
        observed.listener.spec.storage.embedded.as_ref().and_then(of_embedded).map(ToOwned::to_owned);
    if of_manifest.is_some() {
        return of_manifest;
    }
    if let Some(claim) = &observed.claim {
        return class(claim).map(ToOwned::to_owned);
    }
    defaults.default_storage_class.clone().filter(|class| !class.is_empty())
}

fn of_embedded(embedded: &EmbeddedStorage) -> Option<&str> {
    embedded.storage_class_name.as_deref()
}

fn class(claim: &PersistentVolumeClaim) -> Option<&str> {
    claim.spec.as_ref()?.storage_class_name.as_deref()
}

fn size(claim: &PersistentVolumeClaim) -> Option<&str> {
    let requests = claim.spec.as_ref()?.resources.as_ref()?.requests.as_ref()?;
    requests.get("storage").map(|quantity| quantity.0.as_str())
}
