//! Hands the number of pods of a Deployment to an autoscaler.
//!
//! A field that its only manager applies no longer goes back to its default: a listener with eight pods
//! would have one, until the autoscaler looks again. So before the operator leaves the number out, a manager
//! of another name says the number that stands, without force: where an autoscaler has it already that is
//! refused, and so it should be. The autoscaler's first change takes it from that manager.
//! <https://kubernetes.io/docs/reference/using-api/server-side-apply/#transferring-ownership>

use kube::Api;
use kube::api::{DynamicObject, Patch, PatchParams};
use serde_json::{Value, json};

use super::children::Desired;
use super::kind::Kind;

/// Who says the number until an autoscaler does.
const MANAGER: &str = "hubspot-listener-operator-replicas";

/// Whether this is a Deployment whose number of pods is somebody else's.
pub(super) fn is_due(child: &Desired) -> bool {
    child.kind == Kind::Deployment && child.manifest.pointer("/spec/replicas").is_none()
}

/// Says the number that stands. `uid`: of the Deployment that it stands in.
pub(super) async fn hand_over(
    api: &Api<DynamicObject>,
    child: &Desired,
    uid: &str,
    replicas: i32,
) -> Result<(), kube::Error> {
    let said = manifest(child, uid, replicas);
    match api.patch(&child.name, &PatchParams::apply(MANAGER), &Patch::Apply(&said)).await {
        Ok(_) => Ok(()),
        // An autoscaler has another number already, or the Deployment is another one now.
        Err(kube::Error::Api(status)) if status.is_conflict() || status.is_not_found() => Ok(()),
        Err(error) => Err(error),
    }
}

fn manifest(child: &Desired, uid: &str, replicas: i32) -> Value {
    let resource = child.kind.resource();
    json!({
        "apiVersion": resource.api_version,
        "kind": resource.kind,
        "metadata": {"name": child.name, "uid": uid},
        "spec": {"replicas": replicas},
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn child(spec: &Value) -> Desired {
        let deployment: k8s_openapi::api::apps::v1::Deployment =
            serde_json::from_value(json!({"metadata": {"name": "contacts"}, "spec": spec})).unwrap();
        Desired::new(Kind::Deployment, &deployment).unwrap()
    }

    #[test]
    fn only_a_number_that_the_operator_leaves_out_is_handed_over() {
        let selector = json!({"matchLabels": {"a": "b"}});
        let scaled = child(&json!({"selector": selector, "template": {}}));
        assert!(is_due(&scaled));
        assert!(!is_due(&child(&json!({"selector": selector, "template": {}, "replicas": 3}))));
        let said = manifest(&scaled, "u-1", 8);
        assert_eq!(
            said,
            json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "contacts", "uid": "u-1"},
                "spec": {"replicas": 8}})
        );
    }
}
