//! A database that ends, is replaced, is full, or has no room for one connection more.

use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;

use postgres_server::{Options, Server};
use tests::{Mount, eventually};

use super::fleet::Fleet;
use super::hog::Hog;
use super::proxy::Proxy;
use super::random::Random;
use super::story::{goes_on, pause, tell};

#[test]
fn a_database_that_is_killed_again_and_again_loses_nothing_acknowledged() {
    let server = Server::start();
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
    let server = Server::start();
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
    let server = Server::start();
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
    let primary = Server::start();
    // A commit waits for the standby: what is acknowledged is on both.
    let standby = primary.standby(true);
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
    let settings = vec![("max_connections", "60".to_owned())];
    let server = Server::with(Options { settings, ..Options::default() });
    let mut fleet = Fleet::start(2, &server.database());
    tell("out of connections", &mut fleet, |_, load| {
        let hog = Hog::take_all(&server);
        pause(3_000);
        drop(hog);
        goes_on(load, "when there are connections again");
    });
}

#[test]
fn a_database_without_room_gives_503_and_recovers_by_itself() {
    let Some(mount) = Mount::make(220) else { return };
    let settings = vec![("max_wal_size", "64MB".to_owned())];
    let within = Some(mount.path.clone());
    let server = Server::with(Options { settings, within, ..Options::default() });
    let mut fleet = Fleet::start(2, &server.database());
    tell("database full", &mut fleet, |_, load| {
        let ballast = fill_up(&mount.path);
        eventually(60, "something is refused", || {
            (load.known.unavailable.load(Ordering::SeqCst) > 5).then_some(())
        });
        std::fs::remove_file(ballast).expect("the ballast");
        // A server that cannot write its log ends itself; whoever runs it starts it again.
        if !server.runs() {
            server.start_again();
        }
        goes_on(load, "when there is room again");
    });
}

/// Fills a file system to the last block; the file that did it.
fn fill_up(path: &Path) -> PathBuf {
    let ballast = path.join("ballast");
    let mut file = std::fs::File::create(&ballast).expect("a file");
    let chunk = vec![0x5a; 256 * 1024];
    while std::io::Write::write_all(&mut file, &chunk).is_ok() {}
    let _ = file.sync_all();
    ballast
}
