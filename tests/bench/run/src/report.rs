//! The table for people and `bench.json` for programs.

use std::path::Path;
use std::time::Duration;

use anyhow::Result;
use serde_json::{Value, json};

use crate::Figures;
use crate::case::Case;
use crate::desk::{AIM_MS, Desk, Times};
use crate::language::Cost;
use crate::program::{Listener, Load};

/// Floor, listener, floor.
pub(crate) struct Round {
    pub(crate) floor_before: Load,
    pub(crate) listener: Listener,
    pub(crate) floor_after: Load,
}

impl Round {
    fn floor(&self) -> f64 {
        f64::midpoint(self.floor_before.requests_per_s, self.floor_after.requests_per_s)
    }

    fn ratio(&self) -> f64 {
        self.listener.load.requests_per_s / self.floor().max(1.0)
    }
}

/// A case: the round whose ratio is the median, and the spread of the ratios.
pub(crate) struct Row {
    name: String,
    median: Round,
    lowest: f64,
    highest: f64,
}

impl Row {
    pub(crate) fn of(case: &Case, mut rounds: Vec<Round>) -> Self {
        rounds.sort_by(|a, b| a.ratio().total_cmp(&b.ratio()));
        let lowest = rounds.first().map_or(0.0, Round::ratio);
        let highest = rounds.last().map_or(0.0, Round::ratio);
        let median = rounds.swap_remove(rounds.len() / 2);
        Self { name: case.name(), median, lowest, highest }
    }

    fn refused(&self) -> u64 {
        self.median.listener.load.not_2xx()
    }
}

pub(crate) fn print(rows: &[Row]) {
    if rows.is_empty() {
        return;
    }
    println!(
        "{:<34} {:>10} {:>10} {:>6} {:>13} {:>9} {:>9} {:>10} {:>9} {:>7} {:>8}",
        "case",
        "listener/s",
        "floor/s",
        "ratio",
        "spread",
        "p50 ms",
        "p99 ms",
        "events/s",
        "backlog",
        "drain s",
        "peak MiB"
    );
    for row in rows {
        let listener = &row.median.listener;
        println!(
            "{:<34} {:>10.0} {:>10.0} {:>6.2} {:>13} {:>9.2} {:>9.2} {:>10.0} {:>6} MiB {:>7.1} {:>8.0}",
            row.name,
            listener.load.requests_per_s,
            row.median.floor(),
            row.median.ratio(),
            format!("{:.2} to {:.2}", row.lowest, row.highest),
            listener.load.latency_ms.p50,
            listener.load.latency_ms.p99,
            listener.load.events_per_s,
            listener.backlog_bytes / (1024 * 1024),
            listener.drain_seconds,
            listener.peak_mib,
        );
    }
    println!("\nWhere the listener's CPU time went while the load ran (seconds by thread):");
    for row in rows {
        let threads: Vec<String> =
            row.median.listener.cpu_seconds.iter().map(|(name, s)| format!("{name} {s:.1}")).collect();
        println!("  {:<34} {}", row.name, threads.join(", "));
    }
    for row in rows.iter().filter(|row| row.refused() > 0) {
        println!("  {}: {} requests were not answered 2xx", row.name, row.refused());
    }
}

/// What templates, filters and transforms cost a record.
pub(crate) fn print_costs(costs: &[Cost]) {
    if costs.is_empty() {
        return;
    }
    println!("\n{:<34} {:>10} {:>10} {:>10}", "language, of one record", "median us", "p99 us", "aim us");
    for Cost { name, median_ns, p99_ns, aim_ns } in costs {
        let aim = aim_ns.map_or_else(|| "-".to_owned(), |aim| format!("< {:.0}", micros(aim)));
        println!("{name:<34} {:>10.2} {:>10.2} {aim:>10}", micros(*median_ns), micros(*p99_ns));
    }
}

fn micros(nanoseconds: u64) -> f64 {
    Duration::from_nanos(nanoseconds).as_secs_f64() * 1e6
}

fn json_cost(cost: &Cost) -> Value {
    json!({
        "name": cost.name,
        "value": cost.median_ns,
        "unit": "ns/record",
        "p99_ns": cost.p99_ns,
        "aim_ns": cost.aim_ns,
        "within_aim": cost.aim_ns.map(|aim| cost.median_ns < aim),
    })
}

