//! A record on each line, and a line break after each.

use super::super::mapped::Outgoing;

pub(super) fn write(body: &mut Vec<u8>, records: &[Outgoing<'_>]) {
    for record in records {
        push_on_one_line(body, record.data);
        body.push(b'\n');
    }
}

/// Appends JSON with its line breaks made spaces: as many bytes, the same value.
pub(in super::super) fn push_on_one_line(body: &mut Vec<u8>, json: &[u8]) {
    let mut rest = json;
    while let Some(place) = memchr::memchr2(b'\n', b'\r', rest) {
        body.extend_from_slice(&rest[..place]);
        body.push(b' ');
        rest = &rest[place + 1..];
    }
    body.extend_from_slice(rest);
}
