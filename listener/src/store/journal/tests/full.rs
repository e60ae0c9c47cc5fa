//! A file system that is really full.

use std::path::PathBuf;
use std::process::Command;
use std::time::Instant;

use super::*;

/// A file system in memory of a given size; gone when dropped.
struct Small {
    path: PathBuf,
    _directory: tempfile::TempDir,
}

impl Small {
    /// None where this process may not mount one; in CI that is a failure.
    fn mount(size: &str) -> Option<Self> {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("small");
        fs::create_dir(&path).unwrap();
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &format!("size={size}"), "tmpfs"])
            .arg(&path)
            .output()
            .is_ok_and(|output| output.status.success());
        if mounted {
            return Some(Self { path, _directory: directory });
        }
        assert!(std::env::var_os("CI").is_none(), "mounting a tmpfs needs root: run this test as root");
        eprintln!("SKIPPED: mounting a tmpfs needs root; nothing was tested");
        None
    }
}

impl Drop for Small {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(&self.path).status();
    }
}

fn sized(number: usize, bytes: usize) -> NewEntry {
    let mut body = format!("[{number}]").into_bytes();
    body.resize(bytes, b' ');
    entry(&body)
}

/// Appends until the disk refuses; what was acknowledged is added.
async fn fill(journal: &Journal, acknowledged: &mut Vec<NewEntry>, bytes: usize) -> String {
    for number in 0..10_000 {
        let entry = sized(number, bytes);
        match journal.append(entry.clone()).await {
            Ok(_) => acknowledged.push(entry),
            Err(AppendError::Write(reason)) => return reason,
            Err(other) => panic!("{other}"),
        }
    }
    panic!("the disk never filled up");
}

async fn until_it_works(journal: &Journal) {
    let started = Instant::now();
    while let Err(reason) = journal.health() {
        assert!(started.elapsed() < Duration::from_secs(20), "no recovery: {reason}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[track_caller]
fn holds(reader: &mut Reader, acknowledged: &[NewEntry]) {
    let read = entries(reader);
    assert_eq!(read.len(), acknowledged.len());
    for (entry, expected) in read.iter().zip(acknowledged) {
        assert_eq!((entry.request, &entry.body), (expected.request, &expected.body));
    }
}

#[tokio::test]
async fn a_full_disk_refuses_recovers_by_itself_and_keeps_what_was_acknowledged() {
    for (segment_bytes, bytes) in [(200_000, 10_000), (100_000_000, 10_000), (100_000_000, 300_000)] {
        let Some(small) = Small::mount("2m") else { return };
        let directory = small.path.join("journal");
        let ballast = small.path.join("ballast");
        fs::write(&ballast, vec![1; 600_000]).unwrap();
        let options = || Options { segment_bytes, ..Options::default() };
        let (journal, mut reader) = Journal::open(&directory, STORE, None, options()).unwrap();
        let mut acknowledged = Vec::new();

        let reason = fill(&journal, &mut acknowledged, bytes).await;
        assert!(reason.contains("No space left on device"), "{reason}");
        assert!(!acknowledged.is_empty());
        // It stays full: refused at once, and no heap of empty segments.
        let started = Instant::now();
        for number in 0..300 {
            let refused = journal.append(sized(number, 700_000)).await;
            assert!(matches!(refused, Err(AppendError::Write(_))), "{refused:?}");
            let _ = journal.health();
        }
        assert!(started.elapsed() < Duration::from_secs(20));
        let last = acknowledged.len() as u64;
        assert_eq!(journal.last().0, last);
        let segments = segment::list(&directory).unwrap().len() as u64;
        assert!(segments <= 3 + journal.file_bytes() / segment_bytes, "{segments} segments");

        // Another process would find the same.
        let copy = tempfile::tempdir().unwrap();
        for file in fs::read_dir(&directory).unwrap().map(Result::unwrap) {
            fs::copy(file.path(), copy.path().join(file.file_name())).unwrap();
        }
        let (other, mut other_reader) = Journal::open(copy.path(), STORE, None, options()).unwrap();
        holds(&mut other_reader, &acknowledged);
        other.close().await;

        fs::remove_file(&ballast).unwrap();
        until_it_works(&journal).await;
        let entry = sized(1, bytes);
        assert_eq!(journal.append(entry.clone()).await, Ok(last + 1));
        acknowledged.push(entry);
        journal.health().unwrap();
        holds(&mut reader, &acknowledged);

        // Full once more, and opened while it is.
        fill(&journal, &mut acknowledged, bytes).await;
        journal.close().await;
        let (journal, mut reader) = Journal::open(&directory, STORE, None, options()).unwrap();
        holds(&mut reader, &acknowledged);
        journal.close().await;
    }
}

#[tokio::test]
async fn a_disk_too_full_for_a_new_journal_leaves_one_that_opens_later() {
    let Some(small) = Small::mount("256k") else { return };
    let directory = small.path.join("journal");
    let ballast = small.path.join("ballast");
    assert!(fs::write(&ballast, vec![1; 400_000]).is_err());
    assert!(matches!(open(&directory, None), Err(StoreError::Failed(_))));
    fs::remove_file(&ballast).unwrap();
    let (journal, mut reader) = open(&directory, None).unwrap();
    journal.append(entry(b"[1]")).await.unwrap();
    assert_eq!(bodies(&mut reader), [&b"[1]"[..]]);
    journal.close().await;
}
