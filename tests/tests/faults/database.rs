//! A database that ends, is replaced, is full, or has no room for one connection more.

use std::time::Duration;

use postgres_server::{Options, Server};

use super::fleet::Fleet;
use super::proxy::Proxy;
use super::random::Random;
use super::story::{goes_on, pause, tell};

#[test]
fn a_database_that_is_killed_again_and_again_loses_nothing_acknowledged() {
    let mut server = Server::start();
    let mut fleet = Fleet::start(2, &server.database());
    let mut random = Random::new();
    tell("database killed", &mut fleet, |_, load| {
        for _ in 0..4 {
            pause(300 + random.below(1_500));
            server.kill();
            pause(random.below(1_000));
            server.start_again();
            goes_on(load, "after the database was killed");
        }
    });
}

#[test]
fn a_database_that_is_restarted_in_order_costs_a_few_503s_and_no_event() {
    let mut server = Server::start();
    let mut fleet = Fleet::start(2, &server.database());
    tell("database restarted", &mut fleet, |_, load| {
        for _ in 0..3 {
            server.stop();
            server.start_again();
            goes_on(load, "after the database was restarted");
        }
    });
}

#[test]
fn database_and_replicas_killed_at_once_lose_nothing_acknowledged() {
    let mut server = Server::start();
    let mut fleet = Fleet::start(2, &server.database());
    let mut random = Random::new();
    tell("both killed", &mut fleet, |fleet, load| {
        for _ in 0..3 {
            pause(300 + random.below(1_000));
            server.kill();
            for replica in &mut fleet.replicas {
                replica.kill();
            }
            server.start_again();
            for replica in &mut fleet.replicas {
                replica.restart();
            }
            goes_on(load, "after both were killed");
        }
    });
}

#[test]
fn a_standby_that_is_promoted_has_everything_that_was_acknowledged() {
    let mut primary = Server::start();
    // A commit waits for the standby: what is acknowledged is on both.
    let mut standby = primary.standby();
    let proxy = Proxy::start(primary.address());
    let mut fleet = Fleet::start(2, &primary.database_through(proxy.address));
    tell("standby promoted", &mut fleet, |_, load| {
        primary.kill();
        standby.promote();
        proxy.lead_to(standby.address());
        goes_on(load, "after the standby was promoted");
    });
}

#[test]
fn without_a_free_connection_it_refuses_and_recovers_by_itself() {
    let server = Server::with(Options { settings: vec![("max_connections", "25".to_owned())], ..Options::default() });
    let url = server.database();
    let mut fleet = Fleet::start(2, &url);
    tell("out of connections", &mut fleet, |fleet, load| {
        let hog = server.take_all_connections();
        // Those that it holds are closed, so that it has to ask for new ones, which are not there.
        server.close_other_connections();
        pause(3_000);
        assert!(hog.count() > 0, "connections were taken");
        drop(hog);
        goes_on(load, "when there are connections again");
        for replica in &fleet.replicas {
            replica.wait_ready();
        }
    });
}

#[test]
fn a_database_without_room_gives_503_and_recovers_by_itself() {
    let Some(server) = Server::on_small_disk(256) else { return };
    let mut fleet = Fleet::start(2, &server.database());
    tell("database full", &mut fleet, |_, load| {
        let ballast = server.fill_disk();
        let begin = load.known.unavailable.load(std::sync::atomic::Ordering::SeqCst);
        let deadline = std::time::Instant::now() + Duration::from_secs(30);
        while load.known.unavailable.load(std::sync::atomic::Ordering::SeqCst) < begin + 5 {
            assert!(std::time::Instant::now() < deadline, "the disk is full and nothing is refused");
            pause(50);
        }
        drop(ballast);
        server.ensure_running();
        goes_on(load, "when there is room again");
    });
}
