//! Copies into a directory that were killed, and go on.

use std::fs::{self, OpenOptions};
use std::io::Write;

use super::*;
use crate::store::journal::{segment_path, segments};

/// Bodies of which three make a chunk.
fn large(delivery: u64) -> String {
    let events = (0..2).map(|event| {
        let filling = "x".repeat(800_000);
        format!(r#"{{"eventId":{},"occurredAt":{BEGIN_MS},"filling":"{filling}"}}"#, delivery * 10 + event)
    });
    suite::body(&events.collect::<Vec<_>>())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_copy_that_was_killed_anywhere_goes_on_and_each_body_is_there_once() {
    let case = Case::new();
    let world = open_already(&case.clock);
    let store = case.in_postgres().await.unwrap();
    suite::set_destinations(&store.store, &["a"]).await;
    for delivery in 0..8 {
        world.deliver(&store.store, large(delivery)).await;
        world.pass(HOUR_MS / 2);
    }
    let records = suite::page(&store.store, crate::store::PageRequest { size: 3, ..world.ask("a") }).await;
    world.done(&store.store, &records).await;
    store.store.close().await;

    // In the midst of the deliveries; and with more in the journal than the index knows.
    for _ in 0..2 {
        assert!(case.to_embedded(1).await.unwrap_err().to_string().contains("killed"));
        let journal = case.store().join("journal");
        let last = *segments(&journal).unwrap().last().unwrap();
        fs::copy(segment_path(&journal, last), segment_path(&journal, last + 1)).unwrap();
        let mut file = OpenOptions::new().append(true).open(segment_path(&journal, last)).unwrap();
        file.write_all(&[7; 5_000]).unwrap();
    }
    // One table later each time, from the first that has rows on.
    let mut killed = 0;
    while let Err(error) = case.to_embedded(1).await {
        assert!(error.to_string().contains("killed"), "{error}");
        assert!(case.embedded().await.is_err());
        killed += 1;
    }
    assert!(killed > 2, "{killed}");

    // Killed before the index got its name.
    let (named, partial) = (case.store().join("store.db"), case.store().join("store.db.copying"));
    assert!(!partial.exists());
    fs::rename(&named, &partial).unwrap();
    assert!(case.embedded().await.is_err());
    let copied = case.to_embedded(0).await.unwrap();
    assert!(copied.resumed && named.exists() && !partial.exists());
    assert_eq!(rows(&copied, "delivery"), 8);

    // Half an hour between two: a file of the journal for each two of them.
    assert!(segments(&case.store().join("journal")).unwrap().len() >= 4);
    let (source, copy) = (case.in_postgres().await.unwrap(), case.embedded().await.unwrap());
    assert_eq!(told_of(&copy).await, told_of(&source).await);
    let (here, there) = (world.drain(&source.store, "a").await, world.drain(&copy.store, "a").await);
    assert_eq!(here.len(), 13);
    assert!(suite::texts(&here) == suite::texts(&there));
    source.store.close().await;
    copy.store.close().await;
}

async fn told_of(whole: &Sides) -> String {
    let status = whole.store.status().await.unwrap();
    let counted = (status.events, status.records, status.deliveries, status.pending_records);
    format!("{:?} {counted:?}", status.destinations)
}
