//! The tree as instructions for the machine.

use super::class::{Set, folded};
use super::parse::Tree;

/// Instructions of one pattern: a counted repeat is written out.
const INSTRUCTIONS: usize = 20_000;

#[derive(Clone, Debug)]
pub(super) enum Op {
    /// Folded already with the flag `i`.
    Letter(char),
    Set(usize),
    /// As many letters of the set as there are, and fewer when what follows asks for it.
    Run {
        set: usize,
        least: u32,
        most: u32,
    },
    Start,
    End,
    Edge(bool),
    /// Goes on at the first, and at the second when that fails.
    Split(usize, usize),
    Jump(usize),
    Save(usize),
    /// Forgets groups from..to.
    Forget(usize, usize),
    Back(usize),
    /// Remembers the place in a register.
    Mark(usize),
    /// Fails when the place is still the one in the register.
    Moved(usize),
    /// What follows up to `after` must match here, or must not.
    Look {
        negative: bool,
        after: usize,
    },
    /// The end of the pattern or of what is looked at.
    Found,
}

pub(super) struct Code {
    pub(super) ops: Vec<Op>,
    pub(super) sets: Vec<Set>,
    pub(super) registers: usize,
    /// For each operation, whether it stands in a look-behind and reads backwards.
    pub(super) behind: Vec<bool>,
}

struct Writer {
    code: Code,
    fold: bool,
    backwards: bool,
}

pub(super) fn write(tree: &Tree, fold: bool) -> Result<Code, String> {
    let code = Code { ops: Vec::new(), sets: Vec::new(), registers: 0, behind: Vec::new() };
    let mut writer = Writer { code, fold, backwards: false };
    writer.push(Op::Save(0))?;
    writer.tree(tree)?;
    writer.push(Op::Save(1))?;
    writer.push(Op::Found)?;
    Ok(writer.code)
}

impl Writer {
    fn push(&mut self, op: Op) -> Result<usize, String> {
        if self.code.ops.len() >= INSTRUCTIONS {
            return Err("the pattern is too large".to_owned());
        }
        self.code.ops.push(op);
        self.code.behind.push(self.backwards);
        Ok(self.code.ops.len() - 1)
    }

    fn here(&self) -> usize {
        self.code.ops.len()
    }

    fn set(&mut self, at: usize, op: Op) {
        if let Some(old) = self.code.ops.get_mut(at) {
            *old = op;
        }
    }

    fn add_set(&mut self, set: &Set) -> usize {
        self.code.sets.push(set.clone().ready());
        self.code.sets.len() - 1
    }

    fn tree(&mut self, tree: &Tree) -> Result<(), String> {
        match tree {
            Tree::Empty => {}
            Tree::Letter(letter) => {
                let letter = if self.fold { folded(*letter) } else { *letter };
                self.push(Op::Letter(letter))?;
            }
            Tree::Set(set) => {
                let set = self.add_set(set);
                self.push(Op::Set(set))?;
            }
            Tree::Start => {
                self.push(Op::Start)?;
            }
            Tree::End => {
                self.push(Op::End)?;
            }
            Tree::Edge(edge) => {
                self.push(Op::Edge(*edge))?;
            }
            Tree::Back(group) => {
                self.push(Op::Back(*group))?;
            }
            Tree::Group(inner, number) => {
                let (first, second) = if self.backwards { (1, 0) } else { (0, 1) };
                self.push(Op::Save(number * 2 + first))?;
                self.tree(inner)?;
                self.push(Op::Save(number * 2 + second))?;
            }
            Tree::All(trees) => {
                // Behind, the last part is matched first.
                for at in 0..trees.len() {
                    let at = if self.backwards { trees.len() - 1 - at } else { at };
                    if let Some(tree) = trees.get(at) {
                        self.tree(tree)?;
                    }
                }
            }
            Tree::Any(trees) => self.any(trees)?,
            Tree::Look { behind, negative, tree } => {
                let look = self.push(Op::Found)?;
                let before = std::mem::replace(&mut self.backwards, *behind);
                self.tree(tree)?;
                self.push(Op::Found)?;
                self.backwards = before;
                let after = self.here();
                self.set(look, Op::Look { negative: *negative, after });
            }
            Tree::Repeat { tree, least, most, greedy, groups } => {
                self.repeat(tree, *least, *most, *greedy, *groups)?;
            }
        }
        Ok(())
    }

    fn any(&mut self, trees: &[Tree]) -> Result<(), String> {
        let mut jumps = Vec::new();
        for (at, tree) in trees.iter().enumerate() {
            if at + 1 == trees.len() {
                self.tree(tree)?;
                break;
            }
            let split = self.push(Op::Found)?;
            self.tree(tree)?;
            jumps.push(self.push(Op::Found)?);
            let next = self.here();
            self.set(split, Op::Split(split + 1, next));
        }
        let end = self.here();
        for jump in jumps {
            self.set(jump, Op::Jump(end));
        }
        Ok(())
    }

    fn repeat(
        &mut self,
        tree: &Tree,
        least: u32,
        most: Option<u32>,
        greedy: bool,
        groups: (usize, usize),
    ) -> Result<(), String> {
        if most == Some(0) {
            return Ok(());
        }
        if greedy && !self.backwards {
            let set = match tree {
                Tree::Set(set) => Some(set.clone()),
                Tree::Letter(letter) => {
                    let mut set = Set::default();
                    set.add(*letter, *letter);
                    Some(set)
                }
                _ => None,
            };
            if let Some(set) = set {
                let set = self.add_set(&set);
                self.push(Op::Run { set, least, most: most.unwrap_or(u32::MAX) })?;
                return Ok(());
            }
        }
        for _ in 0..least {
            self.round(tree, groups)?;
        }
        match most {
            None => {
                let register = self.register();
                let split = self.push(Op::Found)?;
                self.push(Op::Mark(register))?;
                self.round(tree, groups)?;
                self.push(Op::Moved(register))?;
                self.push(Op::Jump(split))?;
                self.choose(split, self.here(), greedy);
            }
            Some(most) => {
                let mut splits = Vec::new();
                for _ in least..most {
                    let register = self.register();
                    splits.push(self.push(Op::Found)?);
                    self.push(Op::Mark(register))?;
                    self.round(tree, groups)?;
                    self.push(Op::Moved(register))?;
                }
                let end = self.here();
                for split in splits {
                    self.choose(split, end, greedy);
                }
            }
        }
        Ok(())
    }

    fn round(&mut self, tree: &Tree, (from, to): (usize, usize)) -> Result<(), String> {
        if from < to {
            self.push(Op::Forget(from + 1, to + 1))?;
        }
        self.tree(tree)
    }

    fn register(&mut self) -> usize {
        self.code.registers += 1;
        self.code.registers - 1
    }

    fn choose(&mut self, split: usize, end: usize, greedy: bool) {
        let op = if greedy { Op::Split(split + 1, end) } else { Op::Split(end, split + 1) };
        self.set(split, op);
    }
}
