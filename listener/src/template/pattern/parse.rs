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

struct Parser {
    letters: Vec<char>,
    at: usize,
    unicode: bool,
    dot_all: bool,
    /// Groups opened so far, and in the whole pattern.
    opened: usize,
    groups: usize,
    names: Vec<(String, usize)>,
    depth: usize,
}

type Result<T> = std::result::Result<T, String>;

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
    fn peek(&self) -> Option<char> {
        self.letters.get(self.at).copied()
    }

    fn eat(&mut self, text: &str) -> bool {
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

    fn decimal(&mut self) -> Option<u32> {
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

    fn escape(&mut self) -> Result<Tree> {
        let Some(letter) = self.peek() else { return Err("\\ at the end".to_owned()) };
        match letter {
            'b' | 'B' => {
                self.at += 1;
                return Ok(Tree::Edge(letter == 'b'));
            }
            'k' if self.unicode || !self.names.is_empty() => {
                self.at += 1;
                return self.named_reference();
            }
            '1'..='9' => {
                let start = self.at;
                let number = self.decimal().unwrap_or(0) as usize;
                if number <= self.groups {
                    return Ok(Tree::Back(number));
                }
                if self.unicode {
                    return Err(format!("no group {number}"));
                }
                self.at = start;
            }
            _ => {}
        }
        if let Some(set) = self.set_escape(letter)? {
            return Ok(Tree::Set(set));
        }
        self.letter_escape(false).map(Tree::Letter)
    }

    fn named_reference(&mut self) -> Result<Tree> {
        if !self.eat("<") {
            return Err("bad \\k".to_owned());
        }
        let name: String = self.letters.iter().skip(self.at).take_while(|letter| **letter != '>').collect();
        self.at += name.chars().count();
        let number = self.names.iter().find(|(known, _)| *known == name).map(|(_, number)| *number);
        match number {
            Some(number) if self.eat(">") => Ok(Tree::Back(number)),
            _ => Err(format!("no group {name}")),
        }
    }

    /// `\d` and its like.
    fn set_escape(&mut self, letter: char) -> Result<Option<Set>> {
        let mut set = match letter {
            'd' | 'D' => Set::digits(),
            'w' | 'W' => Set::words(),
            's' | 'S' => Set::spaces(),
            'p' | 'P' if self.unicode => {
                self.at += 1;
                let name: String =
                    self.letters.iter().skip(self.at + 1).take_while(|end| **end != '}').collect();
                if !self.eat("{") {
                    return Err(format!("bad \\{letter}"));
                }
                self.at += name.chars().count() + 1;
                // One step back: the letter itself is stepped over below.
                self.at -= 1;
                Set::property(&name).ok_or_else(|| format!("no property {name}"))?
            }
            _ => return Ok(None),
        };
        self.at += 1;
        if letter.is_ascii_uppercase() {
            set.negate();
        }
        Ok(Some(set))
    }

    /// An escape that stands for one letter.
    fn letter_escape(&mut self, in_class: bool) -> Result<char> {
        let Some(letter) = self.peek() else { return Err("\\ at the end".to_owned()) };
        self.at += 1;
        Ok(match letter {
            't' => '\t',
            'n' => '\n',
            'v' => '\u{b}',
            'f' => '\u{c}',
            'r' => '\r',
            'b' if in_class => '\u{8}',
            'c' => match self.peek().filter(char::is_ascii_alphabetic) {
                Some(control) => {
                    self.at += 1;
                    char::from_u32(u32::from(control) % 32).unwrap_or('\0')
                }
                None if self.unicode => return Err("bad \\c".to_owned()),
                None => {
                    self.at -= 1;
                    '\\'
                }
            },
            'x' => match self.hex(2) {
                Some(code) => char::from_u32(code).unwrap_or('x'),
                None if self.unicode => return Err("bad \\x".to_owned()),
                None => 'x',
            },
            'u' => self.unicode_escape()?,
            '0' if !self.peek().is_some_and(|next| next.is_ascii_digit()) => '\0',
            '0'..='7' if !self.unicode => self.octal(letter),
            letter if self.unicode && !is_syntax(letter) && !(in_class && letter == '-') => {
                return Err(format!("bad escape \\{letter}"));
            }
            letter => letter,
        })
    }

    fn octal(&mut self, first: char) -> char {
        let mut code = first.to_digit(8).unwrap_or(0);
        while let Some(digit) = self.peek().and_then(|letter| letter.to_digit(8)) {
            if code * 8 + digit > 0o377 {
                break;
            }
            code = code * 8 + digit;
            self.at += 1;
        }
        char::from_u32(code).unwrap_or('\0')
    }

    fn hex(&mut self, count: usize) -> Option<u32> {
        let digits: String = self.letters.iter().skip(self.at).take(count).collect();
        let good = digits.len() == count && digits.bytes().all(|digit| digit.is_ascii_hexdigit());
        let code = good.then(|| u32::from_str_radix(&digits, 16).ok()).flatten()?;
        self.at += count;
        Some(code)
    }

    fn unicode_escape(&mut self) -> Result<char> {
        if self.unicode && self.eat("{") {
            let digits: String =
                self.letters.iter().skip(self.at).take_while(|letter| **letter != '}').collect();
            self.at += digits.chars().count() + 1;
            let code = u32::from_str_radix(&digits, 16).ok();
            return code.and_then(char::from_u32).ok_or_else(|| "bad \\u{ }".to_owned());
        }
        let Some(first) = self.hex(4) else {
            return if self.unicode { Err("bad \\u".to_owned()) } else { Ok('u') };
        };
        if (0xd800..0xdc00).contains(&first) {
            let back = self.at;
            let second = if self.eat("\\u") { self.hex(4) } else { None };
            if let Some(second) = second.filter(|second| (0xdc00..0xe000).contains(second)) {
                let code = 0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00);
                return Ok(char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER));
            }
            self.at = back;
        }
        // Half of a pair is in no text.
        Ok(char::from_u32(first).unwrap_or(char::REPLACEMENT_CHARACTER))
    }

    fn class(&mut self) -> Result<Tree> {
        let negated = self.eat("^");
        let mut set = Set::default();
        loop {
            if self.eat("]") {
                break;
            }
            let from = self.class_atom(&mut set)?;
            if self.peek() != Some('-') || self.letters.get(self.at + 1) == Some(&']') {
                if let Some(letter) = from {
                    set.add(letter, letter);
                }
                continue;
            }
            self.at += 1;
            match (from, self.class_atom(&mut set)?) {
                (Some(from), Some(to)) if from > to => return Err("letters out of order in [ ]".to_owned()),
                (Some(from), Some(to)) => set.add(from, to),
                _ if self.unicode => return Err("a set in a range of [ ]".to_owned()),
                (from, to) => {
                    for letter in [from, to, Some('-')].into_iter().flatten() {
                        set.add(letter, letter);
                    }
                }
            }
        }
        if negated {
            set.negate();
        }
        Ok(Tree::Set(set))
    }

    /// A letter of a class; a set such as `\d` is joined at once.
    fn class_atom(&mut self, set: &mut Set) -> Result<Option<char>> {
        match self.peek() {
            None => Err("unclosed [".to_owned()),
            Some('\\') => {
                self.at += 1;
                let letter = self.peek().ok_or_else(|| "\\ at the end".to_owned())?;
                if let Some(inner) = self.set_escape(letter)? {
                    set.join(&inner);
                    return Ok(None);
                }
                self.letter_escape(true).map(Some)
            }
            Some(letter) => {
                self.at += 1;
                Ok(Some(letter))
            }
        }
    }
}

fn is_syntax(letter: char) -> bool {
    matches!(letter, '^' | '$' | '\\' | '.' | '*' | '+' | '?' | '(' | ')' | '[' | ']' | '{' | '}' | '|' | '/')
}
