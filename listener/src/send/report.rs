//! What came of a run: answers counted, times, and the first answers that were no success.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use serde::Serialize;

use super::client::{Answer, Outcome};

/// Different answers and errors that are kept.
const MAX_KINDS: usize = 32;
/// Answers that were no success, of which the body is shown.
const MAX_SHOWN: usize = 3;
/// Characters of a shown body.
const MAX_SHOWN_CHARACTERS: usize = 300;

/// What came of a run.
#[derive(Debug, Default)]
pub struct Report {
    /// Events in each delivery; None where a body was sent as it is.
    pub batch: Option<usize>,
    /// How long it took.
    pub took: Duration,
    /// Whether it was interrupted before all was sent.
    pub interrupted: bool,
    /// Sent, but interrupted before the answer came.
    pub unanswered: u64,
    statuses: BTreeMap<u16, u64>,
    causes: BTreeMap<String, u64>,
    errors: BTreeMap<String, u64>,
    shown: Vec<Shown>,
    /// Microseconds of each answer.
    latencies: Vec<u32>,
}

#[derive(Debug, Serialize, PartialEq, Eq)]
struct Shown {
    status: u16,
    body: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Json<'a> {
    deliveries: u64,
    events: Option<u64>,
    seconds: f64,
    per_second: f64,
    statuses: &'a BTreeMap<u16, u64>,
    causes: &'a BTreeMap<String, u64>,
    errors: &'a BTreeMap<String, u64>,
    latency_milliseconds: Latency,
    first_refusals: &'a [Shown],
    interrupted: bool,
    unanswered: u64,
    ok: bool,
}

/// Milliseconds.
#[derive(Debug, Default, Serialize)]
struct Latency {
    p50: f64,
    p99: f64,
    max: f64,
}

impl Report {
    /// An empty report of deliveries with so many events each; None where bodies are sent as they are.
    pub fn of_batches(batch: Option<usize>) -> Self {
        Self { batch, ..Self::default() }
    }

    /// Counts what came of one request.
    pub fn add(&mut self, outcome: Outcome) {
        let Outcome { answer, took } = outcome;
        match answer {
            Ok(Answer { status, body }) => {
                self.latencies.push(u32::try_from(took.as_micros()).unwrap_or(u32::MAX));
                *self.statuses.entry(status).or_default() += 1;
                if (200..300).contains(&status) {
                    return;
                }
                if let Some(cause) = cause(&body) {
                    count(&mut self.causes, cause);
                }
                if self.shown.len() < MAX_SHOWN {
                    let text = String::from_utf8_lossy(&body);
                    let body: String = text.trim().chars().take(MAX_SHOWN_CHARACTERS).collect();
                    let shown = Shown { status, body };
                    if !self.shown.contains(&shown) {
                        self.shown.push(shown);
                    }
                }
            }
            Err(error) => count(&mut self.errors, error),
        }
    }

    /// Takes what another part of the run counted.
    pub fn merge(&mut self, other: Self) {
        let Self { batch: _, took: _, interrupted, unanswered, statuses, causes, errors, shown, latencies } =
            other;
        self.interrupted |= interrupted;
        self.unanswered += unanswered;
        for (status, number) in statuses {
            *self.statuses.entry(status).or_default() += number;
        }
        for (ours, theirs) in [(&mut self.causes, causes), (&mut self.errors, errors)] {
            for (text, number) in theirs {
                add(ours, text, number);
            }
        }
        for shown in shown {
            if self.shown.len() < MAX_SHOWN && !self.shown.contains(&shown) {
                self.shown.push(shown);
            }
        }
        self.latencies.extend(latencies);
    }

    /// Deliveries with this status.
    pub fn with_status(&self, status: u16) -> u64 {
        self.statuses.get(&status).copied().unwrap_or(0)
    }

    /// Refusals with this cause code.
    pub fn with_cause(&self, cause: &str) -> u64 {
        self.causes.get(cause).copied().unwrap_or(0)
    }

    /// Deliveries that got no answer.
    pub fn without_answer(&self) -> u64 {
        self.errors.values().sum::<u64>() + self.unanswered
    }

    /// Deliveries sent.
    pub fn deliveries(&self) -> u64 {
        self.statuses.values().sum::<u64>() + self.without_answer()
    }

    /// Whether all was sent and every answer was a 2xx.
    pub fn is_ok(&self) -> bool {
        !self.interrupted
            && self.without_answer() == 0
            && self.statuses.keys().all(|status| (200..300).contains(status))
    }

    /// The report for programs.
    pub fn to_json(&self) -> serde_json::Result<String> {
        serde_json::to_string_pretty(&Json {
            deliveries: self.deliveries(),
            events: self.events(),
            seconds: self.took.as_secs_f64(),
            per_second: self.per_second(),
            statuses: &self.statuses,
            causes: &self.causes,
            errors: &self.errors,
            latency_milliseconds: self.latency(),
            first_refusals: &self.shown,
            interrupted: self.interrupted,
            unanswered: self.unanswered,
            ok: self.is_ok(),
        })
    }

    fn events(&self) -> Option<u64> {
        self.batch.map(|batch| self.deliveries().saturating_mul(batch as u64))
    }

