//! A record under change: text where nobody looked, members and elements where a rule did.
//!
//! An object or a list is opened when a rule goes into it, and stays text otherwise. Opened levels
//! are as deep as paths are long, and are counted when the tree is written.

use std::borrow::Cow;
use std::collections::HashSet;

use crds::limits::MAX_TRANSFORMED_DEPTH;

use crate::event::{decode, elements, members};

/// Steps of one mapping: one for each member or element that is looked at, and one for each 64
/// bytes that are opened. The whole comes to some tens of milliseconds at worst.
const STEPS: usize = 1_000_000;

/// The steps that a mapping still has.
pub(super) struct Budget(usize);

/// Why a rule could not be applied. `left`: names of the path that are not gone yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Halt {
    Steps,
    Size,
    Depth,
    /// The text is no JSON: the record was not checked before.
    Broken,
    InTheWay {
        left: usize,
        kind: &'static str,
    },
    NoElement {
        left: usize,
        length: usize,
    },
}

pub(super) enum Tree<'a> {
    /// JSON text without white space about it.
    Written(Cow<'a, [u8]>),
    Object(Vec<Member<'a>>),
    List(Vec<Tree<'a>>),
}

pub(super) struct Member<'a> {
    /// As written, without quotes.
    name: Cow<'a, [u8]>,
    value: Tree<'a>,
}

impl Budget {
    pub(super) fn new() -> Self {
        Self(STEPS)
    }

    fn take(&mut self, steps: usize) -> Result<(), Halt> {
        self.0 = self.0.checked_sub(steps).ok_or(Halt::Steps)?;
        Ok(())
    }
}

impl Tree<'_> {
    pub(super) fn is_object(&self) -> bool {
        match self {
            Self::Written(text) => text.first() == Some(&b'{'),
            Self::Object(_) => true,
            Self::List(_) => false,
        }
    }

    /// Makes members or elements of text that has them.
    fn open(&mut self, budget: &mut Budget) -> Result<(), Halt> {
        let Self::Written(text) = self else { return Ok(()) };
        let is_object = match text.first() {
            Some(b'{') => true,
            Some(b'[') => false,
            _ => return Ok(()),
        };
        budget.take(1 + text.len() / 64)?;
        let opened = match (text, is_object) {
            (Cow::Borrowed(text), true) => object(text, Cow::Borrowed),
            (Cow::Borrowed(text), false) => list(text, Cow::Borrowed),
            (Cow::Owned(text), true) => object(text, |part| Cow::Owned(part.to_vec())),
            (Cow::Owned(text), false) => list(text, |part| Cow::Owned(part.to_vec())),
        }?;
        budget.take(opened.len())?;
        *self = opened;
        Ok(())
    }

    fn len(&self) -> usize {
        match self {
            Self::Written(_) => 0,
            Self::Object(members) => members.len(),
            Self::List(elements) => elements.len(),
        }
    }

    /// What is called `name` within; opens.
    fn at(&mut self, name: &str, budget: &mut Budget) -> Result<Option<usize>, Halt> {
        self.open(budget)?;
        budget.take(1 + self.len())?;
        Ok(match self {
            Self::Written(_) => None,
            Self::Object(members) => {
                members.iter().position(|member| *decode(&member.name) == *name.as_bytes())
            }
            Self::List(elements) => index(name).filter(|at| *at < elements.len()),
        })
    }

    fn child(&mut self, at: usize) -> Option<&mut Self> {
        match self {
            Self::Written(_) => None,
            Self::Object(members) => members.get_mut(at).map(|member| &mut member.value),
            Self::List(elements) => elements.get_mut(at),
        }
    }

    /// Takes out what stands at `path`, where there is something.
    pub(super) fn take(&mut self, path: &[Box<str>], budget: &mut Budget) -> Result<Option<Self>, Halt> {
        let Some((name, rest)) = path.split_first() else { return Ok(None) };
        let Some(at) = self.at(name, budget)? else { return Ok(None) };
        if !rest.is_empty() {
            let Some(child) = self.child(at) else { return Ok(None) };
            return child.take(rest, budget);
        }
        Ok(match self {
            Self::Written(_) => None,
            Self::Object(members) => Some(members.remove(at).value),
            Self::List(elements) => Some(elements.remove(at)),
        })
    }

    /// Puts a value at `path`; makes the objects on the way.
    pub(super) fn put(&mut self, path: &[Box<str>], value: Self, budget: &mut Budget) -> Result<(), Halt> {
        let Some((name, rest)) = path.split_first() else {
            *self = value;
            return Ok(());
        };
        let at = match self.at(name, budget)? {
            Some(at) => at,
            None => self.add(name, path.len())?,
        };
        match self.child(at) {
            Some(child) => child.put(rest, value, budget),
            None => Ok(()),
        }
    }

    /// Adds an empty object called `name`, which is not there; gives its place.
    fn add(&mut self, name: &str, left: usize) -> Result<usize, Halt> {
        if let Self::Written(text) = self {
            if **text != *b"null" {
                return Err(Halt::InTheWay { left, kind: kind(text) });
            }
            *self = Self::Object(Vec::new());
        }
        let length = self.len();
        match self {
            Self::List(elements) if index(name) == Some(length) => {
                elements.push(Self::Object(Vec::new()));
            }
            Self::List(_) => return Err(Halt::NoElement { left, length }),
            Self::Object(members) => {
                let name = Cow::Owned(crate::template::escaped(name).into_bytes());
                members.push(Member { name, value: Self::Object(Vec::new()) });
            }
            Self::Written(_) => {}
        }
        Ok(length)
    }

    /// Moves what stands at `from` to `to`; within one object it keeps its place.
    pub(super) fn rename(
        &mut self,
        from: &[Box<str>],
        to: &[Box<str>],
        budget: &mut Budget,
    ) -> Result<(), Halt> {
        if let (Some((old, parent)), Some((new, same))) = (from.split_last(), to.split_last())
            && parent == same
        {
            return self.rename_within(parent, old, new, to, budget);
        }
        match self.take(from, budget)? {
            Some(value) => self.put(to, value, budget),
            None => Ok(()),
        }
    }

    fn rename_within(
        &mut self,
        parent: &[Box<str>],
        old: &str,
        new: &str,
        to: &[Box<str>],
        budget: &mut Budget,
    ) -> Result<(), Halt> {
        let mut place = &mut *self;
        for name in parent {
            let Some(at) = place.at(name, budget)? else { return Ok(()) };
            let Some(child) = place.child(at) else { return Ok(()) };
            place = child;
        }
        let Some(at) = place.at(old, budget)? else { return Ok(()) };
        let other = place.at(new, budget)?;
        match place {
            Self::Written(_) => Ok(()),
            Self::Object(members) => {
                if let Some(member) = members.get_mut(at) {
                    member.name = Cow::Owned(crate::template::escaped(new).into_bytes());
                }
                if let Some(other) = other.filter(|other| *other != at) {
                    members.remove(other);
                }
                Ok(())
            }
            Self::List(elements) => {
                let value = elements.remove(at);
                self.put(to, value, budget)
            }
        }
    }

    /// Leaves only what `paths` name; whether anything is left.
    pub(super) fn keep(&mut self, paths: &[&[Box<str>]], budget: &mut Budget) -> Result<bool, Halt> {
        if paths.iter().any(|path| path.is_empty()) {
            return Ok(true);
        }
        self.open(budget)?;
        budget.take((1 + self.len()).saturating_mul(1 + paths.len()))?;
        match self {
            Self::Written(_) => Ok(false),
            Self::Object(members) => {
                let mut kept = Vec::with_capacity(paths.len().min(members.len()));
                for mut member in std::mem::take(members) {
                    let below = below(paths, |name| *decode(&member.name) == *name.as_bytes());
                    if !below.is_empty() && member.value.keep(&below, budget)? {
                        kept.push(member);
                    }
                }
                *members = kept;
                Ok(!members.is_empty())
            }
            Self::List(elements) => {
                let mut kept = Vec::new();
                for (at, mut element) in std::mem::take(elements).into_iter().enumerate() {
                    let below = below(paths, |name| index(name) == Some(at));
                    if !below.is_empty() && element.keep(&below, budget)? {
                        kept.push(element);
                    }
                }
                *elements = kept;
                Ok(!elements.is_empty())
            }
        }
    }

    /// Writes it as JSON, up to `most` bytes.
    pub(super) fn write(&self, out: &mut Vec<u8>, most: usize) -> Result<(), Halt> {
        self.write_at(0, out, most)
    }

    fn write_at(&self, depth: usize, out: &mut Vec<u8>, most: usize) -> Result<(), Halt> {
        if depth > MAX_TRANSFORMED_DEPTH {
            return Err(Halt::Depth);
        }
        match self {
            Self::Written(text) => push(out, text, most)?,
            Self::Object(members) => {
                push(out, b"{", most)?;
                for (at, Member { name, value }) in members.iter().enumerate() {
                    push(out, if at == 0 { b"\"" } else { b",\"" }, most)?;
                    push(out, name, most)?;
                    push(out, b"\":", most)?;
                    value.write_at(depth + 1, out, most)?;
                }
                push(out, b"}", most)?;
            }
            Self::List(elements) => {
                push(out, b"[", most)?;
                for (at, element) in elements.iter().enumerate() {
                    if at > 0 {
                        push(out, b",", most)?;
                    }
                    element.write_at(depth + 1, out, most)?;
                }
                push(out, b"]", most)?;
            }
        }
        Ok(())
    }
}

