//! Small parts that pages are made of.

use maud::{Markup, html};

use crate::admin::problem::Problem;

/// Characters of a text in a table.
const SHORT: usize = 200;

/// A time as people and programs read it.
pub(super) fn time(at_ms: i64) -> Markup {
    match jiff::Timestamp::from_millisecond(at_ms) {
        Ok(at) => {
            let at = at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
            html! { time datetime=(at) { (at.replace('T', " ").trim_end_matches('Z')) } }
        }
        Err(_) => html! { (at_ms) },
    }
}

/// A time that may be absent.
pub(super) fn time_or(at_ms: Option<i64>, otherwise: &str) -> Markup {
    at_ms.map_or_else(|| html! { (otherwise) }, time)
}

/// Whether a data URI is a link: other schemes could run script.
fn is_link(uri: &str) -> bool {
    url::Url::parse(uri).is_ok_and(|url| matches!(url.scheme(), "http" | "https"))
}

/// A data URI: a link where it leads to a page, text otherwise.
pub(super) fn data_uri(uri: &str) -> Markup {
    html! {
        @if is_link(uri) {
            a href=(uri) rel="noopener noreferrer external" { (uri) }
        } @else if uri.is_empty() {
            span.none { "none" }
        } @else {
            (uri)
        }
    }
}

/// The beginning of a text.
pub(super) fn short(text: &str) -> String {
    match text.char_indices().nth(SHORT) {
        Some((at, _)) => format!("{}...", text.get(..at).unwrap_or_default()),
        None => text.to_owned(),
    }
}

/// Text that may be empty.
pub(super) fn or_none(text: Option<&str>) -> Markup {
    match text.filter(|text| !text.is_empty()) {
        Some(text) => html! { (text) },
        None => html! { span.none { "none" } },
    }
}

/// What was done, for those who hear the page, too.
pub(super) fn done(message: &str) -> Markup {
    html! { p.done role="status" { (message) } }
}

/// What was not done, why, and what to do.
pub(super) fn refused(problem: &Problem) -> Markup {
    html! {
        div.refused role="alert" {
            p {
                @if let Some(field) = &problem.field { strong { (field) ": " } }
                (sentence(&problem.detail))
            }
            @if let Some(remedy) = &problem.remedy { p { (sentence(remedy)) } }
        }
    }
}

/// With a capital letter and a full stop, as people write.
pub(super) fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().map(|first| first.to_ascii_uppercase());
    let mut sentence: String = first.into_iter().chain(letters).collect();
    if !sentence.is_empty() && !sentence.ends_with(['.', '!', '?', ':']) {
        sentence.push('.');
    }
    sentence
}

/// A list of names and values.
pub(super) fn facts(facts: &[(&str, Markup)]) -> Markup {
    html! {
        dl {
            @for (name, value) in facts {
                div { dt { (name) } dd { (value) } }
            }
        }
    }
}

/// A table that scrolls by itself where the window is narrow. The first cell of a row names it.
pub(super) fn table(caption: &str, columns: &[&str], rows: &[Vec<Markup>]) -> Markup {
    html! {
        div.scroll role="region" aria-label=(caption) tabindex="0" {
            table {
                caption { (caption) }
                thead { tr { @for column in columns { th scope="col" { (column) } } } }
                tbody {
                    @for row in rows {
                        tr {
                            @for (at, cell) in row.iter().enumerate() {
                                @if at == 0 { th scope="row" { (cell) } } @else { td { (cell) } }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// Where a list is empty.
pub(super) fn empty(text: &str) -> Markup {
    html! { p.empty { (text) } }
}

/// A field for text with its label; `hint` says more about it.
pub(super) fn text_field(name: &str, label: &str, value: &str, hint: &str) -> Markup {
    text_field_as(&format!("f-{name}"), name, label, value, hint)
}

/// The same where another field of the page has the name, too.
pub(super) fn text_field_as(id: &str, name: &str, label: &str, value: &str, hint: &str) -> Markup {
    field(id, name, label, value, hint, "text")
}

/// A field for a time in UTC.
pub(super) fn time_field(name: &str, label: &str, value: &str) -> Markup {
    time_field_as(&format!("f-{name}"), name, label, value)
}

/// The same where another field of the page has the name, too.
pub(super) fn time_field_as(id: &str, name: &str, label: &str, value: &str) -> Markup {
    field(id, name, label, value.trim_end_matches('Z'), "", "datetime-local")
}

fn field(id: &str, name: &str, label: &str, value: &str, hint: &str, kind: &str) -> Markup {
    html! {
        div.field {
            label for=(id) { (label) }
            input id=(id) type=(kind) name=(name) value=(value) autocomplete="off"
                aria-describedby=[(!hint.is_empty()).then(|| format!("{id}-hint"))];
            @if !hint.is_empty() { p.hint id={ (id) "-hint" } { (hint) } }
        }
    }
}

/// A field for one of some values: (value, what is shown).
pub(super) fn select(name: &str, label: &str, chosen: &str, options: &[(String, String)]) -> Markup {
    html! {
        div.field {
            label for={ "f-" (name) } { (label) }
            select id={ "f-" (name) } name=(name) {
                @for (value, shown) in options {
                    option value=(value) selected[value == chosen] { (shown) }
                }
            }
        }
    }
}

/// The way on in a list.
pub(super) fn older(base: &str, query: &str, next: Option<&str>) -> Markup {
    html! {
        @if let Some(next) = next {
            @let query = if query.is_empty() { String::new() } else { format!("{query}&") };
            p { a.older rel="next" href={ (base) "?" (query) "cursor=" (next) } { "Older" } }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_http_becomes_a_link() {
        for uri in ["https://app.hubspot.com/x?a=1&b=2", "http://a.example.com"] {
            assert!(data_uri(uri).into_string().starts_with("<a href=\"http"), "{uri}");
        }
        for uri in ["javascript:alert(1)", " data:text/html,<script>", "1234,a@b.c", "//evil.example.com", ""]
        {
            let shown = data_uri(uri).into_string();
            assert!(!shown.contains("<a") && !shown.contains("<script"), "{shown}");
        }
    }

    #[test]
    fn times_are_for_people_and_programs() {
        let expected = r#"<time datetime="2026-11-25T08:00:00Z">2026-11-25 08:00:00</time>"#;
        assert_eq!(time(1_795_593_600_000).into_string(), expected);
        assert_eq!(time(i64::MAX).into_string(), i64::MAX.to_string());
    }

    #[test]
    fn sentences_begin_and_end_as_such() {
        assert_eq!(sentence("it is closed"), "It is closed.");
        assert_eq!(sentence("Why?"), "Why?");
        assert_eq!(sentence(""), "");
    }
}
