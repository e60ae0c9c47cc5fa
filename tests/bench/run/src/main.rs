//! `make bench`: durable ingest of the listener beside the floor, in one run.
//!
//! For each case: the floor, the listener, the floor again, each for the same
//! time with the same driver. What counts is the listener's rate against the mean
//! of the two floors around it: the machine's own speed drifts.
//!
//! The listener runs as `listener dev` with `paused: true`, so that what is
//! measured is ingest: verified, stored, synced, answered, and indexed beside it.
//! What is not yet indexed when the load ends is drained, timed, and reported.
//!
//! Beside it, in the same run: what the language of a manifest costs a record ([`language`]), how long
//! the error desk takes with a million open errors ([`desk`]), what replicas on one PostgreSQL take
//! together ([`replicas`]), and, with `--kept`, what a store that is full of records takes against an
//! empty one ([`kept`]).

mod case;
mod client;
mod desk;
mod kept;
mod language;
mod program;
mod replicas;
mod report;
mod store;

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use clap::Parser;

use case::Case;
use report::Row;

/// Measures durable ingest beside the floor, templates and filters, and the error desk; prints tables and writes bench.json.
#[derive(Debug, Parser)]
pub(crate) struct Options {
    /// Where the programs `listener`, `floor` and `driver` are.
    #[arg(long, default_value = "target/release")]
    programs: PathBuf,
    /// Where the figures are written.
    #[arg(long, default_value = "target/bench.json")]
    out: PathBuf,
    /// Seconds counted in each run, 1 to 60.
    #[arg(long, default_value_t = 8, value_parser = clap::value_parser!(u64).range(1..=60))]
    seconds: u64,
    /// Seconds of warm-up before them.
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u64).range(0..=60))]
    warmup: u64,
    /// Times that the cases are run; the median of the ratios is reported.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u64).range(1..=20))]
    rounds: u64,
    /// Open errors of the error desk.
    #[arg(long, default_value_t = 1_000_000, value_parser = clap::value_parser!(u64).range(1_000..=10_000_000))]
    errors: u64,
    /// Only cases whose name contains this; `language` for templates and filters, `desk` for the error
    /// desk, `replicas` for PostgreSQL alone.
    #[arg(long)]
    only: Option<String>,
    /// Records that are put into each store before its rate is measured a second time, such as
    /// 10000000; takes minutes and some gigabytes of disk. 0 leaves that out.
    #[arg(long, default_value_t = 0)]
    kept: u64,
}

fn main() -> Result<()> {
    let options = Options::parse();
    let wanted = |name: &str| options.only.as_ref().is_none_or(|part| name.contains(part.as_str()));
    let cases: Vec<Case> = Case::all().into_iter().filter(|case| wanted(&case.name())).collect();
    if !cases.is_empty() {
        for name in ["listener", "floor", "driver"] {
            let path = options.programs.join(name);
            ensure!(path.exists(), "{} is not there; run `make bench`, which builds it", path.display());
        }
    }
    let costs = if wanted("language") { language::run()? } else { Vec::new() };
    let mut rows = Vec::new();
    for case in cases {
        let mut rounds = Vec::new();
        for round in 1..=options.rounds {
            eprintln!("{} round {round} of {}", case.name(), options.rounds);
            rounds.push(run(&case, &options).with_context(|| case.name())?);
        }
        rows.push(Row::of(&case, rounds));
    }
    let mut desks = Vec::new();
    if wanted("desk") {
        for store in store::Store::all() {
            let desk = desk::run(&store, &options);
            desks.push(desk.with_context(|| format!("the desk of the store {}", store.name))?);
        }
    }
    let replicas = if wanted("replicas") { replicas::run(&options)? } else { Vec::new() };
    let kept = if options.kept > 0 && wanted("kept") { kept::run(&options)? } else { Vec::new() };
    let figures = Figures { rows, costs, desks, replicas, kept };
    ensure!(!figures.is_empty(), "no case is called like that");
    report::print(&figures.rows);
    report::print_costs(&figures.costs);
    report::print_desks(&figures.desks);
    replicas::print(&figures.replicas);
    kept::print(&figures.kept);
    report::write(&figures, &options.out)?;
    println!("\nwritten to {}", options.out.display());
    Ok(())
}

/// Everything that a run measured.
pub(crate) struct Figures {
    pub(crate) rows: Vec<Row>,
    pub(crate) costs: Vec<language::Cost>,
    pub(crate) desks: Vec<desk::Desk>,
    pub(crate) replicas: Vec<replicas::Row>,
    pub(crate) kept: Vec<kept::Row>,
}

impl Figures {
    fn is_empty(&self) -> bool {
        let Self { rows, costs, desks, replicas, kept } = self;
        rows.is_empty() && costs.is_empty() && desks.is_empty() && replicas.is_empty() && kept.is_empty()
    }
}

/// One round of one case.
fn run(case: &Case, options: &Options) -> Result<report::Round> {
    let floor_before = program::floor(case, options)?;
    let listener = program::listener(case, options)?;
    let floor_after = program::floor(case, options)?;
    Ok(report::Round { floor_before, listener, floor_after })
}

impl Options {
    /// Longest that one run may take before it is given up.
    fn patience(&self) -> Duration {
        Duration::from_secs(self.warmup + self.seconds + 60)
    }
}
