//! JSON that is merged and filled, with each scalar as it was written.

use indexmap::IndexMap;
use serde_json::{Map, Value};

use crate::event::{elements, lossy, members};
use crate::template::Json;

/// A value; objects keep the order of their members.
///
/// It nests as deep as what it was made of: `serde_json` bounds that at 128.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Tree {
    Object(IndexMap<String, Tree>),
    Array(Vec<Tree>),
    /// As written.
    Scalar(Box<str>),
}

impl Tree {
    pub(super) fn empty() -> Self {
        Self::Object(IndexMap::new())
    }

    /// An object of one member.
    pub(super) fn under(name: &str, tree: Self) -> Self {
        Self::Object(IndexMap::from_iter([(name.to_owned(), tree)]))
    }

    /// Of JSON text that `serde_json` has read already: it is correct, and not nested too deep.
    pub(super) fn read(text: &[u8]) -> Self {
        let text = text.trim_ascii();
        match text.first() {
            Some(b'{') => {
                let mut object = IndexMap::new();
                // The last one of a name counts.
                let walked = members(text, |name, value| {
                    object.insert(lossy(name).into_owned(), Self::read(value));
                });
                walked.map_or_else(|_| Self::empty(), |()| Self::Object(object))
            }
            Some(b'[') => {
                let mut array = Vec::new();
                let walked = elements(text, |element| array.push(Self::read(element)));
                walked.map_or_else(|_| Self::Array(Vec::new()), |()| Self::Array(array))
            }
            _ => Self::Scalar(String::from_utf8_lossy(text).into()),
        }
    }

    pub(super) fn object(object: &Map<String, Value>) -> Self {
        Self::Object(object.iter().map(|(name, value)| (name.clone(), Self::from(value))).collect())
    }

    /// Lays `over` over this: objects member by member, of anything else `over` wins.
    pub(super) fn overlay(&mut self, over: Self) {
        match (self, over) {
            (Self::Object(below), Self::Object(above)) => {
                for (name, value) in above {
                    match below.get_mut(&name) {
                        Some(under) => under.overlay(value),
                        None => {
                            below.insert(name, value);
                        }
                    }
                }
            }
            (below, over) => *below = over,
        }
    }

    pub(super) fn text(&self) -> String {
        let mut out = String::new();
        self.write(&mut out);
        out
    }

    pub(super) fn json(&self) -> Json {
        Json::read(self.text()).unwrap_or_default()
    }

    fn write(&self, out: &mut String) {
        match self {
            Self::Object(members) => {
                out.push('{');
                for (at, (name, value)) in members.iter().enumerate() {
                    comma(at, out);
                    out.push_str(&Value::from(name.as_str()).to_string());
                    out.push(':');
                    value.write(out);
                }
                out.push('}');
            }
            Self::Array(elements) => {
                out.push('[');
                for (at, element) in elements.iter().enumerate() {
                    comma(at, out);
                    element.write(out);
                }
                out.push(']');
            }
            Self::Scalar(text) => out.push_str(text),
        }
    }
}

impl From<&Value> for Tree {
    fn from(value: &Value) -> Self {
        match value {
            Value::Object(object) => Self::object(object),
            Value::Array(elements) => Self::Array(elements.iter().map(Self::from).collect()),
            scalar => Self::Scalar(scalar.to_string().into()),
        }
    }
}

fn comma(before: usize, out: &mut String) {
    if before > 0 {
        out.push(',');
    }
}
