//! What a store takes that is full of records, against what an empty one takes.
//!
//! The two take turns, each time with a new empty store: what the disk and the database still have to do of
//! what came before (write back, checkpoints) would else be the full store's alone. What counts is the median
//! of the rounds' ratios.
//!
//! Two rates each time: what is answered while the load runs, and what can go on for ever: the
//! events of the load divided by its seconds and those until all of it is indexed.

use std::process::Command;

use anyhow::{Context, Result, ensure};
use serde::Serialize;

use crate::Options;
use crate::case::Case;
use crate::program::{self, Process};
use crate::store::Store;

/// How the store is filled, and measured.
const CASE: Case = Case { events: 100, connections: 16 };

/// What one store showed.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Row {
    store: &'static str,
    kept: u64,
    rounds: Vec<Round>,
    answered_ratio: f64,
    lasting_ratio: f64,
}

/// An empty store and the full one, one after the other.
#[derive(Clone, Copy, Debug, Serialize)]
struct Round {
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
    let full = program::start(&store.manifest(), options)?;
    let mut kept = 0;
    while kept < options.kept {
        rates(&full, options)?;
        kept = full.events()?;
        eprintln!("kept: {kept} of {} records in the store {}", options.kept, store.name);
    }
    let mut rounds = Vec::new();
    for round in 1..=options.rounds {
        eprintln!("kept: {} round {round} of {}", store.name, options.rounds);
        let empty = program::start(&store.another().manifest(), options)?;
        settle()?;
        let of_empty = rates(&empty, options)?;
        drop(empty);
        settle()?;
        rounds.push(Round { empty: of_empty, full: rates(&full, options)? });
    }
    let median = |of: fn(&Rates) -> f64| {
        let mut all: Vec<f64> = rounds.iter().map(|round| of(&round.full) / of(&round.empty)).collect();
        all.sort_by(f64::total_cmp);
        all.get(all.len() / 2).copied().unwrap_or_default()
    };
    let (answered_ratio, lasting_ratio) = (median(|rates| rates.answered), median(|rates| rates.lasting));
    Ok(Row { store: store.name, kept, rounds, answered_ratio, lasting_ratio })
}

/// What was written so far is on the disk before the next is measured.
fn settle() -> Result<()> {
    ensure!(Command::new("sync").status()?.success(), "sync failed");
    Ok(())
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
        "\n{:<12} {:>10} {:>6} {:>12} {:>12} {:>6} {:>12} {:>12} {:>6}",
        "events/s", "kept", "round", "answered", "full", "ratio", "lasting", "full", "ratio"
    );
    for Row { store, kept, rounds, answered_ratio, lasting_ratio } in rows {
        for (Round { empty, full }, number) in rounds.iter().zip(1..) {
            println!(
                "{store:<12} {kept:>10} {number:>6} {:>12.0} {:>12.0} {:>6.2} {:>12.0} {:>12.0} {:>6.2}",
                empty.answered,
                full.answered,
                full.answered / empty.answered,
                empty.lasting,
                full.lasting,
                full.lasting / empty.lasting,
            );
        }
        println!("{store:<12} {kept:>10} {:>6} {:>32.2} {:>32.2}", "median", answered_ratio, lasting_ratio);
    }
}
