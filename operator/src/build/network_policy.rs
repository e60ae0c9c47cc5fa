//! The NetworkPolicy: who may reach which port of the pods.

use std::collections::BTreeMap;

use k8s_openapi::api::networking::v1::{
    NetworkPolicy, NetworkPolicyIngressRule, NetworkPolicyPeer, NetworkPolicyPort, NetworkPolicySpec,
};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
use kube::ResourceExt;

use super::{labels, metadata};
use crate::options::Defaults;
use crate::validate::Validated;

/// Label that every namespace has, with its name.
const NAMESPACE_NAME: &str = "kubernetes.io/metadata.name";

/// By the operator's switch: the webhook path for all, the admin port for the operator's namespace
/// and for namespaces labelled for monitoring. What the pods reach stays open: destinations are
/// anywhere, and the listener's address guard bars what it must not reach. The kubelet's probes
/// come from the pod's own node, which a policy does not keep out.
pub(super) fn build(validated: &Validated, defaults: &Defaults) -> Option<NetworkPolicy> {
    defaults.network_policies.then(|| NetworkPolicy {
        metadata: metadata::of(validated),
        spec: Some(NetworkPolicySpec {
            pod_selector: Some(select(labels::selector(&validated.listener.name_any()))),
            policy_types: Some(vec!["Ingress".to_owned()]),
            ingress: Some(vec![
                rule(crds::limits::PUBLIC_PORT, None),
                rule(
                    crds::limits::ADMIN_PORT,
                    Some(vec![
                        namespaces(NAMESPACE_NAME, &defaults.operator_namespace),
                        namespaces(labels::MONITORING, "true"),
                    ]),
                ),
            ]),
            ..NetworkPolicySpec::default()
        }),
    })
}

fn rule(port: u16, from: Option<Vec<NetworkPolicyPeer>>) -> NetworkPolicyIngressRule {
    NetworkPolicyIngressRule {
        from,
        ports: Some(vec![NetworkPolicyPort {
            port: Some(IntOrString::Int(port.into())),
            protocol: Some("TCP".to_owned()),
            end_port: None,
        }]),
    }
}

fn namespaces(label: &str, value: &str) -> NetworkPolicyPeer {
    NetworkPolicyPeer {
        namespace_selector: Some(select([(label.to_owned(), value.to_owned())].into())),
        ..NetworkPolicyPeer::default()
    }
}

fn select(labels: BTreeMap<String, String>) -> LabelSelector {
    LabelSelector { match_labels: Some(labels), ..LabelSelector::default() }
}
