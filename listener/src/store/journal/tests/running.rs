//! Appending, reading, removing, while the journal is open.

use std::time::Instant;

use futures_util::future::join_all;

use super::*;
use crate::store::journal::Location;

#[tokio::test]
async fn what_is_appended_is_read_back_in_order_and_by_place() {
    let directory = tempfile::tempdir().unwrap();
    let (journal, mut reader) = open(directory.path(), None).unwrap();
    assert_eq!(journal.last(), (0, None));
    let sent: Vec<_> = (0..200_u32).map(|n| entry(format!("[{n}]").repeat(n as usize).as_bytes())).collect();
    let numbers = join_all(sent.iter().map(|entry| journal.append(entry.clone()))).await;
    let mut numbers: Vec<_> = numbers.into_iter().map(Result::unwrap).collect();
    assert!(numbers.is_sorted());
    numbers.dedup();
    assert_eq!(numbers, (1..=200).collect::<Vec<_>>());
    assert_eq!(journal.last(), (200, Some(1_000)));

    let read = entries(&mut reader);
    assert_eq!(read.len(), 200);
    for ((entry, sent), number) in read.iter().zip(&sent).zip(1..) {
        assert_eq!((entry.delivery, entry.request), (number, sent.request));
        assert_eq!((entry.received_at_ms, &entry.body), (1_000, &sent.body));
        let length = entry.location.length;
        assert_eq!(journal.read(entry.location, 0..length).unwrap(), sent.body);
        let middle = length / 3..length / 2;
        let piece = sent.body.slice(middle.start as usize..middle.end as usize);
        assert_eq!(journal.read(entry.location, middle).unwrap(), piece);
    }
    journal.close().await;
}

#[tokio::test]
async fn a_place_that_cannot_be_is_an_error() {
    let directory = tempfile::tempdir().unwrap();
    let (journal, mut reader) = open(directory.path(), None).unwrap();
    journal.append(entry(b"[1]")).await.unwrap();
    let good = entries(&mut reader)[0].location;
    assert!(journal.read(good, 0..4).is_err());
    #[expect(clippy::reversed_empty_ranges, reason = "this is what is tested")]
    let reversed = 2..1;
    assert!(journal.read(good, reversed).is_err());
    for wrong in [
        Location { segment: 9, ..good },
        Location { offset: u64::MAX, ..good },
        Location { length: u32::MAX, ..good },
    ] {
        assert!(journal.read(wrong, 0..3).is_err(), "{wrong:?}");
    }
    journal.close().await;
}

#[tokio::test]
async fn a_batch_is_bounded_but_holds_a_whole_group() {
    let directory = tempfile::tempdir().unwrap();
    let (journal, mut reader) = Journal::open(directory.path(), STORE, None, Options::default()).unwrap();
    for _ in 0..10 {
        journal.append(entry(&[b'x'; 1000])).await.unwrap();
    }
    let one = reader.next(10, Duration::ZERO).unwrap().unwrap();
    assert_eq!(one.entries.len(), 1);
    let three = reader.next(3500, Duration::ZERO).unwrap().unwrap();
    assert_eq!(three.entries.len(), 3);
    assert_eq!((three.end.last_delivery, three.end.last_group), (4, 4));
    let rest = reader.next(usize::MAX, Duration::ZERO).unwrap().unwrap();
    assert_eq!(rest.entries.len(), 6);
    assert!(reader.next(usize::MAX, Duration::ZERO).unwrap().is_none());
    journal.close().await;
}

