//! What there is to tell, as it is now: the same on every store.

use std::collections::HashMap;

use crate::deliver::{DestinationState, PauseReason};
use crate::desk::{Counting, Desk, DeskError, ErrorFilter, Query, State};
use crate::store::{ErrorClass, Store, StoreError};

/// Refused requests that are looked at; a store keeps about as many.
const MOST_REFUSED: usize = 1_000;
/// As many within less than the window say how many come in a minute.
const ENOUGH: usize = 100;
const MINUTE_MS: i64 = 60_000;

/// Open errors of one class at one destination.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Group {
    /// None: before any destination.
    pub(super) destination: Option<String>,
    pub(super) class: ErrorClass,
    pub(super) count: u64,
    /// Of the newest, as many as are wanted.
    pub(super) trace_keys: Vec<String>,
}

/// Open errors that last failed from `from_ms` to before `until_ms`, by destination and class.
pub(super) async fn errors(
    desk: &dyn Desk,
    (from_ms, until_ms): (Option<i64>, Option<i64>),
    trace_keys: usize,
) -> Result<Vec<Group>, DeskError> {
    let open = ErrorFilter { states: vec![State::Open], from_ms, until_ms, ..ErrorFilter::default() };
    let counts = desk.count(open.clone(), Counting::Exact).await?;
    let mut groups = Vec::new();
    for (destination, _) in counts.by_destination {
        let here = ErrorFilter { destination: Some(destination.clone().unwrap_or_default()), ..open.clone() };
        for (class, count) in desk.count(here.clone(), Counting::Exact).await?.by_class {
            let mut group = Group { destination: destination.clone(), class, count, trace_keys: Vec::new() };
            if trace_keys > 0 {
                let filter = ErrorFilter { class: Some(class), ..here.clone() };
                let newest = desk.errors(Query { filter, cursor: None, limit: trace_keys }).await?.items;
                group.trace_keys = newest.into_iter().map(|error| error.trace_key).collect();
                group.trace_keys.retain(|key| !key.is_empty());
            }
            groups.push(group);
        }
    }
    groups.retain(|group| group.count > 0);
    Ok(groups)
}

/// Refused requests of a while.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Refusals {
    pub(super) count: u64,
    pub(super) per_minute: f64,
    /// The most frequent diagnosis, or cause where there is none.
    pub(super) code: String,
    /// How many have it.
    pub(super) of_code: u64,
    /// What is wrong and what to do, of the newest of them.
    pub(super) remedy: Option<String>,
}

/// Those of the last `window_ms`; none where they are fewer than `per_minute`.
pub(super) async fn refusals(
    store: &dyn Store,
    now_ms: i64,
    window_ms: i64,
    per_minute: u32,
) -> Result<Option<Refusals>, StoreError> {
    let from_ms = now_ms.saturating_sub(window_ms);
    // Mostly there are none: one row says so.
    if store.refused(1).await?.first().is_none_or(|newest| newest.at_ms < from_ms) {
        return Ok(None);
    }
    let mut refused = store.refused(MOST_REFUSED).await?;
    let kept = refused.len();
    refused.retain(|one| one.at_ms >= from_ms);
    let rate = |ms: i64| minutes(refused.len(), ms);
    let mut found = rate(window_ms);
    // Older ones may have given way to newer ones: then the time that those fill counts.
    if refused.len() == kept && kept >= ENOUGH {
        let oldest = refused.iter().map(|one| one.at_ms).min().unwrap_or(from_ms);
        found = found.max(rate(now_ms.saturating_sub(oldest).max(1_000)));
    }
    if found < f64::from(per_minute) {
        return Ok(None);
    }
    let mut codes: HashMap<&str, (u64, Option<&String>)> = HashMap::new();
    // The newest stand first.
    for one in &refused {
        let entry = codes.entry(one.diagnosis_code.unwrap_or(one.cause)).or_default();
        entry.0 += 1;
        entry.1 = entry.1.or(one.diagnosis.as_ref());
    }
    let most = codes.into_iter().max_by(|(left, (a, _)), (right, (b, _))| a.cmp(b).then(right.cmp(left)));
    Ok(most.map(|(code, (of_code, remedy))| Refusals {
        count: refused.len() as u64,
        per_minute: found,
        code: code.to_owned(),
        of_code,
        remedy: remedy.cloned(),
    }))
}

fn minutes(count: usize, ms: i64) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "at most a thousand, and at most a day")]
    let rate = count as f64 * MINUTE_MS as f64 / ms.max(1) as f64;
    rate
}

/// Destinations that are paused because they do not answer, and since when.
pub(super) fn paused(states: Vec<DestinationState>) -> Vec<(String, i64)> {
    let silent = |state: DestinationState| {
        let paused = state.paused.filter(|paused| paused.reason == PauseReason::Connection)?;
        Some((state.name, paused.since_ms))
    };
    states.into_iter().filter_map(silent).collect()
}
