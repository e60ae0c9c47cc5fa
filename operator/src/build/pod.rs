//! The pod of a listener. It meets the restricted Pod Security Standard.
//! <https://kubernetes.io/docs/concepts/security/pod-security-standards/#restricted>
//!
//! Nothing in here comes from what a configuration says: see the invariants of [`super`].

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::{
    Capabilities, Container, ContainerPort, HTTPGetAction, Lifecycle, LifecycleHandler, PodSecurityContext,
    PodSpec, PodTemplateSpec, Probe, ResourceRequirements, SeccompProfile, SecurityContext, SleepAction,
    TopologySpreadConstraint, VolumeMount,
};
use k8s_openapi::apimachinery::pkg::api::resource::Quantity;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{LabelSelector, ObjectMeta};
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
use kube::ResourceExt;

use super::{labels, names, volumes};
use crate::options::Defaults;
use crate::validate::Validated;

/// User and group of the process, and group of the files.
pub(super) const USER: i64 = 65_532;
/// Seconds that a pod which is going away still answers, with others beside it: until proxies and
/// load balancers have heard of it.
const HEARD_SECONDS: i64 = 5;
/// `listener serve` ends within 30 s of SIGTERM (docs/operations.md, Shutdown). That, the sleep
/// before it, and room for a slow disk: a kill would lose nothing, but cut answers off.
const GRACE_SECONDS: i64 = 45;
/// Seconds that the store may take to open after a crash, one probe each.
const START_SECONDS: i32 = 300;

/// The template of the Deployment.
pub(super) fn template(validated: &Validated, defaults: &Defaults) -> PodTemplateSpec {
    let listener = &validated.listener;
    let added = listener.spec.pod_template.clone().unwrap_or_default();
    let (volumes, mounts) = volumes::build(validated);
    let mut labels = added.labels;
    // Ours last: `validate` refuses a manifest that has them, and a selector must find its pods.
    labels.extend(labels::of(&listener.name_any()));
    PodTemplateSpec {
        metadata: Some(ObjectMeta {
            labels: Some(labels),
            annotations: some_map(added.annotations),
            ..ObjectMeta::default()
        }),
        spec: Some(PodSpec {
            containers: vec![container(validated, defaults, mounts)],
            volumes: Some(volumes),
            service_account_name: Some(listener.name_any()),
            automount_service_account_token: Some(false),
            // Variables for every Service of the namespace are of no use here.
            enable_service_links: Some(false),
            termination_grace_period_seconds: Some(GRACE_SECONDS),
            security_context: Some(pod_security()),
            node_selector: some_map(added.node_selector),
            tolerations: some(added.tolerations),
            affinity: added.affinity,
            topology_spread_constraints: some(spread(
                added.topology_spread_constraints,
                &listener.name_any(),
            )),
            priority_class_name: added.priority_class_name,
            image_pull_secrets: some(added.image_pull_secrets),
            ..PodSpec::default()
        }),
    }
}

/// A constraint without a selector would match no pod, and spread nothing: it means the listener's.
fn spread(mut constraints: Vec<TopologySpreadConstraint>, listener: &str) -> Vec<TopologySpreadConstraint> {
    for constraint in &mut constraints {
        constraint.label_selector.get_or_insert_with(|| LabelSelector {
            match_labels: Some(labels::selector(listener)),
            ..LabelSelector::default()
        });
    }
    constraints
}

