//! The page, as HTML. Every text is escaped by maud; nothing of it becomes script or style.

use std::fmt::Display;

use maud::{DOCTYPE, Markup, html};

use super::choice::{Choice, Chosen};
use super::link::{self, Template};
use super::row::Row;

/// What the page is made from.
pub(super) struct Shown<'a> {
    pub(super) choice: &'a Choice,
    pub(super) chosen: &'a Chosen,
    /// Only this namespace is known.
    pub(super) only: Option<&'a str>,
    pub(super) links: Option<&'a Template>,
    pub(super) listed: bool,
    pub(super) stale: bool,
    /// Of the page, RFC 3339.
    pub(super) now: String,
}

pub(super) fn page(shown: &Shown<'_>) -> Markup {
    let Shown { choice, chosen, only, links, listed, stale, now } = shown;
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { "HubSpot listeners" }
                link rel="stylesheet" href="/style.css";
            }
            body {
                a class="skip" href="#listeners" { "Go to the listeners" }
                header {
                    h1 { "HubSpot listeners" @if let Some(only) = only { " in " (only) } }
                    (totals(chosen))
                    p class="when" { "As of " time datetime=(now) { (now) } ". " a href=(choice.address(chosen.page)) { "Look again" } }
                }
                main {
                    @if !listed {
                        p class="notice" role="status" { "The listeners were not listed yet. Look again in a few seconds." }
                    } @else if *stale {
                        p class="notice" role="status" { "The API server does not answer. What is shown may be old." }
                    }
                    (form(choice, chosen, only.is_some()))
                    h2 id="listeners" tabindex="-1" { (number(chosen.count)) @if chosen.count == 1 { " listener" } @else { " listeners" } }
                    @if chosen.rows.is_empty() {
                        @if *listed { p { (nothing(chosen)) } }
                    } @else {
                        ul class="listeners" { @for row in &chosen.rows { li { (card(row, *links)) } } }
                    }
                    @if chosen.pages > 1 { (pages(choice, chosen)) }
                }
            }
        }
    }
}

fn nothing(chosen: &Chosen) -> &'static str {
    if chosen.totals.listeners == 0 {
        "There is no listener yet. Apply a HubSpotListener, and it is shown here."
    } else {
        "No listener fits. Change what is looked for."
    }
}

fn totals(chosen: &Chosen) -> Markup {
    let totals = chosen.totals;
    html! {
        dl class="totals" {
            div { dt { "Listeners" } dd { (number(totals.listeners)) } }
            div class=[(totals.attention > 0).then_some("bad")] { dt { "Need attention" } dd { (number(totals.attention)) } }
            div class=[(totals.open_errors > 0).then_some("bad")] { dt { "Open errors" } dd { (number(totals.open_errors)) } }
            div { dt { "Pending records" } dd { (number(totals.pending)) } }
        }
    }
}

fn form(choice: &Choice, chosen: &Chosen, one_namespace: bool) -> Markup {
    html! {
        form method="get" action="/" {
            @if !one_namespace {
                p {
                    label for="namespace" { "Namespace" }
                    select id="namespace" name="namespace" {
                        option value="" { "All" }
                        @for namespace in &chosen.namespaces {
                            option value=(namespace) selected[*namespace == choice.namespace] { (namespace) }
                        }
                    }
                }
            }
            p {
                label for="q" { "Name, description or URL" }
                input id="q" name="q" type="search" value=(choice.text()) maxlength="100";
            }
            p class="check" {
                input id="attention" name="attention" type="checkbox" value="1" checked[!choice.attention.is_empty()];
                label for="attention" { "Only those that need attention" }
            }
            p { button type="submit" { "Show" } }
        }
    }
}

fn card(row: &Row, links: Option<&Template>) -> Markup {
    let place = format!("{}/{}", row.namespace, row.name);
    html! {
        article {
            h3 {
                @match links {
                    Some(template) => a href=(template.of(&row.namespace, &row.name)) rel="noreferrer" { (row.display_name) },
                    None => (row.display_name),
                }
            }
            p class="place" { (place) }
            @if !row.description.is_empty() { p class="description" { (row.description) } }
            p class={"state " (row.state.class())} {
                strong { (row.state.as_str()) }
                @if !row.reason.is_empty() && row.reason != row.state.as_str() { " · " (row.reason) }
            }
            @if row.needs_attention() && !row.message.is_empty() { p class="message" { (row.message) } }
            dl {
                div { dt { "Open errors" } dd class=[row.open_errors.is_some_and(|errors| errors > 0).then_some("bad")] { (count(row.open_errors)) } }
                div { dt { "Pending" } dd { (count(row.pending)) } }
                div { dt { "Pods ready" } dd { (row.ready_replicas) " of " (row.replicas) } }
                div { dt { "Last delivery" } dd { @if let Some(at) = &row.last_delivery { time datetime=(at) { (at) } } @else { "none yet" } } }
                div class="wide" { dt { "URL for HubSpot" } dd { @if let Some(url) = &row.url { code { (url) } } @else { "not made yet" } } }
                @if links.is_none() {
                    div class="wide" { dt { "Its page, at http://127.0.0.1:9090 after" } dd { code { (link::command(&row.namespace, &row.name)) } } }
                }
            }
        }
    }
}

fn pages(choice: &Choice, chosen: &Chosen) -> Markup {
    html! {
        nav aria-label="Pages" {
            @if chosen.page > 1 { a rel="prev" href=(choice.address(chosen.page - 1)) { "Before" } }
            span { "Page " (chosen.page) " of " (chosen.pages) }
            @if chosen.page < chosen.pages { a rel="next" href=(choice.address(chosen.page + 1)) { "Next" } }
        }
    }
}

fn count(number_of: Option<i64>) -> String {
    number_of.map_or_else(|| "not known".to_owned(), number)
}

/// With a thin space between thousands.
fn number(value: impl Display) -> String {
    let digits = format!("{value}");
    let (sign, digits) = digits.strip_prefix('-').map_or(("", digits.as_str()), |digits| ("-", digits));
    let mut text = sign.to_owned();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push('\u{202f}');
        }
        text.push(digit);
    }
    text
}
