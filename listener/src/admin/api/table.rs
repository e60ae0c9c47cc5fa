//! The router, from the table of routes.

use axum::middleware;
use axum::routing::Router;

use super::route::About;
use super::routes::routes;
use super::target::{self, Needs};
use crate::admin::Admin;

/// Every route of the API.
pub(in crate::admin) fn router(admin: &Admin) -> Router<Admin> {
    let mut router = Router::new();
    for route in routes() {
        let mut handler = route.handler.clone();
        if route.about == About::Listener {
            let needs = Needs { view: admin.view.clone(), role: route.needs };
            handler = handler.layer(middleware::from_fn_with_state(needs, target::admit));
        }
        for path in route.paths() {
            router = router.route(&path, handler.clone());
        }
    }
    router
}
