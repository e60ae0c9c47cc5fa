//! What keeps a schema from running away: its size, what it refers to, and the work that it is to
//! make on the settings, weighed before it is done.
//!
//! The `jsonschema` crate recurses by schema and value and does each step as often as the schema
//! says. Two schemas that each name the other twice double the work at each level, and one that
//! refers to itself in place has no end. [`weigh`] walks the same pairs of schema and value, but
//! each pair once: its sum is the number of steps, whatever that is.

use std::collections::HashMap;

use crds::check::Refusal;
use serde_json::{Map, Value};

/// Bytes of a schema as JSON.
const MAX_BYTES: usize = 256 * 1024;
/// Objects and lists in a schema; they also bound how deep references can lead.
const MAX_NODES: usize = 4_000;
/// Patterns in a schema, each of which may compile to [`super::schema::PATTERN_BYTES`].
const MAX_PATTERNS: usize = 64;
/// Pairs of schema and value within each other.
const MAX_DEPTH: usize = 256;
/// Steps, where a value counts with its size.
const MAX_STEPS: u64 = 500_000;

const FIELD: &str = "spec.settingsSchema";

/// Looks over a schema before anything is made of it.
pub(super) fn look_over(schema: &Value) -> Result<(), Refusal> {
    let size = schema.to_string().len();
    if size > MAX_BYTES {
        let reason = format!("the schema has {size} bytes, more than {MAX_BYTES}");
        return Err(Refusal::new(FIELD, reason, "make it smaller"));
    }
    let mut look = Look { nodes: 0, patterns: 0 };
    look.value(schema, &mut FIELD.to_owned(), true)
}

struct Look {
    nodes: usize,
    patterns: usize,
}

impl Look {
    /// Depth is bounded by what read the schema.
    fn value(&mut self, value: &Value, path: &mut String, outermost: bool) -> Result<(), Refusal> {
        match value {
            Value::Object(members) => {
                self.count(path)?;
                self.keywords(members, path, outermost)?;
                let members = members.iter().map(|(name, value)| (super::violation::member(name), value));
                self.each(members, path)
            }
            Value::Array(elements) => {
                self.count(path)?;
                self.each(elements.iter().enumerate().map(|(at, value)| (format!("[{at}]"), value)), path)
            }
            _ => Ok(()),
        }
    }

    fn each<'v>(
        &mut self,
        parts: impl Iterator<Item = (String, &'v Value)>,
        path: &mut String,
    ) -> Result<(), Refusal> {
        let length = path.len();
        for (name, value) in parts {
            path.push_str(&name);
            self.value(value, path, false)?;
            path.truncate(length);
        }
        Ok(())
    }

    fn count(&mut self, path: &str) -> Result<(), Refusal> {
        self.nodes += 1;
        if self.nodes > MAX_NODES {
            let reason = format!("the schema has more than {MAX_NODES} objects and lists");
            return Err(Refusal::new(path, reason, "make it smaller"));
        }
        Ok(())
    }

    fn keywords(
        &mut self,
        keywords: &Map<String, Value>,
        path: &str,
        outermost: bool,
    ) -> Result<(), Refusal> {
        for name in ["$dynamicRef", "$recursiveRef", "$vocabulary"] {
            if keywords.get(name).is_some_and(|value| !value.is_object() || name == "$vocabulary") {
                let reason = "this keyword is not offered";
                return Err(Refusal::new(format!("{path}.{name}"), reason, "use $ref with #/$defs/<name>"));
            }
        }
        if !outermost && let Some(Value::String(_)) = keywords.get("$id") {
            let reason = "only the schema as a whole may have an $id";
            return Err(Refusal::new(format!("{path}.$id"), reason, "remove it"));
        }
        if let Some(Value::String(target)) = keywords.get("$ref")
            && target != "#"
            && !target.starts_with("#/")
        {
            return Err(Refusal::new(
                format!("{path}.$ref"),
                "a schema refers only to its own parts: nothing is fetched",
                "put what is meant below $defs and write #/$defs/<name>",
            ));
        }
        self.patterns += usize::from(keywords.get("pattern").is_some_and(Value::is_string));
        self.patterns += keywords.get("patternProperties").and_then(Value::as_object).map_or(0, Map::len);
        if self.patterns > MAX_PATTERNS {
            let reason = format!("the schema has more than {MAX_PATTERNS} patterns");
            return Err(Refusal::new(path, reason, "use enum where the values are known"));
        }
        Ok(())
    }
}

/// What `#/$defs/name` names within `root`.
pub(super) fn resolve<'s>(root: &'s Value, reference: &str) -> Option<&'s Value> {
    let pointer = reference.strip_prefix('#')?;
    let pointer = percent_encoding::percent_decode_str(pointer).decode_utf8().ok()?;
    root.pointer(&pointer)
}

