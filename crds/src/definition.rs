//! The resource's definition as it is applied to a cluster, made from the types.
//!
//! What the derive makes is made fit for an API server here, once:
//! - `nullable` goes: the API server then drops a field that is written as null,
//!   and gives its default, which is what somebody means who leaves a value empty.
//! - `additionalProperties: false` goes: a structural schema may not say it, and
//!   the API server drops or refuses unknown fields anyway.
//! - Of Kubernetes' own descriptions the first paragraph stays: the rest makes the
//!   definition too large to read, and stands in Kubernetes' reference.
//!
//! Use [`custom_resource_definition`], never `HubSpotListener::crd()`.

use std::sync::LazyLock;

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::CustomResourceExt;
use serde_json::Value;

use crate::HubSpotListener;

static DEFINITION: LazyLock<CustomResourceDefinition> = LazyLock::new(make);

static SPEC_SCHEMA: LazyLock<Value> = LazyLock::new(|| {
    let schema = DEFINITION.spec.versions.first().and_then(|version| version.schema.as_ref());
    let schema = schema.and_then(|schema| schema.open_api_v3_schema.as_ref());
    let spec = schema.and_then(|schema| schema.properties.as_ref()).and_then(|all| all.get("spec"));
    #[expect(
        clippy::expect_used,
        reason = "made from the types alone, so it is the same in every run and every test"
    )]
    let spec = spec.and_then(|spec| serde_json::to_value(spec).ok()).expect("the definition has a spec");
    spec
});

/// The definition, as the API server takes it.
pub fn custom_resource_definition() -> &'static CustomResourceDefinition {
    &DEFINITION
}

/// The definition as YAML, as it stands in `crds/hubspotlisteners.yaml`.
pub fn yaml() -> Result<String, serde_yaml::Error> {
    serde_yaml::to_string(custom_resource_definition())
}

/// The schema of `spec`, rules included.
pub(crate) fn spec_schema() -> &'static Value {
    &SPEC_SCHEMA
}

#[expect(
    clippy::expect_used,
    reason = "made from the types alone, so it is the same in every run and every test"
)]
fn make() -> CustomResourceDefinition {
    let mut value = serde_json::to_value(HubSpotListener::crd()).expect("a definition is JSON");
    if let Some(versions) = value.pointer_mut("/spec/versions").and_then(Value::as_array_mut) {
        for version in versions {
            if let Some(schema) = version.pointer_mut("/schema/openAPIV3Schema") {
                fit(schema);
            }
        }
    }
    serde_json::from_value(value).expect("a fitted definition is a definition")
}

/// Fits one schema and all below it. Steps only where schemas stand, so that a
/// property that is called `nullable` stays.
fn fit(schema: &mut Value) {
    let Some(schema) = schema.as_object_mut() else { return };
    schema.remove("nullable");
    if schema.get("additionalProperties") == Some(&Value::Bool(false)) {
        schema.remove("additionalProperties");
    }
    if let Some(Value::String(description)) = schema.get_mut("description")
        && let Some(end) = description.find("\n\n")
    {
        description.truncate(end);
    }
    for key in ["items", "additionalProperties"] {
        if let Some(below) = schema.get_mut(key) {
            fit(below);
        }
    }
    if let Some(properties) = schema.get_mut("properties").and_then(Value::as_object_mut) {
        properties.values_mut().for_each(fit);
    }
}
