//! What filters see beside the event.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::event::{lossy, members};

/// What filters see beside the event, converted once for each configuration.
#[derive(Debug, Default)]
pub struct Surroundings {
    pub(super) settings: Section,
    pub(super) listener: Section,
}

impl Surroundings {
    /// From the merged settings and the listener's own description: objects, as JSON.
    pub fn new(settings: &impl Serialize, listener: &impl Serialize) -> Self {
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
    /// What is no object has no members.
    fn new(value: &impl Serialize) -> Self {
        let Ok(whole) = serde_json::to_vec(value) else { return Self::default() };
        let mut found = BTreeMap::new();
        let walked = members(&whole, |name, value| {
            found.insert(lossy(name).into_owned(), value.to_vec());
        });
        match walked {
            Ok(()) => Self { whole, members: found },
            Err(_) => Self::default(),
        }
    }

    /// The JSON text of one member.
    pub(super) fn member(&self, name: &str) -> Option<&[u8]> {
        self.members.get(name).map(Vec::as_slice)
    }
}
