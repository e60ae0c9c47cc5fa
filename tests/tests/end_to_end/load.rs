//! Requests that go on while something happens: what each was answered, and what was acknowledged.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use tests::{hubspot_headers, post};

use super::story::{HOST, TARGET, event};

/// Between two requests.
const EVERY: Duration = Duration::from_millis(50);

/// Numbers of events, each given once in the whole story.
static NEXT: AtomicU64 = AtomicU64::new(1_000);

/// What came of the requests.
#[derive(Debug, Default)]
pub struct Outcome {
    /// Events that were answered 200.
    pub acknowledged: BTreeSet<String>,
    /// Every other answer, or how the connection failed.
    pub others: Vec<String>,
    /// The last body of a 200.
    pub last_body: String,
}

/// A thread that sends until it is stopped.
pub struct Load {
    stop: Arc<AtomicBool>,
    outcome: Arc<Mutex<Outcome>>,
    thread: Option<JoinHandle<()>>,
}

impl Load {
    /// Sends signed events to `address`, each on a connection of its own.
    pub fn start(address: SocketAddr, secret: &str) -> Self {
        Self::to(address, secret, TARGET)
    }

    /// The same, to another listener's path.
    pub fn to(address: SocketAddr, secret: &str, target: &'static str) -> Self {
        let (stop, outcome) = (Arc::new(AtomicBool::new(false)), Arc::new(Mutex::new(Outcome::default())));
        let (stopped, kept, secret) = (Arc::clone(&stop), Arc::clone(&outcome), secret.to_owned());
        let thread = std::thread::spawn(move || {
            while !stopped.load(Ordering::SeqCst) {
                let (event, answer) = send_to(address, &secret, target);
                let mut outcome = kept.lock().unwrap();
                match answer {
                    Ok((200, body)) => {
                        outcome.acknowledged.insert(event);
                        outcome.last_body = body;
                    }
                    Ok((status, body)) => outcome.others.push(format!("{status} {body}")),
                    Err(error) => outcome.others.push(error),
                }
                drop(outcome);
                std::thread::sleep(EVERY);
            }
        });
        Self { stop, outcome, thread: Some(thread) }
    }

    /// The body of the last 200.
    pub fn last_body(&self) -> String {
        self.outcome.lock().unwrap().last_body.clone()
    }

    /// Ends it: what came of it.
    pub fn stop(mut self) -> Outcome {
        self.stop.store(true, Ordering::SeqCst);
        self.thread.take().expect("a thread").join().expect("no panic");
        std::mem::take(&mut self.outcome.lock().unwrap())
    }
}

/// Sends one new event: the event, and status and body.
pub fn send(address: SocketAddr, secret: &str) -> (String, Result<(u16, String), String>) {
    send_to(address, secret, TARGET)
}

/// The same, to another listener's path.
pub fn send_to(address: SocketAddr, secret: &str, target: &str) -> (String, Result<(u16, String), String>) {
    let event = event(NEXT.fetch_add(1, Ordering::SeqCst));
    let body = format!("[{event}]");
    let url = format!("https://{HOST}{target}");
    let headers = hubspot_headers(secret, &url, body.as_bytes());
    let answer = post(address, target, &headers, body.as_bytes());
    (event, answer.map(|answer| (answer.status, answer.text())).map_err(|error| error.to_string()))
}
