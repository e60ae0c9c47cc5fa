//! Senders that behave as HubSpot does: what is not answered with success is sent again, the same
//! bytes, to whichever replica answers; a success is noted once.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, RwLock};
use std::thread::JoinHandle;
use std::time::Duration;

use tests::{Connection, SECRET, hubspot_headers};

use super::history::event;

const URL: &str = "https://hooks.example.com/sales/contacts";
/// Events of one delivery.
const EVENTS: u64 = 10;
/// Between two deliveries of one sender: the faults are to be measured, not the machine.
const PAUSE: Duration = Duration::from_millis(25);

/// What the senders know.
#[derive(Default)]
pub struct Known {
    acknowledged: Mutex<BTreeSet<u64>>,
    next: AtomicU64,
    /// Answers 503, and requests without an answer.
    pub unavailable: AtomicU64,
    pub unanswered: AtomicU64,
    /// Answers 401: the clock is where a signature is stale.
    pub stale: AtomicU64,
}

/// Senders at work; ended by [`Load::stop`].
pub struct Load {
    pub known: Arc<Known>,
    targets: Arc<RwLock<Vec<SocketAddr>>>,
    stop: Arc<AtomicBool>,
    senders: Vec<JoinHandle<()>>,
}

impl Load {
    /// `senders` side by side against these addresses.
    pub fn start(senders: usize, targets: Vec<SocketAddr>) -> Self {
        let known = Arc::new(Known::default());
        let targets = Arc::new(RwLock::new(targets));
        let stop = Arc::new(AtomicBool::new(false));
        let senders = (0..senders)
            .map(|at| {
                let (known, targets, stop) = (known.clone(), targets.clone(), stop.clone());
                std::thread::spawn(move || send(at, &known, &targets, &stop))
            })
            .collect();
        Self { known, targets, stop, senders }
    }

    /// Sends to these from now on.
    pub fn aim(&self, targets: Vec<SocketAddr>) {
        *self.targets.write().expect("no panic") = targets;
    }

    /// Events acknowledged so far.
    pub fn acknowledged(&self) -> usize {
        self.known.acknowledged.lock().expect("no panic").len()
    }

    /// Ends the senders, each after its delivery was taken or the wait for that is over; what was
    /// acknowledged, and the first number that was never sent.
    pub fn stop(self) -> (BTreeSet<u64>, u64) {
        self.stop.store(true, Ordering::SeqCst);
        for sender in self.senders {
            sender.join().expect("a sender");
        }
        let acknowledged = self.known.acknowledged.lock().expect("no panic").clone();
        (acknowledged, self.known.next.load(Ordering::SeqCst))
    }
}

fn send(at: usize, known: &Known, targets: &RwLock<Vec<SocketAddr>>, stop: &AtomicBool) {
    let mut turn = at;
    let mut connection: Option<(SocketAddr, Connection)> = None;
    while !stop.load(Ordering::SeqCst) {
        let first = known.next.fetch_add(EVENTS, Ordering::SeqCst);
        let events: Vec<String> = (first..first + EVENTS).map(event).collect();
        let body = format!("[{}]", events.join(","));
        while !deliver(&body, &mut turn, &mut connection, known, targets) {
            if stop.load(Ordering::SeqCst) {
                return;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        known.acknowledged.lock().expect("no panic").extend(first..first + EVENTS);
        std::thread::sleep(PAUSE);
    }
}

/// One try; whether it was taken.
fn deliver(
    body: &str,
    turn: &mut usize,
    connection: &mut Option<(SocketAddr, Connection)>,
    known: &Known,
    targets: &RwLock<Vec<SocketAddr>>,
) -> bool {
    let open = {
        let targets = targets.read().expect("no panic");
        let aimed = connection.as_ref().is_some_and(|(address, _)| targets.contains(address));
        if !aimed {
            *turn += 1;
            let address = targets[*turn % targets.len()];
            *connection = Connection::open(address).ok().map(|open| (address, open));
        }
        connection.as_mut()
    };
    let Some((_, open)) = open else {
        known.unanswered.fetch_add(1, Ordering::SeqCst);
        return false;
    };
    let headers = hubspot_headers(SECRET, URL, body.as_bytes());
    match open.exchange("POST", "/sales/contacts", &headers, body.as_bytes()) {
        Ok(answer) if answer.status == 204 => return true,
        Ok(answer) if answer.status == 503 => known.unavailable.fetch_add(1, Ordering::SeqCst),
        Ok(answer) if answer.status == 401 => known.stale.fetch_add(1, Ordering::SeqCst),
        Ok(answer) => panic!("{}: {}", answer.status, answer.text()),
        Err(_) => known.unanswered.fetch_add(1, Ordering::SeqCst),
    };
    // Another replica next time.
    *connection = None;
    false
}
