//! Reads JSON text into nodes, strictly and without recursion.

use super::doc::{Kind, Node, Wanted, unescape};

/// The text stops being JSON here.
pub(super) struct Stop;

pub(super) struct Reader<'t> {
    pub(super) bytes: &'t [u8],
    pub(super) at: usize,
    pub(super) nodes: Vec<Node>,
}

impl Reader<'_> {
    pub(super) fn document(&mut self, wanted: &Wanted) -> Result<(), Stop> {
        // The lists and maps around the place, outermost first.
        let mut open: Vec<u32> = Vec::new();
        loop {
            self.white();
            let first = self.nodes.len();
            self.value(first)?;
            let opened =
                self.nodes.get(first).is_some_and(|node| matches!(node.kind, Kind::List | Kind::Map));
            if opened {
                open.push(index(first));
            }
            // After a value: close what ends here, then go on to the next value.
            let mut fresh = opened;
            loop {
                let Some(&within) = open.last() else {
                    self.white();
                    return if self.at == self.bytes.len() { Ok(()) } else { Err(Stop) };
                };
                let is_map = self.nodes.get(within as usize).is_some_and(|node| node.kind == Kind::Map);
                self.white();
                let close = if is_map { b'}' } else { b']' };
                if self.eat(close) {
                    self.close(within);
                    open.pop();
                    fresh = false;
                    continue;
                }
                if !fresh && !self.eat(b',') {
                    return Err(Stop);
                }
                fresh = false;
                if is_map && !self.key(open.len() == 1, wanted)? {
                    continue;
                }
                if let Some(node) = self.nodes.get_mut(within as usize) {
                    node.count += 1;
                }
                break;
            }
        }
    }

    fn close(&mut self, within: u32) {
        let (next, end) = (index(self.nodes.len()), index(self.at));
        if let Some(node) = self.nodes.get_mut(within as usize) {
            node.next = next;
            node.end = end;
        }
    }

    /// A key and its colon; false when its value was stepped over.
    fn key(&mut self, outermost: bool, wanted: &Wanted) -> Result<bool, Stop> {
        self.white();
        if !self.eat(b'"') {
            return Err(Stop);
        }
        let key = self.string()?;
        self.white();
        if !self.eat(b':') {
            return Err(Stop);
        }
        if let (true, Wanted::Only(names)) = (outermost, wanted) {
            let raw = self.bytes.get(key.start as usize..key.end as usize).unwrap_or_default();
            let named = match key.kind {
                Kind::Escaped => {
                    let name = unescape(&String::from_utf8_lossy(raw));
                    names.iter().any(|wanted| **wanted == name)
                }
                _ => names.iter().any(|wanted| wanted.as_bytes() == raw),
            };
            if !named {
                self.step_over()?;
                return Ok(false);
            }
        }
        self.nodes.push(key);
        Ok(true)
    }

    fn value(&mut self, first: usize) -> Result<(), Stop> {
        let start = index(self.at);
        let node = |kind, start, end| Node { kind, start, end, next: index(first) + 1, count: 0 };
        let read = match self.bytes.get(self.at) {
            Some(b'{') => {
                self.at += 1;
                node(Kind::Map, start, start)
            }
            Some(b'[') => {
                self.at += 1;
                node(Kind::List, start, start)
            }
            Some(b'"') => {
                self.at += 1;
                self.string()?
            }
            Some(b't') => self.word(b"true", node(Kind::True, start, start))?,
            Some(b'f') => self.word(b"false", node(Kind::False, start, start))?,
            Some(b'n') => self.word(b"null", node(Kind::Null, start, start))?,
            _ => {
                let kind = self.number()?;
                node(kind, start, index(self.at))
            }
        };
        self.nodes.push(read);
        Ok(())
    }

    fn word(&mut self, word: &[u8], node: Node) -> Result<Node, Stop> {
        if self.bytes.get(self.at..).is_some_and(|rest| rest.starts_with(word)) {
            self.at += word.len();
            Ok(node)
        } else {
            Err(Stop)
        }
    }

    fn digits(&mut self) -> usize {
        let start = self.at;
        while self.bytes.get(self.at).is_some_and(u8::is_ascii_digit) {
            self.at += 1;
        }
        self.at - start
    }

    fn number(&mut self) -> Result<Kind, Stop> {
        self.eat(b'-');
        let zero = self.bytes.get(self.at) == Some(&b'0');
        let whole = self.digits();
        if whole == 0 || (zero && whole > 1) {
            return Err(Stop);
        }
        let mut kind = Kind::Int;
        if self.eat(b'.') {
            kind = Kind::Number;
            if self.digits() == 0 {
                return Err(Stop);
            }
        }
        if self.eat(b'e') || self.eat(b'E') {
            kind = Kind::Number;
            if !self.eat(b'-') {
                self.eat(b'+');
            }
            if self.digits() == 0 {
                return Err(Stop);
            }
        }
        Ok(kind)
    }

    /// The rest of a string whose first quote is read.
    fn string(&mut self) -> Result<Node, Stop> {
        let start = self.at;
        let mut kind = Kind::Text;
        loop {
            match self.bytes.get(self.at) {
                Some(b'"') => break,
                Some(b'\\') => {
                    kind = Kind::Escaped;
                    let length = match self.bytes.get(self.at + 1) {
                        Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => 2,
                        Some(b'u') => 6,
                        _ => return Err(Stop),
                    };
                    let hex = self.bytes.get(self.at + 2..self.at + length).ok_or(Stop)?;
                    if !hex.iter().all(u8::is_ascii_hexdigit) {
                        return Err(Stop);
                    }
                    self.at += length;
                }
                Some(0x20..) => self.at += 1,
                _ => return Err(Stop),
            }
        }
        let next = index(self.nodes.len()) + 1;
        let node = Node { kind, start: index(start), end: index(self.at), next, count: 0 };
        self.at += 1;
        Ok(node)
    }

    /// Steps over one value: strings are read, everything else only counted.
    fn step_over(&mut self) -> Result<(), Stop> {
        let mut depth = 0_usize;
        loop {
            match self.bytes.get(self.at) {
                None => return Err(Stop),
                Some(b'"') => {
                    self.at += 1;
                    self.string()?;
                    continue;
                }
                Some(b'{' | b'[') => depth += 1,
                Some(b'}' | b']') if depth > 0 => depth -= 1,
                Some(b',' | b'}' | b']') if depth == 0 => return Ok(()),
                _ => {}
            }
            self.at += 1;
        }
    }

    fn white(&mut self) {
        while matches!(self.bytes.get(self.at), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    fn eat(&mut self, byte: u8) -> bool {
        let found = self.bytes.get(self.at) == Some(&byte);
        self.at += usize::from(found);
        found
    }
}

/// Positions fit: a text over 4 GiB is not read.
fn index(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}
