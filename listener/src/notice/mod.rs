//! Notices: somebody is told by itself that something is wrong. `docs/notices.md` is the user's page.
//!
//! [`Noticer`] is a task of each listener beside delivery. Every [`LOOK`] it asks the store what there is
//! ([`look`]) and posts what is due ([`webhook`], [`alertmanager`]). It holds no lock and no place of a queue
//! while it waits, so a notice that hangs holds nothing up but itself.
//!
//! # Invariants
//!
//! 1. What is told is what is open, paused or refused at the time of sending: nothing is queued,
//!    and a notice that could not be sent is made anew for the next try.
//! 2. A webhook is told of one thing at most once in `everyMinutes`, also over a start: what was
//!    told stands in the store ([`Memory`]). It is noted after the answer, so a kill in between
//!    tells it twice rather than never.
//! 3. Of the processes that share a store one sends ([`Memory::mine`]).
//! 4. No payload is ever read here; trace keys only as many as the notice asks for.
//!
//! # Bounds
//!
//! One request at a time for each notice, within its timeout; no answer's body is read. After a
//! failure the next look waits 10 seconds, doubled up to `everyMinutes`.

mod alertmanager;
mod body;
mod look;
mod memory;
#[cfg(test)]
mod tests;
mod webhook;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use serde::Serialize;
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use self::alertmanager::Alertmanager;
pub use self::memory::Memory;
use self::webhook::Webhook;
use crate::config::{Live, LiveNotice, NoticeShape};
use crate::deliver::{DestinationState, Poster, Timing};
use crate::desk::{Desk, DeskError};
use crate::metrics::{Metrics, NoticeLabels};
use crate::store::{Store, StoreError};
use language::clock::Clock;

/// How often it is looked.
const LOOK: Duration = Duration::from_secs(10);

/// Why a notice was not sent.
#[derive(Debug, thiserror::Error)]
enum Fail {
    /// The store did not say what there is.
    #[error("{0}")]
    Store(#[from] StoreError),
    /// The desk did not.
    #[error("{0}")]
    Desk(#[from] DeskError),
    /// It was not taken.
    #[error("{0}")]
    Post(String),
}

/// What a noticer works with.
pub struct Parts {
    /// The newest configuration.
    pub live: Arc<ArcSwap<Live>>,
    /// What is told.
    pub desk: Arc<dyn Desk>,
    /// What is told.
    pub store: Arc<dyn Store>,
    /// What was told.
    pub memory: Arc<dyn Memory>,
    /// How each destination stands.
    pub states: Box<dyn Fn() -> Vec<DestinationState> + Send + Sync>,
    /// The clock.
    pub clock: Clock,
    /// Where notices are counted.
    pub metrics: Arc<Metrics>,
    /// Waits of connections.
    pub timing: Timing,
}

/// Tells of one listener.
pub struct Noticer {
    parts: Parts,
    poster: Option<Poster>,
    notices: BTreeMap<String, Known>,
}

/// What is known of one notice.
#[derive(Debug, Default)]
struct Known {
    webhook: Option<Webhook>,
    alertmanager: Alertmanager,
    failures: u32,
    next_ms: i64,
}

/// One look, as the notices see it.
struct Tell<'a> {
    live: &'a Live,
    desk: &'a dyn Desk,
    store: &'a dyn Store,
    memory: &'a dyn Memory,
    states: Vec<DestinationState>,
    metrics: &'a Metrics,
    poster: &'a Poster,
    now_ms: i64,
}

impl Noticer {
    /// Of one listener.
    pub fn new(parts: Parts) -> Self {
        Self { parts, poster: None, notices: BTreeMap::new() }
    }

    /// Looks now and then, until `stop`.
    pub async fn run(mut self, stop: CancellationToken) {
        loop {
            let look = async {
                tokio::time::sleep(LOOK).await;
                self.look().await;
            };
            tokio::select! {
                () = look => {}
                () = stop.cancelled() => return,
            }
        }
    }