    #[expect(clippy::cast_precision_loss, reason = "a rate for people")]
    fn per_second(&self) -> f64 {
        let seconds = self.took.as_secs_f64();
        if seconds > 0.0 { self.deliveries() as f64 / seconds } else { 0.0 }
    }

    fn latency(&self) -> Latency {
        let mut sorted = self.latencies.clone();
        sorted.sort_unstable();
        let at = |hundredths: usize| {
            let rank = (sorted.len() * hundredths).div_ceil(100).max(1);
            sorted.get(rank - 1).map_or(0.0, |micros| f64::from(*micros) / 1000.0)
        };
        Latency { p50: at(50), p99: at(99), max: at(100) }
    }
}

/// The cause code in the body of a refusal, if there is one.
fn cause(body: &[u8]) -> Option<String> {
    let body: serde_json::Map<String, serde_json::Value> = serde_json::from_slice(body).ok()?;
    let code = ["cause", "code", "error"].iter().find_map(|field| body.get(*field)?.as_str())?;
    (code.len() <= 64).then(|| code.to_owned())
}

fn count(counts: &mut BTreeMap<String, u64>, text: String) {
    add(counts, text, 1);
}

/// Counts under a text; what is new beyond the bound is counted together.
fn add(counts: &mut BTreeMap<String, u64>, text: String, number: u64) {
    let known = counts.len() < MAX_KINDS || counts.contains_key(&text);
    let text = if known { text } else { "others".to_owned() };
    *counts.entry(text).or_default() += number;
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let deliveries = self.deliveries();
        write!(f, "{deliveries} {}", if deliveries == 1 { "delivery" } else { "deliveries" })?;
        if let Some(events) = self.events() {
            write!(f, ", {events} {}", if events == 1 { "event" } else { "events" })?;
        }
        writeln!(f, " in {:.2} s ({:.0} deliveries/s)", self.took.as_secs_f64(), self.per_second())?;
        if self.interrupted {
            writeln!(f, "interrupted before all was sent; {} in flight", self.unanswered)?;
        }
        for (status, number) in &self.statuses {
            writeln!(f, "  {status}  {number}")?;
        }
        for (error, number) in &self.errors {
            writeln!(f, "  no answer  {number}  {error}")?;
        }
        for (cause, number) in &self.causes {
            writeln!(f, "  refused for {cause}  {number}")?;
        }
        if !self.latencies.is_empty() {
            let Latency { p50, p99, max } = self.latency();
            writeln!(f, "latency  p50 {p50:.2} ms  p99 {p99:.2} ms  max {max:.2} ms")?;
        }
        if !self.shown.is_empty() {
            writeln!(f, "first answers that are no success:")?;
            for Shown { status, body } in &self.shown {
                writeln!(f, "  {status}  {}", printable(body))?;
            }
        }
        Ok(())
    }
}

/// The text on one line: control characters would move the terminal's cursor.
fn printable(text: &str) -> String {
    let shown = |c: char| if c.is_control() { c.escape_debug().to_string() } else { c.to_string() };
    text.chars().map(shown).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;

    fn outcome(status: u16, body: &'static str, millis: u64) -> Outcome {
        let answer = Ok(Answer { status, body: Bytes::from_static(body.as_bytes()) });
        Outcome { answer, took: Duration::from_millis(millis) }
    }

    #[test]
    fn answers_are_counted_timed_and_the_first_refusals_shown() {
        let mut report = Report { batch: Some(2), took: Duration::from_secs(2), ..Report::default() };
        for millis in 1..=98 {
            report.add(outcome(204, "", millis));
        }
        assert!(report.is_ok());
        let mut other = Report::default();
        other.add(outcome(401, "{\"cause\":\"bad_signature\"}", 99));
        other.add(outcome(401, "{\"cause\":\"bad_signature\"}", 200));
        other.add(Outcome { answer: Err("connection refused".to_owned()), took: Duration::ZERO });
        report.merge(other);
        assert!(!report.is_ok());
        insta::assert_snapshot!(report.to_string(), @r#"
        101 deliveries, 202 events in 2.00 s (50 deliveries/s)
          204  98
          401  2
          no answer  1  connection refused
          refused for bad_signature  2
        latency  p50 50.00 ms  p99 99.00 ms  max 200.00 ms
        first answers that are no success:
          401  {"cause":"bad_signature"}
        "#);
        let json: serde_json::Value = serde_json::from_str(&report.to_json().unwrap()).unwrap();
        assert_eq!(json["statuses"]["204"], 98);
        assert_eq!(json["latencyMilliseconds"]["p50"], 50.0);
        assert_eq!(json["ok"], false);
    }

    #[test]
    fn what_a_server_says_cannot_grow_the_report() {
        let mut report = Report::default();
        for number in 0..1000 {
            let body = format!("{{\"cause\":\"{number}\"}}");
            report.add(Outcome {
                answer: Ok(Answer { status: 400, body: Bytes::from(body) }),
                took: Duration::ZERO,
            });
        }
        assert!(report.causes.len() <= MAX_KINDS + 1);
        assert_eq!(report.with_cause("others"), 1000 - MAX_KINDS as u64);
        assert_eq!(report.shown.len(), MAX_SHOWN);
    }
}
