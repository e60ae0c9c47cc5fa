//! The bytes of a segment. All numbers are little-endian.
//!
//! | Segment header, 128 bytes | at | | Group header, 48 bytes | at |
//! |---|---|---|---|---|
//! | magic | 0 | | magic | 0 |
//! | format version, u32 | 8 | | number of the group, u64 | 8 |
//! | length of the store's name, u32 | 12 | | number of its first delivery, u64 | 16 |
//! | name of the store, 64 bytes | 16 | | arrival of its last delivery, ms, i64 | 24 |
//! | number of the segment, u64 | 80 | | deliveries, u32 | 32 |
//! | number of its first group, u64 | 88 | | CRC of the payload, u32 | 36 |
//! | number of its first delivery, u64 | 96 | | bytes of the payload, u32 | 40 |
//! | valid bytes of the segment before, u64 | 104 | | CRC, u32 | 44 |
//! | zeros | 112 | | | |
//! | CRC, u32 | 124 | | | |
//!
//! The payload is that many deliveries: id of the request (16 bytes), arrival
//! (ms, i64), length of the body (u32), body.
//!
//! The CRC of a group header begins with the store's name, the number of the
//! segment and the place of the header in it. So neither a body that holds a copy
//! of a header nor a block that came from elsewhere passes for a group.
//!
//! Magic and version keep their places in every later version.

use bytes::Bytes;
use crc32fast::Hasher;
use uuid::Uuid;

/// Version that this code writes, and the newest that it reads.
pub(super) const VERSION: u32 = 1;
/// Bytes of a segment header.
pub(super) const SEGMENT_HEADER: usize = 128;
/// The same, as an offset: where the first group of a segment begins.
pub(super) const FIRST_GROUP: u64 = 128;
/// Bytes of a group header.
pub(super) const GROUP_HEADER: usize = 48;
/// Bytes before the body of a delivery.
pub(super) const ENTRY_HEADER: usize = 28;
/// Bytes of a store's name at most.
pub(super) const MAX_STORE_NAME: usize = 64;
/// Bytes of a body at most.
pub(super) const MAX_BODY: usize = 64 * 1024 * 1024;
/// Bytes after which a group takes no more.
pub(super) const GROUP_BYTES: usize = 32 * 1024 * 1024;
/// Deliveries in a group at most.
pub(super) const GROUP_DELIVERIES: usize = 4096;
/// Bytes of a payload at most: one body more than a full group.
pub(super) const MAX_PAYLOAD: usize = GROUP_BYTES + MAX_BODY + ENTRY_HEADER;

// Not UTF-8, so that no JSON holds them.
const SEGMENT_MAGIC: [u8; 8] = *b"\xF5hubseg\n";
/// How a group begins.
pub(super) const GROUP_MAGIC: [u8; 8] = *b"\xF5hubgrp\n";

/// What a segment begins with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct SegmentHeader {
    pub(super) store: String,
    pub(super) segment: u64,
    pub(super) first_group: u64,
    pub(super) first_delivery: u64,
    pub(super) previous_length: u64,
}

/// Why a segment header cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum BadHeader {
    /// Not a header, or a damaged one.
    Damaged,
    /// Of a version that this code does not know.
    Newer(u32),
}

impl SegmentHeader {
    pub(super) fn encode(&self) -> [u8; SEGMENT_HEADER] {
        let mut bytes = [0; SEGMENT_HEADER];
        let name = self.store.as_bytes();
        let length = name.len().min(MAX_STORE_NAME);
        put(&mut bytes, 0, &SEGMENT_MAGIC);
        put(&mut bytes, 8, &VERSION.to_le_bytes());
        put(&mut bytes, 12, &u32::try_from(length).unwrap_or(0).to_le_bytes());
        put(&mut bytes, 16, &name[..length]);
        put(&mut bytes, 80, &self.segment.to_le_bytes());
        put(&mut bytes, 88, &self.first_group.to_le_bytes());
        put(&mut bytes, 96, &self.first_delivery.to_le_bytes());
        put(&mut bytes, 104, &self.previous_length.to_le_bytes());
        let crc = crc32fast::hash(&bytes[..124]);
        put(&mut bytes, 124, &crc.to_le_bytes());
        bytes
    }

