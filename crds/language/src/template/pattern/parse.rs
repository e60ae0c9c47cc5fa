//! JavaScript's regular expressions, read into a tree.
//!
//! ECMAScript's grammar with its legacy additions (Annex B) where the flag `u` is not given: `{`
//! and `]` may stand for themselves, and a back-reference to no group is an octal escape.

use super::class::Set;

/// Groups and classes inside each other.
const DEPTH: usize = 60;

#[derive(Clone, Debug)]
pub(super) enum Tree {
    Empty,
    Letter(char),
    Set(Set),
    /// `^`.
    Start,
    /// `$`.
    End,
    /// `\b`, or `\B` for false.
    Edge(bool),
    Group(Box<Tree>, usize),
    Back(usize),
    Look {
        behind: bool,
        negative: bool,
        tree: Box<Tree>,
    },
    All(Vec<Tree>),
    Any(Vec<Tree>),
    Repeat {
        tree: Box<Tree>,
        least: u32,
        most: Option<u32>,
        greedy: bool,
        /// The groups inside: each round starts without them.
        groups: (usize, usize),
    },
}

pub(super) struct Parsed {
    pub(super) tree: Tree,
    pub(super) groups: usize,
    pub(super) names: Vec<(String, usize)>,
}

pub(super) struct Parser {
    pub(super) letters: Vec<char>,
    pub(super) at: usize,
    pub(super) unicode: bool,
    dot_all: bool,
    /// Groups opened so far, and in the whole pattern.
    opened: usize,
    pub(super) groups: usize,
    pub(super) names: Vec<(String, usize)>,
    depth: usize,
}

pub(super) type Result<T> = std::result::Result<T, String>;

pub(super) fn parse(text: &str, unicode: bool, dot_all: bool) -> Result<Parsed> {
    let letters: Vec<char> = text.chars().collect();
    let (groups, names) = count_groups(&letters)?;
    let mut parser = Parser { letters, at: 0, unicode, dot_all, opened: 0, groups, names, depth: 0 };
    let tree = parser.alternatives()?;
    if parser.at < parser.letters.len() {
        return Err("nothing to close with )".to_owned());
    }
    Ok(Parsed { tree, groups: parser.groups, names: parser.names })
}

/// The groups of a pattern and their names, before it is read: references may stand in front.
fn count_groups(letters: &[char]) -> Result<(usize, Vec<(String, usize)>)> {
    let (mut groups, mut names, mut class, mut at) = (0, Vec::<(String, usize)>::new(), false, 0);
    while let Some(letter) = letters.get(at) {
        match letter {
            '\\' => at += 1,
            '[' => class = true,
            ']' => class = false,
            '(' if !class => {
                let rest = letters.get(at + 1..).unwrap_or_default();
                match rest {
                    ['?', '<', next, ..] if !matches!(next, '=' | '!') => {
                        groups += 1;
                        let name: String = rest.iter().skip(2).take_while(|letter| **letter != '>').collect();
                        if names.iter().any(|(known, _)| *known == name) {
                            return Err(format!("two groups are called {name}"));
                        }
                        names.push((name, groups));
                    }
                    ['?', ..] => {}
                    _ => groups += 1,
                }
            }
            _ => {}
        }
        at += 1;
    }
    Ok((groups, names))
}

impl Parser {
    pub(super) fn peek(&self) -> Option<char> {
        self.letters.get(self.at).copied()
    }

    pub(super) fn eat(&mut self, text: &str) -> bool {
        let found =
            text.chars().enumerate().all(|(at, letter)| self.letters.get(self.at + at) == Some(&letter));
        self.at += if found { text.chars().count() } else { 0 };
        found
    }

    fn alternatives(&mut self) -> Result<Tree> {
        self.depth += 1;
        if self.depth > DEPTH {
            return Err("nested too deep".to_owned());
        }
        let mut any = vec![self.terms()?];
        while self.eat("|") {
            any.push(self.terms()?);
        }
        self.depth -= 1;
        Ok(if any.len() == 1 { any.pop().unwrap_or(Tree::Empty) } else { Tree::Any(any) })
    }

    fn terms(&mut self) -> Result<Tree> {
        let mut all = Vec::new();
        while let Some(letter) = self.peek() {
            if matches!(letter, '|' | ')') {
                break;
            }
            let before = self.opened;
            let term = self.term(letter)?;
            all.push(self.repeated(term, before)?);
        }
        Ok(if all.len() == 1 { all.pop().unwrap_or(Tree::Empty) } else { Tree::All(all) })
    }

