//! `GET /api/v1/openapi.json`: the description, as `OpenAPI` 3.1, made from the table of routes and from the types themselves.

use std::sync::OnceLock;

use axum::Json;
use schemars::SchemaGenerator;
use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};

use super::query::{Kind, Parameter};
use super::route::{About, Answer, LISTENER, PREFIX, Route};
use super::routes::routes;
use crate::admin::problem::Problem;
use crate::desk::State;
use crate::store::ErrorClass;

pub(super) async fn get() -> Json<&'static Value> {
    static DOCUMENT: OnceLock<Value> = OnceLock::new();
    Json(DOCUMENT.get_or_init(document))
}

/// The description, whole.
pub(super) fn document() -> Value {
    let settings = SchemaSettings::draft2020_12().with(|settings| {
        settings.definitions_path = "/components/schemas".into();
        settings.meta_schema = None;
    });
    let mut generator = settings.into_generator();
    let problem = content("application/problem+json", generator.subschema_for::<Problem>().as_value());
    let mut paths = Map::new();
    for route in routes() {
        let method = route.method.as_str().to_ascii_lowercase();
        for path in route.paths() {
            let operation = operation(&route, &path, &problem, &mut generator);
            let entry = paths.entry(path).or_insert_with(|| json!({}));
            entry[&method] = operation;
        }
    }
    let schemas = generator.take_definitions(true);
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "HubSpot listener",
            "version": "v1",
            "description": "The error desk of a listener, on its admin port. Times are epoch milliseconds.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "http://127.0.0.1:9090"}],
        "security": [{"token": []}],
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": {"token": {
                "type": "http",
                "scheme": "bearer",
                "description": "A token of the Secret that spec.desk.tokens names. Roles: view, operate, admin.",
            }},
        },
    })
}

fn operation(route: &Route, path: &str, problem: &Value, generator: &mut SchemaGenerator) -> Value {
    let Route { method, needs, summary, parameters, body, answer, about, .. } = route;
    let mut all: Vec<Value> = in_path(path);
    all.extend(parameters.iter().map(in_query));
    let content = match answer {
        Answer::Json(shape) => content("application/json", shape(generator).as_value()),
        Answer::File => json!({
            "text/csv": {"schema": {"type": "string"}},
            "application/x-ndjson": {"schema": {"type": "string"}},
        }),
    };
    let mut operation = json!({
        "operationId": id(method.as_str(), path),
        "summary": summary,
        "description": format!("Role: {}.", needs.as_str()),
        "tags": [if *about == About::Process { "process" } else { "listener" }],
        "parameters": all,
        "responses": {
            "200": {"description": "As asked.", "content": content},
            "default": {"description": "What went wrong.", "content": problem},
        },
    });
    if let Some(shape) = body {
        let content = self::content("application/json", shape(generator).as_value());
        operation["requestBody"] = json!({"required": true, "content": content});
    }
    operation
}

fn content(kind: &str, schema: &Value) -> Value {
    json!({kind: {"schema": schema}})
}

/// `getErrors`, `getListenerErrors`, `postErrorsIdAct`.
fn id(method: &str, path: &str) -> String {
    let own = path.strip_prefix(PREFIX).unwrap_or(path);
    let (begin, own) = match own.strip_prefix(LISTENER) {
        Some(own) => ("Listener", own),
        None => ("", own),
    };
    let mut id = format!("{}{begin}", method.to_ascii_lowercase());
    for word in own.split(['/', '{', '}', '-', '.']).filter(|word| !word.is_empty()) {
        let (first, rest) = word.split_at(1);
        id.push_str(&first.to_ascii_uppercase());
        id.push_str(rest);
    }
    id
}

fn in_path(path: &str) -> Vec<Value> {
    let parts = path.split('/').zip(path.split('/').skip(1));
    let names = parts.filter_map(|(list, part)| Some((list, part.strip_prefix('{')?.strip_suffix('}')?)));
    let schema = |list: &str, name: &str| match (list, name) {
        ("records", "id") => {
            json!({"type": "string", "pattern": r"^[0-9]+\.[0-9]+$", "examples": ["1042.3"]})
        }
        ("refusals", "id") => {
            let example = "01939b2e-8f2c-7c4a-9d35-6f0a2b1c3d4e";
            json!({"type": "string", "format": "uuid", "examples": [example]})
        }
        ("deliveries", "id") => json!({"type": "integer", "format": "int64", "minimum": 0}),
        (_, "id") => json!({"type": "integer", "format": "int64"}),
        (_, "act") => {
            json!({"enum": ["retry", "resolve", "reopen", "wait", "assign", "tag", "note", "edit"]})
        }
        _ => json!({"type": "string"}),
    };
    let parameter =
        |(list, name)| json!({"name": name, "in": "path", "required": true, "schema": schema(list, name)});
    names.map(parameter).collect()
}

fn in_query(parameter: &Parameter) -> Value {
    let Parameter { name, about, kind } = parameter;
    let schema = match kind {
        Kind::Text => json!({"type": "string"}),
        Kind::Number(most) => json!({"type": "integer", "minimum": 1, "maximum": most}),
        Kind::States => json!({"type": "array", "items": {"enum": State::ALL.map(State::as_str)}}),
        Kind::Class => json!({"enum": ErrorClass::ALL.map(ErrorClass::as_str)}),
        Kind::Truth => json!({"enum": ["true", "false"]}),
        Kind::Format => json!({"enum": ["csv", "jsonl"]}),
    };
    // A list is parted by commas, not written once for each value.
    json!({"name": name, "in": "query", "description": about, "schema": schema, "explode": false})
}
