//! Every path of the page.

use std::sync::Arc;

use axum::routing::{MethodRouter, Router, any, get, post};
use axum::{Extension, middleware};
use http::StatusCode;

use super::gate::{Gate, Needs, admit, enter};
use super::trouble::Trouble;
use super::{
    acts, assets, audit, bulk, deliveries, error, errors, listeners, overview, plan, record, records,
    refusals, settings, sign,
};
use crate::admin::Admin;
use crate::admin::problem::Problem;
use crate::admin::tokens::Role;

/// Paths after `/listeners/{namespace}/{name}`, with the role that each needs at least.
fn places() -> Vec<(&'static str, Role, MethodRouter<Admin>)> {
    vec![
        ("", Role::View, get(overview::show)),
        ("/errors", Role::View, get(errors::list)),
        ("/errors/{id}", Role::View, get(error::show)),
        ("/errors/{id}/{act}", Role::Operate, post(acts::post)),
        ("/bulk", Role::View, get(bulk::list)),
        ("/bulk/plan", Role::Operate, post(plan::make)),
        ("/bulk/{id}", Role::View, get(bulk::show)),
        ("/bulk/{id}/start", Role::Operate, post(bulk::start)),
        ("/bulk/{id}/cancel", Role::Operate, post(bulk::cancel)),
        ("/deliveries", Role::View, get(deliveries::list)),
        ("/records", Role::View, get(records::list)),
        ("/records/{id}", Role::View, get(record::show)),
        ("/refusals", Role::View, get(refusals::list)),
        ("/settings", Role::View, get(settings::show).post(settings::post)),
        ("/audit", Role::Admin, get(audit::list)),
        ("/{*rest}", Role::View, any(nothing)),
    ]
}

/// A path that leads nowhere.
async fn nothing() -> Trouble {
    let problem = Problem::new(StatusCode::NOT_FOUND, "not found", "there is no such page");
    Trouble(problem.remedy("choose one above"))
}

/// The page.
pub(in crate::admin) fn router(admin: &Admin) -> Router<Admin> {
    let gate = Gate::new(admin.clone());
    let mut router = Router::new()
        .route("/", get(listeners::choose))
        .route(sign::PATH, get(sign::show).post(sign::enter))
        .route("/sign-out", post(sign::leave));
    for (path, role, handler) in places() {
        let needs = Needs { view: Arc::clone(&admin.view), role };
        let handler = handler.layer(middleware::from_fn_with_state(needs, admit));
        router = router.route(&format!("/listeners/{{namespace}}/{{name}}{path}"), handler);
    }
    router
        .layer(Extension(Arc::clone(&gate)))
        .layer(middleware::from_fn_with_state(gate, enter))
        .route("/assets/page.css", get(assets::style))
        .route("/assets/page.js", get(assets::script))
        .route("/favicon.ico", get(assets::icon))
}
