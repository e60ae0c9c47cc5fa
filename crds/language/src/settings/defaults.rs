//! Fills defaults in.
//!
//! As the API server does it for a resource: an absent member of an object *that is there* gets the
//! `default` of its schema, and what was filled in is filled itself. An object that is absent stays
//! absent unless it has a default of its own, if only `default: {}`. A `null` is a value.
//!
//! Looked through are `properties`, `additionalProperties`, `items` (each element of a list that is
//! there), `prefixItems`, `allOf` and `$ref` within the schema. Not `anyOf`, `oneOf`, `not`, `if`,
//! `then`, `else`: which of them counts is not known before the settings are whole.

use serde_json::Value;

use super::bounds::resolve;
use super::tree::Tree;

/// Looks at a value that one filling may take; settings are small, and a schema that fills itself
/// in for ever ends here.
const LOOKS: usize = 100_000;
/// Levels that are filled within each other.
const DEPTH: usize = 128;

/// The defaults of a schema have no end.
#[derive(Debug)]
pub(super) struct Endless;

/// Fills the defaults of `schema` into `tree`.
pub(super) fn fill(tree: &mut Tree, schema: &Value) -> Result<(), Endless> {
    Fill { root: schema, looks: LOOKS }.fill(tree, schema, DEPTH)
}

struct Fill<'s> {
    root: &'s Value,
    looks: usize,
}

impl<'s> Fill<'s> {
    fn fill(&mut self, tree: &mut Tree, schema: &'s Value, depth: usize) -> Result<(), Endless> {
        let depth = depth.checked_sub(1).ok_or(Endless)?;
        self.look()?;
        let Value::Object(keywords) = schema else { return Ok(()) };
        if let Some(target) = self.target(schema) {
            self.fill(tree, target, depth)?;
        }
        for part in list(keywords.get("allOf")) {
            self.fill(tree, part, depth)?;
        }
        match tree {
            Tree::Object(members) => {
                let properties = keywords.get("properties").and_then(Value::as_object);
                for (name, schema) in properties.into_iter().flatten() {
                    if !members.contains_key(name)
                        && let Some(default) = self.default(schema)?
                    {
                        members.insert(name.clone(), Tree::from(default));
                    }
                    if let Some(member) = members.get_mut(name) {
                        self.fill(member, schema, depth)?;
                    }
                }
                if let Some(others @ Value::Object(_)) = keywords.get("additionalProperties") {
                    let named = |name: &str| properties.is_some_and(|named| named.contains_key(name));
                    for (_, member) in members.iter_mut().filter(|(name, _)| !named(name)) {
                        self.fill(member, others, depth)?;
                    }
                }
            }
            Tree::Array(elements) => {
                let first = list(keywords.get("prefixItems"));
                for (element, schema) in elements.iter_mut().zip(first) {
                    self.fill(element, schema, depth)?;
                }
                if let Some(schema @ Value::Object(_)) = keywords.get("items") {
                    for element in elements.iter_mut().skip(first.len()) {
                        self.fill(element, schema, depth)?;
                    }
                }
            }
            Tree::Scalar(_) => {}
        }
        Ok(())
    }

    /// The schema's own default, or that of what it refers to.
    fn default(&mut self, schema: &'s Value) -> Result<Option<&'s Value>, Endless> {
        let mut schema = schema;
        loop {
            self.look()?;
            if let Some(default) = schema.get("default") {
                return Ok(Some(default));
            }
            match self.target(schema) {
                Some(target) => schema = target,
                None => return Ok(None),
            }
        }
    }

    fn target(&self, schema: &Value) -> Option<&'s Value> {
        resolve(self.root, schema.get("$ref")?.as_str()?)
    }

    fn look(&mut self) -> Result<(), Endless> {
        self.looks = self.looks.checked_sub(1).ok_or(Endless)?;
        Ok(())
    }
}

fn list(value: Option<&Value>) -> &[Value] {
    value.and_then(Value::as_array).map_or(&[], Vec::as_slice)
}