/// Refuses a schema that would make too many steps on `settings`, or that refers to itself in place.
pub(super) fn weigh(schema: &Value, settings: &Value) -> Result<(), Refusal> {
    let name = Value::from("a name");
    let mut scales = Scales { root: schema, sizes: HashMap::new(), known: HashMap::new(), name: &name };
    match scales.steps(schema, settings, MAX_DEPTH) {
        Ok(steps) if steps <= MAX_STEPS => Ok(()),
        Ok(_) => Err(Refusal::new(
            FIELD,
            format!("to judge these settings by it takes more than {MAX_STEPS} steps"),
            "make it simpler: let fewer schemas look at one value",
        )),
        Err(TooDeep) => Err(Refusal::new(
            FIELD,
            "it refers to itself without end, or nests too deep",
            "let a $ref to a schema around it stand below properties or items only",
        )),
    }
}

#[derive(Debug)]
struct TooDeep;

struct Scales<'s> {
    root: &'s Value,
    /// By the address of the value: settings and schema stay where they are meanwhile.
    sizes: HashMap<usize, u64>,
    /// Steps by schema and value; none while they are counted.
    known: HashMap<(usize, usize), Option<u64>>,
    /// Stands for a member's name.
    name: &'s Value,
}

fn address(value: &Value) -> usize {
    std::ptr::from_ref(value).addr()
}

impl<'s> Scales<'s> {
    fn steps(&mut self, schema: &'s Value, value: &Value, depth: usize) -> Result<u64, TooDeep> {
        let depth = depth.checked_sub(1).ok_or(TooDeep)?;
        let Value::Object(keywords) = schema else { return Ok(1) };
        let pair = (address(schema), address(value));
        match self.known.get(&pair) {
            Some(Some(steps)) => return Ok(*steps),
            Some(None) => return Err(TooDeep),
            None => {}
        }
        if self.known.len() as u64 > MAX_STEPS {
            return Ok(MAX_STEPS + 1);
        }
        self.known.insert(pair, None);
        let mut sum = self.size(value);
        for (keyword, below) in keywords {
            sum = sum.saturating_add(self.keyword(keyword, below, value, depth)?);
        }
        self.known.insert(pair, Some(sum));
        Ok(sum)
    }

    fn keyword(
        &mut self,
        keyword: &str,
        below: &'s Value,
        value: &Value,
        depth: usize,
    ) -> Result<u64, TooDeep> {
        let mut sum = 0_u64;
        let mut add = |steps: Result<u64, TooDeep>| steps.map(|steps| sum = sum.saturating_add(steps));
        match (keyword, below) {
            ("$ref", Value::String(reference)) => {
                if let Some(target) = resolve(self.root, reference) {
                    add(self.steps(target, value, depth))?;
                }
            }
            ("not" | "if" | "then" | "else", below) => add(self.steps(below, value, depth))?,
            ("allOf" | "anyOf" | "oneOf", Value::Array(schemas)) => {
                for schema in schemas {
                    add(self.steps(schema, value, depth))?;
                }
            }
            ("dependentSchemas" | "dependencies", Value::Object(schemas)) => {
                for schema in schemas.values() {
                    add(self.steps(schema, value, depth))?;
                }
            }
            ("properties", Value::Object(schemas)) => {
                for (name, schema) in schemas {
                    if let Some(member) = value.get(name) {
                        add(self.steps(schema, member, depth))?;
                    }
                }
            }
            ("propertyNames", schema) => {
                let count = value.as_object().map_or(0, Map::len) as u64;
                add(self.steps(schema, self.name, depth).map(|steps| steps.saturating_mul(count)))?;
            }
            ("patternProperties", Value::Object(schemas)) => {
                for schema in schemas.values() {
                    for member in parts(value) {
                        add(self.steps(schema, member, depth))?;
                    }
                }
            }
            ("prefixItems" | "items", Value::Array(schemas)) => {
                for (schema, element) in schemas.iter().zip(parts(value)) {
                    add(self.steps(schema, element, depth))?;
                }
            }
            (
                "additionalProperties"
                | "unevaluatedProperties"
                | "items"
                | "additionalItems"
                | "unevaluatedItems"
                | "contains",
                schema,
            ) => {
                for part in parts(value) {
                    add(self.steps(schema, part, depth))?;
                }
            }
            _ => {}
        }
        Ok(sum)
    }

    /// Values in a value, where 64 bytes of text count as one.
    fn size(&mut self, value: &Value) -> u64 {
        if let Value::String(text) = value {
            return 1 + text.len() as u64 / 64;
        }
        if let Some(size) = self.sizes.get(&address(value)) {
            return *size;
        }
        let size = parts(value).map(|part| self.size(part)).sum::<u64>() + 1;
        if value.is_object() || value.is_array() {
            self.sizes.insert(address(value), size);
        }
        size
    }
}

fn parts(value: &Value) -> Box<dyn Iterator<Item = &Value> + '_> {
    match value {
        Value::Object(members) => Box::new(members.values()),
        Value::Array(elements) => Box::new(elements.iter()),
        _ => Box::new(std::iter::empty()),
    }
}
