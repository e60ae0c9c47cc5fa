//! `/`: which listener.

use std::sync::Arc;

use axum::Extension;
use axum::extract::{RawQuery, State};
use axum::response::{IntoResponse, Redirect, Response};
use maud::html;

use super::parts::{empty, table};
use super::visit::Session;
use crate::admin::View;

pub(super) async fn choose(
    State(view): State<Arc<View>>,
    Extension(session): Extension<Session>,
    RawQuery(query): RawQuery,
) -> Response {
    let listeners = view.listeners();
    let seen: Vec<_> = listeners.iter().filter(|shown| session.sees(&shown.full_name())).collect();
    if let ([only], None) = (&seen[..], query) {
        return Redirect::to(&format!("/listeners/{}", only.full_name())).into_response();
    }
    let rows: Vec<_> = seen
        .iter()
        .map(|shown| {
            let live = shown.endpoint().live();
            let spec = &live.configuration.spec;
            vec![
                html! { a href={ "/listeners/" (shown.full_name()) } { (spec.display_name) } },
                html! { (shown.full_name()) },
                html! { (spec.description.as_deref().unwrap_or_default()) },
                html! { (live.configuration.public_url) },
            ]
        })
        .collect();
    let body = html! {
        @if rows.is_empty() {
            (empty("No listener runs here yet."))
            @if let Some(why) = view.refusal() {
                p { "Its configuration was refused: " (why) }
            } @else {
                p { "It may still be starting. Look again in a minute." }
            }
        } @else {
            (table("Listeners that you may see", &["Name", "Resource", "Description", "Address for HubSpot"], &rows))
        }
    };
    session.page("Listeners", &body).into_response()
}
