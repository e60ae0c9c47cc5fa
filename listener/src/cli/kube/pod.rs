//! A pod of the listener that can answer.

use anyhow::bail;
use k8s_openapi::api::core::v1::Pod;
use kube::ResourceExt;
use kube::api::ListParams;

use super::cluster::Cluster;
use super::fault::{Fault, Wanted};
use super::target;

/// Pods that are looked at.
const LISTED: u32 = 500;

/// Name of a ready pod.
pub(super) async fn find(cluster: &Cluster, namespace: &str, listener: &str) -> anyhow::Result<String> {
    let labels = crds::label::selector(listener);
    let labels: Vec<String> = labels.iter().map(|(name, value)| format!("{name}={value}")).collect();
    let parameters = ListParams::default().labels(&labels.join(",")).limit(LISTED);
    let api = cluster.api::<Pod>(namespace);
    let wanted = Wanted { verb: "list", resource: "pods", namespace };
    let pods = cluster.ask(wanted, api.list(&parameters)).await?.items;
    if let Some(ready) = pods.iter().find(|pod| is_ready(pod)) {
        return Ok(ready.name_any());
    }
    if let Some(pod) = pods.first() {
        bail!(
            "no pod of {namespace}/{listener} is ready: {} {}; see `kubectl -n {namespace} describe pod {}`",
            pod.name_any(),
            why(pod),
            pod.name_any()
        );
    }
    match target::names(cluster, namespace).await {
        Ok(names) if names.iter().any(|name| name == listener) => bail!(
            "{namespace}/{listener} has no pods; see `kubectl -n {namespace} describe hubspotlistener {listener}`"
        ),
        Ok(names) if names.is_empty() => {
            bail!("there is no listener {namespace}/{listener}, nor any other in this namespace")
        }
        Ok(names) => bail!(
            "there is no listener {namespace}/{listener}; in this namespace there are: {}",
            target::told(&names)
        ),
        Err(Fault::Forbidden { .. }) => {
            bail!(
                "there are no pods of a listener {namespace}/{listener}, and you may not list listeners there"
            )
        }
        Err(other) => Err(other.into()),
    }
}

fn is_ready(pod: &Pod) -> bool {
    pod.metadata.deletion_timestamp.is_none() && condition(pod).is_some_and(|(status, _)| status == "True")
}

/// Status and message of the condition Ready.
fn condition(pod: &Pod) -> Option<(&str, Option<&str>)> {
    let all = pod.status.as_ref()?.conditions.as_ref()?;
    let ready = all.iter().find(|condition| condition.type_ == "Ready")?;
    Some((&ready.status, ready.message.as_deref()))
}

fn why(pod: &Pod) -> String {
    if pod.metadata.deletion_timestamp.is_some() {
        return "is being deleted".to_owned();
    }
    if let Some((_, Some(message))) = condition(pod) {
        return format!("is not: {}", crate::cli::remote::text::line(message));
    }
    let phase = pod.status.as_ref().and_then(|status| status.phase.as_deref()).unwrap_or("Pending");
    format!("is {}", crate::cli::remote::text::line(phase))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn pod(ready: Option<&str>, deleted: bool) -> Pod {
        let conditions: Vec<_> = ready
            .map(|status| json!({"type": "Ready", "status": status, "message": "containers with unready status"}))
            .into_iter()
            .collect();
        let mut pod = json!({
            "metadata": {"name": "contacts-1"},
            "status": {"phase": "Running", "conditions": conditions},
        });
        if deleted {
            pod["metadata"]["deletionTimestamp"] = "2026-11-25T08:00:00Z".into();
        }
        serde_json::from_value(pod).unwrap()
    }

    #[test]
    fn a_pod_is_taken_when_it_is_ready_and_not_being_deleted() {
        assert!(is_ready(&pod(Some("True"), false)));
        for (pod, expected) in [
            (pod(Some("True"), true), "is being deleted"),
            (pod(Some("False"), false), "is not: containers with unready status"),
            (pod(None, false), "is Running"),
            (Pod::default(), "is Pending"),
        ] {
            assert!(!is_ready(&pod));
            assert_eq!(why(&pod), expected);
        }
    }
}
