//! Keeps refused requests, without their secrets, and finds out off the answer's
//! path what was really wrong with them.
//!
//! One task looks at one request at a time. What waits for it is bounded in number
//! and in bytes; a request beyond that is kept without a diagnosis and counted as
//! `skipped`. So a flood of forged requests costs one core at most, and a proper
//! sender with a wrong secret still learns what is wrong.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use http::{HeaderMap, HeaderName, Version};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use tokio::sync::{mpsc, oneshot};
use uuid::Uuid;

use super::Endpoint;
use super::endpoint::Current;
use crate::metrics::CauseLabels;
use crate::store::Refused;
use crate::verify::Rejection;

/// Bytes of a body that are kept.
const KEPT_BODY: usize = 4 * 1024;
/// Characters of a target that are kept.
const KEPT_TARGET: usize = 4 * 1024;
/// Requests that wait for their diagnosis at most.
const WAITING: usize = 256;
/// Bytes of their bodies at most.
const WAITING_BYTES: usize = 8 * 1024 * 1024;
/// Stands where a credential stood.
const LEFT_OUT: &str = "[left out]";

/// What is known of a request that is refused.
pub(super) struct Known<'a> {
    pub(super) id: Uuid,
    pub(super) at_ms: i64,
    pub(super) status: u16,
    pub(super) cause: &'static str,
    pub(super) method: &'a str,
    pub(super) target: &'a str,
    pub(super) version: Version,
    pub(super) headers: &'a HeaderMap,
    pub(super) body: &'a Bytes,
    pub(super) body_bytes: u64,
    pub(super) peer: String,
}

impl Known<'_> {
    /// What is kept of it.
    pub(super) fn refused(self) -> Refused {
        let target: String = self.target.chars().take(KEPT_TARGET).collect();
        // A copy: a slice would keep the whole body in memory.
        let begin = &self.body[..self.body.len().min(KEPT_BODY)];
        Refused {
            id: self.id,
            at_ms: self.at_ms,
            status: self.status,
            cause: self.cause,
            diagnosis: None,
            diagnosis_code: None,
            request_line: format!("{} {target} {:?}", self.method, self.version),
            headers: self.headers.iter().map(|(name, value)| shown(name, value.as_bytes())).collect(),
            body: Bytes::copy_from_slice(begin),
            body_bytes: self.body_bytes,
            peer: Some(self.peer),
        }
    }
}

fn shown(name: &HeaderName, value: &[u8]) -> (String, String) {
    let value = if is_credential(name.as_str()) {
        LEFT_OUT.to_owned()
    } else {
        match std::str::from_utf8(value) {
            Ok(text) => text.to_owned(),
            // Not UTF-8: each byte as the Latin-1 character it may once have been.
            Err(_) => value.iter().copied().map(char::from).collect(),
        }
    };
    (name.as_str().to_owned(), value)
}

/// Whether a header carries what lets somebody in. HubSpot's signature headers do
/// not: a signature says nothing of the secret, and is what one wants to see here.
fn is_credential(name: &str) -> bool {
    const PARTS: [&str; 11] = [
        "authorization",
        "authentication",
        "x-auth",
        "cookie",
        "token",
        "secret",
        "password",
        "passwd",
        "credential",
        "api-key",
        "apikey",
    ];
    if name.starts_with("x-hubspot-signature") || name == "x-hubspot-request-timestamp" {
        return false;
    }
    // Client certificates as proxies hand them on, and sessions.
    PARTS.iter().any(|part| name.contains(part)) || name.contains("client-cert") || name.contains("session")
}

enum Job {
    Look { refused: Box<Refused>, rejection: Box<Rejection>, endpoint: Arc<Endpoint>, current: Arc<Current> },
    Settle(oneshot::Sender<()>),
}

/// Hands refused requests to the task that finds out what is wrong with them.
#[derive(Debug)]
pub(super) struct Diagnoser {
    jobs: mpsc::Sender<Job>,
    waiting_bytes: Arc<AtomicUsize>,
    diagnoses: Family<CauseLabels, Counter>,
}

