//! What replicas of one listener take together, on one PostgreSQL that is started for it, on the same
//! machine: the replicas, the database and the drivers share its cores.

use std::sync::Arc;

use anyhow::{Context, Result, anyhow};
use postgres_server::Server;
use serde::Serialize;

use crate::Options;
use crate::case::Case;
use crate::program::{self, Load};
use crate::store::Store;

/// Connections of the drivers in all, as many for one replica as for three.
const CONNECTIONS: u32 = 48;

/// The rate of some replicas together.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Row {
    replicas: u32,
    events_in_a_delivery: u32,
    requests_per_s: f64,
    events_per_s: f64,
    /// The slowest replica's.
    p50_ms: f64,
    p99_ms: f64,
    not_2xx: u64,
}

pub(crate) fn run(options: &Options) -> Result<Vec<Row>> {
    let server = Arc::new(Server::start());
    let mut rows = Vec::new();
    for events in [1, 100] {
        for replicas in 1..=3 {
            eprintln!("replicas: {replicas} with {events} events in a delivery");
            rows.push(measure(options, &server, replicas, events).context("replicas")?);
        }
    }
    Ok(rows)
}

fn measure(options: &Options, server: &Arc<Server>, replicas: u32, events: u32) -> Result<Row> {
    let manifest = Store::postgres(server).manifest();
    let started = (0..replicas).map(|_| program::start(&manifest, options)).collect::<Result<Vec<_>>>()?;
    let case = Case { events, connections: CONNECTIONS / replicas };
    let loads: Vec<Load> = std::thread::scope(|scope| {
        let running: Vec<_> =
            started.iter().map(|replica| scope.spawn(|| replica.drive(&case, options))).collect();
        running
            .into_iter()
            .map(|thread| thread.join().map_err(|_| anyhow!("a driver panicked"))?)
            .collect::<Result<Vec<_>>>()
    })?;
    let slowest = |of: fn(&Load) -> f64| loads.iter().map(of).fold(0.0, f64::max);
    Ok(Row {
        replicas,
        events_in_a_delivery: events,
        requests_per_s: loads.iter().map(|load| load.requests_per_s).sum(),
        events_per_s: loads.iter().map(|load| load.events_per_s).sum(),
        p50_ms: slowest(|load| load.latency_ms.p50),
        p99_ms: slowest(|load| load.latency_ms.p99),
        not_2xx: loads.iter().map(Load::not_2xx).sum(),
    })
}

pub(crate) fn print(rows: &[Row]) {
    if rows.is_empty() {
        return;
    }
    println!(
        "\n{:<34} {:>10} {:>10} {:>9} {:>9} {:>8}",
        "PostgreSQL, replicas together", "requests/s", "events/s", "p50 ms", "p99 ms", "not 2xx"
    );
    for row in rows {
        let name = format!("{} replicas, {} events", row.replicas, row.events_in_a_delivery);
        println!(
            "{name:<34} {:>10.0} {:>10.0} {:>9.2} {:>9.2} {:>8}",
            row.requests_per_s, row.events_per_s, row.p50_ms, row.p99_ms, row.not_2xx
        );
    }
}
