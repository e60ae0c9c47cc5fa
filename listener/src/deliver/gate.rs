//! Whether a destination may be sent to now.
//!
//! Two things shut the gate. `Retry-After` of a 429 shuts it until that time; then
//! it stands open again. Attempts without an answer in a row (no connection, or
//! none in time) shut it as well: from then on one page at a time is sent as a
//! probe, at growing intervals, and any answer at all opens the gate.
//!
//! Pure: the clock is an argument.

use std::time::Duration;

use serde::Serialize;

use super::timing::{Timing, doubled, millis};

/// Why a destination is paused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum PauseReason {
    /// Attempts without an answer in a row; it is probed.
    Connection,
    /// It asked for it: 429 with `Retry-After`.
    RetryAfter,
    /// `spec.paused`.
    Manifest,
}

/// That a destination is paused, and until when.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Paused {
    /// Why.
    pub reason: PauseReason,
    /// Epoch milliseconds.
    pub since_ms: i64,
    /// Epoch milliseconds when something is sent next; none where a person decides.
    pub next_probe_ms: Option<i64>,
}

/// What an attempt showed about the destination.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sign {
    /// It answered.
    Answered,
    /// It answered 429 and named a time.
    Wait(Duration),
    /// No connection, or no answer in time.
    Silent,
    /// Nothing was learnt: given back, barred.
    Nothing,
}

/// The gate of one destination.
#[derive(Debug, Default)]
pub(super) struct Gate {
    silent: u32,
    outage: Option<Outage>,
    wait: Option<(i64, i64)>,
}

#[derive(Debug)]
struct Outage {
    since_ms: i64,
    probes: u32,
    next_ms: i64,
}

impl Gate {
    /// Learns from an attempt; whether an outage began or ended.
    pub(super) fn learn(&mut self, sign: Sign, probe: bool, now_ms: i64, timing: &Timing) -> bool {
        match sign {
            Sign::Nothing => false,
            Sign::Answered => self.open(),
            Sign::Wait(asked) => {
                let until = now_ms.saturating_add(millis(asked.min(timing.longest_retry_after)));
                let (since, before) = self.wait.unwrap_or((now_ms, until));
                self.wait = Some((since, until.max(before)));
                self.open()
            }
            Sign::Silent => {
                self.silent = self.silent.saturating_add(1);
                match &mut self.outage {
                    Some(outage) if probe => {
                        outage.probes = outage.probes.saturating_add(1);
                        let interval = doubled(timing.first_probe, outage.probes, timing.longest_probe);
                        outage.next_ms = now_ms.saturating_add(millis(interval));
                        false
                    }
                    None if self.silent >= timing.failures_before_pause => {
                        let next_ms = now_ms.saturating_add(millis(timing.first_probe));
                        self.outage = Some(Outage { since_ms: now_ms, probes: 0, next_ms });
                        true
                    }
                    _ => false,
                }
            }
        }
    }

    fn open(&mut self) -> bool {
        self.silent = 0;
        self.outage.take().is_some()
    }

    /// The settings changed: an outage is probed at once.
    pub(super) fn probe_now(&mut self, now_ms: i64) {
        if let Some(outage) = &mut self.outage {
            outage.next_ms = now_ms;
        }
    }

    /// When the next page may be sent, where not now.
    pub(super) fn shut_until(&mut self, now_ms: i64) -> Option<i64> {
        if self.wait.is_some_and(|(_, until)| until <= now_ms) {
            self.wait = None;
        }
        let until = self.wait.map(|(_, until)| until).max(self.outage.as_ref().map(|outage| outage.next_ms));
        until.filter(|&until| until > now_ms)
    }

    /// Whether what is sent now is a probe.
    pub(super) fn is_probing(&self) -> bool {
        self.outage.is_some()
    }

    /// For people.
    pub(super) fn paused(&self, now_ms: i64) -> Option<Paused> {
        if let Some(Outage { since_ms, next_ms, .. }) = self.outage {
            return Some(Paused { reason: PauseReason::Connection, since_ms, next_probe_ms: Some(next_ms) });
        }
        let (since_ms, until) = self.wait.filter(|&(_, until)| until > now_ms)?;
        Some(Paused { reason: PauseReason::RetryAfter, since_ms, next_probe_ms: Some(until) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn timing() -> Timing {
        Timing { failures_before_pause: 3, ..Timing::default() }
    }

    fn silent(gate: &mut Gate, times: u32) {
        for _ in 0..times {
            gate.learn(Sign::Silent, false, 0, &timing());
        }
    }

    #[test]
    fn failures_in_a_row_shut_it_and_an_answer_between_them_does_not() {
        let mut gate = Gate::default();
        silent(&mut gate, 2);
        gate.learn(Sign::Answered, false, 0, &timing());
        silent(&mut gate, 2);
        assert_eq!(gate.shut_until(0), None);
        assert!(gate.learn(Sign::Silent, false, 0, &timing()));
        assert_eq!(gate.shut_until(0), Some(1_000));
        assert!(gate.is_probing());
    }

    #[test]
    fn probes_come_at_growing_intervals_up_to_the_longest() {
        let mut gate = Gate::default();
        silent(&mut gate, 3);
        let mut now = 0;
        let mut waits = Vec::new();
        for _ in 0..11 {
            let next = gate.shut_until(now).unwrap();
            waits.push((next - now) / 1_000);
            now = next;
            assert_eq!(gate.shut_until(now), None);
            gate.learn(Sign::Silent, true, now, &timing());
        }
        assert_eq!(waits, [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300]);
    }

    #[test]
    fn late_failures_of_other_pages_do_not_put_the_probe_off() {
        let mut gate = Gate::default();
        silent(&mut gate, 10);
        assert_eq!(gate.shut_until(0), Some(1_000));
    }

    #[test]
    fn any_answer_opens_it() {
        let mut gate = Gate::default();
        silent(&mut gate, 3);
        assert!(gate.learn(Sign::Answered, true, 1_000, &timing()));
        assert_eq!(gate.shut_until(1_000), None);
        assert_eq!(gate.paused(1_000), None);
        assert!(!gate.is_probing());
    }

    #[test]
    fn retry_after_shuts_it_for_that_time_and_no_page_makes_it_shorter() {
        let mut gate = Gate::default();
        gate.learn(Sign::Wait(Duration::from_secs(10)), false, 0, &timing());
        gate.learn(Sign::Wait(Duration::from_secs(2)), false, 1_000, &timing());
        gate.learn(Sign::Answered, false, 1_500, &timing());
        assert_eq!(gate.shut_until(2_000), Some(10_000));
        let paused = gate.paused(2_000).unwrap();
        assert_eq!(paused.reason, PauseReason::RetryAfter);
        assert_eq!(gate.shut_until(10_000), None);
        assert_eq!(gate.paused(10_000), None);
    }

    #[test]
    fn new_settings_are_tried_at_once() {
        let mut gate = Gate::default();
        silent(&mut gate, 3);
        gate.probe_now(500);
        assert_eq!(gate.shut_until(500), None);
        assert!(gate.is_probing());
    }
}
