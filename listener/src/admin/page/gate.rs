//! What every request to the page passes before a handler sees it.
//!
//! # Invariants
//!
//! 1. No handler but that of `/sign-in` runs for somebody who is not signed in.
//! 2. No handler of a POST runs for a form that was not made by a page of ours, for this session ([`csrf`]).
//! 3. No handler of a listener runs below the role that its route names ([`admit`]).
//! 4. Every answer carries the headers of [`headers`].

use std::sync::Arc;
use std::time::Instant;

use axum::body::Body;
use axum::extract::{RawPathParams, Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Redirect, Response};
use http::{Method, StatusCode};

use super::attempts::Attempts;
use super::cookies;
use super::form::Form;
use super::session::{self, Ended, Ticket};
use super::visit::{Session, Visit};
use super::{csrf, headers, layout, trouble};
use crate::admin::api::acts::MAX_EDIT;
use crate::admin::api::body;
use crate::admin::auth::{Caller, has_tokens, whose, without_tokens};
use crate::admin::problem::Problem;
use crate::admin::tokens::Role;
use crate::admin::{Admin, View};
use language::clock::Clock;

/// Bytes of a form: of somebody who is not signed in, of any other, and of one with a payload in it, in
/// which a byte may be written as three.
const MAX_GUEST: usize = 16 * 1024;
const MAX_FORM: usize = 1024 * 1024;
const MAX_PAYLOAD: usize = 3 * MAX_EDIT + MAX_GUEST;

/// What the page works with beside what it shows.
#[derive(Debug)]
pub(super) struct Gate {
    pub(super) admin: Admin,
    pub(super) attempts: Attempts,
    pub(super) ended: Ended,
    pub(super) clock: Clock,
}

impl Gate {
    pub(super) fn new(admin: Admin) -> Arc<Self> {
        let attempts = Attempts::new(Instant::now());
        Arc::new(Self { admin, attempts, ended: Ended::default(), clock: Clock::default() })
    }

    pub(super) fn now_s(&self) -> u64 {
        u64::try_from(self.clock.now_ms()).unwrap_or_default() / 1_000
    }

    /// Who has this ticket, while it counts.
    fn holder(&self, ticket: &Ticket) -> Option<Caller> {
        if self.ended.has(ticket) {
            return None;
        }
        whose(&self.admin, |token| ticket.is_of(token))
    }
}

/// Says who asks, and lets through what may pass.
pub(super) async fn enter(State(gate): State<Arc<Gate>>, request: Request, next: Next) -> Response {
    let is_secure = cookies::is_secure(request.uri(), request.headers());
    let name = cookies::name(&gate.admin.view);
    let known = cookies::read(request.headers(), &name);
    let mut fresh = None;
    let session = match judge(&gate, &request, known, &mut fresh) {
        Ok(session) => session,
        // Closed, or asked for by a foreign name.
        Err(problem) => return headers::add(layout::closed(&problem)),
    };
    let mut answer = match admitted(&session, request).await {
        Ok(mut request) => {
            request.extensions_mut().insert(session.clone());
            next.run(request).await
        }
        Err(answer) => answer,
    };
    if let Some(problem) = trouble::take(&mut answer) {
        answer = layout::trouble(&session, None, &problem);
    }
    if let Some(cookie) = fresh {
        cookies::set(&mut answer, &name, &cookie, is_secure);
    }
    headers::add(answer)
}

/// Who asks. `fresh` is the cookie that a guest gets.
fn judge(
    gate: &Gate,
    request: &Request,
    known: Option<String>,
    fresh: &mut Option<String>,
) -> Result<Session, Problem> {
    let ticket = known.as_deref().and_then(|cookie| Ticket::read(cookie, gate.now_s()));
    let mut caller = ticket.as_ref().and_then(|ticket| gate.holder(ticket));
    let is_signed_in = caller.is_some();
    if !has_tokens(&gate.admin) {
        caller = Some(without_tokens(&gate.admin, request.headers())?);
    }
    let cookie = known.filter(|cookie| is_signed_in || session::is_guest(cookie)).unwrap_or_else(|| {
        let guest = session::guest();
        *fresh = Some(guest.clone());
        guest
    });
    let ticket = ticket.filter(|_| is_signed_in);
    Ok(Session { caller, cookie, ticket })
}

/// The request with its form read, where it may pass.
async fn admitted(session: &Session, mut request: Request) -> Result<Request, Response> {
    let path = request.uri().path();
    let is_sign_in = path == super::sign::PATH;
    let is_post = request.method() == Method::POST;
    if session.caller.is_none() && !is_sign_in {
        let to = if is_post { super::sign::ended() } else { super::sign::next(request.uri()) };
        return Err(Redirect::to(&to).into_response());
    }
    if is_post {
        let limit = match &session.caller {
            None => MAX_GUEST,
            Some(_) if path.ends_with("/edit") => MAX_PAYLOAD,
            Some(_) => MAX_FORM,
        };
        let refused = |problem: Problem| trouble::Trouble(problem).into_response();
        csrf::check_origin(request.headers()).map_err(refused)?;
        let body = std::mem::replace(request.body_mut(), Body::empty());
        let form = Form::read(&body::read(body, limit).await.map_err(refused)?).map_err(refused)?;
        csrf::check_token(&session.cookie, form.get(csrf::FIELD)).map_err(refused)?;
        request.extensions_mut().insert(form);
    }
    Ok(request)
}

/// What a route of a listener needs.
#[derive(Clone, Debug)]
pub(super) struct Needs {
    pub(super) view: Arc<View>,
    pub(super) role: Role,
}

/// Finds the listener and lets the request through if whoever asks may do this.
pub(super) async fn admit(
    State(needs): State<Needs>,
    parameters: RawPathParams,
    mut request: Request,
    next: Next,
) -> Response {
    let Some(session) = request.extensions().get::<Session>().cloned() else {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    let visit = match Visit::find(&needs.view, &session, &parameters, request.uri()) {
        Ok(visit) => visit,
        Err(problem) => return trouble::Trouble(problem).into_response(),
    };
    let mut answer = if visit.role < needs.role {
        trouble::Trouble(Problem::role(needs.role)).into_response()
    } else {
        request.extensions_mut().insert(visit.clone());
        next.run(request).await
    };
    match trouble::take(&mut answer) {
        Some(problem) => layout::trouble(&session, Some(&visit), &problem),
        None => answer,
    }
}
