//! Secrets and `ConfigMap`s. No value of a Secret goes into a mistake or a note.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use crds::check::Refusal;
use secrecy::SecretString;
use serde_json::Value;
use zeroize::Zeroizing;

use super::document::{Object, Reading};
use super::yaml::{Content, Key, Node};

/// Kind of a Secret.
pub(super) const SECRET: &str = "Secret";
/// Kind of a ConfigMap.
pub(super) const CONFIG_MAP: &str = "ConfigMap";

/// Reads a Secret: `data` in base64, then `stringData`, which wins.
pub(super) fn secret(reading: &mut Reading, object: &Object<'_>) {
    let Object { file, node, namespace, name } = object;
    for field in ["data", "stringData"] {
        for (key, value) in entries(reading, object, field) {
            let path = format!("{field}.{}", key.text);
            let text = if field == "data" {
                match decode(value) {
                    Ok(text) => text,
                    Err(Decode::NotBase64) => {
                        let refusal = Refusal::new(
                            path,
                            "this is not base64",
                            "encode the value with base64, or write it plainly below stringData",
                        );
                        reading.mistake(file, key.place, refusal);
                        continue;
                    }
                    Err(Decode::NotText) => {
                        let refusal = Refusal::new(
                            path,
                            "this value is not text",
                            "a listener cannot use it; leave it if others do",
                        );
                        reading.note(file, key.place, refusal);
                        continue;
                    }
                }
            } else {
                Zeroizing::new(value.to_owned())
            };
            if text.ends_with('\n') {
                let refusal = Refusal::new(
                    path,
                    "this value ends with a line break",
                    "see that it belongs to it; `echo -n` and `|-` leave it out",
                );
                reading.note(file, key.place, refusal);
            }
            let at = (namespace.clone(), name.clone(), key.text.clone());
            reading.manifests.secrets.insert(at, SecretString::from(text.to_string()));
        }
    }
    reading.references.object(SECRET, namespace, name);
    unused(reading, object, node);
}

/// Reads a ConfigMap's `data`; `binaryData` is of no use to a listener.
pub(super) fn config_map(reading: &mut Reading, object: &Object<'_>) {
    let Object { node, namespace, name, .. } = object;
    for (key, value) in entries(reading, object, "data") {
        let at = (namespace.clone(), name.clone(), key.text.clone());
        reading.manifests.config_maps.insert(at, value.to_owned());
    }
    reading.references.object(CONFIG_MAP, namespace, name);
    unused(reading, object, node);
}

/// A spec in one of these is a slip.
fn unused(reading: &mut Reading, object: &Object<'_>, node: &Node) {
    if node.get("spec").is_some() {
        let refusal = Refusal::new("spec", "there is no such field", "write values below data or stringData");
        reading.mistake(object.file, node.place_of("spec"), refusal);
    }
}

/// The members of `field`, each a text; others are mistakes.
fn entries<'a>(reading: &mut Reading, object: &Object<'a>, field: &str) -> Vec<(&'a Key, &'a str)> {
    let node: &'a Node = object.node;
    let mut texts = Vec::new();
    match node.get(field).map(|node| &node.content) {
        None | Some(Content::Scalar(Value::Null)) => {}
        Some(Content::Mapping(entries)) => {
            for (key, value) in entries {
                match &value.content {
                    Content::Scalar(Value::String(text)) => texts.push((key, text.as_str())),
                    Content::Scalar(Value::Null) => texts.push((key, "")),
                    _ => {
                        let refusal = Refusal::new(
                            format!("{field}.{}", key.text),
                            "a text is expected here",
                            "put it in quotes, or write it after |",
                        );
                        reading.mistake(object.file, key.place, refusal);
                    }
                }
            }
        }
        Some(_) => {
            let refusal =
                Refusal::new(field, "keys with values are expected here", "write them indented below it");
            reading.mistake(object.file, node.place_of(field), refusal);
        }
    }
    texts
}

enum Decode {
    NotBase64,
    NotText,
}

/// Line breaks within base64 are skipped, as the API server does.
fn decode(value: &str) -> Result<Zeroizing<String>, Decode> {
    let packed: Zeroizing<String> =
        Zeroizing::new(value.chars().filter(|c| !matches!(c, '\r' | '\n')).collect());
    let bytes = STANDARD.decode(packed.as_bytes()).map_err(|_| Decode::NotBase64)?;
    String::from_utf8(bytes).map(Zeroizing::new).map_err(|error| {
        drop(Zeroizing::new(error.into_bytes()));
        Decode::NotText
    })
}
