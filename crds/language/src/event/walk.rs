//! Shallow walks over one object or one array: each part is given as written and passed over whole.

use super::{Scanner, Wrong};

/// Calls `each` with the name (without quotes) and the value of each member of an object, as written.
pub(crate) fn members<'a>(element: &'a [u8], mut each: impl FnMut(&'a [u8], &'a [u8])) -> Result<(), Wrong> {
    let mut scanner = Scanner::new(element);
    scanner.space();
    if !scanner.take(b'{') {
        return Err(scanner.wrong("`{` is expected"));
    }
    scanner.space();
    if scanner.take(b'}') {
        return Ok(());
    }
    loop {
        let name = scanner.name()?;
        each(name, scanner.value()?);
        scanner.space();
        if scanner.take(b'}') {
            return Ok(());
        }
        if !scanner.take(b',') {
            return Err(scanner.wrong("`,` or `}` is expected"));
        }
        scanner.space();
    }
}

/// Calls `each` with each element of an array, as written.
pub(crate) fn elements<'a>(list: &'a [u8], mut each: impl FnMut(&'a [u8])) -> Result<(), Wrong> {
    let mut scanner = Scanner::new(list);
    scanner.space();
    if !scanner.take(b'[') {
        return Err(scanner.wrong("`[` is expected"));
    }
    scanner.space();
    if scanner.take(b']') {
        return Ok(());
    }
    loop {
        each(scanner.value()?);
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
