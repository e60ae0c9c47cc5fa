//! The error desk with a million open errors: how long a list, a count and a fold take.
//!
//! Everything is done from outside, through a real `listener dev` and a destination on a socket: the errors
//! come of deliveries that four destinations did not take and of elements that are no events; tags and
//! assignees come of bulk acts; each time is that of a request over a kept connection, by the API. So any
//! store that a manifest can name is measured by the same code: [`Store::all`].

mod fill;
mod filters;
mod sink;

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use crate::Options;
use crate::client::Client;
use crate::program;
use crate::store::Store;

/// What a median may take, in milliseconds.
pub(crate) const AIM_MS: f64 = 50.0;
/// Requests of a kind that are timed, after one that is not.
const RUNS: usize = 41;
/// Where one kind takes very long, no more of them are made.
const PATIENCE: Duration = Duration::from_secs(20);
/// Errors that close an older one.
const FOLDS: u64 = 41;

/// Times of one kind of request, in milliseconds.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Times {
    pub(crate) median: f64,
    pub(crate) p95: f64,
}

impl Times {
    fn of(mut all: Vec<Duration>) -> Self {
        all.sort_unstable();
        let at = |hundredths: usize| {
            let place = (all.len() * hundredths / 100).min(all.len().saturating_sub(1));
            all.get(place).map_or(0.0, |time| time.as_secs_f64() * 1_000.0)
        };
        Self { median: at(50), p95: at(95) }
    }
}

/// A filter, how many match it, and what it took.
#[derive(Clone, Debug)]
pub(crate) struct Row {
    pub(crate) name: String,
    pub(crate) matches: u64,
    /// Whether the count that was timed came to all of them.
    pub(crate) is_exact: bool,
    pub(crate) list: Times,
    pub(crate) count: Times,
}

/// What one store showed.
#[derive(Clone, Debug)]
pub(crate) struct Desk {
    pub(crate) store: &'static str,
    pub(crate) errors: u64,
    pub(crate) fill_seconds: f64,
    pub(crate) file_bytes: u64,
    pub(crate) rows: Vec<Row>,
    /// The list after the first part of it.
    pub(crate) next: Times,
    /// One error, whole.
    pub(crate) one: Times,
    /// From a delivery to the older error closed: through journal, page, destination and store.
    pub(crate) fold: Times,
}

/// Measures one store.
pub(crate) fn run(store: &Store, options: &Options) -> Result<Desk> {
    let sink = sink::Sink::start()?;
    let running = program::start(&fill::manifest(store, sink.port), options)?;
    let mut client = Client::open(running.admin)?;
    let marks = fill::fill(&running, &mut client, options.errors)?;
    eprintln!("desk {}: {} errors in {:.0} s", store.name, options.errors, marks.seconds);
    let mut rows = Vec::new();
    for (name, query) in filters::all(&marks) {
        rows.push(row(&mut client, name, &query).with_context(|| format!("filter {name}"))?);
    }
    let first = client.get("/api/v1/errors?limit=50")?;
    let cursor = first["next"].as_str().context("there is more than one part")?;
    let next = time(&mut client, &format!("/api/v1/errors?limit=50&cursor={cursor}"))?;
    let id = first["items"][0]["id"].as_i64().context("an error")?;
    let one = time(&mut client, &format!("/api/v1/errors/{id}"))?;
    let fold = fold(&running, &mut client, options.errors)?;
    let status = client.get("/api/v1/status")?;
    let file_bytes = status["listeners"][0]["store"]["fileBytes"].as_u64().unwrap_or(0);
    Ok(Desk {
        store: store.name,
        errors: options.errors,
        fill_seconds: marks.seconds,
        file_bytes,
        rows,
        next,
        one,
        fold,
    })
}

fn row(client: &mut Client, name: &str, query: &str) -> Result<Row> {
    let matches = client.get(&format!("/api/v1/errors/count?exact=true&{query}"))?;
    let matches = matches["total"].as_u64().context("a total")?;
    let listed = client.get(&format!("/api/v1/errors?limit=50&{query}"))?;
    let listed = listed["items"].as_array().map_or(0, Vec::len);
    ensure!(listed as u64 == matches.min(50), "{listed} of {matches} are listed");
    let counted = client.get(&format!("/api/v1/errors/count?{query}"))?;
    let is_exact = counted["exact"].as_bool().context("it says whether it is exact")?;
    ensure!(counted["total"].as_u64() == Some(matches) || !is_exact, "{counted} are not {matches}");
    let list = time(client, &format!("/api/v1/errors?limit=50&{query}"))?;
    let count = time(client, &format!("/api/v1/errors/count?{query}"))?;
    Ok(Row { name: name.to_owned(), matches, is_exact, list, count })
}

fn time(client: &mut Client, path: &str) -> Result<Times> {
    let mut all = Vec::with_capacity(RUNS);
    client.get(path)?;
    while all.len() < RUNS && all.iter().sum::<Duration>() < PATIENCE {
        let began = Instant::now();
        client.get(path)?;
        all.push(began.elapsed());
    }
    Ok(Times::of(all))
}

/// Delivers events of records that have an open error each, and waits until that is closed.
fn fold(running: &program::Process, client: &mut Client, errors: u64) -> Result<Times> {
    let mut public = Client::open(running.port)?;
    let mut all = Vec::new();
    for number in 0..FOLDS {
        // Apart by twenties, so that each fails at a destination: see `fill`.
        let older = number * (errors / (20 * FOLDS)) * 20 + 1;
        let path = format!("/api/v1/errors?traceKey={}&state=resolved", fill::trace_key(older));
        ensure!(client.get(&path)?["items"] == json!([]), "it is closed already");
        let began = Instant::now();
        fill::deliver(&mut public, &format!("[{}]", fill::event(older, 1_000_000_000 + number)))?;
        while client.get(&path)?["items"] == Value::Array(Vec::new()) {
            ensure!(began.elapsed() < Duration::from_secs(60), "no error closed the older one");
        }
        all.push(began.elapsed());
    }
    Ok(Times::of(all))
}