    pub(super) fn decode(bytes: &[u8]) -> Result<Self, BadHeader> {
        if bytes.len() >= 12 && bytes[..8] == SEGMENT_MAGIC && u32_at(bytes, 8) > VERSION {
            return Err(BadHeader::Newer(u32_at(bytes, 8)));
        }
        let sound = bytes.len() >= SEGMENT_HEADER
            && bytes[..8] == SEGMENT_MAGIC
            && u32_at(bytes, 8) == VERSION
            && u32_at(bytes, 124) == crc32fast::hash(&bytes[..124]);
        let length = if sound { u32_at(bytes, 12) as usize } else { usize::MAX };
        if length > MAX_STORE_NAME {
            return Err(BadHeader::Damaged);
        }
        let store = std::str::from_utf8(&bytes[16..16 + length]).map_err(|_| BadHeader::Damaged)?;
        Ok(Self {
            store: store.to_owned(),
            segment: u64_at(bytes, 80),
            first_group: u64_at(bytes, 88),
            first_delivery: u64_at(bytes, 96),
            previous_length: u64_at(bytes, 104),
        })
    }
}

/// What a group begins with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct GroupHeader {
    pub(super) group: u64,
    pub(super) first_delivery: u64,
    pub(super) last_received_at_ms: i64,
    pub(super) count: u32,
    pub(super) payload_crc: u32,
    pub(super) payload_length: u32,
}

impl GroupHeader {
    pub(super) fn encode(&self, seal: &Seal, offset: u64) -> [u8; GROUP_HEADER] {
        let mut bytes = [0; GROUP_HEADER];
        put(&mut bytes, 0, &GROUP_MAGIC);
        put(&mut bytes, 8, &self.group.to_le_bytes());
        put(&mut bytes, 16, &self.first_delivery.to_le_bytes());
        put(&mut bytes, 24, &self.last_received_at_ms.to_le_bytes());
        put(&mut bytes, 32, &self.count.to_le_bytes());
        put(&mut bytes, 36, &self.payload_crc.to_le_bytes());
        put(&mut bytes, 40, &self.payload_length.to_le_bytes());
        let crc = seal.crc(offset, &bytes[..44]);
        put(&mut bytes, 44, &crc.to_le_bytes());
        bytes
    }

    /// None: no group begins here, or its header is damaged.
    pub(super) fn decode(bytes: &[u8], seal: &Seal, offset: u64) -> Option<Self> {
        let sound = bytes.len() >= GROUP_HEADER
            && bytes[..8] == GROUP_MAGIC
            && u32_at(bytes, 44) == seal.crc(offset, &bytes[..44]);
        if !sound {
            return None;
        }
        let header = Self {
            group: u64_at(bytes, 8),
            first_delivery: u64_at(bytes, 16),
            last_received_at_ms: i64::from_le_bytes(array_at(bytes, 24)),
            count: u32_at(bytes, 32),
            payload_crc: u32_at(bytes, 36),
            payload_length: u32_at(bytes, 40),
        };
        let possible = header.count > 0 && header.payload_length as usize <= MAX_PAYLOAD;
        possible.then_some(header)
    }

    /// Bytes of the whole group.
    pub(super) fn length(&self) -> u64 {
        GROUP_HEADER as u64 + u64::from(self.payload_length)
    }

    /// Number of its last delivery.
    pub(super) fn last_delivery(&self) -> u64 {
        self.first_delivery.saturating_add(u64::from(self.count)).saturating_sub(1)
    }
}

/// What binds the group headers of one segment to it.
#[derive(Clone, Debug)]
pub(super) struct Seal(Hasher);

impl Seal {
    pub(super) fn new(store: &str, segment: u64) -> Self {
        let mut hasher = Hasher::new();
        hasher.update(store.as_bytes());
        hasher.update(&segment.to_le_bytes());
        Self(hasher)
    }

    fn crc(&self, offset: u64, bytes: &[u8]) -> u32 {
        let mut hasher = self.0.clone();
        hasher.update(&offset.to_le_bytes());
        hasher.update(bytes);
        hasher.finalize()
    }
}

/// Puts a delivery at the end of a payload.
pub(super) fn put_entry(payload: &mut Vec<u8>, request: Uuid, received_at_ms: i64, body: &[u8]) {
    payload.extend_from_slice(request.as_bytes());
    payload.extend_from_slice(&received_at_ms.to_le_bytes());
    // `append` refuses bodies over MAX_BODY, far below 4 GiB.
    payload.extend_from_slice(&u32::try_from(body.len()).unwrap_or(u32::MAX).to_le_bytes());
    payload.extend_from_slice(body);
}

