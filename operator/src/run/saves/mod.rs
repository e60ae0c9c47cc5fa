//! Saves settings that somebody wants on a listener's web page; what pods and operator say to each other is
//! told in [`crds::saving`]. Only where the cluster's owner allows it (`--save-settings`).
//!
//! Each wanted change, one after another, in numbered steps:
//!
//! 1. the listener is taken from the cache;
//! 2. who asked is found among the tokens of its Secret (API server) by the proof, a token of the role `admin`;
//! 3. the settings are fetched from the pod (network), and must be proven by the same token;
//! 4. they are judged against the listener as it stands (pure);
//! 5. the listener with them is dereferenced and validated as a reconcile would (caches, API server, pure);
//! 6. `spec.settings` is patched, if the listener still has the generation that the page showed (API server);
//! 7. an event says who saved (API server), and the pod gets the outcome (network).
//!
//! What cannot be proven is left. What fails for a reason that may pass is left too: the pod's next report names
//! the change again, until it ends by itself. A change that stands already is told as applied, so an outcome
//! that was lost is told again.

mod judge;
mod who;
mod write;

use std::net::SocketAddr;
use std::sync::Arc;

use crds::HubSpotListener;
use crds::report::Reports;
use crds::saving::{
    FETCH_PATH, Fetch, Fetched, MAX_MESSAGE_BYTES, OUTCOME_PATH, Outcome, Place, Settled, Wanted,
};
use kube::Resource;
use tokio::sync::mpsc;
use tracing::{debug, info, warn};

use self::judge::{Judged, judge};
use self::who::{Bearer, find};
use super::key::Key;
use super::reconcile::Context;
use super::reports::Asker;
use crate::validate::validate;

/// Wanted changes that wait; those beyond are named again by the next report.
const WAITING: usize = 16;
/// Bytes of an answer that should have none.
const MAX_ANSWER: usize = 4 * 1024;

/// A change that a pod's report names.
#[derive(Clone, Debug)]
struct Asked {
    listener: Key,
    address: SocketAddr,
    wanted: Wanted,
}

/// Where wanted changes are put.
#[derive(Clone, Debug)]
pub(super) struct Inbox(mpsc::Sender<Asked>);

/// Makes an inbox, and what reads it.
pub(super) fn channel() -> (Inbox, Saver) {
    let (sender, receiver) = mpsc::channel(WAITING);
    (Inbox(sender), Saver(receiver))
}

impl Inbox {
    /// Takes the wanted changes out of the reports of a pod. A pod speaks for its own listener only.
    pub(super) fn take(&self, listener: &Key, address: SocketAddr, reports: &mut Reports) {
        for report in &mut reports.listeners {
            let Some(wanted) = report.settings_wanted.take() else { continue };
            if report.namespace == listener.namespace && report.name == listener.name {
                // Where it is full, the next report names it again.
                let _ = self.0.try_send(Asked { listener: listener.clone(), address, wanted });
            }
        }
    }
}

/// Reads the inbox.
#[derive(Debug)]
pub(super) struct Saver(mpsc::Receiver<Asked>);

impl Saver {
    /// Saves for ever.
    pub(super) async fn run(mut self, context: Arc<Context>) {
        let Some(pods) = Asker::new() else { return };
        while let Some(asked) = self.0.recv().await {
            if let Err(reason) = context.save(&pods, &asked).await {
                let key = &asked.listener;
                warn!(listener = %key, "settings that somebody wants for {key} wait: {reason}");
            }
        }
    }
}

