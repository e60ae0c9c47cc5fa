//! A listener at a glance: what runs, what waits, what is wrong, and how it went.

use std::collections::BTreeSet;

use axum::Extension;
use axum::extract::RawQuery;
use maud::{Markup, html};

use super::form::Form;
use super::parts::{empty, facts, sentence, table, time, time_or};
use super::plot::{Curve, Kind, Plot};
use super::trouble::Trouble;
use super::visit::Visit;
use crate::admin::status::{self, Destination, Hook, Listener};
use crate::deliver::{PauseReason, Paused};
use crate::desk::{Range, Series};

const MINUTE_MS: i64 = 60_000;
/// Spans that are offered: hours, what they are called, minutes of a step.
const SPANS: [(i64, &str, i64); 3] = [(1, "Last hour", 1), (24, "Last day", 15), (168, "Last week", 120)];
/// Curves in one plot at most.
const MAX_CURVES: usize = 24;

pub(super) async fn show(
    Extension(visit): Extension<Visit>,
    RawQuery(query): RawQuery,
) -> Result<Markup, Trouble> {
    let asked = Form::read(query.unwrap_or_default().as_bytes())?;
    let hours = asked.get("hours").parse().unwrap_or(24);
    let span = SPANS.iter().find(|(other, _, _)| *other == hours).unwrap_or(&SPANS[1]);
    let listener = status::listener(&visit.shown).await;
    let body = html! {
        @if let Some(text) = &listener.description { p { (text) } }
        (warnings(&visit, &listener))
        (numbers(&visit, &listener))
        (destinations(&visit, &listener))
        (plots(&visit, *span).await)
    };
    Ok(visit.page("Overview", &body))
}

/// What somebody should look at.
fn warnings(visit: &Visit, listener: &Listener) -> Markup {
    let refusal = listener.configuration.message.as_ref();
    html! {
        @if let Some(message) = refusal {
            div.refused role="alert" {
                p { strong { "The newest configuration was refused." } " The one before it runs on." }
                p { (sentence(message)) }
                p { "Whoever wrote the manifest has to correct it; nothing is lost meanwhile." }
            }
        }
        @if let Some(message) = &listener.store_error {
            div.refused role="alert" {
                p { strong { "The store is not well." } " HubSpot is told to send again later, so nothing is lost." }
                p { (sentence(message)) }
            }
        }
        @if listener.paused {
            div.refused role="alert" {
                p { strong { "The listener is paused in its manifest." } " It goes on to accept events; they wait until spec.paused is false." }
            }
        }
        @for fault in &listener.template_errors {
            div.refused role="alert" {
                p { strong { "A template failed" } " (" (fault.place) ", " (fault.count) (if fault.count == 1 { " time" } else { " times" }) ")." }
                p { (sentence(&fault.reason)) }
                p { "It gave nothing for those events. Look at what came; if that is as it should be, ask whoever wrote the manifest to correct the template." }
            }
        }
        @if listener.store.as_ref().is_some_and(|counts| counts.deliveries == 0) {
            (empty("Nothing came from HubSpot yet."))
            p {
                "Paste the address below as the target URL into your HubSpot app. If HubSpot sends and nothing comes, look at the "
                a href={ (visit.base) "/refusals" } { "refused requests" } ": they say why."
            }
        }
    }
}

fn numbers(visit: &Visit, listener: &Listener) -> Markup {
    let mut rows = vec![
        ("Address for HubSpot", html! { code { (listener.url) } }),
        ("Configuration", html! { "generation " (listener.configuration.generation) }),
    ];
    if let Some(counts) = &listener.store {
        rows.extend([
            ("Last delivery", time_or(counts.last_delivery_ms, "none yet")),
            ("Open errors", html! { a href={ (visit.base) "/errors?state=open" } { (counts.open_errors) } }),
            ("Waiting to be handed on", html! { (counts.pending_records) " records" }),
            ("Deliveries accepted", html! { (counts.deliveries) }),
            (
                "Events in them",
                html! {
                    (counts.events) ": " (counts.records) " records, " (counts.duplicates) " duplicates, "
                    (counts.ignored) " ignored by the filter"
                },
            ),
        ]);
        if counts.unindexed_deliveries > 0 {
            rows.push(("On disk, not looked at yet", html! { (counts.unindexed_deliveries) " deliveries" }));
        }
    }
    if let Some(refused) = &listener.refused {
        rows.push((
            "Refused requests",
            html! {
                a href={ (visit.base) "/refusals" } { (refused.kept) " kept" }
                @if refused.dropped > 0 { ", " (refused.dropped) " more were only counted" }
            },
        ));
    }
    facts(&rows)
}

