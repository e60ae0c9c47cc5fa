//! The backtracking machine.

use std::time::Instant;

use super::Pattern;
use super::class::{Set, folded};
use super::code::Op;
use crate::template::limits::PATTERN_TIME;

/// Steps between two looks at the clock.
const STEPS: u32 = 4096;
/// Places to go back to: some 30 MB.
const STACK: usize = 1_000_000;
const NONE: usize = usize::MAX;

/// The pattern took too long.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::template) struct Stopped;

/// A match: where it and its groups stand, in bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::template) struct Match {
    slots: Vec<usize>,
}

impl Match {
    /// The group, 0 for the whole match.
    pub(in crate::template) fn group(&self, number: usize) -> Option<std::ops::Range<usize>> {
        match (self.slots.get(number * 2)?, self.slots.get(number * 2 + 1)?) {
            (&from, &to) if from != NONE && to != NONE => Some(from..to),
            _ => None,
        }
    }

    pub(in crate::template) fn groups(&self) -> usize {
        self.slots.len() / 2
    }
}

/// What to do when a way fails.
enum Undo {
    Try {
        op: usize,
        at: usize,
    },
    /// The end of a run, which may give back letters down to `least`.
    Shrink {
        op: usize,
        at: usize,
        least: usize,
    },
    Slot {
        slot: usize,
        old: usize,
    },
}

/// One text that one pattern is tried on.
pub(in crate::template) struct Matcher<'p, 't> {
    pattern: &'p Pattern,
    text: &'t str,
    until: Instant,
    steps: u32,
    /// Steps before those.
    spent: usize,
    /// Groups, then registers.
    slots: Vec<usize>,
    undo: Vec<Undo>,
}

impl<'p, 't> Matcher<'p, 't> {
    pub(in crate::template) fn new(pattern: &'p Pattern, text: &'t str) -> Self {
        let slots = vec![NONE; (pattern.groups + 1) * 2 + pattern.code.registers];
        let until = Instant::now() + PATTERN_TIME;
        Self { pattern, text, until, steps: 0, spent: 0, slots, undo: Vec::new() }
    }

    /// Steps in all.
    pub(in crate::template) fn spent(&self) -> usize {
        self.spent + self.steps as usize
    }

    /// The first match at `from` or after it.
    pub(in crate::template) fn find(&mut self, from: usize) -> Result<Option<Match>, Stopped> {
        let mut at = from;
        loop {
            self.slots.fill(NONE);
            self.undo.clear();
            if self.run(0, at)? {
                let slots = self.slots.get(..(self.pattern.groups + 1) * 2).unwrap_or_default().to_vec();
                return Ok(Some(Match { slots }));
            }
            match self.next_letter(at) {
                Some((_, next)) if !self.pattern.flags.sticky => at = next,
                _ => return Ok(None),
            }
        }
    }

    /// Where to look on after a match: past it, and past a letter where it is empty.
    pub(in crate::template) fn after(&self, found: &Match) -> usize {
        let range = found.group(0).unwrap_or(0..0);
        if range.is_empty() {
            self.next_letter(range.end).map_or(self.text.len() + 1, |(_, next)| next)
        } else {
            range.end
        }
    }

    fn next_letter(&self, at: usize) -> Option<(char, usize)> {
        let byte = *self.text.as_bytes().get(at)?;
        if byte < 0x80 {
            return Some((char::from(byte), at + 1));
        }
        let letter = self.text.get(at..)?.chars().next()?;
        Some((letter, at + letter.len_utf8()))
    }

    fn letter_before(&self, at: usize) -> Option<(char, usize)> {
        let letter = self.text.get(..at)?.chars().next_back()?;
        Some((letter, at - letter.len_utf8()))
    }

    /// The letter that operation `op` reads at `at`, and the place behind it.
    fn read(&self, op: usize, at: usize) -> Option<(char, usize)> {
        if self.pattern.code.behind.get(op).copied().unwrap_or(false) {
            self.letter_before(at)
        } else {
            self.next_letter(at)
        }
    }

