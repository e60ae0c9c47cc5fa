//! When a page goes again.
//!
//! The wait before attempt `n + 1` is drawn evenly from nothing up to
//! `base_wait * 2^(n - 1)`, at most `longest_wait` ("full jitter"), so that pages
//! that failed together do not come back together. `Retry-After` is obeyed, up to
//! `longest_retry_after`, with up to a tenth on top so that they do not come back
//! together either.
//!
//! A page is given up when `max_attempts` attempts were made, or when `max_age`
//! has passed since the first one. A wait of ours that would end after that
//! moment ends at it: the last attempt is made there. `Retry-After` may lead
//! beyond it; the attempt then is the last.

use std::time::Duration;

use jiff::fmt::rfc2822::DateTimeParser;

use super::timing::{Timing, doubled, millis};

/// What is known of a page's attempts, the one just made included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Progress {
    /// Attempts that were made.
    pub(super) attempts: u32,
    /// Epoch milliseconds of the first.
    pub(super) first_at_ms: i64,
    /// Attempts in all.
    pub(super) max_attempts: u32,
    /// From the first attempt.
    pub(super) max_age: Duration,
}

impl Progress {
    fn deadline_ms(&self) -> i64 {
        self.first_at_ms.saturating_add(millis(self.max_age))
    }

    /// Whether no further attempt is to be made.
    pub(super) fn is_over(&self, now_ms: i64) -> bool {
        self.attempts >= self.max_attempts || now_ms >= self.deadline_ms()
    }

    /// Whether its time has passed, however many attempts were made.
    pub(super) fn is_too_old(&self, now_ms: i64) -> bool {
        now_ms >= self.deadline_ms()
    }

    /// When the next attempt is due; `draw` is from 0 to below 1.
    pub(super) fn due_ms(
        &self,
        timing: &Timing,
        now_ms: i64,
        retry_after: Option<Duration>,
        draw: f64,
    ) -> i64 {
        let draw = draw.clamp(0.0, 1.0);
        if let Some(asked) = retry_after {
            let asked = asked.min(timing.longest_retry_after);
            return now_ms.saturating_add(millis(asked + asked.mul_f64(draw / 10.0)));
        }
        let upper = doubled(timing.base_wait, self.attempts.saturating_sub(1), timing.longest_wait);
        let due = now_ms.saturating_add(millis(upper.mul_f64(draw)));
        due.min(self.deadline_ms().max(now_ms))
    }
}

/// Reads `Retry-After`: whole seconds, or an HTTP date.
pub(super) fn parse_retry_after(text: &str, now_ms: i64) -> Option<Duration> {
    let text = text.trim();
    if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        // A number beyond 64 bits is a very long time.
        return Some(Duration::from_secs(text.parse().unwrap_or(u64::from(u32::MAX))));
    }
    let at_ms = DateTimeParser::new().parse_timestamp(text).ok()?.as_millisecond();
    Some(Duration::from_millis(u64::try_from(at_ms.saturating_sub(now_ms)).unwrap_or(0)))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn progress(attempts: u32) -> Progress {
        Progress { attempts, first_at_ms: 1_000, max_attempts: 10, max_age: Duration::from_hours(24) }
    }

    #[test]
    fn retry_after_is_seconds_or_an_http_date() {
        let now = 1_445_412_420_000;
        for (text, expect) in [
            ("0", Some(0)),
            (" 120 ", Some(120)),
            ("Wed, 21 Oct 2015 07:28:00 GMT", Some(60)),
            ("Wed, 21 Oct 2015 07:00:00 GMT", Some(0)),
            ("", None),
            ("-1", None),
            ("1.5", None),
            ("soon", None),
        ] {
            assert_eq!(parse_retry_after(text, now), expect.map(Duration::from_secs), "{text:?}");
        }
        assert!(parse_retry_after("99999999999999999999999", now).is_some());
    }

    #[test]
    fn a_page_is_over_after_the_last_attempt_or_at_its_age() {
        assert!(!progress(9).is_over(2_000));
        assert!(progress(10).is_over(2_000));
        assert!(!progress(1).is_over(1_000 + 86_399_999));
        assert!(progress(1).is_over(1_000 + 86_400_000));
    }

    #[test]
    fn a_wait_that_would_end_after_the_age_ends_at_it() {
        let progress = Progress { max_age: Duration::from_secs(10), ..progress(9) };
        assert_eq!(progress.due_ms(&Timing::default(), 9_000, None, 0.99), 11_000);
    }

    #[test]
    fn retry_after_is_obeyed_but_not_for_days() {
        let timing = Timing::default();
        let due = progress(1).due_ms(&timing, 0, Some(Duration::from_secs(7)), 0.0);
        assert_eq!(due, 7_000);
        let due = progress(1).due_ms(&timing, 0, Some(Duration::from_hours(240)), 0.0);
        assert_eq!(due, 3_600_000);
    }

    proptest! {
        #[test]
        fn a_wait_lies_between_nothing_and_the_bound_of_its_attempt(
            attempts in 1_u32..100, draw in 0.0_f64..1.0, now in 0_i64..i64::MAX / 2,
        ) {
            let timing = Timing::default();
            let progress = Progress { first_at_ms: now, ..progress(attempts) };
            let wait = progress.due_ms(&timing, now, None, draw) - now;
            let bound = 1_000_i64.saturating_mul(1_i64.checked_shl(attempts - 1).unwrap_or(i64::MAX)).min(900_000);
            prop_assert!((0..=if bound <= 0 { 900_000 } else { bound }).contains(&wait), "{wait} of {bound}");
        }

        #[test]
        fn retry_after_is_never_cut_short(asked in 0_u64..3_600, draw in 0.0_f64..1.0) {
            let due = progress(1).due_ms(&Timing::default(), 0, Some(Duration::from_secs(asked)), draw);
            let asked = i64::try_from(asked).unwrap() * 1_000;
            prop_assert!((asked..=asked + asked / 10).contains(&due));
        }

        #[test]
        fn reading_retry_after_never_panics(text in ".*", now in any::<i64>()) {
            let _ = parse_retry_after(&text, now);
        }
    }
}
