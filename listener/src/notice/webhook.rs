//! When a webhook is told, and what.
//!
//! Keys in the [`Memory`](super::Memory), each after the notice's name and `/`: `errors`, up to when errors
//! were told; `refusals`, when those were told; `paused/<destination>`, when it was told that the
//! destination is paused, gone when it was told that it answers again.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::body;
use super::look;
use super::{Fail, Tell};
use crate::config::LiveNotice;
use crate::store::StoreError;
use crds::listener::NoticeKind;

/// An error is told once it is so old: it was settled by then, and no later one has an earlier time.
pub(super) const SETTLED_MS: i64 = 10_000;

/// What is known of one webhook.
#[derive(Debug)]
pub(super) struct Webhook {
    /// What the memory holds, without the notice's name.
    told: BTreeMap<String, i64>,
    /// When it was told last that a destination answers again.
    resumed: BTreeMap<String, i64>,
    begun_ms: i64,
}

impl Webhook {
    /// As it was left.
    pub(super) async fn load(notice: &LiveNotice, tell: &Tell<'_>) -> Result<Self, StoreError> {
        let prefix = format!("{}/", notice.name);
        let told = tell.memory.told(&prefix).await?;
        let told = told.into_iter().filter_map(|(key, at)| Some((key.strip_prefix(&prefix)?.to_owned(), at)));
        let mut webhook = Self { told: told.collect(), resumed: BTreeMap::new(), begun_ms: tell.now_ms };
        if !webhook.told.contains_key("errors") {
            // A notice that is new tells what comes from now on.
            webhook.note(notice, tell, "errors".to_owned(), Some(tell.now_ms)).await?;
        }
        Ok(webhook)
    }

    async fn note(
        &mut self,
        notice: &LiveNotice,
        tell: &Tell<'_>,
        key: String,
        at_ms: Option<i64>,
    ) -> Result<(), StoreError> {
        tell.memory.tell(&format!("{}/{key}", notice.name), at_ms).await?;
        match at_ms {
            Some(at_ms) => self.told.insert(key, at_ms),
            None => self.told.remove(&key),
        };
        Ok(())
    }

    /// Tells what is due.
    pub(super) async fn look(&mut self, notice: &LiveNotice, tell: &Tell<'_>) -> Result<(), Fail> {
        for kind in &notice.kinds {
            match kind {
                NoticeKind::NewErrors => self.errors(notice, tell).await?,
                NoticeKind::DestinationPaused => self.paused(notice, tell).await?,
                NoticeKind::Refusals => self.refusals(notice, tell).await?,
            }
        }
        Ok(())
    }

    fn due(notice: &LiveNotice, told_ms: Option<i64>, now_ms: i64) -> bool {
        told_ms.is_none_or(|told| now_ms.saturating_sub(told) >= super::millis(notice.every))
    }

    async fn errors(&mut self, notice: &LiveNotice, tell: &Tell<'_>) -> Result<(), Fail> {
        let told = self.told.get("errors").copied().unwrap_or(self.begun_ms);
        let until = tell.now_ms.saturating_sub(SETTLED_MS);
        // The first one of a quiet while is told at once.
        let sent = self.told.get("errors-sent").copied();
        if until <= told || !Self::due(notice, sent, tell.now_ms) {
            return Ok(());
        }
        let groups = look::errors(tell.desk, (Some(told), Some(until)), notice.trace_keys).await?;
        if groups.is_empty() {
            return Ok(());
        }
        let count = body::total(&groups);
        let text = format!("{count} new open {}", if count == 1 { "error" } else { "errors" });
        let mut body = tell.envelope(notice, "newErrors", &text);
        body["since"] = json!(body::time(told));
        body["errors"] = body::errors(&groups);
        self.send(notice, tell, &body).await?;
        self.note(notice, tell, "errors".to_owned(), Some(until)).await?;
        self.note(notice, tell, "errors-sent".to_owned(), Some(tell.now_ms)).await?;
        Ok(())
    }

    async fn paused(&mut self, notice: &LiveNotice, tell: &Tell<'_>) -> Result<(), Fail> {
        let paused: BTreeMap<String, i64> = look::paused(tell.states.clone()).into_iter().collect();
        for (destination, since_ms) in &paused {
            let key = format!("paused/{destination}");
            let resumed = self.resumed.get(destination).copied();
            if self.told.contains_key(&key) || !Self::due(notice, resumed, tell.now_ms) {
                continue;
            }
            let text = format!("destination {destination} is paused, it does not answer");
            let mut body = tell.envelope(notice, "destinationPaused", &text);
            body["destination"] = json!({"name": destination, "pausedSince": body::time(*since_ms)});
            self.send(notice, tell, &body).await?;
            self.note(notice, tell, key, Some(tell.now_ms)).await?;
        }
        let told: Vec<(String, i64)> = self
            .told
            .iter()
            .filter_map(|(key, at)| Some((key.strip_prefix("paused/")?.to_owned(), *at)))
            .filter(|(destination, _)| !paused.contains_key(destination))
            .collect();
        for (destination, at_ms) in told {
            // After a start nobody knows yet whether it answers.
            let fresh = at_ms < self.begun_ms && !Self::due(notice, Some(self.begun_ms), tell.now_ms);
            if fresh || !Self::due(notice, Some(at_ms), tell.now_ms) {
                continue;
            }
            let there = tell.states.iter().any(|state| state.name == destination);
            if there {
                let text = format!("destination {destination} is not paused any more");
                let mut body = tell.envelope(notice, "destinationResumed", &text);
                body["destination"] = json!({"name": destination});
                self.send(notice, tell, &body).await?;
                self.resumed.insert(destination.clone(), tell.now_ms);
            }
            self.note(notice, tell, format!("paused/{destination}"), None).await?;
        }
        Ok(())
    }

    async fn refusals(&mut self, notice: &LiveNotice, tell: &Tell<'_>) -> Result<(), Fail> {
        if !Self::due(notice, self.told.get("refusals").copied(), tell.now_ms) {
            return Ok(());
        }
        let window = super::millis(notice.every);
        let found = look::refusals(tell.store, tell.now_ms, window, notice.refusals_per_minute).await?;
        let Some(found) = found else { return Ok(()) };
        let text = format!("{} requests are refused, most of them: {}", found.count, found.code);
        let mut body = tell.envelope(notice, "refusals", &text);
        body["refusals"] = body::refusals(&found);
        self.send(notice, tell, &body).await?;
        self.note(notice, tell, "refusals".to_owned(), Some(tell.now_ms)).await?;
        Ok(())
    }

    async fn send(&self, notice: &LiveNotice, tell: &Tell<'_>, body: &Value) -> Result<(), Fail> {
        tell.post(notice, body).await
    }
}
