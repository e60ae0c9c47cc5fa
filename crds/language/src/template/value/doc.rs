//! JSON text, read once into a flat list of nodes.
//!
//! A node is a kind, where its text stands, and the node after its last descendant. A map's nodes
//! are key, value, key, value. Nothing here recurses, so that nesting is bounded by the length of
//! the text alone, and members that no template names are stepped over instead of read.
//!
//! Where a key stands twice the last one counts. Half of a surrogate pair becomes U+FFFD.

use std::borrow::Cow;
use std::rc::Rc;

use super::reader::{Reader, Stop};
use super::{List, Map, Value};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Null,
    True,
    False,
    Int,
    Number,
    /// A text without escapes; `start..end` is inside its quotes.
    Text,
    /// A text with escapes.
    Escaped,
    List,
    Map,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Node {
    pub(super) kind: Kind,
    pub(super) start: u32,
    pub(super) end: u32,
    /// The index after the last node inside this one.
    pub(super) next: u32,
    /// Elements or members.
    pub(super) count: u32,
}

/// Which members of the outermost map are read.
#[derive(Clone, Debug)]
pub(in crate::template) enum Wanted {
    All,
    Only(Vec<Box<str>>),
}

/// A JSON text and its nodes.
#[derive(Debug)]
pub(in crate::template) struct Doc<'a> {
    text: Cow<'a, str>,
    nodes: Vec<Node>,
}

/// A doc that is read for one rendering, or one that outlives it.
#[derive(Clone, Debug)]
enum Held<'a> {
    Shared(Rc<Doc<'a>>),
    Lent(&'a Doc<'static>),
}

/// A list or map within a doc.
#[derive(Clone, Debug)]
pub(in crate::template) struct Spot<'a> {
    doc: Held<'a>,
    at: u32,
}

impl<'a> Doc<'a> {
    /// Reads `text`, or gives the byte at which it stops being JSON.
    pub(in crate::template) fn read(text: Cow<'a, str>, wanted: &Wanted) -> Result<Value<'a>, usize> {
        let doc = Self::parse(text, wanted)?;
        Ok(value(&Held::Shared(Rc::new(doc)), 0))
    }

    pub(super) fn parse(text: Cow<'a, str>, wanted: &Wanted) -> Result<Self, usize> {
        if u32::try_from(text.len()).is_err() {
            return Err(0);
        }
        let mut reader = Reader { bytes: text.as_bytes(), at: 0, nodes: Vec::with_capacity(32) };
        reader.document(wanted).map_err(|Stop| reader.at)?;
        let nodes = reader.nodes;
        Ok(Self { text, nodes })
    }

    pub(super) fn text(&self) -> &str {
        &self.text
    }

    fn node(&self, at: u32) -> Option<Node> {
        self.nodes.get(at as usize).copied()
    }

    fn slice(&self, node: Node) -> &str {
        self.text.get(node.start as usize..node.end as usize).unwrap_or_default()
    }

    fn is_key(&self, node: Node, name: &str) -> bool {
        match node.kind {
            Kind::Escaped => unescape(self.slice(node)) == name,
            _ => self.slice(node) == name,
        }
    }
}

impl Doc<'static> {
    pub(super) fn null() -> Self {
        let node = Node { kind: Kind::Null, start: 0, end: 0, next: 1, count: 0 };
        Self { text: Cow::Borrowed("null"), nodes: vec![node] }
    }
}

impl<'a> Held<'a> {
    /// The node's text, borrowed from the record where that is possible.
    fn borrow(&self, node: Node) -> Cow<'a, str> {
        let range = node.start as usize..node.end as usize;
        match self {
            Self::Lent(doc) => Cow::Borrowed(doc.slice(node)),
            Self::Shared(doc) => match &doc.text {
                Cow::Borrowed(text) => Cow::Borrowed(text.get(range).unwrap_or_default()),
                Cow::Owned(text) => Cow::Owned(text.get(range).unwrap_or_default().to_owned()),
            },
        }
    }

    fn string(&self, node: Node) -> Cow<'a, str> {
        match node.kind {
            Kind::Escaped => Cow::Owned(unescape(self.slice(node))),
            _ => self.borrow(node),
        }
    }

    fn same(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Shared(one), Self::Shared(two)) => Rc::ptr_eq(one, two),
            (Self::Lent(one), Self::Lent(two)) => std::ptr::eq(*one, *two),
            _ => false,
        }
    }
}

impl<'a> std::ops::Deref for Held<'a> {
    type Target = Doc<'a>;

    fn deref(&self) -> &Doc<'a> {
        match self {
            Self::Shared(doc) => doc,
            Self::Lent(doc) => doc,
        }
    }
}

impl<'a> Value<'a> {
    /// The whole of a doc that outlives the rendering.
    pub(super) fn of(doc: &'a Doc<'static>) -> Self {
        value(&Held::Lent(doc), 0)
    }
}

