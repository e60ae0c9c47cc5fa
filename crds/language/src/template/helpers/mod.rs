//! The helpers, one module per family, each with the table that the reference page is made from.

mod array;
mod blocks;
mod case;
mod crypto;
mod date;
mod encoding;
mod format;
mod logic;
mod math;
mod reference;
mod regex;
mod text;

use super::RenderError;
use super::program::Expr;
use super::render::Args;
use super::value::{List, Value, strict_eq};

pub(super) use format::ordinal;
pub(super) use reference::reference;
pub(super) use regex::literal_pattern;

/// What a helper gives.
pub(super) type Outcome<'a> = Result<Value<'a>, RenderError>;

/// Looks at the arguments in the template, and may settle them.
pub(super) type Check = fn(&mut [Expr]) -> Option<Wrong>;

/// What a check found.
pub(super) struct Wrong {
    /// The argument to blame, or the whole call.
    pub(super) arg: Option<usize>,
    pub(super) reason: String,
    pub(super) remedy: String,
}

/// What the reference page says, and proves by its example.
#[derive(Debug)]
pub(super) struct Doc {
    /// The arguments: `[x]` may be left out, `x ...` is any number.
    pub(super) args: &'static str,
    pub(super) gives: &'static str,
    /// Template, record, output.
    pub(super) example: [&'static str; 3],
}

/// An inline helper.
pub(super) struct Helper {
    pub(super) name: &'static str,
    /// The fewest arguments.
    pub(super) least: usize,
    pub(super) doc: Doc,
    pub(super) check: Option<Check>,
    pub(super) run: for<'a> fn(&Args<'_, 'a>) -> Outcome<'a>,
}

/// A block helper.
pub(super) struct BlockHelper {
    pub(super) name: &'static str,
    pub(super) least: usize,
    /// Whether more than `least` arguments are refused.
    pub(super) exact: bool,
    pub(super) doc: Doc,
    pub(super) check: Option<Check>,
    pub(super) run: BlockRun,
}

#[derive(Clone, Copy)]
pub(super) enum BlockRun {
    /// Decides; the context stays.
    Test(for<'a> fn(&Args<'_, 'a>) -> Result<Choice, RenderError>),
    Each,
    With,
    Filter,
}

/// Which part of a block is rendered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Choice {
    Yes,
    No,
    Neither,
}

impl From<bool> for Choice {
    fn from(yes: bool) -> Self {
        if yes { Self::Yes } else { Self::No }
    }
}

impl std::fmt::Debug for Helper {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name)
    }
}

impl std::fmt::Debug for BlockHelper {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name)
    }
}

/// A row of a family's table.
const fn helper(
    name: &'static str,
    least: usize,
    args: &'static str,
    gives: &'static str,
    example: [&'static str; 3],
    run: for<'a> fn(&Args<'_, 'a>) -> Outcome<'a>,
) -> Helper {
    Helper { name, least, doc: Doc { args, gives, example }, check: None, run }
}

impl Helper {
    const fn checked(mut self, check: Check) -> Self {
        self.check = Some(check);
        self
    }

    /// What is wrong with so many arguments.
    pub(super) fn count(&self, given: usize) -> Option<(String, String)> {
        (given < self.least).then(|| {
            let missing = missing(self.doc.args, given);
            let article = if missing.starts_with(['a', 'e', 'i', 'o', 'u']) { "an" } else { "a" };
            (
                format!("{} needs {article} {missing}", self.name),
                format!("write {{{{{} {}}}}}", self.name, self.doc.args),
            )
        })
    }
}

impl BlockHelper {
    /// What is wrong with so many arguments.
    pub(super) fn count(&self, given: usize) -> Option<(String, String)> {
        let wrong = given < self.least || (self.exact && given > self.least);
        wrong.then(|| {
            let count = match self.least {
                1 => "one argument",
                2 => "two arguments",
                _ => "three arguments",
            };
            (
                format!("{} needs {count}", self.name),
                format!("write {{{{#{0} {1}}}}}...{{{{/{0}}}}}", self.name, self.doc.args),
            )
        })
    }
}

/// The name of the first argument that is missing.
fn missing(args: &'static str, given: usize) -> &'static str {
    let names = || args.split(' ').filter(|name| !name.starts_with('.'));
    names().nth(given).or_else(|| names().next_back()).unwrap_or("value").trim_matches(['[', ']'])
}

/// All inline helpers, by family.
fn families() -> [(&'static str, &'static [Helper]); 10] {
    [
        ("Math", math::HELPERS),
        ("Text", text::HELPERS),
        ("Names and words", case::HELPERS),
        ("Arrays and lookups", array::HELPERS),
        ("Dates", date::HELPERS),
        ("Encodings", encoding::HELPERS),
        ("Patterns", regex::HELPERS),
        ("Hashes", crypto::HELPERS),
        ("Logic", logic::HELPERS),
        ("Format", format::HELPERS),
    ]
}

/// The inline helper called `name`.
pub(super) fn find(name: &str) -> Option<&'static Helper> {
    families()
        .into_iter()
        .flat_map(|(_, helpers)| helpers)
        .chain(blocks::INLINE)
        .find(|helper| helper.name == name)
}

/// The block helper called `name`.
pub(super) fn find_block(name: &str) -> Option<&'static BlockHelper> {
    blocks::HELPERS.iter().find(|helper| helper.name == name)
}

/// All names.
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    let inline = families().into_iter().flat_map(|(_, helpers)| helpers);
    inline.map(|helper| helper.name).chain(blocks::HELPERS.iter().map(|helper| helper.name))
}

/// What `filter` keeps: elements that equal the value, or whose member does. `None` without a list.
pub(super) fn matches_in<'a>(values: &[Value<'a>]) -> Option<Vec<Value<'a>>> {
    let [Value::List(list), rest @ ..] = values else { return None };
    let wanted = rest.first().unwrap_or(&Value::Missing);
    let path = rest.get(1).map(|path| super::value::text(path).into_owned());
    let found = list.items().into_iter().filter(|item| match &path {
        Some(path) => strict_eq(&item.dig(path), wanted),
        None => strict_eq(item, wanted),
    });
    Some(found.collect())
}

/// The elements of a list; the value itself where it is none.
fn spread<'a>(values: &[Value<'a>]) -> Vec<Value<'a>> {
    let mut all = Vec::with_capacity(values.len());
    for value in values {
        match value {
            Value::List(list) => all.extend(List::items(list)),
            plain => all.push(plain.clone()),
        }
    }
    all
}

/// A number as a count: floored, `None` below zero and for what is no number.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked, and saturating")]
fn as_count(number: f64) -> Option<usize> {
    (number.is_finite() && number >= 0.0).then(|| number.floor() as usize)
}