    /// One look at everything.
    pub(crate) async fn look(&mut self) {
        let live = self.parts.live.load_full();
        self.notices.retain(|name, _| live.notices.iter().any(|notice| notice.name == *name));
        if live.notices.is_empty() || !self.is_mine().await {
            return;
        }
        let Some(poster) = self.poster(&live) else { return };
        let tell = Tell {
            live: &live,
            desk: self.parts.desk.as_ref(),
            store: self.parts.store.as_ref(),
            memory: self.parts.memory.as_ref(),
            states: (self.parts.states)(),
            metrics: &self.parts.metrics,
            poster: &poster,
            now_ms: self.parts.clock.now_ms(),
        };
        let looks = live.notices.iter().map(|notice| {
            let known = self.notices.remove(&notice.name).unwrap_or_default();
            known.look(notice, &tell)
        });
        let known = futures_util::future::join_all(looks).await;
        self.notices = live.notices.iter().map(|notice| notice.name.clone()).zip(known).collect();
    }

    async fn is_mine(&self) -> bool {
        match self.parts.memory.mine().await {
            Ok(mine) => mine,
            Err(error) => {
                tracing::debug!(%error, "it is not known who sends notices; nobody does for now");
                false
            }
        }
    }

    /// Another set of allowed addresses needs another client.
    fn poster(&mut self, live: &Live) -> Option<Poster> {
        if self.poster.as_ref().is_none_or(|poster| !poster.fits(live)) {
            match Poster::new(live, &self.parts.timing) {
                Ok(poster) => self.poster = Some(poster),
                Err(error) => tracing::error!(%error, "notices cannot be sent: {error}"),
            }
        }
        self.poster.clone()
    }
}

impl Known {
    /// One look of one notice. Failures are logged once, until it works again.
    async fn look(mut self, notice: &LiveNotice, tell: &Tell<'_>) -> Self {
        if tell.now_ms < self.next_ms {
            return self;
        }
        let outcome = match notice.shape {
            NoticeShape::Alertmanager => self.alertmanager.look(notice, tell).await,
            NoticeShape::Webhook => self.webhook(notice, tell).await,
        };
        let (listener, name) = (tell.live.full_name(), &notice.name);
        match outcome {
            Ok(()) if self.failures > 0 => {
                self.failures = 0;
                tracing::info!(listener.key = %listener, notice.name = %name, "notice {name} works again");
            }
            Ok(()) => {}
            Err(error) => {
                if self.failures == 0 {
                    tracing::warn!(
                        listener.key = %listener,
                        notice.name = %name,
                        "notice {name} of {listener} cannot be sent, tried again until it can: {error}"
                    );
                }
                let wait = LOOK.saturating_mul(1_u32.checked_shl(self.failures).unwrap_or(u32::MAX));
                self.failures = self.failures.saturating_add(1).min(20);
                self.next_ms = tell.now_ms.saturating_add(millis(wait.min(notice.every)));
            }
        }
        self
    }

    async fn webhook(&mut self, notice: &LiveNotice, tell: &Tell<'_>) -> Result<(), Fail> {
        let mut webhook = match self.webhook.take() {
            Some(webhook) => webhook,
            None => Webhook::load(notice, tell).await?,
        };
        let outcome = webhook.look(notice, tell).await;
        self.webhook = Some(webhook);
        outcome
    }
}

impl Tell<'_> {
    fn envelope(&self, notice: &LiveNotice, kind: &str, text: &str) -> Value {
        body::envelope(self.live, &notice.name, kind, self.now_ms, text)
    }

    /// Posts, and counts.
    async fn post(&self, notice: &LiveNotice, body: &impl Serialize) -> Result<(), Fail> {
        let body = serde_json::to_vec(body).map_err(|error| Fail::Post(error.to_string()))?;
        let sent = self.poster.post(&notice.url, &notice.headers, notice.timeout, body).await;
        let configuration = &self.live.configuration;
        let labels = NoticeLabels {
            namespace: configuration.namespace.clone(),
            listener: configuration.name.clone(),
            notice: notice.name.clone(),
            outcome: if sent.is_ok() { "sent" } else { "failed" },
        };
        self.metrics.notices.get_or_create(&labels).inc();
        sent.map_err(Fail::Post)
    }
}

/// Whole milliseconds.
fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}
