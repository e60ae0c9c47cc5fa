//! One story: a load that never stops, faults in its midst, the judgement at its end.

use std::time::{Duration, Instant};

use super::fleet::Fleet;
use super::history::{Verdict, judge};
use super::load::Load;

/// Senders side by side.
const SENDERS: usize = 6;

/// Runs `faults` under load against a fleet, ends the load, waits until nothing is pending, judges.
pub fn tell(name: &str, fleet: &mut Fleet, faults: impl FnOnce(&mut Fleet, &Load)) -> Verdict {
    let load = Load::start(SENDERS, fleet.addresses());
    goes_on(&load, "before the first fault");
    faults(fleet, &load);
    load.aim(fleet.addresses());
    goes_on(&load, "after the last fault");
    let known = load.known.clone();
    let (acknowledged, sent) = load.stop();
    fleet.settle();
    let verdict = judge(fleet, &acknowledged, sent);
    println!(
        "{name}: {verdict:?}, {} times 503, {} times no answer, {} times 401",
        known.unavailable.load(std::sync::atomic::Ordering::SeqCst),
        known.unanswered.load(std::sync::atomic::Ordering::SeqCst),
        known.stale.load(std::sync::atomic::Ordering::SeqCst),
    );
    assert!(verdict.acknowledged > 100, "the load was too small to say anything");
    verdict
}

/// Waits until some more events were acknowledged.
pub fn goes_on(load: &Load, when: &str) {
    let begin = load.acknowledged();
    let deadline = Instant::now() + Duration::from_secs(45);
    while load.acknowledged() < begin + 100 {
        assert!(Instant::now() < deadline, "nothing is acknowledged {when}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Lets the load run.
pub fn pause(milliseconds: u64) {
    std::thread::sleep(Duration::from_millis(milliseconds));
}
