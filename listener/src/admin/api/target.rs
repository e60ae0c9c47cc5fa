//! Which listener a request is about, and who asks.

use std::str::FromStr;
use std::sync::Arc;

use axum::extract::{RawPathParams, Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::header::CONTENT_TYPE;
use http::{HeaderMap, Method, StatusCode};

use super::super::auth::Caller;
use super::super::mask::Masks;
use super::super::problem::Problem;
use super::super::saving::Saving;
use super::super::tokens::Role;
use super::super::{Shown, View};
use crate::desk::{Actor, Desk, History};

/// What a route needs.
#[derive(Clone, Debug)]
pub(super) struct Needs {
    pub(super) view: Arc<View>,
    pub(super) role: Role,
}

/// What a handler of a listener works with.
#[derive(Clone, Debug)]
pub(super) struct Target {
    shown: Arc<Shown>,
    desk: Arc<dyn Desk>,
    pub(super) role: Role,
    pub(super) actor: Actor,
    id: Option<String>,
    act: Option<String>,
}

impl Target {
    pub(super) fn desk(&self) -> &Arc<dyn Desk> {
        &self.desk
    }

    pub(super) fn saving(&self) -> Saving<'_> {
        self.shown.saving()
    }

    pub(super) fn history(&self) -> Result<&Arc<dyn History>, Problem> {
        self.shown.history().ok_or_else(|| {
            let detail = "the store of this listener shows no deliveries, records and refused requests";
            Problem::new(StatusCode::NOT_FOUND, "not found", detail)
        })
    }

    /// The time, epoch milliseconds.
    pub(super) fn now_ms(&self) -> i64 {
        self.shown.endpoint().now_ms()
    }

    /// What the listener's manifest masks now.
    pub(super) fn masks(&self) -> Masks {
        self.shown.masks()
    }

    /// The number in the path.
    pub(super) fn id(&self) -> Result<i64, Problem> {
        self.named("number", "give the number of the list")
    }

    /// What stands in the path in the place of a number.
    pub(super) fn named<T: FromStr>(&self, what: &str, remedy: &str) -> Result<T, Problem> {
        let id = self.id.as_deref().unwrap_or_default();
        id.parse().map_err(|_| Problem::invalid("id", format!("{id:?} is no {what}"), remedy))
    }

    /// The act in the path.
    pub(super) fn act(&self) -> &str {
        self.act.as_deref().unwrap_or_default()
    }
}

/// Finds the listener and lets the request through if whoever asks may do this.
pub(super) async fn admit(
    State(needs): State<Needs>,
    parameters: RawPathParams,
    mut request: Request,
    next: Next,
) -> Response {
    match find(&needs, &parameters, &request) {
        Ok(target) => {
            request.extensions_mut().insert(target);
            next.run(request).await
        }
        Err(problem) => problem.into_response(),
    }
}

fn find(needs: &Needs, parameters: &RawPathParams, request: &Request) -> Result<Target, Problem> {
    let parameter = |wanted: &str| {
        let (_, value) = parameters.iter().find(|(name, _)| *name == wanted)?;
        Some(value.to_owned())
    };
    let listeners = needs.view.listeners();
    let caller = request.extensions().get::<Caller>();
    let name =
        parameter("namespace").zip(parameter("name")).map(|(namespace, name)| format!("{namespace}/{name}"));
    let shown = match (&name, &listeners[..]) {
        (Some(name), _) => listeners.iter().find(|shown| shown.full_name() == *name),
        (None, [only]) => Some(only),
        (None, []) => None,
        (None, _) => {
            return Err(Problem::new(
                StatusCode::CONFLICT,
                "several listeners",
                "this process runs several listeners, and the path names none",
            )
            .remedy("ask under /api/v1/listeners/{namespace}/{name}"));
        }
    };
    // What somebody may not see is not there for them.
    let found = shown.and_then(|shown| Some((shown, caller?.on(&shown.full_name())?)));
    let Some((shown, (role, actor))) = found else {
        let what = name.unwrap_or_else(|| "yet".to_owned());
        return Err(Problem::new(StatusCode::NOT_FOUND, "not found", format!("there is no listener {what}"))
            .remedy("/api/v1/status names those that are there for your token"));
    };
    if role < needs.role {
        return Err(Problem::role(needs.role));
    }
    if request.method() == Method::POST && !is_json(request.headers()) {
        return Err(Problem::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "media type",
            "what is posted here is JSON, also where the body is empty",
        )
        .field("content-type")
        .remedy("send content-type: application/json"));
    }
    let Some(desk) = shown.desk().map(Arc::clone) else {
        let detail = "the store of this listener has no error desk";
        return Err(Problem::new(StatusCode::NOT_FOUND, "not found", detail)
            .remedy("choose a storage that has one: embedded, or postgres"));
    };
    Ok(Target { shown: Arc::clone(shown), desk, role, actor, id: parameter("id"), act: parameter("act") })
}

/// A page of another site can make a browser post, but not with this type and without asking first.
fn is_json(headers: &HeaderMap) -> bool {
    let given = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    given.split(';').next().is_some_and(|kind| kind.trim().eq_ignore_ascii_case("application/json"))
}
