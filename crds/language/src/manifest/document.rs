//! From the documents of a file to listeners, Secrets and `ConfigMap`s, by kind.

use std::collections::HashMap;

use crds::check::{Refusal, nearest};
use crds::limits;

use super::mistake::{ManifestMistake, Severity};
use super::source::Source;
use super::yaml::{Content, Node, Place, documents};
use super::{MAX_FILE_BYTES, Manifests, data, listener, references};

/// The kinds that are used.
const KINDS: [&str; 3] = [listener::KIND, data::SECRET, data::CONFIG_MAP];

/// Manifests that are being read.
#[derive(Default)]
pub(super) struct Reading {
    pub(super) manifests: Manifests,
    /// Where each object stands first, by kind, namespace and name.
    seen: HashMap<(&'static str, String, String), String>,
    pub(super) references: references::References,
}

/// An object of a file, with what is said about it on the way.
pub(super) struct Object<'a> {
    pub(super) file: &'a str,
    pub(super) node: &'a Node,
    pub(super) namespace: String,
    pub(super) name: String,
}

impl Reading {
    /// Reads one file's text.
    pub(super) fn source(&mut self, source: &Source) {
        let Source { file, text } = source;
        if text.len() > MAX_FILE_BYTES {
            let refusal = Refusal::new("", "the file is larger than 4 MiB", "split it into several files");
            return self.mistake(file, Place::START, refusal);
        }
        let (nodes, mistakes) = documents(text);
        for node in &nodes {
            self.object(file, node);
        }
        for mistake in mistakes {
            self.mistake(file, mistake.place, mistake.refusal);
        }
    }

    /// What was read.
    pub(super) fn finish(mut self) -> Manifests {
        let references = std::mem::take(&mut self.references);
        references.resolve(&mut self.manifests);
        self.manifests
    }

    pub(super) fn mistake(&mut self, file: &str, place: Place, refusal: Refusal) {
        self.manifests.mistakes.push(ManifestMistake::at(file, place, refusal, Severity::Mistake));
    }

    pub(super) fn note(&mut self, file: &str, place: Place, refusal: Refusal) {
        self.manifests.notes.push(ManifestMistake::at(file, place, refusal, Severity::Note));
    }

    fn object(&mut self, file: &str, node: &Node) {
        match &node.content {
            // A document of comments only.
            Content::Scalar(value) if value.is_null() => return,
            Content::Mapping(_) => {}
            Content::Scalar(_) | Content::Sequence(_) => {
                let refusal = Refusal::new(
                    "",
                    "a document is an object with apiVersion, kind, metadata and spec",
                    "begin it with apiVersion: and kind:",
                );
                return self.mistake(file, node.place, refusal);
            }
        }
        let (Some(api_version), Some(kind)) =
            (self.word(file, node, "apiVersion"), self.word(file, node, "kind"))
        else {
            return;
        };
        if kind == "List" || kind == "HubSpotListenerList" {
            if let Some(Content::Sequence(items)) = node.get("items").map(|items| &items.content) {
                for item in items {
                    self.object(file, item);
                }
            }
            return;
        }
        let (group, version) = api_version.rsplit_once('/').unwrap_or(("", api_version));
        match (group, kind) {
            (limits::GROUP, listener::KIND) if version == listener::VERSION => {
                self.named(file, node, listener::KIND, listener::read);
            }
            (limits::GROUP, listener::KIND) => {
                let refusal = Refusal::new(
                    "apiVersion",
                    format!("version {version} is not supported"),
                    format!("write {}/{}", limits::GROUP, listener::VERSION),
                );
                self.mistake(file, node.place_of("apiVersion"), refusal);
            }
            ("", data::SECRET) => self.named(file, node, data::SECRET, data::secret),
            ("", data::CONFIG_MAP) => self.named(file, node, data::CONFIG_MAP, data::config_map),
            (_, listener::KIND) => {
                let refusal = Refusal::new(
                    "apiVersion",
                    format!("{} is not of this group", listener::KIND),
                    format!("write {}/{}", limits::GROUP, listener::VERSION),
                );
                self.mistake(file, node.place_of("apiVersion"), refusal);
            }
            (limits::GROUP, _) => {
                let refusal =
                    Refusal::new("kind", "this group has no such kind", format!("write {}", listener::KIND));
                self.mistake(file, node.place_of("kind"), refusal);
            }
            _ => {
                let remedy = match nearest(kind, KINDS) {
                    Some(meant) => format!("did you mean {meant}?"),
                    None => format!("only {} are read", KINDS.join(", ")),
                };
                let short: String = kind.chars().take(80).collect();
                let refusal = Refusal::new("kind", format!("{short} is left out"), remedy);
                self.note(file, node.place_of("kind"), refusal);
            }
        }
    }

    /// A top-level text that every object has.
    fn word<'a>(&mut self, file: &str, node: &'a Node, field: &str) -> Option<&'a str> {
        let word = node.get(field).and_then(Node::text);
        if word.is_none() {
            let remedy = match field {
                "kind" => format!("add kind: {}", listener::KIND),
                _ => format!("add apiVersion: {}/{}", limits::GROUP, listener::VERSION),
            };
            self.mistake(file, node.place_of(field), Refusal::new(field, "this field is required", remedy));
        }
        word
    }

    /// Reads the object's name and namespace, refuses a second one of the same, and goes on with `read`.
    fn named(&mut self, file: &str, node: &Node, kind: &'static str, read: fn(&mut Self, &Object<'_>)) {
        let metadata = node.get("metadata");
        let Some(name) = metadata.and_then(|metadata| metadata.get("name")).and_then(Node::text) else {
            let refusal =
                Refusal::new("metadata.name", "this field is required", "add it: the object's name");
            return self.mistake(file, node.place_of("metadata.name"), refusal);
        };
        let namespace =
            match metadata.and_then(|metadata| metadata.get("namespace")).map(|node| &node.content) {
                None | Some(Content::Scalar(serde_json::Value::Null)) => "default",
                Some(Content::Scalar(serde_json::Value::String(namespace))) => namespace,
                Some(_) => {
                    let refusal =
                        Refusal::new("metadata.namespace", "a text is expected here", "put it in quotes");
                    return self.mistake(file, node.place_of("metadata.namespace"), refusal);
                }
            };
        let key = (kind, namespace.to_owned(), name.to_owned());
        let place = node.place_of("metadata.name");
        let here = format!("{file}:{}", place.line);
        if let Some(first) = self.seen.get(&key) {
            let reason = format!("{kind} {namespace}/{name} stands in {first} already");
            let refusal = Refusal::new("metadata.name", reason, "remove one, or rename it");
            return self.mistake(file, place, refusal);
        }
        self.seen.insert(key, here);
        read(self, &Object { file, node, namespace: namespace.to_owned(), name: name.to_owned() });
    }
}