fn value<'a>(doc: &Held<'a>, at: u32) -> Value<'a> {
    let Some(node) = doc.node(at) else { return Value::Missing };
    match node.kind {
        Kind::Null => Value::Null,
        Kind::True => Value::Bool(true),
        Kind::False => Value::Bool(false),
        Kind::Int if doc.slice(node) == "-0" => Value::Num(0.0),
        Kind::Int => Value::Int(doc.borrow(node)),
        Kind::Number => match doc.slice(node).parse::<f64>() {
            Ok(number) if number.is_finite() => Value::Num(number),
            _ => Value::Int(doc.borrow(node)),
        },
        Kind::Text | Kind::Escaped => Value::Text(doc.string(node)),
        Kind::List => Value::List(List::Doc(Spot { doc: doc.clone(), at })),
        Kind::Map => Value::Map(Map(Spot { doc: doc.clone(), at })),
    }
}

impl<'a> Spot<'a> {
    fn node(&self) -> Node {
        let empty = Node { kind: Kind::List, start: 0, end: 0, next: 0, count: 0 };
        self.doc.node(self.at).unwrap_or(empty)
    }

    pub(in crate::template) fn len(&self) -> usize {
        self.node().count as usize
    }

    pub(in crate::template) fn weight(&self) -> usize {
        let node = self.node();
        (node.end - node.start) as usize
    }

    pub(in crate::template) fn same(&self, other: &Self) -> bool {
        self.doc.same(&other.doc) && self.at == other.at
    }

    /// Whether this is the whole of a text that is read for this rendering.
    pub(in crate::template) fn is_whole(&self) -> bool {
        self.at == 0 && matches!(self.doc, Held::Shared(_))
    }

    /// The nodes of this spot, itself first, each with the text that stands for it.
    pub(super) fn walk(&self) -> impl Iterator<Item = (Node, &str)> {
        let end = self.node().next as usize;
        let nodes = self.doc.nodes.get(self.at as usize..end).unwrap_or_default();
        nodes.iter().map(|node| (*node, self.doc.slice(*node)))
    }

    pub(super) fn index(&self) -> u32 {
        self.at
    }

    pub(super) fn element(&self, index: usize) -> Value<'a> {
        if index >= self.len() {
            return Value::Missing;
        }
        let mut at = self.at + 1;
        for _ in 0..index {
            at = self.doc.node(at).map_or(u32::MAX, |node| node.next);
        }
        value(&self.doc, at)
    }

    pub(super) fn elements(&self) -> Vec<Value<'a>> {
        let mut items = Vec::with_capacity(self.len());
        let (mut at, end) = (self.at + 1, self.node().next);
        while at < end {
            items.push(value(&self.doc, at));
            at = self.doc.node(at).map_or(end, |node| node.next);
        }
        items
    }

    pub(super) fn member(&self, name: &str) -> Value<'a> {
        let (mut at, end) = (self.at + 1, self.node().next);
        let mut found = None;
        while at < end {
            let Some(key) = self.doc.node(at) else { break };
            if self.doc.is_key(key, name) {
                found = Some(at + 1);
            }
            at = self.doc.node(at + 1).map_or(end, |node| node.next);
        }
        found.map_or(Value::Missing, |at| value(&self.doc, at))
    }

    pub(super) fn members(&self) -> Vec<(Cow<'a, str>, Value<'a>)> {
        let mut members = Vec::with_capacity(self.len());
        let (mut at, end) = (self.at + 1, self.node().next);
        while at < end {
            let Some(key) = self.doc.node(at) else { break };
            members.push((self.doc.string(key), value(&self.doc, at + 1)));
            at = self.doc.node(at + 1).map_or(end, |node| node.next);
        }
        members
    }
}

/// The text that a JSON string's inside stands for.
pub(super) fn unescape(raw: &str) -> String {
    let mut text = String::with_capacity(raw.len());
    let mut rest = raw;
    while let Some(at) = rest.find('\\') {
        text.push_str(&rest[..at]);
        let escape = rest.as_bytes().get(at + 1).copied().unwrap_or_default();
        rest = rest.get(at + 2..).unwrap_or_default();
        match escape {
            b'b' => text.push('\u{8}'),
            b'f' => text.push('\u{c}'),
            b'n' => text.push('\n'),
            b'r' => text.push('\r'),
            b't' => text.push('\t'),
            b'u' => {
                let first = unit(rest);
                rest = rest.get(4..).unwrap_or_default();
                let second = rest.strip_prefix("\\u").map_or(0, unit);
                if (0xd800..0xdc00).contains(&first) && (0xdc00..0xe000).contains(&second) {
                    rest = rest.get(6..).unwrap_or_default();
                    let code = 0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00);
                    text.push(char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER));
                } else {
                    text.push(char::from_u32(first).unwrap_or(char::REPLACEMENT_CHARACTER));
                }
            }
            other => text.push(char::from(other)),
        }
    }
    text.push_str(rest);
    text
}

fn unit(hex: &str) -> u32 {
    hex.get(..4).and_then(|hex| u32::from_str_radix(hex, 16).ok()).unwrap_or(0xfffd)
}