fn destinations(visit: &Visit, listener: &Listener) -> Markup {
    let mut rows = Vec::new();
    if let Some(Hook { counts, paused }) = &listener.pre_page {
        rows.push(vec![
            html! { "The hook before pages" },
            state(paused.as_ref()),
            html! { (counts.pending_records) },
            html! { (counts.passed_records) " passed on, " (counts.dropped_records) " dropped" },
            html! { "" },
            errors(visit, crate::store::PRE_PAGE, counts.open_errors),
        ]);
    }
    for Destination { counts, paused } in &listener.destinations {
        rows.push(vec![
            html! { (counts.name) },
            state(paused.as_ref()),
            html! { (counts.pending_records) },
            html! { (counts.delivered_records) },
            html! { (counts.ignored_records) },
            errors(visit, &counts.name, counts.open_errors),
        ]);
    }
    let columns = ["Name", "State", "Waiting", "Delivered", "Left out by its filter", "Open errors"];
    html! {
        section aria-labelledby="destinations" {
            h2 #destinations { "Destinations" }
            @if rows.is_empty() {
                (empty("No destination is known yet."))
            } @else {
                (table("Where records go", &columns, &rows))
            }
        }
    }
}

fn errors(visit: &Visit, name: &str, count: u64) -> Markup {
    html! {
        @if count == 0 { "0" } @else { a href={ (visit.base) "/errors?state=open&destination=" (name) } { (count) } }
    }
}

/// Whether it runs; if not, why, since when, and what happens next.
fn state(paused: Option<&Paused>) -> Markup {
    let Some(Paused { reason, since_ms, next_probe_ms }) = paused else {
        return html! { span.badge.good { "Running" } };
    };
    let why = match reason {
        PauseReason::Connection => "it does not answer",
        PauseReason::RetryAfter => "it asked to wait",
        PauseReason::Manifest => "the manifest says so",
    };
    html! {
        span.badge.bad { "Paused" } " " (why) ", since " (time(*since_ms)) ". "
        @match next_probe_ms {
            Some(next) => { "It is tried again at " (time(*next)) "." },
            None => "It goes on when the manifest says so.",
        }
    }
}

async fn plots(visit: &Visit, (hours, name, minutes): (i64, &str, i64)) -> Markup {
    let now_ms = visit.now_ms();
    let step_ms = minutes * MINUTE_MS;
    let until_ms = (now_ms / step_ms + 1) * step_ms;
    let range = Range { from_ms: until_ms - hours * 60 * MINUTE_MS, until_ms, step_ms };
    let series = match visit.shown.history() {
        None => Err("The store of this listener keeps no figures over time.".to_owned()),
        Some(history) => history
            .series(range)
            .await
            .map_err(|error| format!("The figures over time cannot be read now: {error}")),
    };
    html! {
        section aria-labelledby="over-time" {
            h2 #over-time { "Over time" }
            @match series {
                Err(why) => (empty(&why)),
                Ok(series) => {
                    p.buttons {
                        @for (other, label, _) in SPANS {
                            a href={ (visit.base) "?hours=" (other) } aria-current=[(other == hours).then_some("true")] { (label) }
                        }
                    }
                    div.plots { @for plot in drawn(name, &series) { (plot.draw()) } }
                }
            }
        }
    }
}

fn drawn(span: &str, series: &Series) -> Vec<Plot> {
    let times: Vec<i64> = series.points.iter().map(|point| point.at_ms).collect();
    let plot = |id, title: &str, kind, curves| Plot {
        id,
        title: format!("{title}, {}", span.to_lowercase()),
        times: times.clone(),
        kind,
        curves,
    };
    let counts = |name: &str, value: &dyn Fn(&crate::desk::Point) -> Option<u64>| {
        #[expect(clippy::cast_precision_loss, reason = "a picture needs no more than 52 bits")]
        let values = series.points.iter().map(|point| value(point).map(|value| value as f64)).collect();
        vec![Curve { name: name.to_owned(), values }]
    };
    let names: BTreeSet<&String> = series.points.iter().flat_map(|point| point.latency_ms.keys()).collect();
    let latencies = names.into_iter().take(MAX_CURVES).map(|name| Curve {
        name: name.clone(),
        values: series.points.iter().map(|point| point.latency_ms.get(name).copied()).collect(),
    });
    vec![
        plot("events", "Events that came", Kind::Bars, counts("Events", &|point| Some(point.events))),
        plot("refused", "Refused requests", Kind::Bars, counts("Refused", &|point| Some(point.refused))),
        plot("errors", "New errors", Kind::Bars, counts("Errors", &|point| Some(point.errors))),
        plot("backlog", "Records that wait", Kind::Curves, counts("Waiting", &|point| point.backlog)),
        plot("latency", "Milliseconds of an attempt", Kind::Curves, latencies.collect()),
    ]
}
