//! All faults, mixed by chance, for as long as one likes: `make soak`, or
//! `SOAK_SECONDS=600 cargo test --workspace --test faults -- --ignored --nocapture soak`.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use postgres_server::Server;

use super::fleet::Fleet;
use super::proxy::Proxy;
use super::random::Random;
use super::story::{goes_on, pause, tell};

#[test]
#[ignore = "an hour; run it by hand"]
fn soak() {
    let seconds = std::env::var("SOAK_SECONDS").ok().and_then(|text| text.parse().ok()).unwrap_or(3_600);
    let server = Server::start();
    let proxy = Proxy::start(server.address());
    let mut fleet = Fleet::start(3, &server.database_through(proxy.address));
    let mut random = Random::new();
    let mut counts: BTreeMap<&str, u32> = BTreeMap::new();
    let end = Instant::now() + Duration::from_secs(seconds);
    let verdict = tell("soak", &mut fleet, |fleet, load| {
        let mut said = Instant::now();
        while Instant::now() < end {
            pause(random.below(3_000));
            let name = fault(&mut random, &server, &proxy, fleet);
            *counts.entry(name).or_default() += 1;
            fleet.warehouse.set_down(false);
            goes_on(load, &format!("after: {name}"));
            if said.elapsed() > Duration::from_secs(60) {
                said = Instant::now();
                let left = end.saturating_duration_since(Instant::now()).as_secs();
                println!("{left} s left, {} events acknowledged, {counts:?}", load.acknowledged());
            }
        }
    });
    println!("faults: {counts:?}");
    println!("verdict: {verdict:#?}");
}

/// Does one fault, and mends it; its name.
fn fault(random: &mut Random, server: &Server, proxy: &Proxy, fleet: &mut Fleet) -> &'static str {
    let at = random.below(3) as usize;
    match random.below(8) {
        0 | 1 => {
            fleet.replicas[at].restart();
            fleet.replicas[at].wait_ready();
            "replica killed"
        }
        2 => {
            server.kill();
            pause(random.below(2_000));
            server.start_again();
            "database killed"
        }
        3 => {
            server.stop();
            server.start_again();
            "database restarted"
        }
        4 => {
            server.kill();
            fleet.replicas[at].kill();
            server.start_again();
            fleet.replicas[at].restart();
            fleet.replicas[at].wait_ready();
            "database and replica killed"
        }
        5 => {
            proxy.cut();
            pause(random.below(2_000));
            proxy.mend();
            "network cut"
        }
        6 => {
            proxy.silence();
            pause(random.below(8_000));
            proxy.mend();
            "network half open"
        }
        _ => {
            fleet.warehouse.set_down(true);
            pause(random.below(4_000));
            "destination down"
        }
    }
}
