//! Erasure with backup: a copy is whole at each stage, and ends what was begun.

use super::*;
use crate::store::index::apart;
use crate::store::index::backup::{self, Verified};
use crate::store::index::erase::Stage;

fn back_up(from: &Path, to: &Path) -> Verified {
    backup::backup(from, to, &Clock::manual(BEGIN_MS), &mut |_, _, _| {}).unwrap()
}

fn verify(directory: &Path) -> Verified {
    backup::verify(directory, &mut |_, _, _| {}).unwrap()
}

/// Two groups with a record that is to go in each, and one behind them.
async fn with_two_that_failed() -> (Life, Vec<String>) {
    let life = Life::begin(false, &["a"]).await;
    for first in [10, 20] {
        life.deliver(&[event(first), marked(first + 1), event(first + 2)]).await;
    }
    let page = life.page_of("a", 20).await;
    life.fail(&page, has_marker).await;
    life.deliver(&[event(30)]).await;
    (life, vec![event(30)])
}

/// Half of each noted write: what a power cut leaves.
fn tear(directory: &Path) {
    let database = Connection::open(directory.join("store.db")).unwrap();
    let noted = rows::noted(&database).unwrap();
    assert_eq!(noted.len(), 2);
    for rewrite in noted {
        let path = directory.join(format!("journal/segment-{:020}.journal", rewrite.segment));
        let file = std::fs::OpenOptions::new().write(true).open(path).unwrap();
        file.write_all_at(&rewrite.header[..38], rewrite.offset).unwrap();
        let hole = rewrite.holes[0];
        file.write_all_at(&vec![b' '; hole.length as usize / 2], hole.offset).unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backup_taken_at_each_stage_of_an_erasure_is_whole_and_ends_it() {
    let (life, expected) = with_two_that_failed().await;
    let directory = life.directory.path().to_owned();
    let stages = Mutex::new(Vec::new());
    let keep = |stage| stages.lock().unwrap().push((format!("{stage:?}"), photograph(&directory)));
    life.store
        .eraser
        .pass(&|stage| {
            keep(stage);
            if stage == Stage::Begun {
                keep(stage);
            }
        })
        .await
        .unwrap();
    let stages = stages.into_inner().unwrap();
    let names: Vec<&str> = stages.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["Begun", "Begun", "Written", "Written", "Noted", "Clean"]);
    tear(stages[1].1.path());
    for (name, killed) in stages {
        let (killed, to) = (killed.path(), tempfile::tempdir().unwrap());
        let before = verify(killed);
        let copy = to.path().join("copy");
        let taken = back_up(killed, &copy);
        assert_eq!((taken.last_delivery, before.last_delivery), (3, 3), "{name}");
        assert_eq!(holding(&copy), Vec::<PathBuf>::new(), "{name}: nothing of it comes along");
        assert_eq!(verify(&copy).last_delivery, 3, "{name}");
        goes_on(&copy, &life.world.clock, &expected, &name).await;
    }
    life.store.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_erased_while_a_backup_is_taken_and_the_copy_erases_it_too() {
    let (life, expected) = with_two_that_failed().await;
    let to = tempfile::tempdir().unwrap();
    let (from, copy) = (life.directory.path().to_owned(), to.path().join("copy"));
    let apart = apart::back_up(&from).unwrap();
    assert!(apart.is_some(), "an open store has the file");
    life.pass().await;
    assert_eq!((life.holding().is_empty(), life.pending().await), (false, 2));
    // Two backups may be taken at once.
    back_up(&from, &copy);
    drop(apart);
    life.pass().await;
    assert_eq!((life.holding(), life.pending().await), (vec![], 0));
    verify(&copy);
    assert!(!holding(&copy).is_empty(), "it waited to be erased when the copy was taken");
    goes_on(&copy, &life.world.clock, &expected, "the copy").await;
    let after = to.path().join("after");
    back_up(&from, &after);
    assert_eq!(holding(&after), Vec::<PathBuf>::new(), "what was erased before is not in it");
    life.store.close().await;
}
