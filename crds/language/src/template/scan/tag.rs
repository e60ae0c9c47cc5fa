//! The inside of one tag: checked, cut into leaves, and written down for the crate.

use std::fmt::Write;

use super::Scan;
use super::fault::{Fault, is_typographic, typographic};
use super::leaf::{self, Leaf, LeafKind, is_name, is_space};
use crate::template::limits;

/// How a tag ends.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// `}}` or `~}}`.
    Double,
    /// `}}}` or `}~}}`.
    Triple,
}

/// A tag's inside.
pub(super) struct Inside {
    /// For the crate: `t1 t2 t3=t4 (t5 t6) as |t7|`.
    pub(super) code: String,
    /// The leaf at its head.
    pub(super) head: Option<usize>,
    /// Leaves after the head.
    pub(super) more: usize,
    /// `~` before the end.
    pub(super) strip: bool,
}

/// What stands between two parentheses.
#[derive(Default)]
struct Level {
    start: usize,
    head: Option<usize>,
    named: bool,
    after_key: bool,
}

impl Scan<'_> {
    /// Reads from the current place to behind the tag's end. `start` is where the tag starts.
    pub(super) fn inside(&mut self, start: usize, end: End, blocks: bool) -> Result<Inside, Fault> {
        let mut inside = Inside { code: String::new(), head: None, more: 0, strip: false };
        let mut levels = vec![Level { start, ..Level::default() }];
        loop {
            self.skip_space();
            let here = self.at;
            if let Some((strip, length)) = self.tag_end(start, end)? {
                self.at += length;
                inside.strip = strip;
                return self.finish(inside, &levels, here);
            }
            let rest = self.rest();
            let depth = levels.len();
            let Some(level) = levels.last_mut() else {
                return Err(Fault::new(here, here + 1, "nothing to close", "remove the )"));
            };
            match rest.chars().next() {
                None => return Err(self.unclosed(start, end)),
                Some('(') => {
                    if level.head.is_none() {
                        return Err(Fault::new(
                            here,
                            here + 1,
                            "a name must come first",
                            "write {{helper (...)}}",
                        ));
                    }
                    self.positional(level, here)?;
                    level.after_key = false;
                    if self.depth() + depth > limits::DEPTH {
                        return Err(too_deep(here));
                    }
                    inside.code.push_str(" (");
                    inside.more += 1;
                    levels.push(Level { start: here, ..Level::default() });
                    self.at += 1;
                }
                Some(')') => {
                    let (Some(head), false) = (level.head, level.after_key) else {
                        return Err(Fault::new(level.start, here + 1, "empty ( )", "write (helper value)"));
                    };
                    if depth == 1 {
                        return Err(Fault::new(here, here + 1, "nothing to close", "remove the )"));
                    }
                    let from = level.start;
                    self.at += 1;
                    self.set_call(head, from);
                    inside.code.push(')');
                    levels.pop();
                }
                Some(letter) if is_typographic(letter) => return Err(typographic(self.text, here)),
                Some(_) if depth == 1 && self.starts_block_params() => {
                    self.block_params(&mut inside, start, blocks)?;
                }
                Some(letter) => self.leaf(&mut inside, &mut levels, letter, start, end)?,
            }
        }
    }

    fn leaf(
        &mut self,
        inside: &mut Inside,
        levels: &mut [Level],
        letter: char,
        start: usize,
        end: End,
    ) -> Result<(), Fault> {
        let here = self.at;
        if self.rest().starts_with("{{") || letter == '}' {
            return Err(self.unclosed(start, end));
        }
        let Some((kind, after)) = leaf::read(self.text, here)? else {
            let width = letter.len_utf8();
            let remedy = "write names, \"text\", numbers, name=value or (helper value)";
            return Err(Fault::new(here, here + width, format!("unexpected {letter}"), remedy));
        };
        let Some(level) = levels.last_mut() else { return Ok(()) };
        self.at = after;
        let key = match &kind {
            LeafKind::Path(path) if self.rest().starts_with('=') => path.simple().map(str::to_owned),
            _ => None,
        };
        if let Some(name) = key {
            if level.head.is_none() || level.after_key {
                return Err(Fault::new(here, after, "a name must come first", "write {{helper name=value}}"));
            }
            level.named = true;
            level.after_key = true;
            self.at += 1;
            let index = self.push(LeafKind::Name(name), here, after);
            let _ = write!(inside.code, " t{index}=");
            inside.more += 1;
            return Ok(());
        }
        if level.head.is_none() {
            let index = self.push(kind, here, after);
            level.head = Some(index);
            if inside.head.is_none() {
                inside.head = Some(index);
            }
            let _ = write!(inside.code, "t{index}");
            return Ok(());
        }
        self.positional(level, here)?;
        let space = if level.after_key { "" } else { " " };
        level.after_key = false;
        let index = self.push(kind, here, after);
        let _ = write!(inside.code, "{space}t{index}");
        inside.more += 1;
        Ok(())
    }

    fn positional(&self, level: &Level, here: usize) -> Result<(), Fault> {
        if level.named && !level.after_key {
            let end = here + self.rest().chars().next().map_or(0, char::len_utf8);
            return Err(Fault::new(here, end, "a value after name=value", "write the named values last"));
        }
        Ok(())
    }

    fn finish(&mut self, inside: Inside, levels: &[Level], here: usize) -> Result<Inside, Fault> {
        match levels {
            [level] if level.after_key => {
                Err(Fault::new(level.start, here, "a value is missing", "write name=value"))
            }
            [level] => {
                if let Some(head) = level.head {
                    self.set_call(head, level.start);
                }
                Ok(inside)
            }
            [.., level] => Err(Fault::new(level.start, here, "unclosed (", "close it with )")),
            [] => Ok(inside),
        }
    }

    /// The tag's end, where it is here: whether it strips, and its length.
    fn tag_end(&self, start: usize, end: End) -> Result<Option<(bool, usize)>, Fault> {
        let rest = self.rest();
        Ok(match end {
            End::Double if rest.starts_with("}}") => Some((false, 2)),
            End::Double if rest.starts_with("~}}") => Some((true, 3)),
            End::Triple if rest.starts_with("}}}") => Some((false, 3)),
            End::Triple if rest.starts_with("}~}}") => Some((true, 4)),
            End::Triple if rest.starts_with("}}") => return Err(self.unclosed(start, end)),
            _ => None,
        })
    }

    fn unclosed(&self, start: usize, end: End) -> Fault {
        let shown = self.rest().find("}}").map_or(self.text.len(), |offset| self.at + offset + 2);
        match end {
            End::Double => Fault::new(start, self.at, "unclosed tag", "close it with }}"),
            End::Triple => Fault::new(start, shown, "unclosed {{{", "close it with a third }"),
        }
    }

    fn starts_block_params(&self) -> bool {
        self.rest().strip_prefix("as").is_some_and(|rest| {
            let names = rest.trim_start_matches(is_space);
            names.len() < rest.len() && names.starts_with('|')
        })
    }

    fn block_params(&mut self, inside: &mut Inside, start: usize, blocks: bool) -> Result<(), Fault> {
        let here = self.at;
        self.at += 2;
        self.skip_space();
        self.at += 1;
        let mut names = Vec::new();
        loop {
            self.skip_space();
            let rest = self.rest();
            if rest.starts_with('|') {
                self.at += 1;
                break;
            }
            let word: &str = rest.split(|letter| !is_name(letter)).next().unwrap_or_default();
            if word.is_empty() {
                return Err(Fault::new(here, self.at, "unclosed |", "write as |name| or as |value key|"));
            }
            let (from, to) = (self.at, self.at + word.len());
            let index = self.push(LeafKind::Name(word.to_owned()), from, to);
            names.push(format!("t{index}"));
            self.at = to;
        }
        if !blocks || inside.head.is_none() || names.is_empty() || names.len() > 2 {
            let remedy = "write as |name| or as |value key| in an opening block tag";
            return Err(Fault::new(here, self.at, "block parameters do not fit here", remedy));
        }
        let _ = write!(inside.code, " as |{}|", names.join(" "));
        self.skip_space();
        if self.rest().starts_with("}}") || self.rest().starts_with("~}}") {
            return Ok(());
        }
        Err(Fault::new(start, self.at, "block parameters must come last", "end the tag after |"))
    }

    fn push(&mut self, kind: LeafKind, at: usize, end: usize) -> usize {
        self.leaves.push(Leaf { span: at..end, call: at..end, kind, raw: false, inverted: false });
        self.leaves.len() - 1
    }

    /// The leaf heads a call that started at `from` and ends here.
    fn set_call(&mut self, leaf: usize, from: usize) {
        let to = self.at;
        if let Some(leaf) = self.leaves.get_mut(leaf) {
            leaf.call = from..to;
        }
    }

    pub(super) fn skip_space(&mut self) {
        let rest = self.rest();
        self.at += rest.len() - rest.trim_start_matches(is_space).len();
    }
}

pub(super) fn too_deep(at: usize) -> Fault {
    Fault::new(
        at,
        at + 1,
        format!("nested too deep (limit {})", limits::DEPTH),
        "write it with fewer blocks and subexpressions inside each other",
    )
}
