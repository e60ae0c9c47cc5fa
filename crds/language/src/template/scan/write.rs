//! Writes the scanned pieces down for the crate, body by body and in small parts.
//!
//! The crate looks a position up from the start of its text for every tag, so that one long text
//! costs the square of its length. In parts of bounded length it costs the length, and the crate
//! never sees one block inside another.

use super::{Kind, Piece};

/// Stands around the number of a text or a body in what the crate gets.
pub(in crate::template) const MARK: char = '\u{e000}';
/// In front of the number of a body.
pub(in crate::template) const BODY: char = 'b';
/// Bytes after which a new part starts, where a tag or block ends.
const PART: usize = 512;

/// A body: the parts that its tags and texts are written in. The first body is the template.
pub(in crate::template) type Body = Vec<String>;

struct Open {
    body: usize,
    part: String,
}

/// The bodies, and the texts that their parts name by number.
pub(super) fn write(pieces: Vec<Piece>) -> (Vec<Body>, Vec<String>) {
    let mut writer = Writer { bodies: vec![Body::new()], open: vec![Open { body: 0, part: String::new() }] };
    let mut texts = Vec::new();
    for piece in pieces {
        match piece {
            Piece::Text(text) if text.is_empty() => continue,
            Piece::Text(text) => {
                writer.push(&format!("{MARK}{}{MARK}", texts.len()));
                texts.push(text);
            }
            Piece::Tag(tag) => match tag.kind {
                Kind::Plain | Kind::Comment => writer.push(&tag.code),
                Kind::Open => {
                    writer.push(&tag.code);
                    writer.start();
                    continue;
                }
                Kind::Else => {
                    writer.end();
                    writer.push(&tag.code);
                    writer.start();
                    continue;
                }
                Kind::Close => {
                    writer.end();
                    writer.push(&tag.code);
                }
            },
        }
        writer.cut();
    }
    writer.end();
    (writer.bodies, texts)
}

struct Writer {
    bodies: Vec<Body>,
    open: Vec<Open>,
}

impl Writer {
    fn push(&mut self, code: &str) {
        if let Some(open) = self.open.last_mut() {
            open.part.push_str(code);
        }
    }

    fn start(&mut self) {
        let body = self.bodies.len();
        self.push(&format!("{MARK}{BODY}{body}{MARK}"));
        self.bodies.push(Body::new());
        self.open.push(Open { body, part: String::new() });
    }

    fn end(&mut self) {
        if let Some(Open { body, part }) = self.open.pop()
            && let Some(body) = self.bodies.get_mut(body).filter(|_| !part.is_empty())
        {
            body.push(part);
        }
    }

    fn cut(&mut self) {
        let Some(open) = self.open.last_mut().filter(|open| open.part.len() > PART) else { return };
        let part = std::mem::take(&mut open.part);
        if let Some(body) = self.bodies.get_mut(open.body) {
            body.push(part);
        }
    }
}