    fn step(&mut self) -> Result<(), Stopped> {
        self.steps += 1;
        if self.steps >= STEPS {
            self.spent += self.steps as usize;
            self.steps = 0;
            if Instant::now() > self.until {
                return Err(Stopped);
            }
        }
        Ok(())
    }

    fn push(&mut self, undo: Undo) -> Result<(), Stopped> {
        if self.undo.len() >= STACK {
            return Err(Stopped);
        }
        self.undo.push(undo);
        Ok(())
    }

    fn store(&mut self, slot: usize, value: usize) -> Result<(), Stopped> {
        if let Some(old) = self.slots.get(slot).copied() {
            self.push(Undo::Slot { slot, old })?;
            if let Some(place) = self.slots.get_mut(slot) {
                *place = value;
            }
        }
        Ok(())
    }

    /// Runs from `op` at `at` up to [`Op::Found`]. Recursion is one level for each look-around,
    /// and their nesting is bounded by the parser.
    fn run(&mut self, mut op: usize, mut at: usize) -> Result<bool, Stopped> {
        let base = self.undo.len();
        loop {
            self.step()?;
            let next = match self.pattern.code.ops.get(op) {
                None | Some(Op::Found) => return Ok(true),
                Some(found) => self.one(found, op, at)?,
            };
            match next {
                Some(next) => (op, at) = next,
                None => match self.go_back(base)? {
                    Some(next) => (op, at) = next,
                    None => return Ok(false),
                },
            }
        }
    }

    /// The next way to try, everything since undone.
    fn go_back(&mut self, base: usize) -> Result<Option<(usize, usize)>, Stopped> {
        while self.undo.len() > base {
            match self.undo.pop() {
                Some(Undo::Try { op, at }) => return Ok(Some((op, at))),
                Some(Undo::Shrink { op, at, least }) => {
                    self.step()?;
                    let Some((_, shorter)) = self.letter_before(at) else { continue };
                    if shorter > least {
                        self.undo.push(Undo::Shrink { op, at: shorter, least });
                    }
                    return Ok(Some((op, shorter)));
                }
                Some(Undo::Slot { slot, old }) => {
                    if let Some(place) = self.slots.get_mut(slot) {
                        *place = old;
                    }
                }
                None => break,
            }
        }
        Ok(None)
    }

    /// One operation: where to go on, or `None` when it fails.
    fn one(&mut self, found: &Op, op: usize, at: usize) -> Result<Option<(usize, usize)>, Stopped> {
        let flags = self.pattern.flags;
        let on = |holds: bool| holds.then_some((op + 1, at));
        Ok(match found {
            Op::Found => on(true),
            Op::Letter(wanted) => self
                .read(op, at)
                .filter(|(letter, _)| *letter == *wanted || (flags.fold && folded(*letter) == *wanted))
                .map(|(_, next)| (op + 1, next)),
            Op::Set(set) => {
                let set = self.set(*set);
                self.read(op, at)
                    .filter(|(letter, _)| set.is_some_and(|set| set.has(*letter, flags.fold)))
                    .map(|(_, next)| (op + 1, next))
            }
            Op::Run { set, least, most } => return self.run_of(op, at, *set, *least, *most),
            Op::Start => {
                on(at == 0 || (flags.lines && self.letter_before(at).is_some_and(|(l, _)| is_line_end(l))))
            }
            Op::End => {
                let line = flags.lines && self.next_letter(at).is_some_and(|(letter, _)| is_line_end(letter));
                on(at == self.text.len() || line)
            }
            Op::Edge(wanted) => {
                let before = self.letter_before(at).is_some_and(|(letter, _)| is_word(letter));
                let after = self.next_letter(at).is_some_and(|(letter, _)| is_word(letter));
                on((before != after) == *wanted)
            }
            Op::Split(first, second) => {
                self.push(Undo::Try { op: *second, at })?;
                Some((*first, at))
            }
            Op::Jump(to) => Some((*to, at)),
            Op::Save(slot) => {
                self.store(*slot, at)?;
                on(true)
            }
            Op::Forget(from, to) => {
                for slot in from * 2..to * 2 {
                    if self.slots.get(slot).is_some_and(|old| *old != NONE) {
                        self.store(slot, NONE)?;
                    }
                }
                on(true)
            }
            Op::Mark(register) => {
                self.store((self.pattern.groups + 1) * 2 + register, at)?;
                on(true)
            }
            Op::Moved(register) => on(self.slots.get((self.pattern.groups + 1) * 2 + register) != Some(&at)),
            Op::Back(group) => self.back_reference(op, at, *group)?.map(|next| (op + 1, next)),
            Op::Look { negative, after } => self.look(op, at, *negative)?.then_some((*after, at)),
        })
    }

