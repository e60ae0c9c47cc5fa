//! What a destination gets in the place of a record: a template, or a list of rules.

use kube::KubeSchema;
use serde::{Deserialize, Serialize};

use crate::limits;

/// What a destination gets in the place of each record.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[x_kube(validation = Rule::new("has(self.template) != has(self.rules)").message(
    "a transform is of exactly one kind; write either template, or rules with at least one rule"
))]
pub struct Transform {
    /// Handlebars that gives one JSON document for each record; `{{x}}` within a JSON string is escaped for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = limits::MAX_TRANSFORM_TEMPLATE))]
    pub template: Option<String>,
    /// Steps from the record to what is sent, in order, 1 to 64.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = limits::MAX_TRANSFORM_RULES))]
    #[x_kube(validation = Rule::new("self.size() > 0")
        .message("there is no rule here; write at least one, or remove the transform"))]
    pub rules: Vec<TransformRule>,
}

/// One step: exactly one of keep, rename, drop and set.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[x_kube(validation = Rule::new(
    "[has(self.keep), has(self.rename), has(self.drop), has(self.set)].exists_one(does, does)"
).message("a rule does exactly one thing; write one of keep, rename, drop and set, and a rule for each further step"))]
pub struct TransformRule {
    /// Only these fields stay. Paths as in templates, such as `objectId` or `properties.email`; at most 128.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(
        length(max = limits::MAX_TRANSFORM_PATHS),
        inner(length(min = 1, max = limits::MAX_TRANSFORM_PATH))
    )]
    #[x_kube(validation = Rule::new("self.size() > 0")
        .message("no field would stay; name the fields that are to stay"))]
    pub keep: Vec<String>,
    /// A field goes to another place, with its value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rename: Option<Rename>,
    /// These fields go. Paths as in templates; at most 128.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(
        length(max = limits::MAX_TRANSFORM_PATHS),
        inner(length(min = 1, max = limits::MAX_TRANSFORM_PATH))
    )]
    #[x_kube(validation = Rule::new("self.size() > 0")
        .message("no field would go; name the fields that are to go, or remove the rule"))]
    pub drop: Vec<String>,
    /// A field gets a value, whether it was there or not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub set: Option<SetField>,
}

/// A field goes to another place, with its value; one that is absent stays absent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[x_kube(validation = Rule::new("self.from != self.to")
    .message("from and to are one field; write the field's new name into to"))]
pub struct Rename {
    /// Path of the field, as in templates.
    #[schemars(length(min = 1, max = limits::MAX_TRANSFORM_PATH))]
    pub from: String,
    /// Path that it is to have; what stands there is replaced.
    #[schemars(length(min = 1, max = limits::MAX_TRANSFORM_PATH))]
    pub to: String,
}

/// A field gets a value, whether it was there or not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[x_kube(validation = Rule::new("has(self.text) != has(self.json)").message(
    "a field is set to exactly one thing; write either text, which becomes a JSON string, or json, which is JSON"
))]
pub struct SetField {
    /// Path of the field, as in templates; objects on the way are made.
    #[schemars(length(min = 1, max = limits::MAX_TRANSFORM_PATH))]
    pub field: String,
    /// The value as text; may be handlebars over the record as it came, `settings` and `listener`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = limits::MAX_TRANSFORM_VALUE))]
    pub text: Option<String>,
    /// The value as JSON, such as `1`, `null` or `["a"]`; may be handlebars that gives JSON.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = limits::MAX_TRANSFORM_VALUE))]
    pub json: Option<String>,
}