fn push(out: &mut Vec<u8>, bytes: &[u8], most: usize) -> Result<(), Halt> {
    if out.len() + bytes.len() > most {
        return Err(Halt::Size);
    }
    out.extend_from_slice(bytes);
    Ok(())
}

fn object<'t, 'a>(text: &'t [u8], part: impl Fn(&'t [u8]) -> Cow<'a, [u8]>) -> Result<Tree<'a>, Halt> {
    let mut found = Vec::new();
    let read = members(text, |name, value| found.push((name, value)));
    read.map_err(|_| Halt::Broken)?;
    let mut seen = HashSet::with_capacity(found.len());
    // From behind, so that of a repeated name the last one stays.
    let mut last: Vec<Member<'a>> = Vec::with_capacity(found.len());
    for (name, value) in found.into_iter().rev() {
        if seen.insert(decode(name)) {
            last.push(Member { name: part(name), value: Tree::Written(part(value)) });
        }
    }
    last.reverse();
    Ok(Tree::Object(last))
}

fn list<'t, 'a>(text: &'t [u8], part: impl Fn(&'t [u8]) -> Cow<'a, [u8]>) -> Result<Tree<'a>, Halt> {
    let mut found = Vec::new();
    elements(text, |element| found.push(Tree::Written(part(element)))).map_err(|_| Halt::Broken)?;
    Ok(Tree::List(found))
}

/// The rests of the paths whose first name is `is`.
fn below<'p>(paths: &[&'p [Box<str>]], is: impl Fn(&str) -> bool) -> Vec<&'p [Box<str>]> {
    let parts = paths.iter().filter_map(|path| path.split_first());
    parts.filter(|(name, _)| is(name)).map(|(_, rest)| rest).collect()
}

/// `0`, `1`, `27`, but not `01`.
fn index(name: &str) -> Option<usize> {
    let plain = name == "0" || !name.starts_with(['0', '+']);
    plain.then(|| name.parse().ok()).flatten()
}

fn kind(text: &[u8]) -> &'static str {
    match text.first() {
        Some(b'"') => "text",
        Some(b't' | b'f') => "true or false",
        _ => "a number",
    }
}
