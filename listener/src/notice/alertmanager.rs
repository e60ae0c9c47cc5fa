//! What fires at an Alertmanager, and what is over.
//!
//! Everything that fires is sent once a minute, and at once when it changes; each time with an
//! end five minutes ahead, so that it ends by itself where nobody sends any more. What is over is
//! sent once with its end. Nothing is remembered over a start: Alertmanager knows an alert by its labels and
//! keeps its earliest beginning. When and whom it tells is Alertmanager's own work.

use std::collections::BTreeMap;

use super::body::{Alert, time};
use super::look;
use super::{Fail, Tell};
use crate::config::LiveNotice;
use crds::listener::NoticeKind;

const AGAIN_MS: i64 = 60_000;
const AHEAD_MS: i64 = 5 * 60_000;

/// What is known of one Alertmanager.
#[derive(Debug, Default)]
pub(super) struct Alertmanager {
    firing: BTreeMap<String, (i64, Alert)>,
    over: Vec<(i64, Alert)>,
    sent_ms: Option<i64>,
}

impl Alertmanager {
    /// Sends what is due.
    pub(super) async fn look(&mut self, notice: &LiveNotice, tell: &Tell<'_>) -> Result<(), Fail> {
        let now_ms = tell.now_ms;
        let mut firing: BTreeMap<String, Alert> = BTreeMap::new();
        for alert in alerts(notice, tell).await? {
            let key = alert.labels.values().map(String::as_str).collect::<Vec<_>>().join("\n");
            firing.insert(key, alert);
        }
        let mut changed = false;
        for (key, (since_ms, alert)) in std::mem::take(&mut self.firing) {
            if !firing.contains_key(&key) {
                changed = true;
                self.over.push((since_ms, alert));
            } else if let Some(now) = firing.remove(&key) {
                self.firing.insert(key, (since_ms, now));
            }
        }
        for (key, alert) in firing {
            changed = true;
            self.firing.insert(key, (now_ms, alert));
        }
        let again = self.sent_ms.is_none_or(|sent| now_ms.saturating_sub(sent) >= AGAIN_MS);
        let anything = !self.firing.is_empty() || !self.over.is_empty();
        // What could not be sent before is due too.
        let due = changed || !self.over.is_empty() || again;
        if !anything || !due {
            return Ok(());
        }
        let at = |(since_ms, alert): &(i64, Alert), end_ms: i64| Alert {
            starts_at: time(*since_ms),
            ends_at: time(end_ms),
            ..alert.clone()
        };
        let mut body: Vec<Alert> =
            self.firing.values().map(|firing| at(firing, now_ms.saturating_add(AHEAD_MS))).collect();
        body.extend(self.over.iter().map(|over| at(over, now_ms)));
        // Until it worked it is due at the next look.
        self.sent_ms = None;
        // So that an Alertmanager that is away for long does not make us keep more and more.
        self.over.truncate(MOST_OVER);
        tell.post(notice, &body).await?;
        self.over.clear();
        self.sent_ms = Some(now_ms);
        Ok(())
    }
}

/// Alerts that are over and not told at most; they end by themselves.
const MOST_OVER: usize = 1_000;

async fn alerts(notice: &LiveNotice, tell: &Tell<'_>) -> Result<Vec<Alert>, Fail> {
    let live = tell.live;
    let mut alerts = Vec::new();
    for kind in &notice.kinds {
        match kind {
            NoticeKind::NewErrors => {
                for group in look::errors(tell.desk, (None, None), notice.trace_keys).await? {
                    let place = group.destination.clone().unwrap_or_default();
                    let class = group.class.as_str();
                    let at = if place.is_empty() {
                        "before any destination".to_owned()
                    } else {
                        format!("at {place}")
                    };
                    let summary = format!("{} open errors of class {class} {at}", group.count);
                    let mut alert = Alert::new(live, "HubSpotListenerErrors", &summary)
                        .label("destination", place)
                        .label("class", class)
                        .annotation("count", group.count.to_string());
                    if !group.trace_keys.is_empty() {
                        alert = alert.annotation("traceKeys", group.trace_keys.join(", "));
                    }
                    alerts.push(alert);
                }
            }
            NoticeKind::DestinationPaused => {
                alerts.extend(look::paused(tell.states.clone()).into_iter().map(|(name, since_ms)| {
                    let summary = format!("destination {name} is paused, it does not answer");
                    Alert::new(live, "HubSpotListenerDestinationPaused", &summary)
                        .label("destination", name)
                        .annotation("pausedSince", time(since_ms))
                }));
            }
            NoticeKind::Refusals => {
                let window = super::millis(notice.every);
                let refusals = look::refusals(tell.store, tell.now_ms, window, notice.refusals_per_minute);
                alerts.extend(refusals.await?.map(|found| {
                    let summary = format!("{} requests are refused, most: {}", found.count, found.code);
                    Alert::new(live, "HubSpotListenerRefusals", &summary)
                        .annotation("perMinute", format!("{:.1}", found.per_minute))
                        .annotation("diagnosis", found.code)
                        .annotation("remedy", found.remedy.unwrap_or_default())
                }));
            }
        }
    }
    Ok(alerts)
}
