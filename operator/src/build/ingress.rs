//! The Ingress: exactly the listener's path on its host.

use k8s_openapi::api::networking::v1::{
    HTTPIngressPath, HTTPIngressRuleValue, Ingress, IngressBackend, IngressRule, IngressServiceBackend,
    IngressSpec, IngressTLS, ServiceBackendPort,
};
use kube::ResourceExt;

use super::{metadata, names};
use crate::options::Defaults;
use crate::validate::Validated;

/// An Ingress, unless the way in is a Gateway or somebody else's.
pub(super) fn build(validated: &Validated, defaults: &Defaults) -> Option<Ingress> {
    let url = &validated.listener.spec.url;
    if url.gateway.is_some() || url.external == Some(true) {
        return None;
    }
    let wanted = url.ingress.clone().unwrap_or_default();
    let mut metadata = metadata::of(validated);
    if !wanted.annotations.is_empty() {
        metadata.annotations = Some(wanted.annotations);
    }
    let set = |default: &Option<String>| default.clone().filter(|text| !text.is_empty());
    let secret = wanted.tls.map(|tls| tls.secret_name).or_else(|| set(&defaults.default_tls_secret));
    Some(Ingress {
        metadata,
        spec: Some(IngressSpec {
            ingress_class_name: wanted.class_name.or_else(|| set(&defaults.default_ingress_class)),
            rules: Some(vec![rule(validated)]),
            // Without a Secret the Ingress controller serves its own certificate for the host.
            tls: secret.map(|secret| {
                vec![IngressTLS { hosts: Some(vec![validated.host.clone()]), secret_name: Some(secret) }]
            }),
            ..IngressSpec::default()
        }),
        ..Ingress::default()
    })
}

fn rule(validated: &Validated) -> IngressRule {
    let backend = IngressBackend {
        service: Some(IngressServiceBackend {
            name: validated.listener.name_any(),
            port: Some(ServiceBackendPort { name: Some(names::PUBLIC_PORT.to_owned()), number: None }),
        }),
        resource: None,
    };
    IngressRule {
        host: Some(validated.host.clone()),
        http: Some(HTTPIngressRuleValue {
            paths: vec![HTTPIngressPath {
                backend,
                path: Some(validated.path.clone()),
                // The listener knows one path, byte for byte; all else would be 404 there.
                path_type: "Exact".to_owned(),
            }],
        }),
    }
}
