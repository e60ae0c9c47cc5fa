//! Steps over the groups of a segment that is being opened.

use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::os::unix::fs::FileExt;

use super::format::{FIRST_GROUP, GROUP_HEADER, GroupHeader, Seal};

const PIECE: usize = 1024 * 1024;

/// Bytes of `file` at `at`; fewer than asked for at its end.
pub(super) fn read_up_to(file: &File, at: u64, buffer: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while filled < buffer.len() {
        match file.read_at(&mut buffer[filled..], at + filled as u64) {
            Ok(0) => break,
            Ok(read) => filled += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}

/// The group at `offset`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum At {
    /// Header and payload are as written, and it ends within `end`.
    Good(GroupHeader),
    /// The header is good, the rest is not all there or not as written.
    BadPayload(GroupHeader),
    /// No header.
    Nothing,
}

/// Reads the group at `offset` whole and checks it.
pub(super) fn check(file: &File, seal: &Seal, offset: u64, end: u64, buffer: &mut Vec<u8>) -> io::Result<At> {
    buffer.resize(PIECE, 0);
    if end.saturating_sub(offset) < GROUP_HEADER as u64 {
        return Ok(At::Nothing);
    }
    let read = read_up_to(file, offset, &mut buffer[..GROUP_HEADER])?;
    let Some(header) = GroupHeader::decode(&buffer[..read], seal, offset) else {
        return Ok(At::Nothing);
    };
    if offset + header.length() > end {
        return Ok(At::BadPayload(header));
    }
    let mut hasher = crc32fast::Hasher::new();
    let mut at = offset + GROUP_HEADER as u64;
    let mut left = header.payload_length as usize;
    while left > 0 {
        let piece = &mut buffer[..left.min(PIECE)];
        file.read_exact_at(piece, at)?;
        hasher.update(piece);
        at += piece.len() as u64;
        left -= piece.len();
    }
    let good = hasher.finalize() == header.payload_crc;
    Ok(if good { At::Good(header) } else { At::BadPayload(header) })
}

/// The last group before `to`, by headers alone; None where the headers do not lead exactly there. `noted`:
/// the header that is being written at a place.
pub(super) fn last_before<'a>(
    file: &File,
    seal: &Seal,
    to: u64,
    noted: impl Fn(u64) -> Option<&'a [u8]>,
) -> io::Result<Option<(u64, GroupHeader)>> {
    let mut reader = BufReader::with_capacity(64 * 1024, file);
    reader.seek(SeekFrom::Start(FIRST_GROUP))?;
    let mut at = FIRST_GROUP;
    let mut last = None;
    while at < to {
        let mut bytes = [0; GROUP_HEADER];
        match reader.read_exact(&mut bytes) {
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
            other => other?,
        }
        let header = GroupHeader::decode(noted(at).unwrap_or(&bytes), seal, at);
        let Some(header) = header else { return Ok(None) };
        last = Some((at, header));
        reader.seek_relative(i64::from(header.payload_length))?;
        at += header.length();
    }
    Ok(last.filter(|_| at == to))
}
