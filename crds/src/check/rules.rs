//! The CEL rules of the schema, run here with the texts that the API server gives.

use std::sync::LazyLock;

use kube::core::cel::{CompiledSchema, ErrorKind, Validator, compile_schema};
use serde_json::Value;

use super::Refusal;
use crate::definition::spec_schema;

static COMPILED: LazyLock<CompiledSchema> = LazyLock::new(|| compile_schema(spec_schema()));

/// What the rules refuse in `spec`, whose shape is right.
pub(super) fn check(spec: &Value) -> Vec<Refusal> {
    let Err(errors) = Validator::new().validate_compiled(&COMPILED, spec, None) else { return Vec::new() };
    let mut refusals: Vec<Refusal> = errors
        .into_iter()
        .map(|error| {
            let field = match error.field_path.as_str() {
                "" => "spec".to_owned(),
                path => format!("spec.{}", path.trim_start_matches('.')),
            };
            match error.kind {
                ErrorKind::ValidationFailure => Refusal::from_message(field, &error.message),
                // Closed, not open: what could not be judged is not taken.
                _ => Refusal::new(
                    field,
                    format!("the rule `{}` could not be run: {}", error.rule, error.message),
                    "report this, it is a fault of the check",
                ),
            }
        })
        .collect();
    // The rules come out of a hash map.
    refusals.sort_by(|a, b| (&a.field, &a.reason).cmp(&(&b.field, &b.reason)));
    refusals
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rule_compiles_and_says_what_to_do() {
        assert!(!COMPILED.has_errors(), "{:?}", COMPILED.compilation_errors());
        let mut rules = Vec::new();
        collect(spec_schema(), &mut rules);
        assert!(rules.len() > 20, "{} rules", rules.len());
        for rule in rules {
            let message = rule.get("message").and_then(Value::as_str).unwrap_or_default();
            assert!(message.contains("; "), "no remedy in {rule}");
            assert!(!message.contains('\n'), "the API server takes no line break in {rule}");
        }
    }

    fn collect(schema: &Value, rules: &mut Vec<Value>) {
        let Some(schema) = schema.as_object() else { return };
        if let Some(Value::Array(here)) = schema.get("x-kubernetes-validations") {
            rules.extend(here.iter().cloned());
        }
        for key in ["items", "additionalProperties"] {
            schema.get(key).into_iter().for_each(|below| collect(below, rules));
        }
        if let Some(Value::Object(properties)) = schema.get("properties") {
            properties.values().for_each(|below| collect(below, rules));
        }
    }
}