    fn set(&self, set: usize) -> Option<&'p Set> {
        self.pattern.code.sets.get(set)
    }

    fn run_of(
        &mut self,
        op: usize,
        at: usize,
        set: usize,
        least: u32,
        most: u32,
    ) -> Result<Option<(usize, usize)>, Stopped> {
        let (set, fold) = (self.set(set), self.pattern.flags.fold);
        let (mut here, mut count, mut enough) = (at, 0, at);
        while count < most {
            let Some((letter, next)) = self.next_letter(here) else { break };
            if !set.is_some_and(|set| set.has(letter, fold)) {
                break;
            }
            self.step()?;
            here = next;
            count += 1;
            if count == least {
                enough = here;
            }
        }
        if count < least {
            return Ok(None);
        }
        if here > enough {
            self.push(Undo::Shrink { op: op + 1, at: here, least: enough })?;
        }
        Ok(Some((op + 1, here)))
    }

    /// A group that did not take part matches nothing, as in JavaScript.
    fn back_reference(&mut self, op: usize, at: usize, group: usize) -> Result<Option<usize>, Stopped> {
        let bounds = (self.slots.get(group * 2).copied(), self.slots.get(group * 2 + 1).copied());
        let (Some(from), Some(to)) = bounds else { return Ok(Some(at)) };
        if from == NONE || to == NONE {
            return Ok(Some(at));
        }
        let text = self.text;
        let wanted = text.get(from..to).unwrap_or_default();
        let behind = self.pattern.code.behind.get(op).copied().unwrap_or(false);
        let fold = self.pattern.flags.fold;
        let same = |one: char, two: char| one == two || (fold && folded(one) == folded(two));
        let mut here = at;
        let mut letters = wanted.chars();
        while let Some(letter) = if behind { letters.next_back() } else { letters.next() } {
            self.step()?;
            match self.read(op, here) {
                Some((found, next)) if same(found, letter) => here = next,
                _ => return Ok(None),
            }
        }
        Ok(Some(here))
    }

    /// Whether what is looked at is there, or is not for a negative one.
    fn look(&mut self, op: usize, at: usize, negative: bool) -> Result<bool, Stopped> {
        let base = self.undo.len();
        let found = self.run(op + 1, at)?;
        if found && !negative {
            // Its groups stay and can be undone, but it is not tried another way.
            let mut kept = 0;
            for place in base..self.undo.len() {
                if matches!(self.undo.get(place), Some(Undo::Slot { .. })) {
                    self.undo.swap(base + kept, place);
                    kept += 1;
                }
            }
            self.undo.truncate(base + kept);
        } else if found {
            while self.undo.len() > base {
                if let Some(Undo::Slot { slot, old }) = self.undo.pop()
                    && let Some(place) = self.slots.get_mut(slot)
                {
                    *place = old;
                }
            }
        }
        Ok(found != negative)
    }
}

fn is_line_end(letter: char) -> bool {
    matches!(letter, '\n' | '\r' | '\u{2028}' | '\u{2029}')
}

fn is_word(letter: char) -> bool {
    letter.is_ascii_alphanumeric() || letter == '_'
}