#[tokio::test]
async fn a_reader_that_waits_wakes_for_a_group_and_for_the_end() {
    let directory = tempfile::tempdir().unwrap();
    let (journal, mut reader) = open(directory.path(), None).unwrap();
    let waiting = std::thread::spawn(move || {
        let batch = reader.next(1000, Duration::from_mins(1)).unwrap().unwrap();
        let end = reader.next(1000, Duration::from_mins(1));
        (batch.entries.len(), matches!(end, Err(StoreError::Closed)))
    });
    let started = Instant::now();
    tokio::time::sleep(Duration::from_millis(50)).await;
    journal.append(entry(b"[]")).await.unwrap();
    tokio::time::sleep(Duration::from_millis(50)).await;
    journal.close().await;
    assert_eq!(waiting.join().unwrap(), (1, true));
    assert!(started.elapsed() < Duration::from_secs(20));
}

#[tokio::test]
async fn the_backlog_is_bounded_and_freed_by_the_index() {
    let directory = tempfile::tempdir().unwrap();
    let options = Options { max_unindexed_bytes: 5_000, segment_bytes: 2_000, ..Options::default() };
    let (journal, mut reader) = Journal::open(directory.path(), STORE, None, options).unwrap();
    let mut taken = 0;
    let refused = loop {
        match journal.append(entry(&[b'x'; 500])).await {
            Ok(_) => taken += 1,
            Err(error) => break error,
        }
    };
    let AppendError::Backlog { unindexed_bytes } = refused else { panic!("{refused:?}") };
    assert!((5_000..6_000).contains(&unindexed_bytes), "{unindexed_bytes}");
    assert_eq!(journal.unindexed(), (unindexed_bytes, taken));
    assert!(journal.health().unwrap_err().contains("wait to be indexed"));

    let read = batches(&mut reader);
    journal.set_indexed(read.last().unwrap().end);
    assert_eq!(journal.unindexed(), (0, 0));
    journal.health().unwrap();
    journal.append(entry(b"[]")).await.unwrap();
    // An older position changes nothing.
    journal.set_indexed(read[0].end);
    assert_eq!(journal.unindexed().1, 1);
    journal.close().await;
}

#[tokio::test]
async fn a_full_queue_refuses_and_what_was_taken_is_kept() {
    let directory = tempfile::tempdir().unwrap();
    let options = Options { queue: 2, ..Options::default() };
    let (journal, mut reader) = Journal::open(directory.path(), STORE, None, options).unwrap();
    let body = vec![b'x'; 100_000];
    let answers = join_all((0..200).map(|_| journal.append(entry(&body)))).await;
    let taken = answers.iter().filter(|answer| answer.is_ok()).count();
    assert!(answers.iter().all(|answer| matches!(answer, Ok(_) | Err(AppendError::Busy))));
    assert!((2..200).contains(&taken), "{taken}");
    journal.append(entry(b"[]")).await.unwrap();
    assert_eq!(entries(&mut reader).len(), taken + 1);
    journal.close().await;
}

#[tokio::test]
async fn a_body_over_the_bound_is_refused_and_the_largest_is_taken() {
    let directory = tempfile::tempdir().unwrap();
    let (journal, mut reader) = open(directory.path(), None).unwrap();
    let largest = Bytes::from(vec![b'x'; 64 * 1024 * 1024 + 1]);
    let large = NewEntry { body: largest.clone(), ..entry(b"") };
    assert!(matches!(journal.append(large).await, Err(AppendError::Write(_))));
    let large = NewEntry { body: largest.slice(1..), ..entry(b"") };
    journal.append(large).await.unwrap();
    journal.close().await;
    assert_eq!(bodies(&mut reader), [largest.slice(1..)]);
}

#[tokio::test]
async fn closing_writes_what_waits_and_takes_no_more() {
    let directory = tempfile::tempdir().unwrap();
    let (journal, mut reader) = open(directory.path(), None).unwrap();
    let appends = join_all((0..100).map(|_| journal.append(entry(b"[1]"))));
    let (answers, ()) = tokio::join!(appends, journal.close());
    assert!(answers.iter().all(|answer| matches!(answer, Ok(_) | Err(AppendError::Closed))));
    let taken = answers.iter().filter(|answer| answer.is_ok()).count();
    assert_eq!(taken, 100, "join polls the appends before the close");
    assert_eq!(journal.append(entry(b"[1]")).await, Err(AppendError::Closed));
    assert!(journal.health().is_err());
    journal.close().await;
    assert_eq!(entries(&mut reader).len(), taken);
}

