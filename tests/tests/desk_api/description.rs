//! `/api/v1/openapi.json`, read.

use jsonschema::Validator;
use serde_json::{Map, Value, json};

/// What the listener says of its own API.
pub(crate) struct Description {
    pub(crate) operations: Vec<Operation>,
    /// What schemas refer to.
    pub(crate) components: Value,
}

/// One method of one path.
pub(crate) struct Operation {
    /// In capitals.
    pub(crate) method: String,
    pub(crate) path: String,
    /// Place of the role in [`ROLES`] that it needs at least.
    pub(crate) needs: usize,
    pub(crate) parameters: Vec<Parameter>,
    /// Schema of the JSON that it takes.
    pub(crate) body: Option<Value>,
    answers: Vec<Answer>,
}

/// Roles, each of which may do what those before it may.
pub(crate) const ROLES: [&str; 3] = ["view", "operate", "admin"];

/// A parameter of a path or a query.
pub(crate) struct Parameter {
    pub(crate) name: String,
    pub(crate) is_in_path: bool,
    pub(crate) is_required: bool,
    pub(crate) schema: Value,
    validator: Validator,
}

/// What may be answered.
struct Answer {
    /// A status, or `default` for all others.
    status: String,
    /// Media types, and the shape of those that are JSON.
    content: Vec<(String, Option<Validator>)>,
}

impl Description {
    pub(crate) fn read(document: &Value) -> Self {
        let components = document["components"].clone();
        let mut operations = Vec::new();
        for (path, methods) in object(&document["paths"]) {
            for (method, operation) in object(methods) {
                operations.push(Operation::read(method, path, operation, &components));
            }
        }
        assert!(operations.len() > 20, "it describes {} operations", operations.len());
        Self { operations, components }
    }
}

impl Operation {
    fn read(method: &str, path: &str, operation: &Value, components: &Value) -> Self {
        let says = operation["description"].as_str().expect("a description");
        let role = says.split("Role: ").nth(1).and_then(|rest| rest.split('.').next());
        let needs = ROLES.iter().position(|known| Some(*known) == role);
        let parameters = operation["parameters"].as_array().expect("parameters").iter();
        let answers = object(&operation["responses"]).iter().map(|(status, answer)| {
            let content = object(&answer["content"]).iter().map(|(media, content)| {
                let validator = media.contains("json").then(|| compile(&content["schema"], components));
                (media.clone(), validator.filter(|_| !media.contains("ndjson")))
            });
            Answer { status: status.clone(), content: content.collect() }
        });
        let body = &operation["requestBody"]["content"]["application/json"]["schema"];
        Self {
            method: method.to_ascii_uppercase(),
            path: path.to_owned(),
            needs: needs.unwrap_or_else(|| panic!("{method} {path} names no role: {says:?}")),
            parameters: parameters.map(|parameter| Parameter::read(parameter, components)).collect(),
            body: (!body.is_null()).then(|| body.clone()),
            answers: answers.collect(),
        }
    }

    pub(crate) fn name(&self) -> String {
        format!("{} {}", self.method, self.path)
    }

    /// Whether this answer is described; what is wrong with it otherwise.
    pub(crate) fn judge(&self, status: u16, media: &str, body: &[u8]) -> Result<(), String> {
        let exact = self.answers.iter().find(|answer| answer.status == status.to_string());
        let answer = exact.or_else(|| self.answers.iter().find(|answer| answer.status == "default"));
        let answer = answer.ok_or_else(|| format!("{status} is not described"))?;
        let essence = media.split(';').next().unwrap_or_default().trim();
        let Some((_, validator)) = answer.content.iter().find(|(known, _)| known == essence) else {
            return Err(format!("{media:?} is not described for {status}"));
        };
        let Some(validator) = validator else { return Ok(()) };
        let body: Value = serde_json::from_slice(body).map_err(|error| format!("not JSON: {error}"))?;
        validator.validate(&body).map_err(|error| format!("{error} at {}", error.instance_path()))
    }
}

impl Parameter {
    fn read(parameter: &Value, components: &Value) -> Self {
        let schema = parameter["schema"].clone();
        Self {
            name: parameter["name"].as_str().expect("a name").to_owned(),
            is_in_path: parameter["in"] == "path",
            is_required: parameter["required"] == true,
            validator: compile(&schema, components),
            schema,
        }
    }

    /// Whether it takes any text.
    pub(crate) fn is_free(&self) -> bool {
        self.schema == json!({"type": "string"})
    }

    /// Whether the description lets this text through.
    pub(crate) fn takes(&self, text: &str) -> bool {
        let value = match self.schema["type"].as_str() {
            Some("integer") => text.parse::<i64>().map_or_else(|_| json!(text), |number| json!(number)),
            // Parted by commas.
            Some("array") => text.split(',').collect(),
            _ => json!(text),
        };
        self.validator.is_valid(&value)
    }
}

fn compile(schema: &Value, components: &Value) -> Validator {
    let mut schema = schema.clone();
    schema["components"] = components.clone();
    jsonschema::validator_for(&schema).unwrap_or_else(|error| panic!("{error} in {schema}"))
}

fn object(value: &Value) -> &Map<String, Value> {
    value.as_object().unwrap_or_else(|| panic!("no object: {value}"))
}
