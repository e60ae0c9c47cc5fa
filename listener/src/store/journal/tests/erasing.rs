//! Holes in what is synced.

use super::*;
use crate::store::journal::{Hole, redo};

fn hole(at: Location, from: u32, length: u32) -> Hole {
    Hole { offset: at.offset + u64::from(from), length }
}

fn make(journal: &Journal, segment: u64, holes: &[Hole]) {
    for rewrite in journal.rewrites(segment, holes).unwrap() {
        journal.rewrite(&rewrite).unwrap();
    }
}

#[test]
fn holes_are_read_as_blanks_and_every_group_fits_its_crc() {
    runtime().block_on(async {
        let directory = tempfile::tempdir().unwrap();
        let large = Options { segment_bytes: 16 * 1024 * 1024, ..Options::default() };
        // Holes that begin and end in other pieces than those in which the CRC is made.
        let long = vec![b'x'; 3 * 1024 * 1024];
        let three: [&[u8]; 3] = [b"[{\"a\":1},{\"b\":2}]", &long, b"[{\"c\":3}]"];
        written(directory.path(), &three, large).await;
        let (journal, mut reader) = Journal::open(directory.path(), STORE, None, large).unwrap();
        let places: Vec<_> = entries(&mut reader).into_iter().map(|entry| entry.location).collect();
        let last = journal.rewrites(1, &[hole(places[2], 1, 7)]).unwrap();
        assert_eq!(last.len(), 1);
        make(&journal, 1, &[hole(places[0], 9, 7), hole(places[1], 5, 2 * 1024 * 1024 + 77)]);
        // Groups are appended as before.
        journal.append(entry(b"[]")).await.unwrap();
        journal.close().await;
        drop((journal, reader));

        let (journal, mut reader) = Journal::open(directory.path(), STORE, None, large).unwrap();
        let read = bodies(&mut reader);
        assert_eq!(&read[0][..], b"[{\"a\":1},0      ]");
        assert_eq!(&read[1][..8], b"xxxxx0  ");
        let mut kept = read[1].to_vec();
        kept.retain(|byte| *byte == b'x');
        assert_eq!(kept.len(), 1024 * 1024 - 77);
        assert_eq!((&read[2][..], &read[3][..]), (&b"[{\"c\":3}]"[..], &b"[]"[..]));
        journal.close().await;
    });
}

#[test]
fn a_hole_that_is_not_within_one_body_is_refused() {
    runtime().block_on(async {
        let directory = tempfile::tempdir().unwrap();
        written(directory.path(), &[b"[1]", b"[2]"], small_segments()).await;
        let (journal, mut reader) = open(directory.path(), None).unwrap();
        let places: Vec<_> = entries(&mut reader).into_iter().map(|entry| entry.location).collect();
        let before = photograph(directory.path());
        let two = [hole(places[0], 0, 3), hole(places[0], 2, 1)];
        for wrong in [&[hole(places[0], 0, 4)][..], &[hole(places[1], 0, 99)], &two] {
            assert!(journal.rewrites(1, wrong).is_err(), "{wrong:?}");
        }
        assert_eq!(journal.rewrites(9, &[]).unwrap_err().kind(), std::io::ErrorKind::NotFound);
        assert!(before == photograph(directory.path()));
        journal.close().await;
    });
}

#[test]
fn a_rewrite_that_was_cut_short_is_done_again_before_the_journal_is_opened() {
    use std::os::unix::fs::FileExt;
    runtime().block_on(async {
        let directory = tempfile::tempdir().unwrap();
        let ends = written(directory.path(), &[b"[{\"secret\":1}]"], small_segments()).await;
        let (journal, mut reader) = open(directory.path(), None).unwrap();
        let place = entries(&mut reader)[0].location;
        let rewrite = journal.rewrites(1, &[hole(place, 1, 12)]).unwrap().remove(0);
        journal.close().await;
        drop((journal, reader));

        let file = segment::open_to_write(directory.path(), 1).unwrap();
        file.write_all_at(&rewrite.header[..40], rewrite.offset).unwrap();
        refuses(directory.path(), Some(ends[0]), "damaged before byte");
        redo(directory.path(), STORE, &rewrite).unwrap();
        let once = photograph(directory.path());
        redo(directory.path(), STORE, &rewrite).unwrap();
        assert!(once == photograph(directory.path()), "twice is as once");
        let (journal, _reader) = open(directory.path(), Some(ends[0])).unwrap();
        assert_eq!(&journal.read(place, 0..14).unwrap()[..], b"[0           ]");
        journal.close().await;
    });
}

#[test]
fn a_rewrite_is_done_neither_to_another_group_nor_to_another_store() {
    runtime().block_on(async {
        let directory = tempfile::tempdir().unwrap();
        written(directory.path(), &[b"[1]", b"[2]"], small_segments()).await;
        let (journal, mut reader) = open(directory.path(), None).unwrap();
        let places: Vec<_> = entries(&mut reader).into_iter().map(|entry| entry.location).collect();
        let rewrite = journal.rewrites(1, &[hole(places[1], 1, 1)]).unwrap().remove(0);
        journal.close().await;
        let other = tempfile::tempdir().unwrap();
        written(other.path(), &[b"[11111111111111111111111111]"], small_segments()).await;
        let before = photograph(other.path());
        redo(other.path(), STORE, &rewrite).unwrap_err();
        redo(other.path(), "another", &rewrite).unwrap();
        assert!(before == photograph(other.path()));
        redo(&other.path().join("gone"), STORE, &rewrite).unwrap();
    });
}
