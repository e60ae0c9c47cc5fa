//! The router of the console, and what stands around every answer.

use std::sync::Arc;

use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, Request, State};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{Router, get};
use http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HOST, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
};
use http::{HeaderName, HeaderValue, StatusCode};
use language::clock::Clock;

use super::board::Board;
use super::choice::Choice;
use super::page::{Shown, page};
use super::{Options, host};

const STYLE: &str = include_str!("style.css");

/// Nothing from elsewhere, no script, no frame, forms to here only.
const POLICY: &str =
    "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

const HEADERS: [(HeaderName, &str); 5] = [
    (CONTENT_SECURITY_POLICY, POLICY),
    (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (REFERRER_POLICY, "no-referrer"),
    (CACHE_CONTROL, "no-store"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
];

/// What every request works with.
#[derive(Clone, Debug)]
pub(super) struct Console {
    options: Arc<Options>,
    board: Arc<Board>,
    clock: Clock,
}

impl Console {
    pub(super) fn new(options: Options, board: Arc<Board>) -> Self {
        Self { options: Arc::new(options), board, clock: Clock::System }
    }

    pub(super) fn router(self) -> Router {
        Router::new()
            .route("/", get(listeners))
            .route("/style.css", get(style))
            .layer(middleware::from_fn_with_state(self.clone(), known_host))
            .route("/livez", get(async || "alive\n"))
            .route("/readyz", get(ready))
            .layer(middleware::map_response(with_headers))
            .with_state(self)
    }
}

async fn listeners(
    State(console): State<Console>,
    choice: Result<Query<Choice>, QueryRejection>,
) -> Response {
    // What makes no sense in the address is as if it were not there.
    let choice = choice.map(|Query(choice)| choice).unwrap_or_default();
    let known = console.board.known();
    let chosen = choice.of(known.rows);
    let now = jiff::Timestamp::from_millisecond(console.clock.now_ms()).unwrap_or_default();
    let shown = Shown {
        choice: &choice,
        chosen: &chosen,
        only: console.options.namespace.as_deref(),
        links: console.options.desk_url_template.as_ref(),
        listed: known.listed,
        stale: known.stale,
        now: now.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
    };
    let html = page(&shown).into_string();
    ([(CONTENT_TYPE, "text/html; charset=utf-8")], html).into_response()
}

async fn style() -> Response {
    ([(CONTENT_TYPE, "text/css; charset=utf-8")], STYLE).into_response()
}

async fn ready(State(console): State<Console>) -> (StatusCode, &'static str) {
    if console.board.known().listed {
        (StatusCode::OK, "ready\n")
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, "not ready: the listeners were not listed yet\n")
    }
}

async fn known_host(State(console): State<Console>, request: Request, next: Next) -> Response {
    let named = request.headers().get(HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    if host::is_known(named, &console.options.hosts) {
        return next.run(request).await;
    }
    let text = "this console is not asked under this host; whoever runs it names it with console.hosts of the chart\n";
    (StatusCode::MISDIRECTED_REQUEST, text).into_response()
}

async fn with_headers(mut response: Response) -> Response {
    for (name, value) in HEADERS {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}
