//! The way between the replicas and their database: cut, half open, slow.

use std::time::Duration;

use postgres_server::Server;

use super::fleet::Fleet;
use super::proxy::Proxy;
use super::story::{goes_on, pause, tell};

fn through_a_proxy(replicas: usize) -> (Server, Proxy, Fleet) {
    let server = Server::start();
    let proxy = Proxy::start(server.address());
    let fleet = Fleet::start(replicas, &server.database_through(proxy.address));
    (server, proxy, fleet)
}

#[test]
fn a_cut_network_costs_503s_and_no_event() {
    let (_server, proxy, mut fleet) = through_a_proxy(2);
    tell("network cut", &mut fleet, |_, load| {
        for _ in 0..4 {
            proxy.cut();
            pause(700);
            proxy.mend();
            goes_on(load, "after the network was cut");
        }
    });
}

#[test]
fn a_half_open_network_is_noticed_and_costs_no_event() {
    let (_server, proxy, mut fleet) = through_a_proxy(2);
    tell("network half open", &mut fleet, |_, load| {
        proxy.silence();
        // Every request is answered, or given up, in bounded time meanwhile.
        pause(12_000);
        proxy.mend();
        goes_on(load, "after the network was half open");
    });
}

#[test]
fn a_slow_network_makes_it_slow_and_loses_nothing() {
    let (_server, proxy, mut fleet) = through_a_proxy(2);
    tell("network slow", &mut fleet, |_, load| {
        proxy.slow(Duration::from_millis(60));
        goes_on(load, "while the network is slow");
        proxy.mend();
    });
}
