//! What becomes of a page's records after an attempt. Pure.
//!
//! # Attempts that do not count
//!
//! While a destination is paused, pages that are not sent lose nothing: nobody
//! counts. A probe that finds no connection counts only as the first attempt of
//! its page (from then on the page has an age); after that it costs nothing, so an
//! outage of hours does not use `max_attempts` up, and a page fails by its
//! `max_age` alone. A probe that did connect and got no answer in time counts like
//! any attempt: it may be the page itself that the destination chokes on, and such
//! a page must not be probed with for ever. (A connection is given five seconds; a
//! destination with a shorter timeout whose packets are swallowed looks the same.)

use std::time::Duration;

use super::classify::{RecordFailure, Reply, Verdict, beginning};
use super::retry::Progress;
use super::timing::Timing;
use crate::config::LiveDestination;
use crate::store::{Failure, Page, RecordId};

/// Bytes of answers that the open errors of one page keep together.
const KEPT_BYTES_OF_A_PAGE: usize = 4 * 1024 * 1024;

/// What becomes of a page's records.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Decision {
    /// The page is over.
    Done {
        /// Records that become open errors, by place in the page.
        failed: Vec<(usize, Failure)>,
        /// Records that go again in a page of their own.
        again: Vec<RecordId>,
        /// Epoch milliseconds when they are due.
        again_at_ms: i64,
    },
    /// The whole page goes again.
    Retry {
        /// Epoch milliseconds when it is due.
        at_ms: i64,
    },
}

/// An attempt, as far as the decision needs it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Made {
    /// Epoch milliseconds of its beginning.
    pub(super) at_ms: i64,
    /// Epoch milliseconds of its end.
    pub(super) now_ms: i64,
    /// Whether it counts; see [`counts`].
    pub(super) counts: bool,
    /// From 0 to below 1.
    pub(super) draw: f64,
}

/// Whether an attempt counts; see the module.
pub(super) fn counts(reply: &Reply, probe: bool, page: &Page) -> bool {
    !(probe && page.attempts > 0 && matches!(reply, Reply::NoConnection(_)))
}

/// Decides on a page after an attempt.
pub(super) fn decide(
    verdict: Verdict,
    page: &Page,
    made: Made,
    destination: &LiveDestination,
    timing: &Timing,
) -> Decision {
    let progress = Progress {
        attempts: page.attempts.saturating_add(u32::from(made.counts)),
        first_at_ms: page.first_attempt_at_ms.unwrap_or(made.at_ms),
        max_attempts: destination.max_attempts,
        max_age: destination.max_age,
    };
    let over = if made.counts { progress.is_over(made.now_ms) } else { progress.is_too_old(made.now_ms) };
    let due = |asked: Option<Duration>| progress.due_ms(timing, made.now_ms, asked, made.draw);
    let done = |failed| Decision::Done { failed, again: Vec::new(), again_at_ms: made.now_ms };
    match verdict {
        Verdict::Delivered => done(Vec::new()),
        Verdict::Refused(failure) => done(every(page, &failure)),
        Verdict::Again { failure, .. } if over => done(every(page, &failure)),
        Verdict::Again { retry_after, .. } => Decision::Retry { at_ms: due(retry_after) },
        Verdict::Partly(failures) => {
            let (again, failed): (Vec<_>, Vec<_>) =
                failures.into_iter().partition(|record| record.retryable && !over);
            Decision::Done {
                failed: failed
                    .into_iter()
                    .map(|RecordFailure { index, failure, .. }| (index, failure))
                    .collect(),
                again: again
                    .iter()
                    .filter_map(|record| page.records.get(record.index))
                    .map(|r| r.id)
                    .collect(),
                again_at_ms: due(None),
            }
        }
    }
}

