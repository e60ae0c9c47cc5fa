//! Random lives of a journal against a model of what it has to keep.
//!
//! The model is the list of acknowledged deliveries and what its index has made
//! durable. After each opening exactly the acknowledged deliveries after the
//! index are read, once, in order, with equal bytes.

use std::os::unix::fs::FileExt;

use futures_util::future::join_all;
use proptest::collection::vec;
use proptest::prelude::*;

use super::*;
use crate::store::journal::format::{self, GroupHeader, Seal, SegmentHeader};

/// What an unclean end leaves after the last synced group.
#[derive(Clone, Debug)]
enum Left {
    /// The begin of the next group, then nothing.
    Cut(prop::sample::Index),
    /// The begin of the next group, then zeros.
    CutInZeros(prop::sample::Index),
    Garbage(Vec<u8>),
    Zeros(u16),
    /// Nothing at all: the zeros written ahead are gone.
    Nothing,
    /// A next segment, cut at any byte of its header.
    HalfMade(prop::sample::Index),
    /// A next segment without a group.
    Made,
}

#[derive(Clone, Debug)]
enum Step {
    /// Bodies that are appended together.
    Append(Vec<Vec<u8>>),
    /// The index reads so many bytes and makes them durable.
    Index(usize),
    /// Everything before the index may go.
    Remove,
    Reopen,
    Crash(Left),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let body = vec(any::<u8>(), 0..200);
    let index = any::<prop::sample::Index>();
    let left = prop_oneof![
        index.prop_map(Left::Cut),
        any::<prop::sample::Index>().prop_map(Left::CutInZeros),
        vec(any::<u8>(), 1..400).prop_map(Left::Garbage),
        (1..3000_u16).prop_map(Left::Zeros),
        Just(Left::Nothing),
        any::<prop::sample::Index>().prop_map(Left::HalfMade),
        Just(Left::Made),
    ];
    let step = prop_oneof![
        6 => vec(body, 1..5).prop_map(Step::Append),
        2 => (1..2000_usize).prop_map(Step::Index),
        1 => Just(Step::Remove),
        1 => Just(Step::Reopen),
        3 => left.prop_map(Step::Crash),
    ];
    vec(step, 1..25)
}

struct Life {
    directory: tempfile::TempDir,
    open: Option<(Journal, Reader)>,
    acknowledged: Vec<NewEntry>,
    indexed: Option<Indexed>,
    /// Deliveries that the reader has given since the last opening and before it.
    read: usize,
    /// Where the last delivery that was read stands.
    last_segment: Option<u64>,
}

