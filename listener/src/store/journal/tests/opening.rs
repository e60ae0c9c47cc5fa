//! What opening accepts, repairs and refuses.

use std::fs::OpenOptions;
use std::os::unix::fs::FileExt;

use super::*;
use crate::store::journal::Position;

const BODIES: [&[u8]; 5] = [b"[1]", b"[22]", b"[333]", b"[4444]", b"[55555]"];

fn segment_path(directory: &Path, number: u64) -> std::path::PathBuf {
    segment::path(directory, number)
}

fn flip(path: &Path, offset: u64, mask: u8) {
    let file = OpenOptions::new().read(true).write(true).open(path).unwrap();
    let mut byte = [0];
    file.read_exact_at(&mut byte, offset).unwrap();
    file.write_all_at(&[byte[0] ^ mask], offset).unwrap();
}

/// Opens, takes one more, opens again; what is read.
async fn reopened(directory: &Path, indexed: Option<Indexed>) -> Vec<Bytes> {
    let (journal, mut reader) = open(directory, indexed).unwrap();
    let before = bodies(&mut reader);
    let last = journal.last().0;
    assert_eq!(journal.append(entry(b"[more]")).await, Ok(last + 1));
    assert_eq!(bodies(&mut reader), [&b"[more]"[..]]);
    journal.close().await;
    let (journal, mut reader) = open(directory, indexed).unwrap();
    let after = bodies(&mut reader);
    journal.close().await;
    assert_eq!(after[..after.len() - 1], before);
    assert_eq!(after.last().unwrap(), &b"[more]"[..]);
    before
}

#[tokio::test]
async fn every_byte_damaged_before_a_good_group_is_refused_and_left_alone() {
    let directory = tempfile::tempdir().unwrap();
    let ends = written(directory.path(), &BODIES, Options::default()).await;
    let path = segment_path(directory.path(), 1);
    for offset in 0..ends[3].position.offset {
        let mask = 1 << (offset % 8);
        flip(&path, offset, mask);
        refuses(directory.path(), None, "segment");
        flip(&path, offset, mask);
    }
    assert_eq!(reopened(directory.path(), None).await, BODIES);
}

#[tokio::test]
async fn every_byte_damaged_before_a_good_segment_is_refused_and_left_alone() {
    let directory = tempfile::tempdir().unwrap();
    let options = Options { segment_bytes: 1, ..Options::default() };
    let ends = written(directory.path(), &BODIES[..3], options).await;
    for (number, end) in (1..=2).zip(&ends) {
        let path = segment_path(directory.path(), number);
        assert_eq!(end.position.segment, number);
        for offset in 0..end.position.offset {
            flip(&path, offset, 0x40);
            refuses(directory.path(), None, "segment");
            flip(&path, offset, 0x40);
        }
    }
    assert_eq!(reopened(directory.path(), None).await, BODIES[..3]);
}

#[tokio::test]
async fn a_message_names_the_file_the_byte_and_the_remedy() {
    let directory = tempfile::tempdir().unwrap();
    let ends = written(directory.path(), &BODIES, Options::default()).await;
    let at = ends[1].position.offset;
    flip(&segment_path(directory.path(), 1), at + 50, 1);
    let later = ends[2].position.offset;
    let expected = format!(
        "segment-00000000000000000001.journal is damaged at byte {at}: group 4 was written behind it, at byte \
         {later}, so acknowledged deliveries stood there. No file was changed. Restore"
    );
    refuses(directory.path(), None, &expected);
}

#[tokio::test]
async fn a_last_group_cut_at_any_byte_is_cut_off_and_the_rest_stays() {
    let directory = tempfile::tempdir().unwrap();
    let ends = written(directory.path(), &BODIES[..3], Options::default()).await;
    let path = segment_path(directory.path(), 1);
    let (from, to) = (ends[1].position.offset, ends[2].position.offset);
    let whole = fs::read(&path).unwrap();
    for cut in from..=to {
        let expected = if cut == to { 3 } else { 2 };
        fs::write(&path, &whole[..usize::try_from(cut).unwrap()]).unwrap();
        assert_eq!(reopened(directory.path(), None).await, BODIES[..expected], "cut at {cut}");
        // The same with zeros after it, as when the room was there already.
        let mut zeros = whole[..usize::try_from(cut).unwrap()].to_vec();
        zeros.resize(5000, 0);
        fs::write(&path, &zeros).unwrap();
        assert_eq!(reopened(directory.path(), None).await, BODIES[..expected], "zeros from {cut}");
    }
}