impl Diagnoser {
    /// Starts the task; it ends with the last handle.
    pub(super) fn start(diagnoses: Family<CauseLabels, Counter>) -> Self {
        let (jobs, queue) = mpsc::channel(WAITING);
        let waiting_bytes = Arc::new(AtomicUsize::new(0));
        tokio::spawn(work(queue, Arc::clone(&waiting_bytes), diagnoses.clone()));
        Self { jobs, waiting_bytes, diagnoses }
    }

    /// Keeps a request that is not proven, with its diagnosis where there is time for one.
    pub(super) fn take(
        &self,
        refused: Refused,
        rejection: Box<Rejection>,
        endpoint: Arc<Endpoint>,
        current: Arc<Current>,
    ) {
        let bytes = rejection.request.received().body.len();
        let before = self.waiting_bytes.fetch_add(bytes, Ordering::Relaxed);
        let job = Job::Look { refused: Box::new(refused), rejection, endpoint, current };
        let job = if before.saturating_add(bytes) > WAITING_BYTES {
            job
        } else {
            match self.jobs.try_send(job) {
                Ok(()) => return,
                Err(mpsc::error::TrySendError::Full(job) | mpsc::error::TrySendError::Closed(job)) => job,
            }
        };
        self.waiting_bytes.fetch_sub(bytes, Ordering::Relaxed);
        if let Job::Look { refused, endpoint, .. } = job {
            self.diagnoses.get_or_create(&endpoint.cause_labels("skipped")).inc();
            endpoint.store().refuse(*refused);
        }
    }

    /// Waits until everything that was handed over is with its store.
    pub(super) async fn settle(&self) {
        let (done, settled) = oneshot::channel();
        if self.jobs.send(Job::Settle(done)).await.is_ok() {
            let _ = settled.await;
        }
    }
}

async fn work(
    mut queue: mpsc::Receiver<Job>,
    waiting_bytes: Arc<AtomicUsize>,
    diagnoses: Family<CauseLabels, Counter>,
) {
    while let Some(job) = queue.recv().await {
        let (refused, rejection, endpoint, current) = match job {
            Job::Look { refused, rejection, endpoint, current } => (refused, rejection, endpoint, current),
            Job::Settle(done) => {
                let _ = done.send(());
                continue;
            }
        };
        let bytes = rejection.request.received().body.len();
        let at_ms = refused.at_ms;
        let found = tokio::task::spawn_blocking(move || {
            current.live.verifier.diagnose(rejection.request.received(), rejection.cause, at_ms)
        });
        // A look that panics costs its diagnosis, not the task.
        let found = found.await.unwrap_or_default();
        waiting_bytes.fetch_sub(bytes, Ordering::Relaxed);
        let mut refused = *refused;
        let code = found.as_ref().map_or("unknown", |found| found.code);
        diagnoses.get_or_create(&endpoint.cause_labels(code)).inc();
        if let Some(found) = found {
            refused.diagnosis_code = Some(found.code);
            refused.diagnosis = Some(found.message);
        }
        endpoint.store().refuse(refused);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_are_left_out_and_signatures_are_kept() {
        for name in [
            "authorization",
            "proxy-authorization",
            "cookie",
            "set-cookie",
            "x-api-key",
            "x-auth-token",
            "x-amz-security-token",
            "x-forwarded-client-cert",
            "x-client-secret",
            "x-session-id",
        ] {
            assert!(is_credential(name), "{name}");
        }
        for name in [
            "x-hubspot-signature",
            "x-hubspot-signature-v3",
            "x-hubspot-signature-version",
            "x-hubspot-request-timestamp",
            "content-type",
            "host",
            "user-agent",
            "x-forwarded-for",
            "x-original-authority",
        ] {
            assert!(!is_credential(name), "{name}");
        }
    }
}
