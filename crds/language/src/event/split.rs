//! Where the elements of a body stand.

use super::{Element, Scanner, Split, Wrong};

/// Elements in one body at most.
pub const MAX_ELEMENTS: usize = 100_000;

/// Splits a body. Linear in its length, without recursion on its depth.
pub fn split(body: &[u8]) -> Split {
    if let Err(error) = std::str::from_utf8(body) {
        return Split::Unusable { reason: format!("not UTF-8 at byte {}", error.valid_up_to()) };
    }
    match elements(&mut Scanner::new(body)) {
        Ok(elements) => Split::Elements(elements),
        Err(wrong) => Split::Unusable { reason: wrong.to_string() },
    }
}

fn elements(scanner: &mut Scanner<'_>) -> Result<Vec<Element>, Wrong> {
    scanner.byte_order_mark();
    scanner.space();
    let mut found = Vec::new();
    match scanner.peek() {
        Some(b'[') => array(scanner, &mut found)?,
        Some(b'{') => found.push(element(scanner)?),
        None => return Err(scanner.wrong("the body is empty")),
        Some(_) => return Err(scanner.wrong("neither a JSON array nor a JSON object")),
    }
    scanner.space();
    match scanner.peek() {
        None => Ok(found),
        Some(_) => Err(scanner.wrong("something follows the JSON")),
    }
}

fn array(scanner: &mut Scanner<'_>, found: &mut Vec<Element>) -> Result<(), Wrong> {
    scanner.take(b'[');
    scanner.space();
    if scanner.take(b']') {
        return Ok(());
    }
    loop {
        if found.len() == MAX_ELEMENTS {
            return Err(scanner.wrong("more than 100000 elements"));
        }
        found.push(element(scanner)?);
        scanner.space();
        if scanner.take(b']') {
            return Ok(());
        }
        if !scanner.take(b',') {
            return Err(scanner.wrong("`,` or `]` is expected"));
        }
        scanner.space();
    }
}

fn element(scanner: &mut Scanner<'_>) -> Result<Element, Wrong> {
    let start = scanner.at();
    let is_object = scanner.peek() == Some(b'{');
    scanner.value()?;
    Ok(Element { span: start..scanner.at(), is_object })
}
