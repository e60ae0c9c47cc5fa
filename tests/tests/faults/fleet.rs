//! Replicas of one listener on one store, and the destination that they hand pages to.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tests::{ListenerProcess, Page, Receiver, Reply, Setup, eventually};

use super::history::{Fate, fate, number};

/// Replicas, and what they hand pages to.
pub struct Fleet {
    pub replicas: Vec<ListenerProcess>,
    pub warehouse: Warehouse,
    /// None: the embedded store.
    database: Option<String>,
}

/// The destination: takes what its number says it takes, unless it is down.
pub struct Warehouse {
    _receiver: Receiver,
    url: String,
    taken: Arc<Mutex<Vec<Page>>>,
    down: Arc<AtomicBool>,
}

impl Warehouse {
    fn start() -> Self {
        let taken = Arc::new(Mutex::new(Vec::new()));
        let down = Arc::new(AtomicBool::new(false));
        let (kept, is_down) = (taken.clone(), down.clone());
        let receiver = Receiver::with(move |page| {
            if is_down.load(Ordering::SeqCst) {
                return Reply::status(503);
            }
            let failed: Vec<String> = page
                .records()
                .iter()
                .enumerate()
                .filter(|(_, record)| fate(number(record)) == Fate::Open)
                .map(|(index, _)| {
                    format!(
                        "{{\"index\":{index},\"code\":\"refused\",\"message\":\"no\",\"retryable\":false}}"
                    )
                })
                .collect();
            kept.lock().expect("no panic").push(page.clone());
            Reply::status(200).body(&format!("{{\"failed\":[{}]}}", failed.join(",")))
        });
        let url = receiver.url("/");
        Self { _receiver: receiver, url, taken, down }
    }

    /// Whether it answers 503 to everything.
    pub fn set_down(&self, down: bool) {
        self.down.store(down, Ordering::SeqCst);
    }
}

impl Fleet {
    /// `replicas` of a listener whose store is the database at `url`.
    pub fn start(replicas: usize, url: &str) -> Self {
        let database = Some(url.to_owned());
        let mut fleet = Self { replicas: Vec::new(), warehouse: Warehouse::start(), database };
        for _ in 0..replicas {
            fleet.add(|setup| setup);
        }
        fleet
    }

    /// One listener with its embedded store.
    pub fn embedded() -> Self {
        let mut fleet = Self { replicas: Vec::new(), warehouse: Warehouse::start(), database: None };
        fleet.add(|setup| setup);
        fleet
    }

    /// One replica more; `change` has the last word on how it is started. Waits until it is ready.
    pub fn add(&mut self, change: impl FnOnce(Setup) -> Setup) {
        self.replicas.push(change(self.setup()).start());
    }

    fn setup(&self) -> Setup {
        let spec = format!(
            "  filter: 'event.objectId % 10 != 7'\n  page: {{size: 20, lingerMilliseconds: 50}}\n  \
             destinations:\n  - name: warehouse\n    \
             http: {{url: '{}', timeoutSeconds: 5}}\n    retry: {{maxAttempts: 1000}}\n",
            self.warehouse.url
        );
        let Some(url) = &self.database else { return Setup::listener(&spec) };
        let storage = "  storage: {postgres: {urlSecretRef: {name: database, key: url}}}\n";
        let mut setup = Setup::listener(&format!("{storage}{spec}"));
        setup.manifest.push_str(&format!(
            "---\napiVersion: v1\nkind: Secret\nmetadata: {{name: database, namespace: sales}}\n\
             stringData: {{url: '{url}'}}\n"
        ));
        setup
    }

    /// Where deliveries go.
    pub fn addresses(&self) -> Vec<SocketAddr> {
        self.replicas.iter().map(|replica| replica.public).collect()
    }

    /// The pages that the destination took.
    pub fn taken(&self) -> Vec<Page> {
        self.warehouse.taken.lock().expect("no panic").clone()
    }

    /// Waits until every replica is well and nothing is pending.
    pub fn settle(&self) {
        for replica in &self.replicas {
            replica.wait_ready();
        }
        // After an hour of faults much waits: it may take its time, as long as it gets less.
        let mut left = u64::MAX;
        while left > 0 {
            left = eventually(90, &format!("less than {left} is pending"), || {
                let pending: u64 = self.replicas.iter().map(pending).sum();
                (pending < left).then_some(pending)
            });
        }
        // A page whose answer was lost may be on its way once more.
        std::thread::sleep(Duration::from_millis(200));
    }
}

/// What a replica knows that is not handed on yet; where it cannot say, there is something.
fn pending(replica: &ListenerProcess) -> u64 {
    let status = replica.status();
    let count = |name: &str| status["store"][name].as_u64().unwrap_or(1);
    count("pendingRecords") + count("unindexedDeliveries")
}
