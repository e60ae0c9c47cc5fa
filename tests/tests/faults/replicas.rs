//! Replicas that end: killed, frozen, replaced, with a destination that comes and goes.

use std::sync::atomic::Ordering;

use postgres_server::Server;
use rustix::process::{Pid, Signal, kill_process};

use super::fleet::Fleet;
use super::random::Random;
use super::story::{goes_on, pause, tell};

#[test]
fn three_replicas_of_which_one_is_killed_again_and_again_lose_nothing() {
    let server = Server::start();
    let mut fleet = Fleet::start(3, &server.database());
    let mut random = Random::new();
    let verdict = tell("replicas killed", &mut fleet, |fleet, _| {
        for _ in 0..8 {
            pause(300 + random.below(1_000));
            let at = random.below(3) as usize;
            fleet.replicas[at].restart();
            if random.below(2) == 0 {
                fleet.replicas[at].wait_ready();
            }
        }
    });
    // Each kill may cost what was in flight: four pages of the one replica.
    assert!(verdict.repeated_pages <= 8 * 4, "{verdict:?}");
}

#[test]
fn a_listener_with_its_own_store_that_is_killed_again_and_again_loses_nothing() {
    let mut fleet = Fleet::embedded();
    let mut random = Random::new();
    let verdict = tell("embedded store, killed", &mut fleet, |fleet, load| {
        for _ in 0..6 {
            pause(200 + random.below(600));
            fleet.warehouse.set_down(random.below(3) == 0);
            fleet.replicas[0].restart();
            goes_on(load, "after it was killed");
        }
        fleet.warehouse.set_down(false);
    });
    assert!(verdict.repeated_pages <= 6 * 4, "{verdict:?}");
}

#[test]
fn a_frozen_replica_holds_nobody_up_and_does_no_harm_when_it_wakes() {
    let server = Server::start();
    let mut fleet = Fleet::start(2, &server.database());
    tell("replica frozen", &mut fleet, |fleet, load| {
        let frozen = Pid::from_raw(fleet.replicas[0].pid() as i32).expect("a process");
        kill_process(frozen, Signal::STOP).expect("it runs");
        load.aim(vec![fleet.replicas[1].public]);
        goes_on(load, "while one replica is frozen");
        // Longer than a lease, so that the other one takes its pages.
        let before = fleet.taken().len();
        pause(8_000);
        assert!(fleet.taken().len() > before, "pages are handed on");
        kill_process(frozen, Signal::CONT).expect("it runs");
    });
}

#[test]
fn replicas_that_are_replaced_one_by_one_refuse_nothing() {
    let server = Server::start();
    let mut fleet = Fleet::start(2, &server.database());
    let mut troubles = (0, 0);
    tell("replicas replaced", &mut fleet, |fleet, load| {
        for _ in 0..3 {
            // As a rolling update does: a new one is ready, the old one gets no new connections, then SIGTERM.
            fleet.add(|setup| setup);
            let mut old = fleet.replicas.remove(0);
            load.aim(fleet.addresses());
            goes_on(load, "with a new replica");
            pause(200);
            assert!(old.stop().success(), "{}", old.log());
        }
        troubles =
            (load.known.unavailable.load(Ordering::SeqCst), load.known.unanswered.load(Ordering::SeqCst));
    });
    assert_eq!(troubles, (0, 0), "nothing is refused, nothing is left unanswered");
}

#[test]
fn a_destination_that_comes_and_goes_gets_everything_once() {
    let server = Server::start();
    let mut fleet = Fleet::start(2, &server.database());
    tell("destination flapping", &mut fleet, |fleet, load| {
        for _ in 0..6 {
            fleet.warehouse.set_down(true);
            goes_on(load, "while the destination is down");
            fleet.warehouse.set_down(false);
            goes_on(load, "while the destination is up");
        }
    });
}
