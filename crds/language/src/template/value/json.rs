//! JSON that is read once and seen by many renderings.

use std::borrow::Cow;
use std::fmt;

use serde::{Serialize, Serializer};
use serde_json::value::RawValue;

use super::Value;
use super::doc::{Doc, Wanted};

/// A JSON text that templates look into: the settings, the listener, what else a template sees.
///
/// The text stays as it is, so that a number has the digits that were written; `serde_json`'s own
/// value would keep 64 bits of it. Serialises and prints as that text.
pub struct Json(Doc<'static>);

impl Json {
    /// Reads `text`, or gives the byte at which it stops being JSON.
    pub fn read(text: impl Into<String>) -> Result<Self, usize> {
        Doc::parse(Cow::Owned(text.into()), &Wanted::All).map(Self)
    }

    /// The text, as it was read.
    pub fn text(&self) -> &str {
        self.0.text()
    }

    pub(in crate::template) fn value(&self) -> Value<'_> {
        Value::of(&self.0)
    }
}

impl Default for Json {
    /// `null`.
    fn default() -> Self {
        Self(Doc::null())
    }
}

impl From<&serde_json::Value> for Json {
    fn from(value: &serde_json::Value) -> Self {
        Self::read(value.to_string()).unwrap_or_default()
    }
}

impl From<serde_json::Value> for Json {
    fn from(value: serde_json::Value) -> Self {
        Self::from(&value)
    }
}

impl Serialize for Json {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let raw: &RawValue = serde_json::from_str(self.text()).map_err(serde::ser::Error::custom)?;
        raw.serialize(serializer)
    }
}

impl fmt::Display for Json {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text())
    }
}

/// As long as the text is, not what it says: settings are not for logs.
impl fmt::Debug for Json {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Json({} bytes)", self.text().len())
    }
}
