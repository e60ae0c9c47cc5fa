//! A real full disk: 503s while it lasts, nothing acknowledged is lost, and it
//! recovers without a restart. On a small file system of its own (ext4 on a loop device, else tmpfs) where we are root;
//! everywhere by RLIMIT_FSIZE, the kernel's own limit on a file's size.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use tests::{ListenerProcess, Mount, Receiver, Setup, eventually, fill, get};

#[test]
fn a_full_file_system_gives_503_and_recovers_without_a_restart() {
    let Some(mount) = Mount::make(96) else { return };
    let ballast = mount.path.join("ballast");
    fill(&ballast, 60);
    let receiver = Receiver::start();
    let mut listener = Setup::listener(&spec(&receiver)).data(&mount.path.join("data")).start();
    let process = listener.pid();

    let mut acknowledged = HashSet::new();
    let mut next = 0;
    let refused = fill_until_refused(&listener, &mut next, &mut acknowledged);
    assert_eq!(refused, 503);
    assert!(!acknowledged.is_empty(), "something was taken before the disk was full");
    eventually(10, "/readyz says so", || {
        get(listener.admin, "/readyz").is_ok_and(|a| a.status == 503).then_some(())
    });
    assert_eq!(get(listener.admin, "/livez").expect("an answer").status, 200, "alive while the disk is full");

    // Refusals go on as long as the disk is full, each with Retry-After.
    for _ in 0..5 {
        let answer = listener.deliver(body(next, 1, 200_000).as_bytes()).expect("an answer");
        assert_eq!(answer.status, 503, "{}", answer.text());
        assert!(answer.header("retry-after").is_some_and(|value| value.parse::<u32>().is_ok()));
        std::thread::sleep(Duration::from_millis(100));
    }

    std::fs::remove_file(&ballast).expect("the ballast");
    eventually(15, "it takes deliveries again", || {
        let taken = listener.deliver(body(next, 1, 10).as_bytes()).is_ok_and(|answer| answer.status == 204);
        taken.then(|| acknowledged.insert(next))
    });
    eventually(10, "/readyz is well", || {
        get(listener.admin, "/readyz").is_ok_and(|a| a.status == 200).then_some(())
    });
    assert!(listener.ended().is_none() && listener.pid() == process, "the same process");

    all_arrive_once(&listener, &receiver, &acknowledged);
}

#[test]
fn a_file_size_limit_gives_503_and_nothing_acknowledged_is_lost() {
    let receiver = Receiver::start();
    let folder = tempfile::tempdir().expect("a directory");
    let mut setup = Setup::listener(&spec(&receiver)).data(folder.path());
    setup.wrapper = vec!["prlimit".to_owned(), format!("--fsize={}", 3 * 1024 * 1024)];
    let mut listener = setup.start();

    let mut acknowledged = HashSet::new();
    let mut next = 0;
    assert_eq!(fill_until_refused(&listener, &mut next, &mut acknowledged), 503);
    assert!(listener.ended().is_none(), "the limit does not end the process: {}", listener.log());
    assert!(!acknowledged.is_empty());

    // The limit is gone with the process.
    listener.setup.wrapper.clear();
    listener.restart();
    listener.wait_ready();
    all_arrive_once(&listener, &receiver, &acknowledged);
}

fn spec(receiver: &Receiver) -> String {
    format!(
        "  paused: true\n  page: {{size: 50, lingerMilliseconds: 0}}\n  destinations:\n  \
         - name: warehouse\n    http: {{url: '{}'}}\n",
        receiver.url("/")
    )
}

/// Posts until something is refused; gives the status of that.
fn fill_until_refused(listener: &ListenerProcess, next: &mut u64, acknowledged: &mut HashSet<u64>) -> u16 {
    let deadline = Instant::now() + Duration::from_secs(120);
    loop {
        assert!(Instant::now() < deadline, "nothing was refused");
        let answer = listener.deliver(body(*next, 1, 200_000).as_bytes()).expect("an answer");
        if answer.status != 204 {
            return answer.status;
        }
        acknowledged.insert(*next);
        *next += 1;
    }
}

fn body(first: u64, count: u64, padding: usize) -> String {
    let padding = "x".repeat(padding);
    let event = |id: u64| {
        format!(
            "{{\"eventId\":{id},\"portalId\":1,\"appId\":2,\"occurredAt\":{},\"subscriptionType\":\"contact.propertyChange\",\
             \"objectId\":{id},\"propertyName\":\"notes\",\"propertyValue\":\"{padding}\"}}",
            1_790_000_000_000 + id
        )
    };
    let events: Vec<String> = (first..first + count).map(event).collect();
    format!("[{}]", events.join(","))
}

fn all_arrive_once(listener: &ListenerProcess, receiver: &Receiver, acknowledged: &HashSet<u64>) {
    let manifest = listener.setup.manifest.replace("paused: true", "paused: false");
    std::fs::write(listener.manifest(), manifest).expect("a manifest");
    eventually(120, "all records are handed on", || {
        let done = listener.count("unindexedBytes") == 0 && listener.count("pendingRecords") == 0;
        (done && receiver.records().len() >= acknowledged.len()).then_some(())
    });
    let mut seen = HashSet::new();
    for record in receiver.records() {
        let event: serde_json::Value = serde_json::from_str(&record).expect("a record");
        assert!(seen.insert(event["eventId"].as_u64().expect("an id")), "twice: {}", event["eventId"]);
    }
    let lost: Vec<_> = acknowledged.difference(&seen).collect();
    assert!(lost.is_empty(), "acknowledged and lost: {lost:?}");
}
