//! Keeps the listeners of the process as their source says.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Mutex;
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};

use super::one::{Address, Running};
use super::options::Options;
use crate::admin;
use crate::config::{Inputs, ListenerKey, Reading, Refused, compile};
use crate::metrics::{ListenerLabels, Metrics};
use crate::receive::Door;

/// The listeners of a process.
#[derive(Debug)]
pub(super) struct Listeners {
    options: Arc<Options>,
    metrics: Arc<Metrics>,
    door: Arc<Door>,
    view: Arc<admin::View>,
    running: Mutex<BTreeMap<ListenerKey, Running>>,
    /// What was refused last, by listener; so that it is said once.
    refused: Mutex<HashMap<ListenerKey, [u8; 32]>>,
    addresses: std::sync::Mutex<Vec<Address>>,
}

/// Looks at the source again and again, until `stop`.
pub(super) async fn follow(listeners: Arc<Listeners>, stop: CancellationToken) {
    let mut said = None;
    loop {
        tokio::select! {
            () = tokio::time::sleep(listeners.options.poll) => {}
            () = stop.cancelled() => return,
        }
        match listeners.read().await {
            Ok(reading) => {
                if said.take().is_some() {
                    info!("the configuration can be read again");
                }
                Box::pin(listeners.take(reading)).await;
            }
            Err(refused) => {
                if said.as_ref() != Some(&refused) {
                    warn!("the configuration is refused, what runs goes on: {refused}");
                    listeners.refuse_all(&refused.to_string()).await;
                }
                said = Some(refused);
            }
        }
    }
}

impl Listeners {
    pub(super) async fn start(
        options: Arc<Options>,
        metrics: Arc<Metrics>,
        door: Arc<Door>,
    ) -> anyhow::Result<Arc<Self>> {
        let listeners = Arc::new(Self {
            options,
            metrics,
            door,
            view: admin::View::new(),
            running: Mutex::default(),
            refused: Mutex::default(),
            addresses: std::sync::Mutex::default(),
        });
        let begun = match listeners.read().await {
            Ok(reading) => Box::pin(listeners.take(reading)).await,
            Err(refused) => {
                listeners.refuse_all(&refused.to_string()).await;
                Some(refused.to_string())
            }
        };
        match begun {
            Some(problem) if listeners.options.must_begin_well => {
                listeners.stop(Duration::ZERO).await;
                Err(anyhow::anyhow!("{problem}"))
            }
            Some(problem) => {
                error!("nothing to run yet, looked at again every {:?}: {problem}", listeners.options.poll);
                Ok(listeners)
            }
            None => Ok(listeners),
        }
    }

    pub(super) fn view(&self) -> &Arc<admin::View> {
        &self.view
    }

    pub(super) fn addresses(&self) -> Vec<Address> {
        self.addresses.lock().map(|addresses| addresses.clone()).unwrap_or_default()
    }

    async fn read(&self) -> Result<Reading, Refused> {
        let source = Arc::clone(&self.options.source);
        tokio::task::spawn_blocking(move || source.read()).await.unwrap_or_else(|error| {
            Err(Refused::one(
                "configuration",
                format!("reading it failed: {error}"),
                "this is a mistake of ours: report it",
            ))
        })
    }

    /// Makes what runs be what `reading` says, as far as that is good; the first problem otherwise.
    async fn take(&self, reading: Reading) -> Option<String> {
        let mut running = self.running.lock().await;
        let mut problem = None;
        let wanted: BTreeMap<ListenerKey, Inputs> =
            reading.listeners.into_iter().map(|inputs| (inputs.key(), inputs)).collect();

        let gone: Vec<ListenerKey> =
            running.keys().filter(|key| !wanted.contains_key(*key)).cloned().collect();
        let mut leaving = Vec::new();
        for key in gone {
            info!(listener.key = %key, "listener {key} is gone from the configuration; its data stays");
            leaving.extend(running.remove(&key));
        }
        let mut changed = !leaving.is_empty();
        for (key, inputs) in wanted {
            match Box::pin(self.take_one(&mut running, &key, inputs)).await {
                Ok(did) => changed |= did,
                Err(refused) => problem = problem.or(Some(refused)),
            }
        }
        if changed {
            self.publish(&running);
        }
        // Only after the door no longer leads to them.
        for one in leaving {
            one.stop(self.options.limits.grace).await;
        }
        problem
    }

