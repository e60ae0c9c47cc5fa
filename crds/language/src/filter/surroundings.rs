//! What filters see beside the event.

use std::collections::BTreeMap;

use serde_json::Value;

/// What filters see beside the event, converted once for each configuration.
#[derive(Debug, Default)]
pub struct Surroundings {
    pub(super) settings: Section,
    pub(super) listener: Section,
}

impl Surroundings {
    /// From the merged settings and the listener's own description.
    pub fn new(settings: &Value, listener: &Value) -> Self {
        Self { settings: Section::new(settings), listener: Section::new(listener) }
    }
}

/// An object as JSON text: whole, and by member so that a look into a large one is cheap.
#[derive(Debug)]
pub(super) struct Section {
    pub(super) whole: Vec<u8>,
    members: BTreeMap<String, Vec<u8>>,
}

impl Default for Section {
    fn default() -> Self {
        Self { whole: b"{}".to_vec(), members: BTreeMap::new() }
    }
}

impl Section {
    fn new(value: &Value) -> Self {
        let Value::Object(object) = value else { return Self::default() };
        let members =
            object.iter().map(|(name, member)| (name.clone(), member.to_string().into_bytes())).collect();
        Self { whole: value.to_string().into_bytes(), members }
    }

    /// The JSON text of one member.
    pub(super) fn member(&self, name: &str) -> Option<&[u8]> {
        self.members.get(name).map(Vec::as_slice)
    }
}
