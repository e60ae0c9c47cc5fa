//! What a store takes that is full of records, against what it took when it was empty.
//!
//! Two rates each time: what is answered while the load runs, and what can go on for ever: the
//! events of the load divided by its seconds and those until all of it is indexed.

use anyhow::{Context, Result};
use serde::Serialize;

use crate::Options;
use crate::case::Case;
use crate::program::{self, Process};
use crate::store::Store;

/// How the store is filled, and measured.
const CASE: Case = Case { events: 100, connections: 16 };

/// The rates of one store.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Row {
    store: &'static str,
    kept: u64,
    empty: Rates,
    full: Rates,
}

/// Events a second.
#[derive(Clone, Copy, Debug, Serialize)]
struct Rates {
    answered: f64,
    lasting: f64,
}

pub(crate) fn run(options: &Options) -> Result<Vec<Row>> {
    Store::all().iter().map(|store| measure(options, store).context(store.name)).collect()
}

fn measure(options: &Options, store: &Store) -> Result<Row> {
    let started = program::start(&store.manifest(), options)?;
    let empty = rates(&started, options)?;
    loop {
        let kept = started.events()?;
        eprintln!("kept: {kept} of {} records in the store {}", options.kept, store.name);
        if kept >= options.kept {
            break;
        }
        rates(&started, options)?;
    }
    let kept = started.events()?;
    let full = rates(&started, options)?;
    Ok(Row { store: store.name, kept, empty, full })
}

fn rates(started: &Process, options: &Options) -> Result<Rates> {
    let before = started.events()?;
    let load = started.drive(&CASE, options)?;
    let drain = started.drain()?;
    let events = started.events()?.saturating_sub(before);
    #[expect(clippy::cast_precision_loss, reason = "a count of events is far below 2^52")]
    let lasting = events as f64 / (drain + (options.warmup + options.seconds) as f64);
    Ok(Rates { answered: load.events_per_s, lasting })
}

pub(crate) fn print(rows: &[Row]) {
    if rows.is_empty() {
        return;
    }
    println!(
        "\n{:<34} {:>10} {:>12} {:>12} {:>6} {:>12} {:>12} {:>6}",
        "events a second, empty and full", "kept", "answered", "full", "ratio", "lasting", "full", "ratio"
    );
    for Row { store, kept, empty, full } in rows {
        println!(
            "{store:<34} {kept:>10} {:>12.0} {:>12.0} {:>6.2} {:>12.0} {:>12.0} {:>6.2}",
            empty.answered,
            full.answered,
            full.answered / empty.answered.max(1.0),
            empty.lasting,
            full.lasting,
            full.lasting / empty.lasting.max(1.0),
        );
    }
}
