//! What templates, filters and transforms cost a record, without the rest of the listener.
//!
//! Templates and filters are those of `docs/examples/contacts.yaml`, records the events of
//! `tests/fixtures/hubspot/events.json`, one of each subscription type. Each record is timed alone,
//! by the monotonic clock, thousands of times; the clock's own time is taken off.

use std::hint::black_box;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, ensure};
use bytes::Bytes;
use language::filter::{Filter, Surroundings};
use language::manifest::{Manifests, Source};
use language::mapping::Mapping;
use language::template::{Json, Place, Scope, Template};
use serde_json::value::RawValue;
use serde_json::{Value, json};

const MANIFEST: &str = include_str!("../../../../docs/examples/contacts.yaml");
const EVENTS: &str = include_str!("../../../fixtures/hubspot/events.json");
/// Rounds over all events that are not counted, and that are.
const ROUNDS: (usize, usize) = (200, 2_000);

/// One thing that is measured.
#[derive(Clone, Debug)]
pub(crate) struct Cost {
    pub(crate) name: &'static str,
    pub(crate) median_ns: u64,
    pub(crate) p99_ns: u64,
    /// What it may cost, in the median.
    pub(crate) aim_ns: Option<u64>,
}

/// Measures everything.
pub(crate) fn run() -> Result<Vec<Cost>> {
    let source = Source { file: "contacts.yaml".to_owned(), text: MANIFEST.to_owned() };
    let manifests = Manifests::parse(&[source]);
    let spec = &manifests.listeners.first().context("the example has a listener")?.spec;
    let settings: Json = Value::Object(spec.settings.clone()).into();
    let listener: Json =
        json!({"name": "contacts", "namespace": "sales", "url": "https://hooks.example.com/sales/contacts"})
            .into();
    let surroundings = Surroundings::new(&settings, &listener);
    let events = events()?;

    let template = |text: &Option<String>, place| {
        let text = text.as_deref().context("the example has both templates")?;
        Template::compile(text, place).map_err(|mistake| anyhow!("{mistake}"))
    };
    let data_uri = template(&spec.data_uri_template, Place::Uri)?;
    let trace_key = template(&spec.trace_key_template, Place::Raw)?;
    let own = spec.filter.iter();
    let filters = own.chain(spec.destinations.iter().filter_map(|destination| destination.filter.as_ref()));
    let filters = filters.map(|text| Filter::compile(text).map_err(|mistake| anyhow!("{mistake}")));
    let filters = filters.collect::<Result<Vec<_>>>()?;
    let rules = mapping(json!({"rules": [
        {"keep": ["portalId", "objectId", "subscriptionType", "occurredAt", "propertyName", "propertyValue"]},
        {"rename": {"from": "objectId", "to": "id"}},
        {"set": {"field": "region", "text": "{{settings.region}}"}},
    ]}))?;
    let document = mapping(
        json!({"template": "{\"id\": {{#if objectId}}{{jsonSerialize objectId}}{{else}}null{{/if}}, \"what\": \"{{propertyName}}\"}"}),
    )?;

    let both = measure("data URI and trace key, both", Some(5_000), &events, |record| {
        let scope = Scope {
            record: Some(record),
            settings: Some(&settings),
            listener: Some(&listener),
            ..Scope::default()
        };
        Ok(data_uri.render(&scope)?.len() + trace_key.render(&scope)?.len())
    })?;
    let filters = measure("filters, all three", Some(2_000), &events, |record| {
        let mut taken = 0;
        for filter in &filters {
            taken += usize::from(filter.matches(record, &surroundings)?);
        }
        Ok(taken)
    })?;
    let rules = measure("transform of three rules", None, &events, |record| {
        Ok(rules.apply(record, &settings, &listener)?.len())
    })?;
    let document = measure("transform by a template", None, &events, |record| {
        Ok(document.apply(record, &settings, &listener)?.len())
    })?;
    Ok(vec![both, filters, rules, document])
}

fn events() -> Result<Vec<Bytes>> {
    #[derive(serde::Deserialize)]
    struct Fixture<'a> {
        #[serde(borrow)]
        event: &'a RawValue,
    }
    let fixtures: Vec<Fixture<'_>> = serde_json::from_str(EVENTS)?;
    ensure!(!fixtures.is_empty(), "there are events");
    Ok(fixtures.iter().map(|fixture| Bytes::copy_from_slice(fixture.event.get().as_bytes())).collect())
}

fn mapping(transform: Value) -> Result<Mapping> {
    let transform = serde_json::from_value(transform)?;
    Mapping::compile(&transform).map_err(|wrong| anyhow!("{wrong:?}"))
}

fn measure(
    name: &'static str,
    aim_ns: Option<u64>,
    events: &[Bytes],
    work: impl Fn(&Bytes) -> Result<usize>,
) -> Result<Cost> {
    let clock = clock();
    let (before, counted) = ROUNDS;
    let mut times = Vec::with_capacity(counted * events.len());
    for round in 0..before + counted {
        for event in events {
            let start = Instant::now();
            black_box(work(black_box(event)))?;
            let took = start.elapsed().saturating_sub(clock);
            if round >= before {
                times.push(u64::try_from(took.as_nanos())?);
            }
        }
    }
    times.sort_unstable();
    let at = |hundredths: usize| times.get(times.len() * hundredths / 100).copied().unwrap_or(0);
    Ok(Cost { name, median_ns: at(50), p99_ns: at(99), aim_ns })
}

/// What asking the clock costs, at least.
fn clock() -> Duration {
    (0..10_000).map(|_| Instant::now().elapsed()).min().unwrap_or_default()
}
