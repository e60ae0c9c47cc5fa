//! YAML with the place of every value, built from the parser's events on a stack of our own,
//! so that no input recurses or grows without bound.
//!
//! As in kubectl: aliases are copied, `<<` is merged, a key is text. Unlike in kubectl, a key
//! that is written twice is a mistake.

use std::collections::{HashMap, HashSet};

use crds::check::Refusal;
use saphyr_parser::{Event, Parser, ScalarStyle, Span, Tag};
use serde_json::{Map, Value};

use super::scalar;

/// Values within values.
const MAX_DEPTH: usize = 64;
/// Bytes of all values, copies by aliases included, with 64 more for each.
const MAX_WEIGHT: usize = 64 * 1024 * 1024;

/// Where something stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) line: usize,
    pub(super) column: usize,
}

impl Place {
    /// Of a file as a whole.
    pub(super) const START: Self = Self { line: 1, column: 1 };

    fn of(span: Span) -> Self {
        Self { line: span.start.line().max(1), column: span.start.col() + 1 }
    }
}

/// A value and its place.
#[derive(Clone, Debug)]
pub(super) struct Node {
    pub(super) place: Place,
    pub(super) content: Content,
}

/// What a node holds.
#[derive(Clone, Debug)]
pub(super) enum Content {
    Scalar(Value),
    Sequence(Vec<Node>),
    Mapping(Vec<(Key, Node)>),
}

/// The key of a mapping.
#[derive(Clone, Debug)]
pub(super) struct Key {
    pub(super) text: String,
    pub(super) place: Place,
}

impl Node {
    /// The value of a mapping's key.
    pub(super) fn get(&self, name: &str) -> Option<&Node> {
        let Content::Mapping(entries) = &self.content else { return None };
        entries.iter().find(|(key, _)| key.text == name).map(|(_, node)| node)
    }

    /// The text, if it is one.
    pub(super) fn text(&self) -> Option<&str> {
        let Content::Scalar(Value::String(text)) = &self.content else { return None };
        Some(text)
    }

    /// Without places.
    pub(super) fn value(&self) -> Value {
        match &self.content {
            Content::Scalar(value) => value.clone(),
            Content::Sequence(items) => items.iter().map(Self::value).collect(),
            Content::Mapping(entries) => {
                let members = entries.iter().map(|(key, node)| (key.text.clone(), node.value()));
                Value::Object(members.collect::<Map<_, _>>())
            }
        }
    }

    /// Where `field` stands (`spec.destinations[1].http.url`), or the nearest thing around it that
    /// is there: the key of a field, the first character of a list's item.
    pub(super) fn place_of(&self, field: &str) -> Place {
        let (mut node, mut place, mut rest) = (self, self.place, field);
        loop {
            rest = rest.strip_prefix('.').unwrap_or(rest);
            let found = match &node.content {
                Content::Mapping(entries) => entries
                    .iter()
                    .filter_map(|(key, below)| {
                        // Keys may hold dots themselves: the longest that fits is meant.
                        let after = rest.strip_prefix(key.text.as_str())?;
                        (after.is_empty() || after.starts_with(['.', '[']))
                            .then_some((after, key.place, below))
                    })
                    .min_by_key(|(after, ..)| after.len()),
                Content::Sequence(items) => rest.strip_prefix('[').and_then(|rest| {
                    let (index, after) = rest.split_once(']')?;
                    let item = items.get(index.parse::<usize>().ok()?)?;
                    Some((after, item.place, item))
                }),
                Content::Scalar(_) => None,
            };
            let Some((after, at, below)) = found.filter(|_| !rest.is_empty()) else { return place };
            (rest, place, node) = (after, at, below);
        }
    }

    /// Bytes and depth.
    fn measure(&self) -> (usize, usize) {
        let (weight, depth) = match &self.content {
            Content::Scalar(Value::String(text)) => (text.len(), 0),
            Content::Scalar(_) => (0, 0),
            Content::Sequence(items) => sum(items.iter().map(Self::measure)),
            Content::Mapping(entries) => sum(entries.iter().map(|(key, node)| {
                let (weight, depth) = node.measure();
                (weight + key.text.len(), depth)
            })),
        };
        (weight + 64, depth + 1)
    }
}

