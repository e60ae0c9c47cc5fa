//! A journal that is filled with numbered deliveries, and opened as any other.

use super::*;
use crate::store::journal::{Filling, Numbered};

const HOUR_MS: i64 = 60 * 60 * 1_000;

fn numbered(delivery: u64, body: &[u8]) -> Numbered<'_> {
    Numbered { delivery, request: Uuid::from_u128(delivery.into()), received_at_ms: 1_000, body }
}

/// Goes on in it as a listener does.
async fn taken(directory: &Path, end: Indexed) -> u64 {
    let (journal, _reader) = Journal::open(directory, STORE, Some(end), Options::default()).unwrap();
    let number = journal.append(entry(b"[more]")).await.unwrap();
    journal.close().await;
    number
}

#[tokio::test]
async fn numbers_may_begin_anywhere_and_some_may_be_gone_also_the_last() {
    let directory = tempfile::tempdir().unwrap();
    let mut filling = Filling::open(directory.path(), STORE, None).unwrap();
    let bodies: [&[u8]; 4] = [b"[1]", b"", b"[333]", b"[4444]"];
    let numbers = [500, 501, 510, 511];
    let all: Vec<Numbered<'_>> =
        numbers.iter().zip(bodies).map(|(number, body)| numbered(*number, body)).collect();
    let places = filling.put(&all).unwrap();
    for (place, body) in places.iter().zip(bodies) {
        assert_eq!(filling.read(*place).unwrap(), body);
    }
    assert_eq!((places[0].segment, places[1].segment, places[2].segment), (1, 1, 2));
    assert_eq!(filling.end().last_delivery, 511);
    assert!(filling.put(&all[..1]).unwrap_err().to_string().contains("order"));
    filling.pass_to(601).unwrap();
    let end = filling.end();
    assert_eq!((end.last_delivery, end.position.segment), (600, 3));
    drop(filling);
    // The tail is empty; it is found so again, and a listener goes on from there.
    let filling = Filling::open(directory.path(), STORE, Some(end)).unwrap();
    assert_eq!(filling.end().last_delivery, 600);
    drop(filling);
    assert_eq!(taken(directory.path(), end).await, 601);
    assert_eq!(taken(directory.path(), end).await, 602);
}

#[tokio::test]
async fn one_without_a_delivery_says_which_number_comes_next() {
    let directory = tempfile::tempdir().unwrap();
    let mut filling = Filling::open(directory.path(), STORE, None).unwrap();
    filling.pass_to(41).unwrap();
    let end = filling.end();
    drop(filling);
    assert_eq!(
        (end.last_delivery, end.last_group, segment::list(directory.path()).unwrap()),
        (40, 0, vec![1])
    );
    assert_eq!(taken(directory.path(), end).await, 41);
}

#[tokio::test]
async fn what_stands_behind_the_noted_end_is_cut_off() {
    let directory = tempfile::tempdir().unwrap();
    let mut filling = Filling::open(directory.path(), STORE, None).unwrap();
    filling.put(&[numbered(1, b"[1]")]).unwrap();
    let end = filling.end();
    filling.put(&[numbered(2, b"[lost]"), numbered(9, b"[lost]")]).unwrap();
    drop(filling);
    let mut filling = Filling::open(directory.path(), STORE, Some(end)).unwrap();
    assert_eq!(filling.end().last_delivery, 1);
    assert_eq!(segment::list(directory.path()).unwrap(), [1]);
    filling.put(&[numbered(2, b"[22]"), numbered(3, b"[333]")]).unwrap();
    let end = filling.end();
    drop(filling);
    let (journal, mut reader) = Journal::open(directory.path(), STORE, None, Options::default()).unwrap();
    assert_eq!(super::bodies(&mut reader), [&b"[1]"[..], b"[22]", b"[333]"]);
    journal.close().await;
    // Not even noted: all of it goes.
    drop(Filling::open(directory.path(), STORE, None).unwrap());
    assert!(Filling::open(directory.path(), STORE, Some(end)).is_err());
}

#[test]
fn a_segment_spans_no_more_than_its_time() {
    let directory = tempfile::tempdir().unwrap();
    let mut filling = Filling::open(directory.path(), STORE, None).unwrap();
    let at = |delivery, received_at_ms| Numbered { received_at_ms, ..numbered(delivery, b"[]") };
    let places =
        filling.put(&[at(1, 0), at(2, HOUR_MS - 1), at(3, HOUR_MS), at(4, 3 * HOUR_MS), at(5, 0)]).unwrap();
    let segments: Vec<u64> = places.iter().map(|place| place.segment).collect();
    assert_eq!(segments, [1, 2, 2, 3, 3]);
}