/// The same failure for each record; of a large page each keeps less of the answer.
fn every(page: &Page, failure: &Failure) -> Vec<(usize, Failure)> {
    let share = KEPT_BYTES_OF_A_PAGE / page.records.len().max(1);
    let response = failure.response.as_deref().map(|response| beginning(response, share).to_owned());
    let failure = Failure { response: response.filter(|text| !text.is_empty()), ..failure.clone() };
    (0..page.records.len()).map(|index| (index, failure.clone())).collect()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use bytes::Bytes;

    use super::*;
    use crate::config::Target;
    use crate::store::{ErrorClass, PageId, Record};

    fn page(records: u32, attempts: u32) -> Page {
        Page {
            id: PageId { store: Arc::from("5f0c9a7be13d4c28"), number: 1 },
            destination: "warehouse".into(),
            records: (0..records)
                .map(|element| Record {
                    id: RecordId { delivery: 1, element },
                    received_at_ms: 0,
                    bytes: Bytes::from_static(b"{}"),
                })
                .collect(),
            attempts,
            first_attempt_at_ms: (attempts > 0).then_some(0),
            oversized: false,
            heals: false,
        }
    }

    fn destination() -> LiveDestination {
        LiveDestination {
            name: "warehouse".into(),
            filter: None,
            mapping: None,
            target: Target::Log,
            concurrency: 4,
            rate: None,
            max_attempts: 3,
            max_age: Duration::from_mins(1),
            page_size: 20,
            linger: Duration::ZERO,
        }
    }

    fn failure() -> Failure {
        Failure {
            class: ErrorClass::Connection,
            code: "no_connection".into(),
            message: "refused".into(),
            status: None,
            response: Some("x".repeat(4096)),
        }
    }

    fn after(verdict: Verdict, page: &Page, now_ms: i64, counts: bool) -> Decision {
        let made = Made { at_ms: now_ms, now_ms, counts, draw: 0.5 };
        decide(verdict, page, made, &destination(), &Timing::default())
    }

    fn again() -> Verdict {
        Verdict::Again { failure: failure(), retry_after: None }
    }

    #[test]
    fn a_page_goes_again_until_its_last_attempt() {
        assert_eq!(after(again(), &page(2, 0), 0, true), Decision::Retry { at_ms: 500 });
        assert_eq!(after(again(), &page(2, 1), 0, true), Decision::Retry { at_ms: 1_000 });
        let Decision::Done { failed, .. } = after(again(), &page(2, 2), 0, true) else { panic!("again") };
        assert_eq!(failed.len(), 2);
    }

    #[test]
    fn a_probe_without_a_connection_costs_no_attempt_but_age_still_ends_it() {
        let refused = Reply::NoConnection(String::new());
        assert!(!counts(&refused, true, &page(1, 2)));
        assert!(counts(&refused, true, &page(1, 0)));
        assert!(counts(&refused, false, &page(1, 2)));
        assert!(counts(&Reply::NoAnswerInTime(String::new()), true, &page(1, 2)));
        for now in [0, 59_999] {
            assert!(matches!(after(again(), &page(1, 3), now, false), Decision::Retry { .. }));
        }
        assert!(matches!(after(again(), &page(1, 2), 60_000, false), Decision::Done { .. }));
    }

    #[test]
    fn records_that_may_go_again_do_so_until_the_page_is_over() {
        let partly = || {
            let record = |index, retryable| RecordFailure { index, failure: failure(), retryable };
            Verdict::Partly(vec![record(0, true), record(2, false)])
        };
        let Decision::Done { failed, again, again_at_ms } = after(partly(), &page(3, 0), 0, true) else {
            panic!("not done")
        };
        assert_eq!(failed.iter().map(|failed| failed.0).collect::<Vec<_>>(), [2]);
        assert_eq!(again, [RecordId { delivery: 1, element: 0 }]);
        assert_eq!(again_at_ms, 500);
        let Decision::Done { failed, again, .. } = after(partly(), &page(3, 2), 0, true) else {
            panic!("not done")
        };
        assert_eq!((failed.len(), again.len()), (2, 0));
    }

    #[test]
    fn the_answers_kept_for_one_page_are_bounded_together() {
        let Decision::Done { failed, .. } = after(Verdict::Refused(failure()), &page(100_000, 0), 0, true)
        else {
            panic!("not done")
        };
        let kept: usize =
            failed.iter().filter_map(|(_, failure)| failure.response.as_ref()).map(String::len).sum();
        assert!(kept > 0 && kept <= KEPT_BYTES_OF_A_PAGE, "{kept}");
    }
}