/// A delivery taken from a payload.
pub(super) struct TakenEntry {
    pub(super) request: Uuid,
    pub(super) received_at_ms: i64,
    pub(super) body: Bytes,
}

/// The delivery at `at`, whose body shares the buffer; None where there is no whole one.
pub(super) fn take_entry(payload: &Bytes, at: usize) -> Option<TakenEntry> {
    let head = payload.get(at..at.checked_add(ENTRY_HEADER)?)?;
    let from = at + ENTRY_HEADER;
    let to = from.checked_add(u32_at(head, 24) as usize)?;
    if to > payload.len() {
        return None;
    }
    Some(TakenEntry {
        request: Uuid::from_bytes(array_at(head, 0)),
        received_at_ms: i64::from_le_bytes(array_at(head, 16)),
        body: payload.slice(from..to),
    })
}

fn put(bytes: &mut [u8], at: usize, value: &[u8]) {
    bytes[at..at + value.len()].copy_from_slice(value);
}

/// Callers have checked the length.
fn array_at<const N: usize>(bytes: &[u8], at: usize) -> [u8; N] {
    let mut array = [0; N];
    array.copy_from_slice(&bytes[at..at + N]);
    array
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(array_at(bytes, at))
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    u64::from_le_bytes(array_at(bytes, at))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn group() -> GroupHeader {
        GroupHeader {
            group: 7,
            first_delivery: 41,
            last_received_at_ms: -3,
            count: 2,
            payload_crc: 9,
            payload_length: 100,
        }
    }

    fn segment() -> SegmentHeader {
        SegmentHeader {
            store: "5f0c9a7be13d4c28".into(),
            segment: 3,
            first_group: 8,
            first_delivery: 43,
            previous_length: 900,
        }
    }

    #[test]
    fn a_segment_header_comes_back_and_no_flipped_bit_passes() {
        let bytes = segment().encode();
        assert_eq!(SegmentHeader::decode(&bytes), Ok(segment()));
        for bit in 0..SEGMENT_HEADER * 8 {
            let mut flipped = bytes;
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert!(SegmentHeader::decode(&flipped).is_err(), "bit {bit}");
        }
        for length in 0..SEGMENT_HEADER {
            assert_eq!(SegmentHeader::decode(&bytes[..length]), Err(BadHeader::Damaged), "{length} bytes");
        }
    }

    #[test]
    fn a_newer_version_is_told_from_damage() {
        let mut bytes = segment().encode();
        bytes[8] = 2;
        assert_eq!(SegmentHeader::decode(&bytes), Err(BadHeader::Newer(2)));
    }

    #[test]
    fn a_group_header_counts_only_in_its_own_place() {
        let seal = Seal::new("store", 3);
        let bytes = group().encode(&seal, 128);
        assert_eq!(GroupHeader::decode(&bytes, &seal, 128), Some(group()));
        assert_eq!(GroupHeader::decode(&bytes, &seal, 129), None);
        assert_eq!(GroupHeader::decode(&bytes, &Seal::new("store", 4), 128), None);
        assert_eq!(GroupHeader::decode(&bytes, &Seal::new("other", 3), 128), None);
        for bit in 0..GROUP_HEADER * 8 {
            let mut flipped = bytes;
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(GroupHeader::decode(&flipped, &seal, 128), None, "bit {bit}");
        }
    }

    #[test]
    fn a_group_header_with_an_impossible_length_is_none() {
        let seal = Seal::new("store", 3);
        let header = GroupHeader { payload_length: u32::MAX, ..group() };
        assert_eq!(GroupHeader::decode(&header.encode(&seal, 0), &seal, 0), None);
    }

    #[test]
    fn entries_come_back_and_a_cut_one_is_none() {
        let mut payload = Vec::new();
        let request = Uuid::from_u128(5);
        put_entry(&mut payload, request, 12, b"[1]");
        put_entry(&mut payload, request, 13, b"");
        let payload = Bytes::from(payload);
        let first = take_entry(&payload, 0).unwrap();
        assert_eq!((first.request, first.received_at_ms, &first.body[..]), (request, 12, &b"[1]"[..]));
        let second = take_entry(&payload, ENTRY_HEADER + 3).unwrap();
        assert_eq!((second.received_at_ms, second.body.len()), (13, 0));
        assert!(take_entry(&payload.slice(..ENTRY_HEADER + 2), 0).is_none());
        assert!(take_entry(&payload, usize::MAX).is_none());
    }
}