fn sum(parts: impl Iterator<Item = (usize, usize)>) -> (usize, usize) {
    parts.fold((0, 0), |(weight, depth), (more, below)| (weight + more, depth.max(below)))
}

/// A mistake in the YAML itself.
#[derive(Debug)]
pub(super) struct YamlMistake {
    pub(super) place: Place,
    pub(super) refusal: Refusal,
}

impl YamlMistake {
    fn new(place: Place, field: &str, reason: impl Into<String>, remedy: &str) -> Self {
        Self { place, refusal: Refusal::new(field, reason, remedy) }
    }
}

/// The documents of a text as far as it can be read, and the mistakes on the way.
pub(super) fn documents(text: &str) -> (Vec<Node>, Vec<YamlMistake>) {
    let mut build = Build::default();
    let mut parser = Parser::new_from_str(text);
    while let Some(event) = parser.next_event() {
        let step = match event {
            Ok((Event::StreamEnd, _)) => break,
            Ok((event, span)) => build.event(event, span),
            Err(error) => {
                let marker = error.marker();
                let place = Place { line: marker.line().max(1), column: marker.col() + 1 };
                let remedy = "look at the indentation, the colons and the quotes here and in the line above";
                Err(YamlMistake::new(place, "", format!("this is not YAML: {}", error.info()), remedy))
            }
        };
        if let Err(mistake) = step {
            build.mistakes.push(mistake);
            break;
        }
    }
    (build.documents, build.mistakes)
}

/// What is being built.
#[derive(Default)]
struct Build {
    documents: Vec<Node>,
    mistakes: Vec<YamlMistake>,
    open: Vec<Open>,
    /// By the parser's number, with weight and depth.
    anchors: HashMap<usize, (Node, usize, usize)>,
    weight: usize,
}

/// A list or a mapping whose end has not come.
struct Open {
    place: Place,
    anchor: usize,
    kind: OpenKind,
}

/// A key whose value has not come.
enum Waiting {
    Entry(Key),
    Merge,
    /// Written before; the value is dropped.
    Repeated,
}

enum OpenKind {
    Sequence(Vec<Node>),
    Mapping {
        entries: Vec<(Key, Node)>,
        /// The keys of `entries`, and one that waits for its value.
        known: HashSet<String>,
        key: Option<Waiting>,
        merged: Vec<(Key, Node)>,
    },
}

impl Build {
    fn event(&mut self, event: Event<'_>, span: Span) -> Result<(), YamlMistake> {
        let place = Place::of(span);
        match event {
            Event::DocumentStart(_) => self.anchors.clear(),
            Event::SequenceStart(anchor, _) => self.enter(place, anchor, OpenKind::Sequence(Vec::new()))?,
            Event::MappingStart(anchor, _) => {
                let kind = OpenKind::Mapping {
                    entries: Vec::new(),
                    known: HashSet::new(),
                    key: None,
                    merged: Vec::new(),
                };
                self.enter(place, anchor, kind)?;
            }
            Event::SequenceEnd | Event::MappingEnd => self.leave()?,
            Event::Scalar(text, style, anchor, tag) => {
                self.weigh(place, text.len() + 64)?;
                self.scalar(place, &text, style, anchor, tag.as_deref())?;
            }
            Event::Alias(anchor) => self.alias(place, anchor)?,
            Event::Nothing | Event::StreamStart | Event::StreamEnd | Event::DocumentEnd => {}
        }
        Ok(())
    }

    fn weigh(&mut self, place: Place, more: usize) -> Result<(), YamlMistake> {
        self.weight = self.weight.saturating_add(more);
        if self.weight > MAX_WEIGHT {
            let reason = "the values, with what aliases copy, are larger than 64 MiB";
            return Err(YamlMistake::new(place, "", reason, "write fewer aliases, or split the file"));
        }
        Ok(())
    }

    fn enter(&mut self, place: Place, anchor: usize, kind: OpenKind) -> Result<(), YamlMistake> {
        self.weigh(place, 64)?;
        if self.open.len() >= MAX_DEPTH {
            return Err(too_deep(place));
        }
        self.open.push(Open { place, anchor, kind });
        Ok(())
    }