fn container(validated: &Validated, defaults: &Defaults, mounts: Vec<VolumeMount>) -> Container {
    let spec = &validated.listener.spec;
    let (public, admin) = (crds::limits::PUBLIC_PORT, crds::limits::ADMIN_PORT);
    let arguments = [
        "serve".to_owned(),
        format!("--config={}/{}", names::CONFIGURATION_DIRECTORY, names::CONFIGURATION_KEY),
        format!("--secrets={}", names::SECRETS_DIRECTORY),
        format!("--config-maps={}", names::CONFIG_MAPS_DIRECTORY),
        format!("--data={}", names::DATA_DIRECTORY),
        format!("--listen=0.0.0.0:{public}"),
        format!("--admin=0.0.0.0:{admin}"),
    ];
    let asked = spec.resources.clone().filter(|resources| *resources != ResourceRequirements::default());
    Container {
        name: names::CONTAINER.to_owned(),
        image: Some(defaults.listener_image.clone()),
        image_pull_policy: Some(defaults.listener_image_pull_policy.clone()),
        args: Some(arguments.into()),
        ports: Some(vec![port(names::PUBLIC_PORT, public), port(names::ADMIN_PORT, admin)]),
        volume_mounts: Some(mounts),
        resources: Some(asked.unwrap_or_else(default_resources)),
        security_context: Some(container_security()),
        // The admin port opens after the store: a long journal must not look like a hang.
        startup_probe: Some(probe("/livez", 1, 5, START_SECONDS)),
        liveness_probe: Some(probe("/livez", 10, 5, 6)),
        readiness_probe: Some(probe("/readyz", 5, 5, 2)),
        // An embedded store is open in one pod: nobody takes its place, and a sleep would prolong the
        // gap. A sleep of its own, not a command: the image has no shell (Kubernetes 1.30 or newer).
        lifecycle: spec.storage.postgres.is_some().then(|| Lifecycle {
            pre_stop: Some(LifecycleHandler {
                sleep: Some(SleepAction { seconds: HEARD_SECONDS }),
                ..LifecycleHandler::default()
            }),
            ..Lifecycle::default()
        }),
        ..Container::default()
    }
}

/// What a listener asks for whose manifest says nothing: enough for some hundred deliveries a
/// second. No limits: a limit on memory kills, and one on CPU slows answers down.
fn default_resources() -> ResourceRequirements {
    let quantity = |resource: &str, amount: &str| (resource.to_owned(), Quantity(amount.to_owned()));
    ResourceRequirements {
        requests: Some([quantity("cpu", "50m"), quantity("memory", "64Mi")].into()),
        ..ResourceRequirements::default()
    }
}

fn pod_security() -> PodSecurityContext {
    PodSecurityContext {
        run_as_non_root: Some(true),
        run_as_user: Some(USER),
        run_as_group: Some(USER),
        fs_group: Some(USER),
        // The volume is large and has the right owner after the first start.
        fs_group_change_policy: Some("OnRootMismatch".to_owned()),
        seccomp_profile: Some(SeccompProfile { type_: "RuntimeDefault".to_owned(), localhost_profile: None }),
        ..PodSecurityContext::default()
    }
}

fn container_security() -> SecurityContext {
    SecurityContext {
        allow_privilege_escalation: Some(false),
        read_only_root_filesystem: Some(true),
        capabilities: Some(Capabilities { drop: Some(vec!["ALL".to_owned()]), add: None }),
        ..SecurityContext::default()
    }
}

fn port(name: &str, port: u16) -> ContainerPort {
    ContainerPort {
        name: Some(name.to_owned()),
        container_port: port.into(),
        protocol: Some("TCP".to_owned()),
        ..ContainerPort::default()
    }
}

fn probe(path: &str, period: i32, timeout: i32, failures: i32) -> Probe {
    Probe {
        http_get: Some(HTTPGetAction {
            path: Some(path.to_owned()),
            port: IntOrString::String(names::ADMIN_PORT.to_owned()),
            ..HTTPGetAction::default()
        }),
        period_seconds: Some(period),
        timeout_seconds: Some(timeout),
        failure_threshold: Some(failures),
        ..Probe::default()
    }
}

fn some<T>(items: Vec<T>) -> Option<Vec<T>> {
    Some(items).filter(|items| !items.is_empty())
}

fn some_map(items: BTreeMap<String, String>) -> Option<BTreeMap<String, String>> {
    Some(items).filter(|items| !items.is_empty())
}