impl Context {
    /// One wanted change; an error is a reason to wait for the next report.
    async fn save(&self, pods: &Asker, asked: &Asked) -> Result<(), String> {
        let Asked { listener: key, address, wanted } = asked;
        let place = Place { namespace: key.namespace.clone(), name: key.name.clone() };
        // 1. cache
        let Some(listener) = self.readable(key) else { return Ok(()) };
        // 2. API server
        let Some(Bearer { name, key: proof }) = find(&self.client, &listener, &place, wanted).await? else {
            return Err("no token with the role admin of its Secret proves who asked".to_owned());
        };
        // 3. pod
        let fetch = Fetch::new(&proof, place.clone(), &wanted.id);
        let answer = pods.post(*address, FETCH_PATH, &fetch, MAX_MESSAGE_BYTES).await?;
        let fetched: Fetched =
            serde_json::from_slice(&answer).map_err(|_| "the pod sent no settings".to_owned())?;
        if !fetched.is_proven(&proof, &place, &wanted.id) {
            return Err("the pod's settings are not proven".to_owned());
        }
        // 4. to 6.
        let settled = match judge(&listener, &fetched) {
            Judged::Later => return Err("the cache is behind".to_owned()),
            Judged::Settled(settled) => settled,
            Judged::New(changed) => self.apply(&listener, changed).await?,
        };
        // 7. API server, pod
        match &settled {
            Settled::Applied { generation } => {
                info!(listener = %key, actor = name, "{name} saved the settings of {key} from its web page; generation {generation}");
                self.events.saved(&listener.object_ref(&()), &name, *generation).await;
            }
            Settled::Refused { reason } => {
                info!(listener = %key, actor = name, "the settings that {name} wants for {key} are refused: {reason}");
            }
        }
        let outcome = Outcome::new(&proof, place, &wanted.id, settled);
        if let Err(reason) = pods.post(*address, OUTCOME_PATH, &outcome, MAX_ANSWER).await {
            debug!(listener = %key, reason, "the outcome for {key} is told again");
        }
        Ok(())
    }

    /// The listener, where it is there, can be read and is not being deleted.
    fn readable(&self, key: &Key) -> Option<Arc<HubSpotListener>> {
        let found = self.reader.caches.listener(key)?;
        let listener = found.0.as_ref().ok()?;
        listener.metadata.deletion_timestamp.is_none().then(|| Arc::new(listener.clone()))
    }

    /// Validates and writes.
    async fn apply(
        &self,
        listener: &HubSpotListener,
        changed: Arc<HubSpotListener>,
    ) -> Result<Settled, String> {
        // 5. caches; the API server for what is new; pure
        let observed =
            self.reader.dereference(&self.client, &changed).await.map_err(|error| error.to_string())?;
        if let Err(rejections) = validate(&observed, &self.defaults) {
            let messages: Vec<_> = rejections.into_iter().map(|rejection| rejection.message).collect();
            return Ok(Settled::Refused { reason: messages.join("; ") });
        }
        // 6. the API server
        write::patch(&self.client, listener, &changed.spec.settings).await
    }
}

#[cfg(test)]
mod tests {
    use crds::report::Report;

    use super::*;

    #[test]
    fn a_pod_speaks_for_its_own_listener_and_what_does_not_fit_is_left() {
        let (inbox, mut saver) = channel();
        let wanted = Some(Wanted { id: "1".to_owned(), proof: String::new() });
        let report = |name: &str| Report {
            namespace: "sales".to_owned(),
            name: name.to_owned(),
            settings_wanted: wanted.clone(),
            ..Report::default()
        };
        let key = Key::new("sales", "contacts");
        let address = SocketAddr::from(([127, 0, 0, 1], 9090));
        for _ in 0..WAITING + 3 {
            let mut reports = Reports { listeners: vec![report("other"), report("contacts")], message: None };
            inbox.take(&key, address, &mut reports);
            // Or each new id would be news to the reconcile.
            assert!(reports.listeners.iter().all(|report| report.settings_wanted.is_none()));
        }
        let mut taken = 0;
        while let Ok(asked) = saver.0.try_recv() {
            assert_eq!(asked.listener, key);
            taken += 1;
        }
        assert_eq!(taken, WAITING);
    }
}