    fn leave(&mut self) -> Result<(), YamlMistake> {
        let Some(Open { place, anchor, kind }) = self.open.pop() else { return Ok(()) };
        let content = match kind {
            OpenKind::Sequence(items) => Content::Sequence(items),
            OpenKind::Mapping { mut entries, mut known, merged, .. } => {
                // What stands in the mapping itself wins, then the first merged one.
                entries.extend(merged.into_iter().filter(|(key, _)| known.insert(key.text.clone())));
                Content::Mapping(entries)
            }
        };
        self.complete(Node { place, content }, anchor)
    }

    fn scalar(
        &mut self,
        place: Place,
        text: &str,
        style: ScalarStyle,
        anchor: usize,
        tag: Option<&Tag>,
    ) -> Result<(), YamlMistake> {
        if let Some(Open { kind: OpenKind::Mapping { known, key: key @ None, .. }, .. }) =
            self.open.last_mut()
        {
            *key = Some(if text == "<<" && style == ScalarStyle::Plain {
                Waiting::Merge
            } else if known.insert(text.to_owned()) {
                Waiting::Entry(Key { text: text.to_owned(), place })
            } else {
                let reason = format!("{} is written twice", shorten(text));
                let remedy = "remove one of them; it is not told which one counts";
                self.mistakes.push(YamlMistake::new(place, "", reason, remedy));
                Waiting::Repeated
            });
            return Ok(());
        }
        let is_text = tag.is_some_and(|tag| tag.is_yaml_core_schema() && tag.suffix == "str");
        let value = match style {
            ScalarStyle::Plain if !is_text => scalar::plain(text),
            _ => Value::String(text.to_owned()),
        };
        self.complete(Node { place, content: Content::Scalar(value) }, anchor)
    }

    fn alias(&mut self, place: Place, anchor: usize) -> Result<(), YamlMistake> {
        let Some((node, weight, depth)) = self.anchors.get(&anchor) else {
            let reason = "the alias is inside of what it names";
            return Err(YamlMistake::new(place, "", reason, "write the value out"));
        };
        let (weight, depth) = (*weight, *depth);
        if self.open.len() + depth > MAX_DEPTH {
            return Err(too_deep(place));
        }
        // Weighed before it is copied.
        self.weight = self.weight.saturating_add(weight);
        if self.weight > MAX_WEIGHT {
            return self.weigh(place, 0);
        }
        let node = Node { place, content: node.content.clone() };
        self.complete(node, 0)
    }

    /// Puts a complete value where it belongs.
    fn complete(&mut self, node: Node, anchor: usize) -> Result<(), YamlMistake> {
        if anchor != 0 {
            let (weight, depth) = node.measure();
            self.weigh(node.place, weight)?;
            self.anchors.insert(anchor, (node.clone(), weight, depth));
        }
        match self.open.last_mut().map(|open| &mut open.kind) {
            None => self.documents.push(node),
            Some(OpenKind::Sequence(items)) => items.push(node),
            Some(OpenKind::Mapping { entries, key, merged, .. }) => match key.take() {
                Some(Waiting::Entry(key)) => entries.push((key, node)),
                Some(Waiting::Merge) => merge(node, merged),
                Some(Waiting::Repeated) => {}
                None => {
                    let reason = "a key is not a plain text";
                    return Err(YamlMistake::new(node.place, "", reason, "write a text before the colon"));
                }
            },
        }
        Ok(())
    }
}

fn merge(node: Node, merged: &mut Vec<(Key, Node)>) {
    match node.content {
        Content::Mapping(entries) => merged.extend(entries),
        Content::Sequence(items) => {
            for item in items {
                if let Content::Mapping(entries) = item.content {
                    merged.extend(entries);
                }
            }
        }
        Content::Scalar(_) => {}
    }
}

fn too_deep(place: Place) -> YamlMistake {
    YamlMistake::new(place, "", "values are nested more than 64 deep", "write them flatter")
}

fn shorten(text: &str) -> String {
    text.chars().take(80).collect()
}
