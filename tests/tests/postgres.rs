//! The real binary with a real PostgreSQL: signed deliveries in, pages out; a restart; TLS; two processes
//! on one store, one of which is killed; a server that goes away and comes back.

use std::collections::BTreeMap;

use postgres_server::{Authority, Options, Server};
use tests::{ListenerProcess, Receiver, Setup, eventually};

fn setup(receiver: &Receiver, url: &str) -> Setup {
    let mut setup = Setup::listener(&format!(
        "  page: {{size: 10, lingerMilliseconds: 0}}\n  replicas: 2\n  storage: {{postgres: {{urlSecretRef: \
         {{name: db, key: url}}}}}}\n  destinations:\n  - name: warehouse\n    http: {{url: '{}'}}\n",
        receiver.url("/")
    ));
    setup.manifest.push_str(&format!(
        "---\napiVersion: v1\nkind: Secret\nmetadata: {{name: db, namespace: sales}}\nstringData: {{url: '{url}'}}\n"
    ));
    setup
}

fn event(id: u64) -> String {
    format!(r#"{{"eventId":{id},"occurredAt":1764000000000,"portalId":62515,"objectId":9007199254740993}}"#)
}

/// Delivers an event; whether it was acknowledged.
fn send(listener: &ListenerProcess, id: u64) -> bool {
    let answer = listener.deliver(format!("[{}]", event(id)).as_bytes());
    answer.is_ok_and(|answer| (200..300).contains(&answer.status))
}

/// How often each event came, each with its bytes.
fn arrived(receiver: &Receiver) -> BTreeMap<u64, usize> {
    let mut times = BTreeMap::new();
    for page in receiver.pages() {
        let events: Vec<&serde_json::value::RawValue> = serde_json::from_slice(&page.body).expect("a page");
        for text in events {
            let fields: serde_json::Value = serde_json::from_str(text.get()).expect("an event");
            let id = fields["eventId"].as_u64().expect("an id");
            assert_eq!(text.get(), event(id), "byte for byte");
            *times.entry(id).or_default() += 1;
        }
    }
    times
}

#[test]
fn deliveries_go_through_postgresql_and_survive_a_restart() {
    let server = Server::with(Options { password: true, ..Options::default() });
    let receiver = Receiver::start();
    let mut listener = setup(&receiver, &server.database()).start();
    for id in 0..25 {
        assert!(send(&listener, id));
    }
    assert!(send(&listener, 3), "a duplicate is answered like the first");
    eventually(30, "all records are handed on", || (arrived(&receiver).len() == 25).then_some(()));
    assert!(listener.stop().success());
    listener.restart();
    listener.wait_ready();
    assert!(send(&listener, 25));
    eventually(30, "the next one too", || (arrived(&receiver).len() == 26).then_some(()));
    assert!(arrived(&receiver).values().all(|times| *times == 1));
    eventually(10, "all of it is settled", || (listener.count("pendingRecords") == 0).then_some(()));
    assert_eq!(
        (listener.count("events"), listener.count("records"), listener.count("duplicates")),
        (27, 26, 1)
    );
    assert!(!listener.log().contains("correct"), "the password stands nowhere");
    assert!(listener.log().contains("hsl_sales_contacts"), "where its data is, is said");
}

/// As if another process were just telling the store its destinations, for so many seconds.
fn hold_destinations(url: &str, seconds: u32) -> std::thread::JoinHandle<()> {
    let lock = "SELECT pg_advisory_lock(hashtextextended('hsl_sales_contacts/destinations', 7231))";
    let held_at = url.to_owned();
    let held = std::thread::spawn(move || {
        postgres_server::execute(&held_at, &format!("{lock}; SELECT pg_sleep({seconds})"));
    });
    eventually(10, "the lock is held", || {
        let locks = "SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND granted AND pid IN \
            (SELECT pid FROM pg_stat_activity WHERE query LIKE '%pg_sleep%' AND pid <> pg_backend_pid())";
        (postgres_server::query_rows(url, locks) == 1).then_some(())
    });
    held
}

#[test]
fn nothing_is_acknowledged_before_the_store_knows_the_destinations() {
    let server = Server::start();
    let receiver = Receiver::start();
    let url = server.database();
    let setup = setup(&receiver, &url);
    let held = hold_destinations(&url, 3);
    let listener = setup.spawn();
    eventually(30, "it takes a delivery", || send(&listener, 0).then_some(()));
    eventually(30, "which is handed on", || (arrived(&receiver).len() == 1).then_some(()));
    held.join().expect("the lock was held");
}

#[test]
fn who_is_answered_by_a_new_manifest_may_count_on_its_destinations() {
    let server = Server::start();
    let (receiver, late) = (Receiver::start(), Receiver::start());
    let url = server.database();
    let listener = setup(&receiver, &url).start();
    let held = hold_destinations(&url, 2);
    let text = listener.setup.manifest.replace(
        "  destinations:\n",
        &format!(
            "  response: {{statusCode: 202}}\n  destinations:\n  - name: late\n    http: {{url: '{}'}}\n",
            late.url("/")
        ),
    );
    std::fs::write(listener.manifest(), text).expect("written");
    let mut id = 0;
    eventually(30, "it is answered by the new manifest", || {
        id += 1;
        let answer = listener.deliver(format!("[{}]", event(id)).as_bytes()).expect("an answer");
        (answer.status == 202).then_some(())
    });
    eventually(30, "the event is handed to the new destination", || {
        arrived(&late).contains_key(&id).then_some(())
    });
    held.join().expect("the lock was held");
}

#[test]
fn deliveries_go_over_tls_where_the_manifest_names_the_authority() {
    let authority = Authority::new("private");
    let certificate = Some(authority.certificate("localhost"));
    let server = Server::with(Options { password: true, certificate, ..Options::default() });
    let receiver = Receiver::start();
    let url = server.database();
    let by_name = url.replace("127.0.0.1", "localhost");
    let trusting = format!("{by_name}?sslmode=verify-full&sslrootcert={}", authority.file().display());
    let listener = setup(&receiver, &trusting).start();
    assert!(send(&listener, 0));
    eventually(30, "it is handed on", || (arrived(&receiver).len() == 1).then_some(()));
    let connections = |condition: &str| {
        let ours = "SELECT 1 FROM pg_stat_activity a JOIN pg_stat_ssl s USING (pid) \
            WHERE a.application_name LIKE 'hubspot-listener/%'";
        postgres_server::query_rows(&url, &format!("{ours} AND {condition}"))
    };
    assert!(connections("s.ssl") >= 2);
    assert_eq!(connections("NOT s.ssl"), 0);
    assert!(!listener.log().contains("correct"), "the password stands nowhere");
}

#[test]
fn two_processes_share_the_work_and_one_goes_on_when_the_other_is_killed() {
    let server = Server::start();
    let receiver = Receiver::start();
    let url = server.database();
    let mut first = setup(&receiver, &url).start();
    let second = setup(&receiver, &url).start();
    let mut acknowledged = Vec::new();
    for id in 0..60 {
        let to = if id % 2 == 0 { &first } else { &second };
        if send(to, id) {
            acknowledged.push(id);
        }
        if id == 30 {
            first.kill();
        }
    }
    assert!(acknowledged.len() >= 45);
    // What the killed one had leased is due again half a minute later.
    eventually(60, "every acknowledged event comes", || {
        let arrived = arrived(&receiver);
        acknowledged.iter().all(|id| arrived.contains_key(id)).then_some(())
    });
    eventually(60, "all of it is settled", || (second.count("pendingRecords") == 0).then_some(()));
}

#[test]
fn while_the_database_is_away_nothing_is_acknowledged_and_afterwards_it_goes_on() {
    let server = Server::start();
    let receiver = Receiver::start();
    let listener = setup(&receiver, &server.database()).start();
    assert!(send(&listener, 0));
    server.stop();
    let answer = listener.deliver(format!("[{}]", event(1)).as_bytes()).expect("an answer");
    assert_eq!(answer.status, 503);
    server.start_again();
    eventually(30, "it takes deliveries again", || send(&listener, 1).then_some(()));
    eventually(30, "both are handed on", || (arrived(&receiver).len() == 2).then_some(()));
}
