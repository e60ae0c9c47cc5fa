//! The Service in front of the pods.

use k8s_openapi::api::core::v1::{Service, ServicePort, ServiceSpec};
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
use kube::ResourceExt;

use super::{labels, metadata, names};
use crate::validate::Validated;

/// Port `http` leads to the webhook path, port `admin` to probes, metrics and API. Only `http`
/// stands on an Ingress or `HTTPRoute`.
pub(super) fn build(validated: &Validated) -> Service {
    Service {
        metadata: metadata::of(validated),
        spec: Some(ServiceSpec {
            type_: Some("ClusterIP".to_owned()),
            selector: Some(labels::selector(&validated.listener.name_any())),
            ports: Some(vec![
                port(names::PUBLIC_PORT, names::SERVICE_PUBLIC_PORT),
                port(names::ADMIN_PORT, i32::from(crds::limits::ADMIN_PORT)),
            ]),
            ..ServiceSpec::default()
        }),
        ..Service::default()
    }
}

fn port(name: &str, port: i32) -> ServicePort {
    ServicePort {
        name: Some(name.to_owned()),
        port,
        protocol: Some("TCP".to_owned()),
        target_port: Some(IntOrString::String(name.to_owned())),
        ..ServicePort::default()
    }
}
