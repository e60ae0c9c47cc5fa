//! Ready: does a pod answer on the URL, and by which configuration.

use crds::condition::{Reason, Type};
use crds::listener::HubSpotListenerStatus;
use crds::report::Report;
use k8s_openapi::api::apps::v1::{DeploymentCondition, DeploymentStatus};

use super::Outcome;
use super::conditions::{Said, State, find};
use crate::observed::Observed;

/// Pods that are ready.
pub(super) fn replicas(observed: &Observed) -> i32 {
    deployment(observed).and_then(|status| status.ready_replicas).unwrap_or_default()
}

/// What the pods that answer tell of this listener, with the pod's name.
pub(super) fn reports(observed: &Observed) -> impl Iterator<Item = (&str, &Report)> {
    let (namespace, name) =
        (observed.listener.metadata.namespace.as_deref(), observed.listener.metadata.name.as_deref());
    observed
        .pods
        .iter()
        .filter_map(|pod| Some((pod.pod.as_str(), pod.reports.as_ref().ok()?)))
        .flat_map(|(pod, reports)| reports.listeners.iter().map(move |report| (pod, report)))
        .filter(move |(_, report)| {
            Some(report.namespace.as_str()) == namespace && Some(report.name.as_str()) == name
        })
}

/// The condition. The first that applies is said.
pub(super) fn ready(previous: &HubSpotListenerStatus, observed: &Observed, outcome: &Outcome) -> Said {
    if replicas(observed) > 0 { answering(observed, outcome) } else { silent(previous, observed, outcome) }
}

/// A pod is ready.
fn answering(observed: &Observed, outcome: &Outcome) -> Said {
    let mut seen = reports(observed).peekable();
    if seen.peek().is_some()
        && seen.all(|(_, report)| report.store_failed.is_some())
        && let Some(message) = store_failed(observed)
    {
        // The probe has not come round yet.
        return Said::new(State::False, Reason::StoreUnavailable, &message);
    }
    if let Outcome::Refused(rejections) = outcome {
        let first = rejections.first().map_or("", |rejection| rejection.message.as_str());
        let message = format!("the last good configuration stays live, the newest is refused: {first}");
        return Said::whole(State::True, Reason::ConfigurationRefused, &message);
    }
    if let Some(message) = configuration_refused(observed) {
        let message = format!("the last good configuration stays live: {message}");
        return Said::new(State::True, Reason::ConfigurationRefused, &message);
    }
    let (ready, wanted) = (replicas(observed), wanted(observed));
    let mut message = format!("{ready} of {wanted} pods ready");
    let newest = observed.listener.metadata.generation.unwrap_or_default();
    if reports(observed).any(|(_, report)| report.generation < newest) {
        message.push_str("; the newest configuration reaches them within two minutes");
    }
    Said::new(State::True, Reason::Ready, &message)
}

/// No pod is ready.
fn silent(previous: &HubSpotListenerStatus, observed: &Observed, outcome: &Outcome) -> Said {
    if let Some(message) = store_failed(observed) {
        return Said::new(State::False, Reason::StoreUnavailable, &message);
    }
    if let Outcome::Refused(rejections) = outcome
        && let Some(rejection) = rejections.first()
    {
        return Said::whole(State::False, rejection.reason, &rejection.message);
    }
    if let Outcome::NotApplied(message) = outcome
        && observed.deployment.is_none()
    {
        return Said::new(State::False, Reason::ApplyFailed, message);
    }
    if let Some(message) = configuration_refused(observed) {
        return Said::new(State::False, Reason::ConfigurationRefused, &message);
    }
    let Some(status) = deployment(observed) else {
        return Said::new(State::False, Reason::Progressing, "the pods are being made");
    };
    if let Some(failure) = condition(status, "ReplicaFailure", "True") {
        return Said::new(State::False, Reason::NotReady, &told(failure, "the cluster makes no pod"));
    }
    if let Some(stuck) = condition(status, "Progressing", "False") {
        return Said::new(State::False, Reason::NotReady, &told(stuck, "the pods do not become ready"));
    }
    // What was ready once and is not any more is no progress.
    let before = find(previous, Type::Ready);
    let fell =
        before.is_some_and(|before| before.status == "True" || before.reason == Reason::NotReady.as_str());
    if fell {
        return Said::new(State::False, Reason::NotReady, "no pod is ready");
    }
    Said::new(State::False, Reason::Progressing, "the pods are starting")
}

/// Pods that there should be: by the manifest, or by the autoscaler.
fn wanted(observed: &Observed) -> i32 {
    let spec = &observed.listener.spec;
    let scaled = observed.deployment.as_ref().and_then(|deployment| deployment.spec.as_ref()?.replicas);
    let Some(autoscaling) = &spec.autoscaling else { return spec.replicas };
    scaled.unwrap_or(autoscaling.min_replicas)
}

fn deployment(observed: &Observed) -> Option<&DeploymentStatus> {
    observed.deployment.as_ref()?.status.as_ref()
}

fn condition<'a>(status: &'a DeploymentStatus, kind: &str, state: &str) -> Option<&'a DeploymentCondition> {
    status.conditions.iter().flatten().find(|one| one.type_ == kind && one.status == state)
}

fn told(condition: &DeploymentCondition, otherwise: &str) -> String {
    condition.message.clone().filter(|message| !message.is_empty()).unwrap_or_else(|| otherwise.to_owned())
}

fn store_failed(observed: &Observed) -> Option<String> {
    reports(observed).find_map(|(pod, report)| {
        report.store_failed.as_ref().map(|why| format!("the store of pod {pod} takes nothing: {why}"))
    })
}

/// What a pod says that did not take the newest configuration, or has none.
fn configuration_refused(observed: &Observed) -> Option<String> {
    let refused = reports(observed).find_map(|(pod, report)| {
        report.configuration_refused.as_ref().map(|why| format!("pod {pod} refuses it: {why}"))
    });
    refused.or_else(|| {
        observed.pods.iter().find_map(|pod| {
            let reports = pod.reports.as_ref().ok()?;
            let why = reports.message.as_ref()?;
            Some(format!("pod {} has no configuration: {why}", pod.pod))
        })
    })
}
