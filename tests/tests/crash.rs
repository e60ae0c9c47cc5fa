//! A listener is killed (SIGKILL) at random moments under load, again and again.
//! Afterwards every event that was answered 2xx is in the store exactly once.
//!
//! `CRASH_KILLS=200 cargo test -p tests --test crash` kills more often.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tests::{Connection, Receiver, SECRET, Setup, eventually, hubspot_headers};

const SENDERS: usize = 8;
const URL: &str = "https://hooks.example.com/sales/contacts";

/// What the senders know at the end.
#[derive(Default)]
struct Known {
    /// Ids of events whose delivery was answered 2xx.
    acknowledged: Mutex<HashSet<u64>>,
    /// Ids of all events that were ever sent.
    next: AtomicU64,
    /// Deliveries sent again because no answer came.
    again: AtomicU64,
}

#[test]
fn every_acknowledged_event_survives_kills_exactly_once() {
    let kills: u32 = std::env::var("CRASH_KILLS").ok().and_then(|text| text.parse().ok()).unwrap_or(50);
    let receiver = Receiver::start();
    let setup = Setup::listener(&spec(&receiver, true));
    let mut listener = setup.start();
    let known = Arc::new(Known::default());
    let stop = Arc::new(AtomicBool::new(false));
    let address = listener.public;
    let senders: Vec<_> = (0..SENDERS)
        .map(|_| {
            let (known, stop) = (known.clone(), stop.clone());
            std::thread::spawn(move || send_until(address, &known, &stop))
        })
        .collect();

    let mut random = Random::new();
    println!("{kills} kills, seed {}", random.state);
    for _ in 0..kills {
        // Short and long lives: while it recovers, at the first request, in full run.
        let longest = if random.below(4) == 0 { 15 } else { 250 };
        std::thread::sleep(Duration::from_millis(random.below(longest)));
        listener.restart();
        if random.below(3) > 0 {
            listener.wait_ready();
        }
    }
    listener.wait_ready();
    std::thread::sleep(Duration::from_millis(300));
    stop.store(true, Ordering::SeqCst);
    for sender in senders {
        sender.join().expect("a sender");
    }

    // Everything that is stored is handed on once, now that nothing is killed any more.
    let manifest = listener.setup.manifest.replace("paused: true", "paused: false");
    std::fs::write(listener.manifest(), manifest).expect("a manifest");
    let acknowledged = known.acknowledged.lock().expect("no panic").clone();
    assert!(acknowledged.len() > 100, "the load was too small to say anything: {}", acknowledged.len());
    eventually(180, "all records are handed on", || {
        let done = listener.count("unindexedBytes") == 0 && listener.count("pendingRecords") == 0;
        (done && !receiver.pages().is_empty()).then_some(())
    });

    let mut times: HashMap<u64, u32> = HashMap::new();
    for page in receiver.pages() {
        let events: Vec<serde_json::Value> = serde_json::from_slice(&page.body).expect("a page");
        for event in events {
            *times.entry(event["eventId"].as_u64().expect("an id")).or_default() += 1;
        }
    }
    let lost: Vec<_> = acknowledged.iter().filter(|id| !times.contains_key(id)).collect();
    let twice: Vec<_> = times.iter().filter(|(_, count)| **count > 1).collect();
    println!(
        "{} events acknowledged, {} in the store, {} deliveries sent again, {} duplicates known",
        acknowledged.len(),
        times.len(),
        known.again.load(Ordering::SeqCst),
        listener.count("duplicates"),
    );
    assert!(lost.is_empty(), "{} acknowledged events are lost, such as {:?}", lost.len(), lost.first());
    assert!(twice.is_empty(), "{} events are there twice, such as {:?}", twice.len(), twice.first());
    assert_eq!(listener.count("openErrors"), 0);
}

fn spec(receiver: &Receiver, paused: bool) -> String {
    format!(
        "  paused: {paused}\n  page: {{size: 1000, lingerMilliseconds: 0}}\n  destinations:\n  \
         - name: warehouse\n    http: {{url: '{}'}}\n",
        receiver.url("/")
    )
}

/// Sends deliveries of 1 to 20 events; one without an answer is sent again, as HubSpot does.
fn send_until(address: std::net::SocketAddr, known: &Known, stop: &AtomicBool) {
    let mut connection = None;
    let mut random = Random::new();
    while !stop.load(Ordering::SeqCst) {
        let count = 1 + random.below(20);
        let first = known.next.fetch_add(count, Ordering::SeqCst);
        let ids: Vec<u64> = (first..first + count).collect();
        let events: Vec<String> = ids.iter().map(|id| event(*id)).collect();
        let body = format!("[{}]", events.join(","));
        for attempt in 0.. {
            if attempt > 0 {
                known.again.fetch_add(1, Ordering::SeqCst);
                std::thread::sleep(Duration::from_millis(10));
            }
            if connection.is_none() {
                connection = Connection::open(address).ok();
            }
            let headers = hubspot_headers(SECRET, URL, body.as_bytes());
            let answer = connection
                .as_mut()
                .map(|open| open.exchange("POST", "/sales/contacts", &headers, body.as_bytes()));
            match answer {
                Some(Ok(answer)) if answer.status == 204 => {
                    known.acknowledged.lock().expect("no panic").extend(&ids);
                    break;
                }
                Some(Ok(answer)) => assert_eq!(answer.status, 503, "{}", answer.text()),
                _ => connection = None,
            }
            if stop.load(Ordering::SeqCst) {
                return;
            }
        }
    }
}

fn event(id: u64) -> String {
    format!(
        "{{\"eventId\":{id},\"subscriptionId\":1,\"portalId\":62515,\"appId\":54321,\"occurredAt\":{},\
         \"subscriptionType\":\"contact.creation\",\"attemptNumber\":0,\"objectId\":{}}}",
        1_790_000_000_000 + id,
        138_000_000_000 + id
    )
}

/// xorshift64; the seed is printed, so that a run can be told from another.
struct Random {
    state: u64,
}

impl Random {
    fn new() -> Self {
        let seed = std::hash::BuildHasher::hash_one(&std::collections::hash_map::RandomState::new(), 0);
        Self { state: seed | 1 }
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.state ^= self.state << 13;
        self.state ^= self.state >> 7;
        self.state ^= self.state << 17;
        self.state % bound
    }
}