    /// Starts or changes one listener; whether anything was done.
    async fn take_one(
        &self,
        running: &mut BTreeMap<ListenerKey, Running>,
        key: &ListenerKey,
        inputs: Inputs,
    ) -> Result<bool, String> {
        let fingerprint = inputs.fingerprint();
        // Before the rest is judged: a token that was taken back counts no more, whatever else is wrong.
        let tokens = inputs.tokens.clone();
        if let Some(one) = running.get(key) {
            one.shown.set_tokens(&tokens);
        }
        if let Some(one) = running.get(key).filter(|one| one.fingerprint == fingerprint) {
            self.refused.lock().await.remove(key);
            self.say_valid(one);
            return Ok(false);
        }
        if self.refused.lock().await.get(key) == Some(&fingerprint) && running.contains_key(key) {
            return Ok(false);
        }
        let live = match compile(inputs) {
            Ok(live) => live,
            Err(refused) => {
                return Err(self.refuse(running.get(key), key, fingerprint, &refused.to_string()).await);
            }
        };
        if let Some(other) = running.values().find(|one| one.key != *key && one.address().path == live.path) {
            let problem = format!(
                "spec.url.path: {} is the path of {} already; give one of them another spec.url.path",
                live.path, other.key
            );
            return Err(self.refuse(running.get(key), key, fingerprint, &problem).await);
        }
        if let Some(one) = running.get_mut(key) {
            one.replace(live, fingerprint).await;
        } else {
            match Running::start(live, fingerprint, &self.options, &self.metrics).await {
                Ok(one) => {
                    one.shown.set_tokens(&tokens);
                    running.insert(key.clone(), one);
                }
                Err(error) => return Err(self.refuse(None, key, fingerprint, &error.to_string()).await),
            }
        }
        self.refused.lock().await.remove(key);
        if let Some(one) = running.get(key) {
            self.say_valid(one);
        }
        Ok(true)
    }

    /// Says once why a configuration is refused, and goes on saying it where one looks for it.
    async fn refuse(
        &self,
        runs: Option<&Running>,
        key: &ListenerKey,
        fingerprint: [u8; 32],
        problem: &str,
    ) -> String {
        if self.refused.lock().await.insert(key.clone(), fingerprint) != Some(fingerprint) {
            let goes_on = if runs.is_some() { ", what runs goes on" } else { "" };
            warn!(listener.key = %key, "the configuration of {key} is refused{goes_on}: {problem}");
        }
        self.metrics.configuration_valid.get_or_create(&labels(key)).set(0);
        match runs {
            Some(one) => one.shown.set_refusal(Some(problem.to_owned())),
            None => self.view.set_refusal(Some(format!("{key}: {problem}"))),
        }
        problem.to_owned()
    }

    /// The source as a whole cannot be used.
    async fn refuse_all(&self, problem: &str) {
        let running = self.running.lock().await;
        for one in running.values() {
            self.metrics.configuration_valid.get_or_create(&labels(&one.key)).set(0);
            one.shown.set_refusal(Some(problem.to_owned()));
        }
        if running.is_empty() {
            self.view.set_refusal(Some(problem.to_owned()));
        }
    }

    fn say_valid(&self, one: &Running) {
        self.metrics.configuration_valid.get_or_create(&labels(&one.key)).set(1);
        one.shown.set_refusal(None);
    }

    /// Lets the door and the admin port know.
    fn publish(&self, running: &BTreeMap<ListenerKey, Running>) {
        if let Err(same) = self.door.set(running.values().map(|one| Arc::clone(&one.endpoint))) {
            error!("{same}: the routes stay as they are");
        }
        self.view.set_listeners(running.values().map(|one| Arc::clone(&one.shown)).collect());
        if let Ok(mut addresses) = self.addresses.lock() {
            *addresses = running.values().map(Running::address).collect();
        }
    }

    /// Ends all of them, side by side; pages in flight may take `grace`.
    pub(super) async fn stop(&self, grace: Duration) {
        let running = std::mem::take(&mut *self.running.lock().await);
        futures_util::future::join_all(running.into_values().map(|one| one.stop(grace))).await;
    }
}

fn labels(key: &ListenerKey) -> ListenerLabels {
    ListenerLabels { namespace: key.namespace.clone(), listener: key.name.clone() }
}
