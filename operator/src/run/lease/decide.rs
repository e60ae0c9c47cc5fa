//! What to do about the lease. Pure: the clock is an argument.
//!
//! Times that stand in the lease are never compared with a clock of ours: two machines do
//! not agree on the time. Another holder is silent when the lease has kept its
//! `resourceVersion` for its whole duration, as seen from here.

use std::time::{Duration, Instant};

/// What is known of the lease.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct View {
    /// Who holds it; none where it was released.
    pub(super) holder: Option<String>,
    /// `metadata.resourceVersion`
    pub(super) version: String,
    /// How long its holder asked for.
    pub(super) duration: Duration,
    /// When this version was first seen.
    pub(super) since: Instant,
}

/// What to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// Nobody holds it, or its holder is silent: take it.
    Take,
    /// It is ours: renew it.
    Renew,
    /// Somebody else's: look again after this long.
    Wait(Duration),
}

/// Decides. `look` is the time between two looks at somebody else's lease.
pub(super) fn decide(me: &str, view: Option<&View>, now: Instant, look: Duration) -> Step {
    let Some(view) = view else { return Step::Take };
    match &view.holder {
        None => Step::Take,
        Some(holder) if holder == me => Step::Renew,
        Some(_) => {
            let silent = now.saturating_duration_since(view.since);
            match view.duration.checked_sub(silent) {
                None | Some(Duration::ZERO) => Step::Take,
                Some(rest) => Step::Wait(rest.min(look)),
            }
        }
    }
}

/// What is known after another look: a version that was seen before keeps the time at which it was.
pub(super) fn refresh(old: Option<View>, new: View) -> View {
    match old {
        Some(old) if old.version == new.version => View { since: old.since, ..new },
        _ => new,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::claim::Claim;

    const LOOK: Duration = Duration::from_secs(2);
    const LEASE: Duration = Duration::from_secs(15);

    fn view(holder: Option<&str>, version: &str, since: Instant) -> View {
        View { holder: holder.map(str::to_owned), version: version.to_owned(), duration: LEASE, since }
    }

    #[test]
    fn a_lease_that_nobody_holds_is_taken() {
        let now = Instant::now();
        assert_eq!(decide("a", None, now, LOOK), Step::Take);
        assert_eq!(decide("a", Some(&view(None, "1", now)), now, LOOK), Step::Take);
    }

    #[test]
    fn a_holder_renews_however_late_it_is() {
        let now = Instant::now();
        let late = now + Duration::from_secs(1_000);
        assert_eq!(decide("a", Some(&view(Some("a"), "1", now)), late, LOOK), Step::Renew);
    }

    #[test]
    fn another_holders_lease_is_taken_only_after_its_whole_duration_in_one_version() {
        let begin = Instant::now();
        let mut seen = view(Some("b"), "1", begin);
        assert_eq!(decide("a", Some(&seen), begin, LOOK), Step::Wait(LOOK));
        let almost = begin + Duration::from_millis(14_500);
        assert_eq!(decide("a", Some(&seen), almost, LOOK), Step::Wait(Duration::from_millis(500)));
        // The holder renews: the wait begins anew.
        seen = refresh(Some(seen), view(Some("b"), "2", almost));
        assert_eq!(decide("a", Some(&seen), begin + LEASE, LOOK), Step::Wait(LOOK));
        // The same version again is no news.
        seen = refresh(Some(seen), view(Some("b"), "2", almost + LOOK));
        assert_eq!(seen.since, almost);
        assert_eq!(decide("a", Some(&seen), almost + LEASE, LOOK), Step::Take);
    }

    #[test]
    fn the_old_leaders_claim_has_ended_a_third_of_the_lease_before_the_next_may_take_it() {
        let sent = Instant::now();
        let claim = Claim::default();
        claim.extend(sent + Claim::length(LEASE));
        // The earliest that anybody can have seen the renewal is the moment it was sent.
        let seen = view(Some("old"), "7", sent);
        let mut now = sent;
        let mut ended_at = None;
        loop {
            if ended_at.is_none() && !claim.holds_at(now) {
                ended_at = Some(now);
            }
            if decide("new", Some(&seen), now, LOOK) == Step::Take {
                break;
            }
            now += Duration::from_millis(100);
        }
        assert!(now - ended_at.unwrap() + Duration::from_millis(100) >= LEASE / 3);
    }
}