    fn term(&mut self, letter: char) -> Result<Tree> {
        self.at += 1;
        match letter {
            '^' => Ok(Tree::Start),
            '$' => Ok(Tree::End),
            '.' if self.dot_all => Ok(Tree::Set(Set::everything())),
            '.' => Ok(Tree::Set(Set::not_line_ends())),
            '(' => self.group(),
            '[' => self.class(),
            '\\' => self.escape(),
            '*' | '+' | '?' => Err(format!("nothing to repeat with {letter}")),
            '{' if self.unicode || self.quantifier_follows() => Err("nothing to repeat with {".to_owned()),
            '}' | ']' if self.unicode => Err(format!("nothing to close with {letter}")),
            letter => Ok(Tree::Letter(letter)),
        }
    }

    /// Whether what stands before was `{` of a quantifier.
    fn quantifier_follows(&mut self) -> bool {
        let back = self.at;
        self.at -= 1;
        let found = self.braces().is_some();
        self.at = back;
        found
    }

    fn repeated(&mut self, tree: Tree, before: usize) -> Result<Tree> {
        let (least, most) = if self.eat("*") {
            (0, None)
        } else if self.eat("+") {
            (1, None)
        } else if self.eat("?") {
            (0, Some(1))
        } else if self.peek() == Some('{') {
            match self.braces() {
                Some(bounds) => bounds,
                None if self.unicode => return Err("bad { }".to_owned()),
                None => return Ok(tree),
            }
        } else {
            return Ok(tree);
        };
        if matches!(tree, Tree::Start | Tree::End | Tree::Edge(_) | Tree::Look { behind: true, .. }) {
            return Err("nothing to repeat".to_owned());
        }
        if most.is_some_and(|most| most < least) {
            return Err("numbers out of order in { }".to_owned());
        }
        let greedy = !self.eat("?");
        if matches!(self.peek(), Some('*' | '+' | '?')) {
            return Err("nothing to repeat".to_owned());
        }
        Ok(Tree::Repeat { tree: Box::new(tree), least, most, greedy, groups: (before, self.opened) })
    }

    /// `{2}`, `{2,}` or `{2,5}`; stays where it is when there is none.
    fn braces(&mut self) -> Option<(u32, Option<u32>)> {
        let start = self.at;
        let found = self.read_braces();
        if found.is_none() {
            self.at = start;
        }
        found
    }

    fn read_braces(&mut self) -> Option<(u32, Option<u32>)> {
        if !self.eat("{") {
            return None;
        }
        let least = self.decimal()?;
        let most = if self.eat(",") { self.decimal() } else { Some(least) };
        self.eat("}").then_some((least, most))
    }

    pub(super) fn decimal(&mut self) -> Option<u32> {
        let mut number: Option<u32> = None;
        while let Some(digit) = self.peek().and_then(|letter| letter.to_digit(10)) {
            number = Some(number.unwrap_or(0).saturating_mul(10).saturating_add(digit));
            self.at += 1;
        }
        number
    }

    fn group(&mut self) -> Result<Tree> {
        let look = [("?=", false, false), ("?!", false, true), ("?<=", true, false), ("?<!", true, true)];
        for (sign, behind, negative) in look {
            if self.eat(sign) {
                let tree = Box::new(self.alternatives()?);
                self.closed()?;
                return Ok(Tree::Look { behind, negative, tree });
            }
        }
        if self.eat("?:") {
            let tree = self.alternatives()?;
            self.closed()?;
            // A group of its own, so that a quantifier takes all of it.
            return Ok(Tree::All(vec![tree]));
        }
        if self.eat("?<") {
            let name: String =
                self.letters.iter().skip(self.at).take_while(|letter| **letter != '>').collect();
            let good = name.chars().enumerate().all(|(at, letter)| {
                matches!(letter, '$' | '_') || letter.is_alphabetic() || (at > 0 && letter.is_alphanumeric())
            });
            self.at += name.chars().count();
            if name.is_empty() || !good || !self.eat(">") {
                return Err("bad name of a group".to_owned());
            }
        } else if self.peek() == Some('?') {
            return Err("bad group (?".to_owned());
        }
        self.opened += 1;
        let number = self.opened;
        let tree = Box::new(self.alternatives()?);
        self.closed()?;
        Ok(Tree::Group(tree, number))
    }

    fn closed(&mut self) -> Result<()> {
        if self.eat(")") { Ok(()) } else { Err("unclosed (".to_owned()) }
    }
}