#[tokio::test]
async fn dropping_the_journal_ends_its_writer() {
    let directory = tempfile::tempdir().unwrap();
    let (journal, mut reader) = open(directory.path(), None).unwrap();
    journal.append(entry(b"[1]")).await.unwrap();
    drop(journal);
    assert!(reader.next(1, Duration::from_secs(20)).unwrap().is_some());
    assert!(matches!(reader.next(1, Duration::from_secs(20)), Err(StoreError::Closed)));
}

#[tokio::test]
async fn only_whole_indexed_segments_are_removed_and_never_the_last() {
    let directory = tempfile::tempdir().unwrap();
    let (journal, mut reader) = open(directory.path(), None).unwrap();
    for _ in 0..10 {
        journal.append(entry(&[b'x'; 300])).await.unwrap();
    }
    let read = batches(&mut reader);
    assert_eq!(read[9].end.position.segment, 10);
    assert_eq!(journal.remove_before(u64::MAX).unwrap(), 0, "nothing is indexed");
    journal.set_indexed(read[4].end);
    let bytes = journal.file_bytes();
    assert_eq!(journal.remove_before(3).unwrap(), 2);
    assert!(journal.file_bytes() < bytes);
    assert_eq!(journal.remove_before(u64::MAX).unwrap(), 3);
    assert_eq!(journal.unindexed().1, 5);
    assert!(journal.read(read[4].entries[0].location, 0..1).is_err());
    assert_eq!(journal.read(read[5].entries[0].location, 0..1).unwrap(), &b"x"[..]);
    journal.set_indexed(read[9].end);
    assert_eq!(journal.unindexed(), (0, 0));
    assert_eq!(journal.remove_before(u64::MAX).unwrap(), 4);
    assert_eq!(segment::list(directory.path()).unwrap(), [10]);
    assert_eq!(journal.read(read[9].entries[0].location, 0..1).unwrap(), &b"x"[..]);
    journal.close().await;
}

#[tokio::test]
async fn damage_while_running_is_an_error_of_the_reader_and_nothing_behind_it_is_read() {
    use std::os::unix::fs::FileExt;
    let directory = tempfile::tempdir().unwrap();
    let (journal, mut reader) = open(directory.path(), None).unwrap();
    journal.append(entry(b"[1]")).await.unwrap();
    journal.append(entry(b"[2]")).await.unwrap();
    let file = segment::open_to_write(directory.path(), 1).unwrap();
    file.write_all_at(b"9", 128 + 48 + 28 + 1).unwrap();
    for _ in 0..2 {
        let error = reader.next(1000, Duration::ZERO).unwrap_err();
        assert!(error.to_string().contains("damaged at byte 128"), "{error}");
    }
    journal.close().await;
}

#[test]
fn a_segment_is_closed_by_its_age_also_after_an_opening() {
    runtime().block_on(async {
        let directory = tempfile::tempdir().unwrap();
        let at = |received_at_ms| NewEntry { received_at_ms, ..entry(b"[]") };
        let hour = Options::default().segment_ms;
        let open = || Journal::open(directory.path(), STORE, None, Options::default()).unwrap();
        let segments = || segment::list(directory.path()).unwrap().len();
        let (journal, _reader) = open();
        journal.append(at(1_000)).await.unwrap();
        journal.append(at(hour + 999)).await.unwrap();
        assert_eq!(segments(), 1, "not an hour");
        journal.close().await;
        let (journal, mut reader) = open();
        journal.append(at(hour + 1_000)).await.unwrap();
        journal.append(at(2 * hour)).await.unwrap();
        assert_eq!(segments(), 2);
        assert_eq!(entries(&mut reader).len(), 4);
        journal.close().await;
    });
}