#[tokio::test]
async fn a_torn_group_that_the_index_has_read_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let ends = written(directory.path(), &BODIES, Options::default()).await;
    let path = segment_path(directory.path(), 1);
    let file = OpenOptions::new().write(true).open(&path).unwrap();
    file.set_len(ends[4].position.offset - 1).unwrap();
    refuses(directory.path(), Some(ends[4]), "synced deliveries are missing");
    file.set_len(ends[4].position.offset + 5).unwrap();
    flip(&path, ends[3].position.offset + 9, 1);
    refuses(directory.path(), Some(ends[4]), "is damaged before byte");
}

#[tokio::test]
async fn every_end_of_a_group_is_a_place_to_go_on_from_and_nothing_else_is() {
    for segment_bytes in [1, 300, 10_000] {
        let directory = tempfile::tempdir().unwrap();
        let options = Options { segment_bytes, ..Options::default() };
        let ends = written(directory.path(), &BODIES, options).await;
        for (read, end) in (1..).zip(&ends) {
            let (journal, mut reader) = open(directory.path(), Some(*end)).unwrap();
            assert_eq!(bodies(&mut reader), BODIES[read..]);
            assert_eq!(journal.last(), (5, Some(1_000)));
            assert_eq!(journal.unindexed().1, 5 - read as u64);
            journal.close().await;
            let Position { segment, offset } = end.position;
            for wrong in [
                Indexed { position: Position { segment, offset: offset - 1 }, ..*end },
                Indexed { position: Position { segment, offset: offset + 1 }, ..*end },
                Indexed { position: Position { segment, offset: 5 }, ..*end },
                Indexed { position: Position { segment, offset: u64::MAX }, ..*end },
                Indexed { position: Position { segment: segment + 7, offset }, ..*end },
                Indexed { last_delivery: end.last_delivery + 1, ..*end },
                Indexed { last_group: end.last_group - 1, ..*end },
                Indexed { last_group: u64::MAX, ..*end },
            ] {
                refuses(directory.path(), Some(wrong), "No file was changed");
            }
        }
    }
}

#[tokio::test]
async fn another_store_and_a_newer_format_are_refused() {
    let directory = tempfile::tempdir().unwrap();
    written(directory.path(), &BODIES, Options::default()).await;
    let before = photograph(directory.path());
    let error = Journal::open(directory.path(), "other", None, Options::default()).unwrap_err();
    assert!(error.to_string().contains("belongs to the store `5f0c9a7be13d4c28`, not to `other`"), "{error}");
    assert!(before == photograph(directory.path()));
    flip(&segment_path(directory.path(), 1), 8, 3);
    refuses(directory.path(), None, "format version 2, this program reads up to 1");
}

#[tokio::test]
async fn a_missing_segment_is_refused() {
    let options = || Options { segment_bytes: 1, ..Options::default() };
    for (removed, indexed, expected) in [
        (&[3][..], None, "is missing, while a later segment is there"),
        (&[1][..], None, "begins with segment 2"),
        (&[1, 2], Some(0), "begins with segment 3"),
        (&[5], Some(4), "ends before segment 5"),
        (&[1, 2, 3, 4, 5], Some(4), "ends before segment 5"),
    ] {
        let directory = tempfile::tempdir().unwrap();
        let ends = written(directory.path(), &BODIES, options()).await;
        for number in removed {
            fs::remove_file(segment_path(directory.path(), *number)).unwrap();
        }
        refuses(directory.path(), indexed.map(|place: usize| ends[place]), expected);
    }
}

#[tokio::test]
async fn indexed_segments_may_be_gone_in_any_order() {
    for removed in [&[1][..], &[2], &[1, 2], &[1, 2, 3]] {
        let directory = tempfile::tempdir().unwrap();
        let options = Options { segment_bytes: 1, ..Options::default() };
        let ends = written(directory.path(), &BODIES, options).await;
        for number in removed {
            fs::remove_file(segment_path(directory.path(), *number)).unwrap();
        }
        let (journal, mut reader) = open(directory.path(), Some(ends[2])).unwrap();
        assert_eq!(bodies(&mut reader), BODIES[3..], "{removed:?}");
        assert_eq!(journal.unindexed().1, 2);
        journal.close().await;
    }
}

