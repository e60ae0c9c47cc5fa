//! The admin port's router, on the same connection machinery as the public port.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::FromRef;
use axum::middleware;
use axum::response::IntoResponse;
use axum::routing::{Router, get};
use futures_util::FutureExt;
use http::{Request, Response, StatusCode};
use hyper::body::Incoming;
use secrecy::SecretString;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tower_service::Service;
use tracing::error;

use super::problem::Problem;
use super::{View, api, auth, page, probes, problem, report, saving, scrape};
use crate::metrics::Metrics;
use crate::receive::{Counters, Handler, Limits, serve_handler};

/// What the admin port works with.
#[derive(Clone, Debug)]
pub struct Admin {
    /// What it shows.
    pub view: Arc<View>,
    /// What `/metrics` prints.
    pub metrics: Arc<Metrics>,
    /// A token with the role admin for every listener, beside their own.
    pub token: Option<SecretString>,
    /// What happens where there is no token at all. true: the API is open to whoever reaches it by a
    /// loopback address; false: it is closed.
    pub open: bool,
}

/// Serves the admin port on `socket` until `shutdown`, and then until the requests
/// in flight are answered, at most `limits.grace` longer.
pub async fn serve(socket: TcpListener, admin: Admin, limits: Limits, shutdown: CancellationToken) {
    let app = App { room: Semaphore::new(limits.in_flight), router: router(admin) };
    serve_handler(socket, Arc::new(app), limits, Counters::default(), shutdown).await;
}

fn router(admin: Admin) -> Router {
    Router::new()
        .route("/livez", get(probes::livez))
        .route("/readyz", get(probes::readyz))
        .route("/metrics", get(scrape::get))
        .route(crds::report::PATH, get(report::get))
        .merge(saving::router())
        .merge(api::router(&admin))
        .merge(page::router(&admin))
        .fallback(problem::not_found)
        .method_not_allowed_fallback(problem::method_not_allowed)
        .layer(middleware::from_fn_with_state(admin.clone(), auth::check))
        .with_state(admin)
}

impl FromRef<Admin> for Arc<View> {
    fn from_ref(admin: &Admin) -> Self {
        Self::clone(&admin.view)
    }
}

#[derive(Debug)]
struct App {
    router: Router,
    room: Semaphore,
}

impl Handler for App {
    type Body = Body;

    async fn handle(self: Arc<Self>, request: Request<Incoming>, _peer: SocketAddr) -> Response<Body> {
        let Ok(_place) = self.room.try_acquire() else {
            return Problem::new(StatusCode::SERVICE_UNAVAILABLE, "busy", "too many requests in flight")
                .remedy("ask again in a second")
                .into_response();
        };
        let answer = self.router.clone().call(request.map(Body::new));
        let Ok(answer) = AssertUnwindSafe(answer).catch_unwind().await else {
            error!("an admin request met a mistake of ours and was answered 500");
            return Problem::new(
                StatusCode::INTERNAL_SERVER_ERROR,
                "internal",
                "a mistake of the listener's own",
            )
            .into_response();
        };
        answer.unwrap_or_else(|never: Infallible| match never {})
    }
}
