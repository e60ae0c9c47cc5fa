//! The `HTTPRoute`: exactly the listener's path on its host. Its type is not one of Kubernetes' own,
//! and a cluster may not have it, so it is made of JSON.

use kube::ResourceExt;
use kube::api::{ApiResource, DynamicObject, GroupVersionKind, TypeMeta};
use serde_json::{Map, Value, json};

use super::{metadata, names};
use crate::validate::Validated;

const GROUP: &str = "gateway.networking.k8s.io";
const VERSION: &str = "v1";
const KIND: &str = "HTTPRoute";

/// Where the API server has `HTTPRoute`s.
pub fn resource() -> ApiResource {
    ApiResource::from_gvk_with_plural(&GroupVersionKind::gvk(GROUP, VERSION, KIND), "httproutes")
}

/// A route, when the manifest names a Gateway.
pub(super) fn build(validated: &Validated) -> Option<DynamicObject> {
    let gateway = validated.listener.spec.url.gateway.as_ref()?;
    let parents: Vec<Value> = gateway
        .parent_refs
        .iter()
        .map(|parent| {
            // What the Gateway API gives where it is left out stands here, so that nothing seems to differ.
            let mut reference = Map::new();
            reference.insert("group".to_owned(), GROUP.into());
            reference.insert("kind".to_owned(), "Gateway".into());
            reference.insert("name".to_owned(), parent.name.as_str().into());
            if let Some(namespace) = &parent.namespace {
                reference.insert("namespace".to_owned(), namespace.as_str().into());
            }
            if let Some(section) = &parent.section_name {
                reference.insert("sectionName".to_owned(), section.as_str().into());
            }
            Value::Object(reference)
        })
        .collect();
    let spec = json!({
        "parentRefs": parents,
        "hostnames": [validated.host],
        "rules": [{
            "matches": [{"path": {"type": "Exact", "value": validated.path}}],
            "backendRefs": [{
                "group": "",
                "kind": "Service",
                "name": validated.listener.name_any(),
                "port": names::SERVICE_PUBLIC_PORT,
                "weight": 1,
            }],
        }],
    });
    Some(DynamicObject {
        types: Some(TypeMeta { api_version: format!("{GROUP}/{VERSION}"), kind: KIND.to_owned() }),
        metadata: metadata::of(validated),
        data: json!({"spec": spec}),
    })
}
