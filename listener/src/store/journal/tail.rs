//! What stands after the last good group of the last segment.
//!
//! A group is begun only when the one before it is synced. So whatever header of
//! a later group stands behind a bad one proves that the bad one was synced, and
//! has been damaged since. The search is exact (any offset, and the header's CRC
//! holds its place) and reads each byte once.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

use memchr::memmem;

use super::format::{GROUP_HEADER, GROUP_MAGIC, GroupHeader, Seal};

const PIECE: usize = 1024 * 1024;

/// What the tail is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tail {
    /// Nothing, or zeros that were written ahead.
    Empty,
    /// The rest of a group that was not synced.
    Torn,
    /// A header of a later group: what stands before it is damaged.
    Followed {
        /// Where it begins.
        offset: u64,
        /// Its number.
        group: u64,
    },
}

/// Judges the bytes from `from` to `length`. A header at `from` itself is the bad group's own.
pub(super) fn judge(file: &File, seal: &Seal, from: u64, length: u64) -> io::Result<Tail> {
    let finder = memmem::Finder::new(&GROUP_MAGIC);
    let mut buffer = vec![0; PIECE + GROUP_HEADER];
    let mut zeros = true;
    let mut at = from;
    while at < length {
        let wanted = usize::try_from(length - at).map_or(buffer.len(), |rest| rest.min(buffer.len()));
        let bytes = &mut buffer[..wanted];
        file.read_exact_at(bytes, at)?;
        zeros = zeros && bytes.iter().all(|byte| *byte == 0);
        for found in finder.find_iter(bytes) {
            let offset = at + found as u64;
            // What is cut off at the end of this piece is whole in the next one.
            match GroupHeader::decode(&bytes[found..], seal, offset) {
                Some(header) if offset > from => {
                    return Ok(Tail::Followed { offset, group: header.group });
                }
                _ => {}
            }
        }
        at += if wanted == buffer.len() { PIECE as u64 } else { wanted as u64 };
    }
    Ok(if zeros { Tail::Empty } else { Tail::Torn })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(bytes: &[u8], from: u64) -> Tail {
        let file = tempfile::tempfile().unwrap();
        file.write_all_at(bytes, 0).unwrap();
        judge(&file, &Seal::new("s", 1), from, bytes.len() as u64).unwrap()
    }

    fn header_at(offset: u64) -> [u8; GROUP_HEADER] {
        let header = GroupHeader {
            group: 9,
            first_delivery: 1,
            last_received_at_ms: 0,
            count: 1,
            payload_crc: 0,
            payload_length: 1,
        };
        header.encode(&Seal::new("s", 1), offset)
    }

    #[test]
    fn nothing_and_zeros_are_an_empty_tail() {
        assert_eq!(judged(&[], 0), Tail::Empty);
        assert_eq!(judged(&vec![0; 3 * PIECE + 5], 7), Tail::Empty);
    }

    #[test]
    fn one_byte_anywhere_makes_it_torn() {
        for place in [0, 1, PIECE, PIECE + GROUP_HEADER, 2 * PIECE + 99] {
            let mut bytes = vec![0; 2 * PIECE + 100];
            bytes[place] = 1;
            assert_eq!(judged(&bytes, 0), Tail::Torn, "{place}");
        }
    }

    #[test]
    fn a_later_header_is_found_at_any_offset() {
        let interesting = [1, 2, 47, 48, PIECE - 1, PIECE, PIECE + 1, PIECE + 20, PIECE + 47, PIECE + 48];
        for place in interesting {
            let mut bytes = vec![0xF5; 2 * PIECE];
            bytes[place..place + GROUP_HEADER].copy_from_slice(&header_at(place as u64));
            assert_eq!(judged(&bytes, 0), Tail::Followed { offset: place as u64, group: 9 }, "{place}");
            assert_eq!(judged(&bytes, place as u64), Tail::Torn, "its own header at {place}");
        }
    }

    #[test]
    fn a_header_copied_from_elsewhere_proves_nothing() {
        let mut bytes = vec![1; 1000];
        bytes[300..300 + GROUP_HEADER].copy_from_slice(&header_at(301));
        bytes[960..].copy_from_slice(&header_at(960)[..40]);
        assert_eq!(judged(&bytes, 0), Tail::Torn);
    }
}
