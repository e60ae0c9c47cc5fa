//! The configuration file: written by the operator (or made by `listener dev`
//! from a manifest), read by `listener serve`. It holds no secret: a Secret's
//! key is a file `<secretsDirectory>/<name>/<key>`, a ConfigMap's key a file
//! `<configMapsDirectory>/<name>/<key>`.
//!
//! JSON or YAML. Unknown fields are refused, so that a listener never runs by half of a
//! configuration that a newer operator wrote.

use serde::{Deserialize, Serialize};
use serde_path_to_error::deserialize;

use crate::check::nearest;
use crate::listener::HubSpotListenerSpec;

/// Everything that one listener runs by.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Configuration {
    /// Version of this file's format.
    pub version: ConfigurationVersion,
    /// Namespace of the resource.
    pub namespace: String,
    /// Name of the resource.
    pub name: String,
    /// Generation of the resource that this file was made from.
    #[serde(default)]
    pub generation: i64,
    /// The public URL as it is registered in HubSpot: scheme, host, path.
    pub public_url: String,
    /// Address blocks (CIDR) that destinations may reach although the address guard bars them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub allowed_addresses: Vec<String>,
    /// true: the operator saves `spec.settings` for the web page. See [`crate::saving`].
    #[serde(default, skip_serializing_if = "is_false")]
    pub saves_settings: bool,
    /// The resource's spec, whole.
    pub spec: HubSpotListenerSpec,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks so")]
fn is_false(value: &bool) -> bool {
    !value
}

impl Configuration {
    /// Reads the file's text. Says nothing about whether the spec makes sense: see [`crate::check`].
    pub fn parse(text: &str) -> Result<Self, ConfigurationError> {
        if text.trim_start().starts_with('{') {
            let mut json = serde_json::Deserializer::from_str(text);
            let configuration = deserialize(&mut json).map_err(|error| {
                let (line, column) = (error.inner().line(), error.inner().column());
                let path = error.path().to_string();
                // serde_json says the place in its text, too.
                let reason = error.into_inner().to_string();
                let reason =
                    reason.strip_suffix(&format!(" at line {line} column {column}")).unwrap_or(&reason);
                ConfigurationError::new(line, column, path, reason)
            })?;
            return match json.end() {
                Ok(()) => Ok(configuration),
                Err(error) => Err(ConfigurationError::new(
                    error.line(),
                    error.column(),
                    ".".to_owned(),
                    "something follows the end of the object",
                )),
            };
        }
        deserialize(serde_yaml::Deserializer::from_str(text)).map_err(|error| {
            let place = error.inner().location();
            let (line, column) = place.map_or((0, 0), |place| (place.line(), place.column()));
            let path = error.path().to_string();
            let reason = error.into_inner().to_string();
            let reason = reason.strip_suffix(&format!(" at line {line} column {column}")).unwrap_or(&reason);
            // serde_yaml puts the path, or that of the parent, in front.
            let reason = match reason.split_once(": ") {
                Some((place, rest)) if path.starts_with(place) => rest,
                _ => reason,
            };
            ConfigurationError::new(line, column, path, reason)
        })
    }
}

/// Why a text is no configuration.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}, column {column}: {field}: {reason}")]
pub struct ConfigurationError {
    /// Line in the file, from 1; 0 where it is not known.
    pub line: usize,
    /// Column in the line, from 1; 0 where it is not known.
    pub column: usize,
    /// Path of the field, `.` for the whole file.
    pub field: String,
    /// What is wrong.
    pub reason: String,
}

impl ConfigurationError {
    fn new(line: usize, column: usize, field: String, reason: &str) -> Self {
        let mut reason = reason.to_owned();
        if let Some(meant) = meant(&reason) {
            reason = format!("{reason}; did you mean {meant}?");
        }
        Self { line, column, field, reason }
    }
}

/// The known name nearest to the unknown one in serde's
/// "unknown field `x`, expected one of `a`, `b`".
fn meant(reason: &str) -> Option<&str> {
    let mut quoted = reason.strip_prefix("unknown ")?.split('`').skip(1).step_by(2);
    let written = quoted.next()?;
    nearest(written, quoted)
}

/// Version of the configuration file's format.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum ConfigurationVersion {
    /// The first.
    #[default]
    #[serde(rename = "v1")]
    V1,
}

#[cfg(test)]
mod tests {
    use super::*;

    const YAML: &str = "
version: v1
namespace: sales
name: contacts
publicUrl: https://hooks.example.com/sales/contacts
spec:
  displayName: Contacts
  clientSecrets: [{name: app, key: secret}]
  destinations:
  - name: audit
    log: {}
";

    #[test]
    fn yaml_and_json_give_the_same() {
        let from_yaml = Configuration::parse(YAML).unwrap();
        let json = serde_json::to_string_pretty(&from_yaml).unwrap();
        assert_eq!(Configuration::parse(&json).unwrap(), from_yaml);
        assert_eq!(from_yaml.spec.page.size, 20);
        assert_eq!(from_yaml.spec.response.status_code, 204);
    }

    #[test]
    fn an_unknown_field_is_refused_with_its_path_and_line() {
        let text = YAML.replace("log: {}", "log: {}\n    concurency: 4");
        let error = Configuration::parse(&text).unwrap_err();
        assert!(error.field.starts_with("spec.destinations[0]"), "{error}");
        assert!(error.reason.contains("did you mean concurrency?"), "{error}");
        assert!(error.line > 0, "{error}");
    }

    #[test]
    fn a_wrong_type_is_refused_with_its_path_in_json_too() {
        let configuration = Configuration::parse(YAML).unwrap();
        let mut json = serde_json::to_value(&configuration).unwrap();
        json["spec"]["page"]["size"] = "twenty".into();
        let error = Configuration::parse(&serde_json::to_string_pretty(&json).unwrap()).unwrap_err();
        assert_eq!(error.field, "spec.page.size");
        assert_eq!(error.reason, "invalid type: string \"twenty\", expected i32");
        assert!(error.line > 1, "{error}");
    }

    #[test]
    fn rubbish_is_refused_and_nothing_panics() {
        let deep_json = format!("{{\"spec\":{}", "[".repeat(100_000));
        let deep_yaml = "[".repeat(100_000);
        for text in ["", "{", "{} x", "[1]", "a: b: c", "\u{0}", "version: v2", &deep_json, &deep_yaml] {
            assert!(Configuration::parse(text).is_err(), "{}", &text[..text.len().min(20)]);
        }
    }
}