#[tokio::test]
async fn a_segment_half_made_is_removed_whatever_it_holds() {
    let directory = tempfile::tempdir().unwrap();
    written(directory.path(), &BODIES, Options::default()).await;
    let header = fs::read(segment_path(directory.path(), 1)).unwrap()[..128].to_vec();
    for half in [&[][..], &[0; 128], &[7; 100], &header[..127]] {
        fs::write(segment_path(directory.path(), 2), half).unwrap();
        let (journal, mut reader) = open(directory.path(), None).unwrap();
        assert_eq!(bodies(&mut reader), BODIES);
        assert_eq!(segment::list(directory.path()).unwrap(), [1]);
        journal.close().await;
    }
    fs::write(segment_path(directory.path(), 2), [0; 129]).unwrap();
    refuses(directory.path(), None, "is damaged at byte 0");
    fs::write(segment_path(directory.path(), 2), &header).unwrap();
    refuses(directory.path(), None, "says that it is segment 1");
}

#[tokio::test]
async fn a_new_journal_may_be_half_made_and_an_index_that_has_read_nothing_is_no_loss() {
    let directory = tempfile::tempdir().unwrap();
    fs::write(segment_path(directory.path(), 1), [0; 50]).unwrap();
    let nothing = Indexed { position: Position { segment: 1, offset: 0 }, last_delivery: 0, last_group: 0 };
    assert!(reopened(directory.path(), Some(nothing)).await.is_empty());
    assert_eq!(bodies(&mut open(directory.path(), Some(nothing)).unwrap().1), [&b"[more]"[..]]);
}

#[tokio::test]
async fn what_stands_after_the_valid_length_of_a_sealed_segment_is_ignored() {
    let directory = tempfile::tempdir().unwrap();
    let options = Options { segment_bytes: 1, ..Options::default() };
    let ends = written(directory.path(), &BODIES[..2], options).await;
    let file = OpenOptions::new().write(true).open(segment_path(directory.path(), 1)).unwrap();
    file.write_all_at(&[0xAA; 300], ends[0].position.offset).unwrap();
    assert_eq!(reopened(directory.path(), None).await, BODIES[..2]);
    assert_eq!(reopened(directory.path(), Some(ends[0])).await, [BODIES[1], b"[more]"]);
}

#[tokio::test]
async fn a_body_that_looks_like_a_group_is_a_body() {
    let directory = tempfile::tempdir().unwrap();
    let ends = written(directory.path(), &BODIES, Options::default()).await;
    let whole = fs::read(segment_path(directory.path(), 1)).unwrap();
    let copy = &whole[128..usize::try_from(ends[4].position.offset).unwrap()];
    let other = tempfile::tempdir().unwrap();
    written(other.path(), &[b"[1]", copy], Options::default()).await;
    assert_eq!(reopened(other.path(), None).await, [b"[1]", copy]);
    // Torn, it does not pass for what came later.
    let other = tempfile::tempdir().unwrap();
    let ends = written(other.path(), &[b"[1]", copy], Options::default()).await;
    let file = OpenOptions::new().write(true).open(segment_path(other.path(), 1)).unwrap();
    file.set_len(ends[1].position.offset - 1).unwrap();
    assert_eq!(reopened(other.path(), None).await, [&b"[1]"[..]]);
}

#[test]
fn a_name_too_long_and_a_place_that_is_no_directory_are_refused() {
    let directory = tempfile::tempdir().unwrap();
    assert!(Journal::open(directory.path(), &"x".repeat(65), None, Options::default()).is_err());
    let file = directory.path().join("file");
    fs::write(&file, "").unwrap();
    assert!(Journal::open(&file, STORE, None, Options::default()).is_err());
    assert!(Journal::open(&file.join("below"), STORE, None, Options::default()).is_err());
}

#[tokio::test]
async fn segments_without_a_group_are_passed_over() {
    use crate::store::journal::format::SegmentHeader;
    let directory = tempfile::tempdir().unwrap();
    let ends = written(directory.path(), &BODIES[..1], Options::default()).await;
    for (segment, previous_length) in [(2, ends[0].position.offset), (3, 128), (4, 128)] {
        let store = STORE.to_owned();
        let header = SegmentHeader { store, segment, first_group: 2, first_delivery: 2, previous_length };
        fs::write(segment_path(directory.path(), segment), header.encode()).unwrap();
    }
    assert_eq!(reopened(directory.path(), None).await, [BODIES[0]]);
    assert_eq!(reopened(directory.path(), Some(ends[0])).await, [&b"[more]"[..]]);
}
