//! The files of an embedded store, by the real program: backup, restore, a copy into PostgreSQL
//! and back, a second process, other versions.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tests::{ListenerProcess, Receiver, Reply, Setup, binary, eventually, fixture};

fn store(arguments: &[&str]) -> Output {
    Command::new(binary()).arg("store").args(arguments).stdin(Stdio::null()).output().expect("it runs")
}

fn text(path: &Path) -> &str {
    path.to_str().expect("a path of letters")
}

fn said(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

fn copy_files(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("made");
    for entry in from.read_dir().expect("a directory") {
        let entry = entry.expect("an entry");
        if entry.path().is_dir() {
            copy_files(&entry.path(), &to.join(entry.file_name()));
        } else {
            std::fs::copy(entry.path(), to.join(entry.file_name())).expect("copied");
        }
    }
}

fn spec(receiver: &Receiver) -> String {
    format!(
        "  page: {{size: 5, lingerMilliseconds: 0}}\n  \
         destinations: [{{name: warehouse, http: {{url: \"{}\"}}}}]\n",
        receiver.url("/in")
    )
}

fn deliver(listener: &ListenerProcess, ids: std::ops::Range<u64>, filling: usize) {
    let events: Vec<String> = ids
        .map(|id| {
            let filling = "x".repeat(filling);
            format!(r#"{{"eventId":{id},"occurredAt":1790000000000,"objectId":{id},"filling":"{filling}"}}"#)
        })
        .collect();
    let answer = listener.deliver(format!("[{}]", events.join(",")).as_bytes()).expect("an answer");
    assert_eq!(answer.status, 204);
}

fn ids(receiver: &Receiver) -> BTreeSet<u64> {
    let id = |record: String| {
        serde_json::from_str::<serde_json::Value>(&record).expect("JSON")["eventId"].as_u64()
    };
    receiver.records().into_iter().filter_map(id).collect()
}

type Pages = std::collections::BTreeMap<String, Vec<u8>>;

/// Page ids that the receiver saw, each with its body.
fn pages(receiver: &Receiver) -> Pages {
    let pages = receiver.pages();
    pages
        .iter()
        .map(|page| (page.header("x-hubspot-listener-page-id").to_owned(), page.body.to_vec()))
        .collect()
}

#[test]
fn a_killed_backup_leaves_the_source_fine_and_a_whole_one_is_restored_without_a_page_id_given_twice() {
    let receiver = Receiver::start();
    let root = tempfile::tempdir().expect("a directory");
    let data = root.path().join("data");
    let setup = || Setup::listener(&spec(&receiver)).arguments(&["--segment-bytes", "1048576"]);
    let mut listener = setup().data(&data).start();
    for part in 0..40 {
        deliver(&listener, part * 10..part * 10 + 10, 40_000);
    }
    let from = data.join("sales/contacts");

    let mut cut_short = 0;
    for round in 1..=12_u64 {
        let to = root.path().join(format!("cut-{round}"));
        let mut backup = Command::new(binary())
            .args(["store", "backup", "--from", text(&from), "--to", text(&to)])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("it runs");
        std::thread::sleep(Duration::from_millis(round * 15));
        backup.kill().expect("killed");
        backup.wait().expect("it ended");
        deliver(&listener, 1_000 + round * 10..1_010 + round * 10, 10);
        if to.join("journal").exists() && !to.join("store.db").exists() {
            cut_short += 1;
            let verified = store(&["verify", text(&to)]);
            assert!(!verified.status.success(), "{}", said(&verified));
        }
    }
    assert!(cut_short > 0, "no backup was killed halfway");

    let before = listener.count("events");
    let taken = root.path().join("taken");
    let output = store(&["backup", "--from", text(&from), "--to", text(&taken)]);
    assert!(output.status.success(), "{}", said(&output));
    let output = store(&["verify", text(&taken)]);
    assert!(said(&output).contains("is a whole backup, taken at"), "{}", said(&output));
    let output = store(&["verify", text(&from)]);
    assert!(!output.status.success() && said(&output).contains("is open already"), "{}", said(&output));

    // Life goes on in the source, and then it is lost.
    deliver(&listener, 5_000..5_050, 10);
    let has = |wanted: &[std::ops::Range<u64>]| {
        let all = ids(&receiver);
        wanted.iter().cloned().flatten().all(|id| all.contains(&id)).then_some(())
    };
    eventually(30, "all is delivered", || has(&[0..400, 5_000..5_050]));
    listener.kill();
    let old = pages(&receiver);
    drop(listener);

    let restored = root.path().join("restored");
    copy_files(&taken, &restored.join("sales/contacts"));
    let listener = setup().data(&restored).start();
    assert!(listener.count("events") >= before);
    deliver(&listener, 6_000..6_100, 10);
    eventually(60, "all is delivered", || has(std::slice::from_ref(&(6_000..6_100))));
    // The receiver's map has the last body of each id: none that the source gave later has changed.
    let now = pages(&receiver);
    for (id, body) in &old {
        assert!(now.get(id) == Some(body), "page id {id} came again with other records");
    }
    assert!(now.len() > old.len());
}

#[test]
fn the_second_process_on_a_store_is_refused_and_takes_over_when_the_first_is_gone() {
    let receiver = Receiver::start();
    let root = tempfile::tempdir().expect("a directory");
    let mut first = Setup::listener(&spec(&receiver)).data(root.path()).start();
    deliver(&first, 0..5, 10);
    let mut second = Setup::listener(&spec(&receiver)).data(root.path()).spawn();
    let status = eventually(20, "the second ends", || second.ended());
    assert_eq!(status.code(), Some(1));
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").expect("a name");
    for word in
        ["is open already", &first.pid().to_string(), host.trim(), "In Kubernetes", "storage.postgres"]
    {
        assert!(second.log().contains(word), "no `{word}` in {}", second.log());
    }
    deliver(&first, 5..10, 10);
    first.kill();
    second.restart();
    second.wait_ready();
    assert_eq!(second.count("events"), 10);
}

/// What was opened is as it was when it was refused.
fn files(directory: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    ["store.db", "journal/segment-00000000000000000001.journal"]
        .map(|name| (directory.join(name), std::fs::read(directory.join(name)).expect("a file")))
        .into()
}

#[test]
fn a_store_of_the_first_version_is_taken_up_with_all_that_is_in_it() {
    let receiver = Receiver::with(|page| {
        let bad = String::from_utf8_lossy(&page.body).contains(r#""bad""#);
        Reply::status(if bad { 400 } else { 200 })
    });
    let root = tempfile::tempdir().expect("a directory");
    let directory = root.path().join("sales/contacts");
    copy_files(&fixture("stores/version-1"), &directory);
    let listener = Setup::listener(&spec(&receiver)).data(root.path()).start();
    assert_eq!(
        (listener.count("events"), listener.count("records"), listener.count("duplicates")),
        (5, 3, 1)
    );
    assert_eq!(listener.count("openErrors"), 2);
    let errors = listener.errors();
    let payloads: Vec<String> = errors.iter().map(|error| error["payload"].to_string()).collect();
    assert!(payloads.iter().any(|payload| payload.contains("bad")), "{payloads:?}");
    eventually(60, "the record that waited is delivered", || receiver.records().into_iter().next());
    // Byte for byte, and its event stays known.
    assert_eq!(
        receiver.records(),
        [
            r#"{"eventId":3,"occurredAt":1790000000000,"portalId":62515,"objectId":9007199254740993,"name":"later"}"#
        ]
    );
    let again = listener.deliver(
        br#"[{"eventId":1,"occurredAt":1790000000000,"portalId":62515,"objectId":101,"name":"good"}]"#,
    );
    assert_eq!(again.expect("an answer").status, 204);
    eventually(20, "the duplicate is known", || (listener.count("duplicates") == 2).then_some(()));
}

#[test]
fn a_store_of_a_newer_version_is_refused_and_not_changed() {
    let root = tempfile::tempdir().expect("a directory");
    let directory = root.path().join("sales/contacts");
    copy_files(&fixture("stores/version-1"), &directory);
    // PRAGMA user_version stands at byte 60 of the file, big-endian.
    // https://www.sqlite.org/fileformat.html#the_database_header
    let mut database = std::fs::read(directory.join("store.db")).expect("a file");
    database[60..64].copy_from_slice(&9_999_u32.to_be_bytes());
    std::fs::write(directory.join("store.db"), database).expect("written");
    let before = files(&directory);
    let mut listener =
        Setup::listener("  destinations: [{name: audit, log: {}}]\n").data(root.path()).spawn();
    let status = eventually(20, "it refuses to start", || listener.ended());
    assert_eq!(status.code(), Some(1));
    for word in ["was written by a newer listener", "9999", "nothing was changed"] {
        assert!(listener.log().contains(word), "no `{word}` in {}", listener.log());
    }
    assert!(files(&directory) == before, "the store was changed");
}

/// A database, and the manifests of a listener that has its store there or in a directory.
struct Move {
    receiver: Receiver,
    is_up: Arc<AtomicBool>,
    root: tempfile::TempDir,
    url: String,
}

impl Move {
    fn new() -> Self {
        let is_up = Arc::new(AtomicBool::new(false));
        let up = Arc::clone(&is_up);
        let receiver =
            Receiver::with(move |_| Reply::status(if up.load(Ordering::SeqCst) { 200 } else { 503 }));
        let root = tempfile::tempdir().expect("a directory");
        Self { receiver, is_up, root, url: postgres_server::shared().database() }
    }

    fn directory(&self) -> PathBuf {
        self.root.path().join("sales/contacts")
    }

    /// The directory is one side, the database the other.
    fn copy(&self, from_directory: bool) -> Output {
        let (option, variable) =
            if from_directory { ("--from", "LISTENER_COPY_TO") } else { ("--to", "LISTENER_COPY_FROM") };
        let output = Command::new(binary())
            .args(["store", "copy", "--listener", "sales/contacts", option, text(&self.directory())])
            .env(variable, &self.url)
            .stdin(Stdio::null())
            .output()
            .expect("it runs");
        assert!(!said(&output).contains("postgres://"), "{}", said(&output));
        output
    }

    fn embedded(&self) -> Setup {
        Setup::listener(&spec(&self.receiver)).data(self.root.path())
    }

    fn in_postgres(&self) -> Setup {
        let storage = "  storage: {postgres: {urlSecretRef: {name: db, key: url}}}\n";
        let mut setup = Setup::listener(&format!("{}{storage}", spec(&self.receiver))).data(self.root.path());
        setup.manifest.push_str(&format!(
            "---\napiVersion: v1\nkind: Secret\nmetadata: {{name: db, namespace: sales}}\nstringData: {{url: '{}'}}\n",
            self.url
        ));
        setup
    }

    /// Takes events while nobody takes them from the listener; how many pages were tried by then, and which.
    fn fill(&self, setup: Setup, refusal: impl FnOnce() -> Output, words: &str) -> (usize, Pages) {
        let mut listener = setup.start();
        for part in 0..12 {
            deliver(&listener, part * 10..part * 10 + 10, 2_000);
        }
        eventually(20, "a page was tried", || (!self.receiver.pages().is_empty()).then_some(()));
        let output = refusal();
        assert!(!output.status.success() && said(&output).contains(words), "{}", said(&output));
        assert!(listener.stop().success());
        (self.receiver.pages().len(), pages(&self.receiver))
    }

    /// All that was pending arrives once, byte for byte, and what was known is.
    fn goes_on(&self, setup: Setup, (begun, tried): (usize, Pages)) {
        self.is_up.store(true, Ordering::SeqCst);
        let listener = setup.start();
        assert_eq!(listener.count("events"), 120);
        // What HubSpot sends again because it missed the answer is known.
        deliver(&listener, 0..10, 2_000);
        deliver(&listener, 120..130, 2_000);
        eventually(60, "all is delivered", || (listener.count("pendingRecords") == 0).then_some(()));
        assert_eq!((listener.count("records"), listener.count("duplicates")), (130, 10));
        let filling = "x".repeat(2_000);
        let mut expected: Vec<String> = (0..130)
            .map(|id| {
                format!(
                    r#"{{"eventId":{id},"occurredAt":1790000000000,"objectId":{id},"filling":"{filling}"}}"#
                )
            })
            .collect();
        let pages_since = self.receiver.pages();
        let mut arrived: Vec<String> =
            pages_since.iter().skip(begun).flat_map(tests::Page::records).collect();
        expected.sort();
        arrived.sort();
        assert!(arrived == expected, "{} records arrived", arrived.len());
        let now = pages(&self.receiver);
        for (id, body) in &tried {
            assert!(now.get(id) == Some(body), "page id {id} came again with other records");
        }
    }
}

#[test]
fn a_store_moves_into_postgresql_and_each_event_arrives_once_byte_for_byte() {
    let moved = Move::new();
    let begun = moved.fill(moved.embedded(), || moved.copy(true), "is open already");
    let output = moved.copy(true);
    assert!(output.status.success(), "{}", said(&output));
    assert!(said(&output).contains("a whole copy of the store of sales/contacts"), "{}", said(&output));
    std::fs::rename(moved.directory(), moved.root.path().join("moved")).expect("moved away");
    moved.goes_on(moved.in_postgres(), begun);
    assert!(!moved.copy(true).status.success());
}

#[test]
fn a_store_moves_out_of_postgresql_and_each_event_arrives_once_byte_for_byte() {
    let moved = Move::new();
    let begun = moved.fill(moved.in_postgres(), || moved.copy(false), "is in use by a listener");
    assert!(!moved.directory().exists());
    let output = moved.copy(false);
    assert!(output.status.success(), "{}", said(&output));
    assert!(said(&output).contains("a whole copy of the store of sales/contacts"), "{}", said(&output));
    let output = store(&["verify", text(&moved.directory())]);
    assert!(output.status.success(), "{}", said(&output));
    moved.goes_on(moved.embedded(), begun);
    let output = moved.copy(false);
    assert!(!output.status.success() && said(&output).contains("a store already"), "{}", said(&output));
}