impl Life {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let mut life = Self {
            directory,
            open: None,
            acknowledged: Vec::new(),
            indexed: None,
            read: 0,
            last_segment: None,
        };
        life.open();
        life
    }

    fn open(&mut self) {
        self.open = Some(open(self.directory.path(), self.indexed).unwrap());
        self.read = self.indexed.map_or(0, |indexed| usize::try_from(indexed.last_delivery).unwrap());
        let (journal, _) = self.open.as_ref().unwrap();
        let waiting = self.acknowledged.len() - self.read;
        assert_eq!(journal.last().0, self.acknowledged.len() as u64);
        // A journal whose newest segment is empty forgets it with the segment before: the index knows.
        let first = segment::list(self.directory.path()).unwrap()[0];
        let is_there = self.last_segment.is_none_or(|segment| segment >= first);
        if is_there || journal.last().1.is_some() {
            assert_eq!(journal.last().1, self.acknowledged.last().map(|last| last.received_at_ms));
        }
        assert_eq!(journal.unindexed().1, waiting as u64);
        assert_eq!(journal.unindexed().0 > 0, waiting > 0);
    }

    /// Closes, and gives where the last group ends and the whole of what was not read.
    async fn close(&mut self) -> Indexed {
        let (journal, mut reader) = self.open.take().unwrap();
        let end = journal.end();
        self.check(&journal, batches(&mut reader));
        assert_eq!(self.read, self.acknowledged.len(), "not all was read");
        journal.close().await;
        end
    }

    fn check(&mut self, journal: &Journal, batches: Vec<Batch>) {
        for entry in batches.into_iter().flat_map(|batch| batch.entries) {
            let expected = &self.acknowledged[self.read];
            self.read += 1;
            self.last_segment = Some(entry.location.segment);
            assert_eq!(entry.delivery, self.read as u64);
            assert_eq!((entry.request, &entry.body), (expected.request, &expected.body));
            assert_eq!(entry.received_at_ms, expected.received_at_ms);
            let length = entry.location.length;
            assert_eq!(journal.read(entry.location, 0..length).unwrap(), expected.body);
        }
    }

    async fn step(&mut self, step: Step) {
        match step {
            Step::Append(bodies) => {
                let (journal, _) = self.open.as_ref().unwrap();
                let first = self.acknowledged.len() as u64 + 1;
                let new: Vec<_> = (first..)
                    .zip(bodies)
                    .map(|(number, body)| NewEntry {
                        request: Uuid::new_v4(),
                        received_at_ms: i64::try_from(number).unwrap() * 10,
                        body: body.into(),
                    })
                    .collect();
                let numbers = join_all(new.iter().map(|entry| journal.append(entry.clone()))).await;
                for (number, expected) in numbers.into_iter().zip(first..) {
                    assert_eq!(number, Ok(expected));
                }
                self.acknowledged.extend(new);
            }
            Step::Index(bytes) => {
                let (journal, mut reader) = self.open.take().unwrap();
                if let Some(batch) = reader.next(bytes, Duration::ZERO).unwrap() {
                    journal.set_indexed(batch.end);
                    self.indexed = Some(batch.end);
                    self.check(&journal, vec![batch]);
                }
                self.open = Some((journal, reader));
            }
            Step::Remove => {
                let (journal, _) = self.open.as_ref().unwrap();
                journal.remove_before(u64::MAX).unwrap();
                let kept = segment::list(self.directory.path()).unwrap();
                assert!(kept[0] <= journal.end().position.segment);
            }
            Step::Reopen => {
                self.close().await;
                self.open();
            }
            Step::Crash(left) => {
                let end = self.close().await;
                self.leave(&left, end);
                self.open();
            }
        }
    }

    fn leave(&self, left: &Left, end: Indexed) {
        let last = *segment::list(self.directory.path()).unwrap().last().unwrap();
        // After a `Made` the last segment has no group, and does not hold the end.
        let at = if last == end.position.segment { end.position.offset } else { format::FIRST_GROUP };
        let file = segment::open_to_write(self.directory.path(), last).unwrap();
        let group = next_group(end, last, at);
        let next = SegmentHeader {
            store: STORE.into(),
            segment: last + 1,
            first_group: end.last_group + 1,
            first_delivery: end.last_delivery + 1,
            previous_length: at,
        };
        let next_path = segment::path(self.directory.path(), last + 1);
        match left {
            Left::Cut(place) => {
                file.set_len(at).unwrap();
                file.write_all_at(&group[..place.index(group.len())], at).unwrap();
            }
            Left::CutInZeros(place) => {
                file.set_len(at).unwrap();
                file.set_len(at + 2 * group.len() as u64).unwrap();
                file.write_all_at(&group[..place.index(group.len())], at).unwrap();
            }
            Left::Garbage(bytes) => file.write_all_at(bytes, at).unwrap(),
            Left::Zeros(length) => {
                file.set_len(at).unwrap();
                file.set_len(at + u64::from(*length)).unwrap();
            }
            Left::Nothing => file.set_len(at).unwrap(),
            Left::HalfMade(place) => {
                fs::write(next_path, &next.encode()[..place.index(format::SEGMENT_HEADER)]).unwrap();
            }
            Left::Made => fs::write(next_path, next.encode()).unwrap(),
        }
    }
}

/// A good group that was not acknowledged.
fn next_group(end: Indexed, segment: u64, at: u64) -> Vec<u8> {
    let mut payload = Vec::new();
    format::put_entry(&mut payload, Uuid::nil(), 1, b"never acknowledged");
    let header = GroupHeader {
        group: end.last_group + 1,
        first_delivery: end.last_delivery + 1,
        last_received_at_ms: 1,
        count: 1,
        payload_crc: crc32fast::hash(&payload),
        payload_length: u32::try_from(payload.len()).unwrap(),
    };
    let mut group = header.encode(&Seal::new(STORE, segment), at).to_vec();
    group.extend(payload);
    group
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_was_acknowledged_is_read_once_in_order_after_any_life(steps in steps()) {
        runtime().block_on(async {
            let mut life = Life::new();
            for step in steps {
                life.step(step).await;
            }
            life.close().await;
            life.open();
            life.close().await;
        });
    }
}
