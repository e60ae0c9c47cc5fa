//! Backups, of a store that is open and worked on.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64};

use super::*;
use crate::store::index::apart;
use crate::store::index::backup::{self, Verified};
use crate::store::{Lease, Page, Record};

fn take(from: &Path, to: &Path) -> Result<Verified, StoreError> {
    backup::backup(from, to, &Clock::manual(BEGIN_MS), &mut |_, _, _| {})
}

fn verify(directory: &Path) -> Result<Verified, StoreError> {
    backup::verify(directory, &mut |_, _, _| {})
}

/// What stands in place of a whole copy of a directory.
fn copy_files(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in from.read_dir().unwrap() {
        let entry = entry.unwrap();
        if entry.file_type().unwrap().is_dir() {
            copy_files(&entry.path(), &to.join(entry.file_name()));
        } else {
            std::fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
        }
    }
}

fn ids(records: &[Record]) -> impl Iterator<Item = u64> + '_ {
    records.iter().map(|record| {
        let event: serde_json::Value = serde_json::from_slice(&record.bytes).unwrap();
        event["eventId"].as_u64().unwrap()
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_backup_taken_under_load_has_everything_that_was_acknowledged_before() {
    let directory = tempfile::tempdir().unwrap();
    let (from, root) = (directory.path().join("store"), directory.path().to_owned());
    let world = Arc::new(world(&from));
    let store = world.open(&["a"]).await;
    let (stop, acknowledged) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
    let senders: Vec<_> = (0..4_u64)
        .map(|sender| {
            let (world, store) = (Arc::clone(&world), Arc::clone(&store));
            let (stop, acknowledged) = (Arc::clone(&stop), Arc::clone(&acknowledged));
            tokio::spawn(async move {
                let mut number = 0;
                while !stop.load(Ordering::SeqCst) && number < 20_000 {
                    let events: Vec<_> =
                        (0..5).map(|event| suite::event(sender * 1_000_000 + number * 5 + event)).collect();
                    world.append(&store, suite::body(&events)).await;
                    number += 1;
                    acknowledged.fetch_add(5, Ordering::SeqCst);
                }
            })
        })
        .collect();
    let delivering = {
        let (world, store, stop) = (Arc::clone(&world), Arc::clone(&store), Arc::clone(&stop));
        tokio::spawn(async move {
            let mut delivered = BTreeSet::new();
            while !stop.load(Ordering::SeqCst) {
                delivered.extend(ids(&world.drain(&store, "a").await));
                // Old segments go while the copy is made.
                world.pass(HOUR_MS);
                store.retain(&suite::short()).await.unwrap();
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            delivered
        })
    };
    let mut copies: Vec<(PathBuf, u64)> = Vec::new();
    for round in 0..4 {
        tokio::time::sleep(Duration::from_millis(150)).await;
        let before = acknowledged.load(Ordering::SeqCst);
        let (source, to) = (from.clone(), root.join(format!("copy-{round}")));
        let target = to.clone();
        let taken = tokio::task::spawn_blocking(move || take(&source, &target)).await.unwrap().unwrap();
        assert!(taken.last_delivery * 5 >= before, "{taken:?}, {before} events were acknowledged");
        assert_eq!(verify(&to).unwrap().last_delivery, taken.last_delivery);
        copies.push((to, before));
    }
    stop.store(true, Ordering::SeqCst);
    for sender in senders {
        sender.await.unwrap();
    }
    let delivered = delivering.await.unwrap();
    store.close().await;
    for (copy, before) in copies {
        let there = super::world(&copy);
        there.clock.set_ms(world.clock.now_ms());
        let store = there.open(&["a"]).await;
        suite::indexed(&store).await;
        let status = store.status().await.unwrap();
        assert_eq!((status.events, status.duplicates), (status.records, 0));
        assert!(status.events >= before);
        // Each event of the copy is delivered by it, or was before it was taken.
        let mut seen = delivered.clone();
        let left = there.drain(&store, "a").await;
        assert_eq!(left.len() as u64, status.pending_records);
        seen.extend(ids(&left));
        assert!(seen.len() as u64 >= status.events);
        store.close().await;
    }
}

#[tokio::test]
async fn no_segment_goes_while_a_backup_is_taken() {
    let directory = tempfile::tempdir().unwrap();
    let world = world(directory.path());
    let store = world.open(&["a"]).await;
    for part in 0..6_u64 {
        let events: Vec<_> = (part * 300..part * 300 + 300).map(suite::event).collect();
        world.deliver(&store, suite::body(&events)).await;
    }
    world.drain(&store, "a").await;
    world.pass(30 * 24 * HOUR_MS);
    let taking = apart::back_up(directory.path()).unwrap();
    let retained = store.retain(&suite::short()).await.unwrap();
    assert!(retained.rows > 0 && retained.segments == 0, "{retained:?}");
    drop(taking);
    assert!(store.retain(&suite::short()).await.unwrap().segments > 0, "they go with the next call");
    store.close().await;
}

#[tokio::test]
async fn a_restored_store_gives_no_page_id_again_and_keeps_those_that_were_cut() {
    let directory = tempfile::tempdir().unwrap();
    let (from, taken) = (directory.path().join("store"), directory.path().join("taken"));
    let original = world(&from);
    let store = original.open(&["a"]).await;
    original.deliver(&store, suite::body(&[suite::event(1)])).await;
    let cut = original.page(&store, "a").await;
    take(&from, &taken).unwrap();
    let mut given = BTreeSet::from([cut.id.to_string()]);
    original.done(&store, &cut).await;
    for event in 2..5 {
        original.deliver(&store, suite::body(&[suite::event(event)])).await;
        let page = original.page(&store, "a").await;
        original.done(&store, &page).await;
        given.insert(page.id.to_string());
    }
    store.close().await;
    for place in ["first", "second"] {
        let place = directory.path().join(place);
        copy_files(&taken, &place);
        let restored = world(&place);
        let store = restored.open(&["a"]).await;
        let again = restored.page(&store, "a").await;
        assert_eq!(again, Page { attempts: again.attempts, ..cut.clone() }, "the page that was on its way");
        restored.done(&store, &again).await;
        for event in 10..13 {
            restored.deliver(&store, suite::body(&[suite::event(event)])).await;
            let page = restored.page(&store, "a").await;
            assert!(given.insert(page.id.to_string()), "{} was given before", page.id);
            restored.done(&store, &page).await;
        }
        store.close().await;
        // The name stays from then on.
        let store = restored.open(&["a"]).await;
        restored.deliver(&store, suite::body(&[suite::event(20)])).await;
        let page = restored.page(&store, "a").await;
        assert!(given.iter().any(|id| id.starts_with(&*page.id.store)));
        let other = crate::store::PageId { store: cut.id.store.clone(), ..page.id.clone() };
        let outcome = Outcome::Done { errors: Vec::new(), again: Vec::new(), again_at_ms: 0 };
        let settlement = Settlement { page: other, attempt: None, outcome, healed: Vec::new() };
        assert!(store.settle(settlement).await.is_err(), "a page of the former name is not this one");
        assert!(matches!(store.lease(restored.ask("a")).await.unwrap(), Lease::Wait { .. }));
        store.close().await;
        assert_eq!(verify(&place).unwrap().backup, None, "it was opened since");
    }
}

#[tokio::test]
async fn a_backup_with_any_byte_changed_or_file_missing_is_found_out() {
    let directory = tempfile::tempdir().unwrap();
    let (from, taken) = (directory.path().join("store"), directory.path().join("taken"));
    let world = world(&from);
    let store = world.open(&["a"]).await;
    for part in 0..6_u64 {
        let events: Vec<_> = (part * 300..part * 300 + 300).map(suite::event).collect();
        world.deliver(&store, suite::body(&events)).await;
    }
    take(&from, &taken).unwrap();
    store.close().await;
    let whole = verify(&taken).unwrap();
    assert!(whole.segments > 1 && whole.backup.is_some(), "{whole:?}");
    let files: Vec<PathBuf> = ["journal", ""]
        .iter()
        .flat_map(|folder| taken.join(folder).read_dir().unwrap())
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.is_file())
        .collect();
    for path in files {
        let before = std::fs::read(&path).unwrap();
        let is_description = path.ends_with("backup.json");
        for step in 0..12 {
            let mut changed = before.clone();
            let at = (before.len() - 1) * step / 11;
            changed[at] ^= 0x10;
            std::fs::write(&path, &changed).unwrap();
            // In the description a digit or a letter of what is only told may change.
            assert!(is_description || verify(&taken).is_err(), "{}, byte {at}", path.display());
        }
        if !is_description {
            std::fs::remove_file(&path).unwrap();
            assert!(verify(&taken).is_err(), "{} is gone", path.display());
        }
        std::fs::write(&path, &before).unwrap();
    }
    verify(&taken).unwrap();
}

#[tokio::test]
async fn what_cannot_be_backed_up_or_verified_is_refused_with_a_remedy() {
    let directory = tempfile::tempdir().unwrap();
    let (from, taken) = (directory.path().join("store"), directory.path().join("taken"));
    let world = world(&from);
    let store = world.open(&["a"]).await;
    // One without a delivery can be backed up too.
    let refused = |to: &Path| take(&from, to).unwrap_err().to_string();
    assert!(refused(&from).contains("within the store itself"));
    assert!(refused(&from.join("backup")).contains("within the store itself"));
    std::fs::create_dir_all(taken.join("precious")).unwrap();
    assert!(refused(&taken).contains("is not empty"));
    let nothing = take(directory.path(), &taken).unwrap_err().to_string();
    assert!(nothing.contains("DATA/NAMESPACE/NAME"), "{nothing}");
    assert!(verify(&from).unwrap_err().to_string().contains("is open already"));
    store.close().await;
    verify(&from).unwrap();

    let cut = directory.path().join("cut");
    take(&from, &cut).unwrap();
    std::fs::remove_file(cut.join("backup.json")).unwrap();
    std::fs::rename(cut.join("store.db"), cut.join("store.db.partial")).unwrap();
    assert!(verify(&cut).unwrap_err().to_string().contains("was cut short"));
    assert!(refusal(&cut).await.contains("was cut short"), "it is not opened as a store");

    let database = Connection::open(from.join("store.db")).unwrap();
    database.pragma_update(None, "user_version", 99).unwrap();
    drop(database);
    assert!(refused(&directory.path().join("newer")).contains("a newer listener"));
    assert!(verify(&from).unwrap_err().to_string().contains("a newer listener"));
}
