//! Asks each pod what it tells of itself, over HTTP and without the API server.
//!
//! Every pod that runs is asked, ready or not: a pod that is not ready has the most to tell. A
//! listener's pods are asked every `report_seconds`; when exactly hangs on a hash of its name, so
//! that a thousand listeners are spread over the period. A report that says something new causes
//! a reconcile of that listener and of no other.

mod ask;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use futures_util::StreamExt;
use k8s_openapi::api::core::v1::Pod;
use kube::ResourceExt;

pub(super) use self::ask::Asker;
use super::caches::Caches;
use super::key::Key;
use super::metrics::{Metrics, ResultLabels};
use super::queue::Queue;
use super::saves::Inbox;
use crate::apply::label;
use crate::observed::PodReport;

/// Pods that are asked at once.
const AT_ONCE: usize = 32;
/// How often it is looked whose turn it is.
const TICK: Duration = Duration::from_millis(500);
/// Within which a pod that is new is asked for the first time.
const SOON: Duration = Duration::from_secs(1);

/// What the pods of each listener told last.
#[derive(Clone, Debug, Default)]
pub struct Reported(Arc<Mutex<HashMap<Key, BTreeMap<String, PodReport>>>>);

impl Reported {
    /// Of one listener.
    pub fn of(&self, listener: &Key) -> Vec<PodReport> {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.get(listener).into_iter().flat_map(BTreeMap::values).cloned().collect()
    }

    /// Notes a report; gives whether it says something new.
    fn set(&self, listener: &Key, report: PodReport) -> bool {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let pods = all.entry(listener.clone()).or_default();
        if pods.get(&report.pod) == Some(&report) {
            return false;
        }
        pods.insert(report.pod.clone(), report);
        true
    }

    /// Forgets the pods that run no more; gives the listeners for which that makes a difference.
    fn retain(&self, runs: &HashSet<(Key, String)>) -> Vec<Key> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut touched = Vec::new();
        all.retain(|listener, pods| {
            let before = pods.len();
            pods.retain(|pod, _| runs.contains(&(listener.clone(), pod.clone())));
            if pods.len() < before {
                touched.push(listener.clone());
            }
            !pods.is_empty()
        });
        touched
    }

    /// Forgets a listener.
    pub fn forget(&self, listener: &Key) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(listener);
    }
}

/// A pod that can be asked.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Asked {
    listener: Key,
    pod: String,
    address: SocketAddr,
}

impl Asked {
    /// None where it does not run, or has no address.
    fn of(pod: &Pod) -> Option<Self> {
        let status = pod.status.as_ref()?;
        if status.phase.as_deref() != Some("Running") || pod.metadata.deletion_timestamp.is_some() {
            return None;
        }
        let address: IpAddr = status.pod_ip.as_ref()?.parse().ok()?;
        let listener = Key::new(&pod.namespace()?, pod.labels().get(label::SELECTOR)?);
        Some(Self {
            listener,
            pod: pod.name_any(),
            address: SocketAddr::new(address, crds::limits::ADMIN_PORT),
        })
    }
}

/// Asks for ever.
pub(super) async fn ask(
    caches: Arc<Caches>,
    reported: Reported,
    queue: Queue,
    metrics: Arc<Metrics>,
    period: Duration,
    saves: Option<Inbox>,
) {
    let Some(asker) = Asker::new() else { return };
    let began = Instant::now();
    let mut turns = Turns::default();
    loop {
        tokio::time::sleep(TICK).await;
        let pods: Vec<_> = caches.pods.state().iter().filter_map(|pod| Asked::of(pod)).collect();
        let runs = pods.iter().map(|asked| (asked.listener.clone(), asked.pod.clone())).collect();
        queue.add(reported.retain(&runs));
        turns.retain(&runs);
        let now = Instant::now();
        // Pods that are there when the process begins are spread; one that comes later is asked soon.
        let first = if began.elapsed() < period { period } else { SOON };
        let due: Vec<_> = pods.into_iter().filter(|asked| turns.due(asked, now, period, first)).collect();
        futures_util::stream::iter(due)
            .for_each_concurrent(AT_ONCE, async |asked| {
                let mut reports = asker.ask(asked.address).await;
                if let (Ok(reports), Some(saves)) = (&mut reports, &saves) {
                    saves.take(&asked.listener, asked.address, reports);
                }
                let result = if reports.is_ok() { "answered" } else { "failed" };
                metrics.reports.get_or_create(&ResultLabels { result }).inc();
                if reported.set(&asked.listener, PodReport { pod: asked.pod, reports }) {
                    queue.add([asked.listener]);
                }
            })
            .await;
    }
}

