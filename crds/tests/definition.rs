//! The committed definition, and what an API server wants of it.
#![expect(clippy::unwrap_used, reason = "a test's helpers are tests too")]

use serde_json::Value;

const COMMITTED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/hubspotlisteners.yaml");

/// First line of the file; the file is never edited by hand.
const HEADER: &str = "# Generated from the types in crds/src/listener. Do not edit; run: make crds\n";

/// The same definition as a template of the chart.
const TEMPLATE: &str =
    concat!(env!("CARGO_MANIFEST_DIR"), "/../charts/hubspot-listener-crds/templates/hubspotlisteners.yaml");

/// Comes before the definition in the chart; helm leaves it out.
const TEMPLATE_HEADER: &str =
    "{{- /* Generated from the types in crds/src/listener. Do not edit; run: make crds */}}\n";

/// What the chart adds to the definition's metadata.
const TEMPLATE_METADATA: &str = r"
  {{- with .Values.labels }}
  labels:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- if or .Values.keep .Values.annotations }}
  annotations:
    {{- if .Values.keep }}
    helm.sh/resource-policy: keep
    {{- end }}
    {{- with .Values.annotations }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  {{- end }}
";

fn definition() -> Value {
    serde_json::to_value(crds::definition::custom_resource_definition()).unwrap()
}

fn schema() -> Value {
    definition().pointer("/spec/versions/0/schema/openAPIV3Schema").unwrap().clone()
}

/// Every schema in `schema` with its path.
fn walk(schema: &Value, path: &str, visit: &mut impl FnMut(&str, &Value)) {
    visit(path, schema);
    for key in ["items", "additionalProperties"] {
        if let Some(below) = schema.get(key) {
            walk(below, &format!("{path}[]"), visit);
        }
    }
    if let Some(properties) = schema.get("properties").and_then(Value::as_object) {
        for (name, below) in properties {
            walk(below, &format!("{path}.{name}"), visit);
        }
    }
}

#[test]
fn the_committed_definition_is_the_one_that_the_types_make() {
    let made = format!("{HEADER}{}", crds::definition::yaml().unwrap());
    is_current("crds/hubspotlisteners.yaml", COMMITTED, &made);
}

#[test]
fn the_template_of_the_chart_is_the_one_that_the_types_make() {
    // A rule and a message may say `{{`, which is helm's own.
    let yaml = crds::definition::yaml().unwrap().replace("{{", r#"{{ "{{" }}"#);
    let name = "metadata:\n  name: hubspotlisteners.hubspot-listener.dev\n";
    assert_eq!(yaml.matches(name).count(), 1);
    let with_metadata = format!("{}{TEMPLATE_METADATA}", name.trim_end());
    let made = format!("{TEMPLATE_HEADER}{}", yaml.replace(name, &with_metadata));
    is_current("charts/hubspot-listener-crds/templates/hubspotlisteners.yaml", TEMPLATE, &made);
}

/// Compares the file, or with `UPDATE_CRDS=1` writes it.
fn is_current(name: &str, path: &str, made: &str) {
    if std::env::var_os("UPDATE_CRDS").is_some_and(|value| value == "1") {
        std::fs::write(path, made).unwrap();
        return;
    }
    let committed = std::fs::read_to_string(path).unwrap_or_default();
    assert!(
        committed == made,
        "{name} is not what the types make.\n{}\nRun `make crds` and commit the file.",
        difference(&committed, made)
    );
}

/// The lines that differ, between the first and the last difference.
fn difference(committed: &str, made: &str) -> String {
    let (old, new): (Vec<_>, Vec<_>) = (committed.lines().collect(), made.lines().collect());
    let same = |pair: &(&&str, &&str)| pair.0 == pair.1;
    let head = old.iter().zip(&new).take_while(same).count();
    let tail = old[head..].iter().rev().zip(new[head..].iter().rev()).take_while(same).count();
    let mut lines = vec![format!("@@ line {} @@", head + 1)];
    lines.extend(old[head..old.len() - tail].iter().map(|line| format!("-{line}")));
    lines.extend(new[head..new.len() - tail].iter().map(|line| format!("+{line}")));
    if lines.len() > 200 {
        let more = lines.len() - 200;
        lines.truncate(200);
        lines.push(format!("... and {more} lines more"));
    }
    lines.join("\n")
}

#[test]
fn the_schema_is_structural() {
    walk(&schema(), "", &mut |path, schema| {
        let free = schema.get("x-kubernetes-preserve-unknown-fields").is_some();
        let either = schema.get("x-kubernetes-int-or-string").is_some();
        assert!(schema.get("type").is_some() || free || either, "{path} has no type: {schema}");
        for forbidden in
            ["$ref", "definitions", "oneOf", "anyOf", "allOf", "not", "uniqueItems", "nullable", "const"]
        {
            assert!(schema.get(forbidden).is_none(), "{path} has {forbidden}: {schema}");
        }
        assert_ne!(schema.get("additionalProperties"), Some(&Value::Bool(false)), "{path}");
        assert!(
            schema.get("properties").is_none() || schema.get("additionalProperties").is_none(),
            "{path} has both properties and additionalProperties"
        );
        assert!(schema.get("default").is_none_or(|default| !default.is_null()), "{path} defaults to null");
    });
}

#[test]
fn numbers_are_signed_and_what_people_set_has_a_description() {
    walk(&schema(), "", &mut |path, schema| {
        if let Some(format) = schema.get("format").and_then(Value::as_str) {
            assert!(["int32", "int64", "date-time"].contains(&format), "{path} has format {format}");
        }
        let own = path.starts_with(".spec") || path.starts_with(".status");
        if own && !path.ends_with("[]") {
            assert!(schema.get("description").is_some(), "{path} has no description");
        }
    });
}

#[test]
fn lists_that_a_rule_can_walk_have_a_maximum() {
    walk(&schema(), "", &mut |path, schema| {
        let foreign = [".spec.resources", ".spec.podTemplate", ".status"];
        if schema.get("type") == Some(&"array".into())
            && !foreign.iter().any(|prefix| path.starts_with(prefix))
        {
            assert!(schema.get("maxItems").is_some(), "{path} has no maxItems");
        }
        let ruled = schema.get("x-kubernetes-validations").is_some();
        if schema.get("type") == Some(&"string".into()) && ruled {
            assert!(schema.get("maxLength").is_some(), "{path} has a rule and no maxLength");
        }
    });
}

#[test]
fn the_columns_are_those_of_the_design() {
    let definition = definition();
    let columns = definition.pointer("/spec/versions/0/additionalPrinterColumns").unwrap();
    let columns: Vec<(&str, i64)> = columns
        .as_array()
        .unwrap()
        .iter()
        .map(|column| {
            (column["name"].as_str().unwrap(), column.get("priority").and_then(Value::as_i64).unwrap_or(0))
        })
        .collect();
    assert_eq!(
        columns,
        [("Ready", 0), ("URL", 0), ("Pending", 0), ("Errors", 0), ("Age", 0), ("Reason", 1), ("Message", 1)]
    );
}

#[test]
fn conditions_are_a_map_by_type() {
    let schema = schema();
    let conditions = schema.pointer("/properties/status/properties/conditions").unwrap();
    assert_eq!(conditions["x-kubernetes-list-type"], "map");
    assert_eq!(conditions["x-kubernetes-list-map-keys"], serde_json::json!(["type"]));
}

#[test]
fn the_names_are_those_of_the_design() {
    let definition = definition();
    assert_eq!(definition["metadata"]["name"], "hubspotlisteners.hubspot-listener.dev");
    assert_eq!(definition["spec"]["scope"], "Namespaced");
    assert_eq!(definition["spec"]["group"], crds::limits::GROUP);
    assert_eq!(definition["spec"]["names"]["shortNames"], serde_json::json!(["hsl"]));
    assert_eq!(definition["spec"]["names"]["categories"], serde_json::json!(["hubspot"]));
    assert_eq!(definition["spec"]["versions"][0]["name"], "v1alpha1");
    assert!(definition["spec"]["versions"][0]["subresources"]["status"].is_object());
}

/// YAML 1.1, as the API server and kubectl read it, takes these for true and false: a field of such
/// a name could not be written in a manifest.
#[test]
fn no_field_has_a_name_that_yaml_reads_as_a_truth_value() {
    let words = ["y", "n", "yes", "no", "on", "off", "true", "false", "null", "~"];
    let definition = serde_json::to_value(crds::definition::custom_resource_definition()).unwrap();
    let mut schemas = vec![&definition];
    while let Some(value) = schemas.pop() {
        match value {
            serde_json::Value::Object(members) => {
                if let Some(serde_json::Value::Object(properties)) = members.get("properties") {
                    for name in properties.keys() {
                        assert!(!words.contains(&name.to_lowercase().as_str()), "a field is called {name}");
                    }
                }
                schemas.extend(members.values());
            }
            serde_json::Value::Array(values) => schemas.extend(values),
            _ => {}
        }
    }
}
