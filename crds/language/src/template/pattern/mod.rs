//! JavaScript's regular expressions, with a bound on their time.
//!
//! Users bring patterns from where they ran as JavaScript: look-behind of any length,
//! back-references, ASCII `\d` and `\w`. A pattern is read ([`parse`]), written as instructions
//! ([`code`]) and run by a backtracking machine ([`machine`]), as the standard describes it. The
//! machine counts its steps and looks at the clock, so that a pattern that runs away is an error
//! after [`PATTERN_TIME`](super::limits::PATTERN_TIME) instead of a stuck pod; the crates at hand either read another syntax
//! or cannot be stopped.
//!
//! Letters are Unicode scalar values, with the flag `u` or without.

mod class;
mod code;
mod escape;
mod machine;
mod parse;

#[cfg(test)]
mod tests;

pub(super) use machine::{Match, Matcher, Stopped};

use code::Code;

/// A compiled pattern.
pub(super) struct Pattern {
    code: Code,
    groups: usize,
    names: Vec<(String, usize)>,
    flags: Flags,
}

#[derive(Clone, Copy, Debug, Default)]
#[expect(clippy::struct_excessive_bools, reason = "JavaScript's flags are independent switches")]
pub(super) struct Flags {
    pub(super) global: bool,
    pub(super) fold: bool,
    pub(super) lines: bool,
    pub(super) sticky: bool,
}

impl std::fmt::Debug for Pattern {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Pattern")
            .field("groups", &self.groups)
            .field("flags", &self.flags)
            .finish_non_exhaustive()
    }
}

impl Pattern {
    /// Compiles a pattern with JavaScript's flags, or says what is wrong.
    pub(super) fn new(text: &str, flags: &str) -> Result<Self, String> {
        let mut seen = String::new();
        for flag in flags.chars() {
            if !"dgimsuy".contains(flag) || seen.contains(flag) {
                return Err(format!("bad flags {flags}: each of g i m s u y once"));
            }
            seen.push(flag);
        }
        let has = |flag| flags.contains(flag);
        let parsed =
            parse::parse(text, has('u'), has('s')).map_err(|reason| format!("bad pattern: {reason}"))?;
        let code = code::write(&parsed.tree, has('i')).map_err(|reason| format!("bad pattern: {reason}"))?;
        let flags = Flags { global: has('g'), fold: has('i'), lines: has('m'), sticky: has('y') };
        Ok(Self { code, groups: parsed.groups, names: parsed.names, flags })
    }

    pub(super) fn is_global(&self) -> bool {
        self.flags.global
    }

    /// The number of the group called `name`.
    pub(super) fn group(&self, name: &str) -> Option<usize> {
        self.names.iter().find(|(known, _)| known == name).map(|(_, number)| *number)
    }

    pub(super) fn has_names(&self) -> bool {
        !self.names.is_empty()
    }
}