/// How long the error desk takes.
pub(crate) fn print_desks(desks: &[Desk]) {
    for desk in desks {
        println!(
            "\nThe desk of the store {} with {} open errors, filled in {:.0} s, {} MiB; ms, aim: a median below {AIM_MS}",
            desk.store,
            desk.errors,
            desk.fill_seconds,
            desk.file_bytes / (1024 * 1024)
        );
        println!(
            "{:<42} {:>9} {:>10} {:>9} {:>10} {:>9}",
            "filter", "matches", "list p50", "p95", "count p50", "p95"
        );
        for row in &desk.rows {
            println!(
                "{:<42} {:>9} {:>10.2} {:>9.2} {:>10.2} {:>9.2}{}{}",
                row.name,
                row.matches,
                row.list.median,
                row.list.p95,
                row.count.median,
                row.count.p95,
                if row.is_exact { "" } else { "  at least" },
                over(&[row.list, row.count])
            );
        }
        for (name, times) in single(desk) {
            println!("{name:<42} {:>9} {:>10.2} {:>9.2}{}", "", times.median, times.p95, over(&[times]));
        }
    }
}

fn single(desk: &Desk) -> [(&'static str, Times); 3] {
    [
        ("the next part of a list", desk.next),
        ("one error, whole", desk.one),
        ("delivered, failed, folded", desk.fold),
    ]
}

fn over(times: &[Times]) -> &'static str {
    if times.iter().any(|times| times.median >= AIM_MS) { "  OVER" } else { "" }
}

fn json_desk(desk: &Desk) -> Value {
    let times = |times: &Times| json!({"p50_ms": times.median, "p95_ms": times.p95});
    let filters: Vec<Value> = desk
        .rows
        .iter()
        .map(|row| {
            json!({"filter": row.name, "matches": row.matches, "exact": row.is_exact, "list": times(&row.list), "count": times(&row.count)})
        })
        .collect();
    let all = desk.rows.iter().flat_map(|row| [row.list, row.count]);
    let all = all.chain(single(desk).map(|(_, times)| times));
    json!({
        "store": desk.store,
        "errors": desk.errors,
        "fill_seconds": desk.fill_seconds,
        "file_bytes": desk.file_bytes,
        "filters": filters,
        "next": times(&desk.next),
        "one": times(&desk.one),
        "fold": times(&desk.fold),
        "aim_ms": AIM_MS,
        "within_aim": all.map(|times| times.median).fold(0.0, f64::max) < AIM_MS,
    })
}

pub(crate) fn write(figures: &Figures, out: &Path) -> Result<()> {
    let results: Vec<Value> = figures.rows.iter().map(json_row).collect();
    let language: Vec<Value> = figures.costs.iter().map(json_cost).collect();
    let desk: Vec<Value> = figures.desks.iter().map(json_desk).collect();
    let figures = json!({
        "machine": machine(),
        "results": results,
        "language": language,
        "desk": desk,
        "replicas": figures.replicas,
        "kept": figures.kept,
    });
    let text = serde_json::to_string_pretty(&figures)?;
    std::fs::write(out, text + "\n")?;
    Ok(())
}

fn json_row(row: &Row) -> Value {
    let listener = &row.median.listener;
    json!({
        "name": row.name,
        "value": listener.load.requests_per_s,
        "unit": "requests/s",
        "floor": row.median.floor(),
        "ratio_to_floor": row.median.ratio(),
        "ratio_lowest": row.lowest,
        "ratio_highest": row.highest,
        "p50_ms": listener.load.latency_ms.p50,
        "p99_ms": listener.load.latency_ms.p99,
        "events_per_s": listener.load.events_per_s,
        "backlog_bytes": listener.backlog_bytes,
        "drain_seconds": listener.drain_seconds,
        "peak_mib": listener.peak_mib,
        "not_2xx": row.refused(),
        "cpu_seconds": listener.cpu_seconds.iter().map(|(name, s)| json!({"thread": name, "seconds": s})).collect::<Vec<_>>(),
    })
}

fn machine() -> Value {
    let model = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = model
        .lines()
        .find_map(|line| line.strip_prefix("model name"))
        .and_then(|rest| rest.split_once(':'))
        .map_or_else(|| "unknown".to_owned(), |(_, name)| name.trim().to_owned());
    let kernel = std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    json!({"cpu": model, "cores": cores, "kernel": kernel.trim(), "os": std::env::consts::OS})
}
