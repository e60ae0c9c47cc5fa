//! What stands around every page: head, landmarks, the way to the other pages.

use axum::response::{IntoResponse, Response};
use http::StatusCode;
use maud::{DOCTYPE, Markup, html};

use super::csrf::FIELD;
use super::parts::refused;
use super::visit::{Session, Visit};
use crate::admin::problem::Problem;
use crate::admin::tokens::Role;

/// Pages of a listener: path after its own, name, role that it needs at least.
const PLACES: [(&str, &str, Role); 8] = [
    ("", "Overview", Role::View),
    ("/errors", "Errors", Role::View),
    ("/bulk", "Bulk acts", Role::View),
    ("/deliveries", "Deliveries", Role::View),
    ("/records", "Records", Role::View),
    ("/refusals", "Refused requests", Role::View),
    ("/settings", "Settings", Role::View),
    ("/audit", "Audit log", Role::Admin),
];

impl Visit {
    /// A page of the listener.
    pub(super) fn page(&self, heading: &str, body: &Markup) -> Markup {
        whole(Some(&self.session), Some(self), heading, body)
    }

    /// The field that each form needs.
    pub(super) fn token(&self) -> Markup {
        self.session.token()
    }
}

impl Session {
    /// A page of no listener.
    pub(super) fn page(&self, heading: &str, body: &Markup) -> Markup {
        whole(Some(self), None, heading, body)
    }

    /// The field that each form needs.
    pub(super) fn token(&self) -> Markup {
        html! { input type="hidden" name=(FIELD) value=(self.form_token()); }
    }
}

/// A problem as a page.
pub(super) fn trouble(session: &Session, visit: Option<&Visit>, problem: &Problem) -> Response {
    let body = html! {
        (refused(problem))
        p { a href=(visit.map_or("/", |visit| &visit.base)) { "Go to the beginning" } }
    };
    (problem.code, whole(Some(session), visit, title(problem.code), &body)).into_response()
}

/// Nobody can sign in.
pub(super) fn closed(problem: &Problem) -> Response {
    (problem.code, whole(None, None, "Closed", &refused(problem))).into_response()
}

fn title(code: StatusCode) -> &'static str {
    match code {
        StatusCode::FORBIDDEN => "Not allowed",
        StatusCode::NOT_FOUND => "Not found",
        StatusCode::SERVICE_UNAVAILABLE => "Not available now",
        code if code.is_server_error() => "Something went wrong",
        _ => "Not done",
    }
}

fn whole(session: Option<&Session>, visit: Option<&Visit>, heading: &str, body: &Markup) -> Markup {
    let name = visit.map(Visit::display_name);
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (heading) @if let Some(name) = &name { " - " (name) } " - HubSpot listener" }
                link rel="stylesheet" href="/assets/page.css";
                script src="/assets/page.js" defer {}
            }
            body {
                a.skip href="#content" { "Skip to content" }
                header {
                    p.name {
                        @match (visit, &name) {
                            (Some(visit), Some(name)) => a href=(visit.base) { (name) },
                            _ => a href="/" { "HubSpot listener" },
                        }
                    }
                    @if let Some(session) = session { (person(session, visit)) }
                }
                @if let Some(visit) = visit { (places(visit)) }
                main #content tabindex="-1" {
                    h1 { (heading) }
                    (body)
                }
                footer { p { "Times are in UTC." } }
            }
        }
    }
}

/// Who is here, and the way out.
fn person(session: &Session, visit: Option<&Visit>) -> Markup {
    html! {
        div.person {
            @if let Some(visit) = visit {
                span { (visit.actor.0) " (" (visit.role.as_str()) ")" }
                a href="/?all=1" { "All listeners" }
            }
            @if session.ticket.is_some() {
                form method="post" action="/sign-out" {
                    (session.token())
                    button.plain { "Sign out" }
                }
            }
        }
    }
}

fn places(visit: &Visit) -> Markup {
    let is_here = |path: &str| {
        if path.is_empty() { visit.place.trim_matches('/').is_empty() } else { visit.place.starts_with(path) }
    };
    html! {
        nav aria-label="Pages of this listener" {
            ul {
                @for (path, name, role) in PLACES {
                    @if visit.may(role) {
                        @let query = if path == "/errors" { "?state=open" } else { "" };
                        li {
                            a href={ (visit.base) (path) (query) }
                                aria-current=[is_here(path).then_some("page")] { (name) }
                        }
                    }
                }
            }
        }
    }
}