/// When each pod is asked next.
#[derive(Debug, Default)]
struct Turns(HashMap<(Key, String), Instant>);

impl Turns {
    /// Whether it is this pod's turn; then its next turn is a period later.
    fn due(&mut self, asked: &Asked, now: Instant, period: Duration, first: Duration) -> bool {
        let key = (asked.listener.clone(), asked.pod.clone());
        let next = self.0.entry(key).or_insert_with(|| now + spread(&asked.listener, first));
        if *next > now {
            return false;
        }
        // A turn that came late is not made up for.
        *next = (*next + period).max(now + period / 2);
        true
    }

    fn retain(&mut self, runs: &HashSet<(Key, String)>) {
        self.0.retain(|key, _| runs.contains(key));
    }
}

/// A part of `within` that is always the same for one listener.
fn spread(listener: &Key, within: Duration) -> Duration {
    let mut hasher = DefaultHasher::new();
    listener.hash(&mut hasher);
    let part = u32::try_from(hasher.finish() % 1_000).unwrap_or_default();
    within * part / 1_000
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn pod(name: &str, phase: &str, ip: &str) -> Pod {
        serde_json::from_value(json!({
            "metadata": {"name": name, "namespace": "sales", "labels": {label::SELECTOR: "contacts"}},
            "status": {"phase": phase, "podIP": ip},
        }))
        .unwrap()
    }

    #[test]
    fn only_a_pod_that_runs_and_has_an_address_is_asked() {
        let asked = Asked::of(&pod("a", "Running", "10.0.0.7")).unwrap();
        assert_eq!(asked.address.to_string(), "10.0.0.7:9090");
        assert_eq!(asked.listener, Key::new("sales", "contacts"));
        assert_eq!(Asked::of(&pod("a", "Running", "fd00::7")).unwrap().address.to_string(), "[fd00::7]:9090");
        assert_eq!(Asked::of(&pod("a", "Pending", "10.0.0.7")), None);
        assert_eq!(Asked::of(&pod("a", "Running", "")), None);
    }

    #[test]
    fn a_thousand_listeners_are_spread_over_the_period() {
        let period = Duration::from_secs(15);
        let now = Instant::now();
        let mut turns = Turns::default();
        let all: Vec<_> = (0..1_000)
            .map(|at| Asked {
                listener: Key::new("n", &format!("l{at}")),
                pod: "p".to_owned(),
                address: SocketAddr::from(([127, 0, 0, 1], 9090)),
            })
            .collect();
        let mut asked_in_all = 0;
        for second in 0..15 {
            let at = now + Duration::from_secs(second);
            let due = all.iter().filter(|asked| turns.due(asked, at, period, period)).count();
            assert!(due < 150, "{due} in second {second}");
            asked_in_all += due;
        }
        assert!(asked_in_all > 900, "{asked_in_all}");
    }

    #[test]
    fn a_report_is_news_once_and_a_pod_that_ends_is_news() {
        let reported = Reported::default();
        let listener = Key::new("sales", "contacts");
        let report = PodReport { pod: "a".to_owned(), reports: Err("no answer".to_owned()) };
        assert!(reported.set(&listener, report.clone()));
        assert!(!reported.set(&listener, report));
        assert_eq!(reported.of(&listener).len(), 1);
        assert_eq!(reported.retain(&HashSet::new()), std::slice::from_ref(&listener));
        assert!(reported.of(&listener).is_empty());
    }
}
