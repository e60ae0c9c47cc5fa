//! Who looks, and at what.

use std::sync::Arc;

use axum::extract::RawPathParams;
use http::{StatusCode, Uri};

use super::session::{Ticket, form_token};
use super::trouble::absent;
use crate::admin::auth::Caller;
use crate::admin::mask::Masks;
use crate::admin::problem::Problem;
use crate::admin::tokens::Role;
use crate::admin::{Shown, View};
use crate::config::Live;
use crate::desk::{Actor, Desk, History};

/// A browser, and who sits before it.
#[derive(Clone, Debug)]
pub(super) struct Session {
    /// None: nobody is signed in.
    pub(super) caller: Option<Caller>,
    /// What its forms are bound to.
    pub(super) cookie: String,
    /// None: there is nothing to sign out of.
    pub(super) ticket: Option<Ticket>,
}

impl Session {
    /// What its forms carry.
    pub(super) fn form_token(&self) -> String {
        form_token(&self.cookie)
    }

    /// Whether they may see this listener (`namespace/name`).
    pub(super) fn sees(&self, listener: &str) -> bool {
        self.caller.as_ref().is_some_and(|caller| caller.on(listener).is_some())
    }
}

/// Somebody at a page of a listener.
#[derive(Clone, Debug)]
pub(super) struct Visit {
    pub(super) session: Session,
    pub(super) shown: Arc<Shown>,
    pub(super) role: Role,
    pub(super) actor: Actor,
    /// `/listeners/{namespace}/{name}`
    pub(super) base: String,
    /// What follows it: `/errors/17`.
    pub(super) place: String,
    id: Option<String>,
    act: Option<String>,
}

impl Visit {
    pub(super) fn find(
        view: &View,
        session: &Session,
        parameters: &RawPathParams,
        uri: &Uri,
    ) -> Result<Self, Problem> {
        let parameter = |wanted: &str| {
            let (_, value) = parameters.iter().find(|(name, _)| *name == wanted)?;
            Some(value.to_owned())
        };
        let namespace = parameter("namespace").unwrap_or_default();
        let name = parameter("name").unwrap_or_default();
        let full_name = format!("{namespace}/{name}");
        let listeners = view.listeners();
        let shown = listeners.iter().find(|shown| shown.full_name() == full_name);
        // What somebody may not see is not there for them.
        let found = shown.zip(session.caller.as_ref().and_then(|caller| caller.on(&full_name)));
        let Some((shown, (role, actor))) = found else {
            let detail = format!("there is no listener {full_name} for your token");
            return Err(Problem::new(StatusCode::NOT_FOUND, "not found", detail)
                .remedy("go to the list of listeners, or sign in with a token of this one"));
        };
        let base = format!("/listeners/{full_name}");
        let place = uri.path().strip_prefix(&base).unwrap_or_default().to_owned();
        Ok(Self {
            session: session.clone(),
            shown: Arc::clone(shown),
            role,
            actor,
            base,
            place,
            id: parameter("id"),
            act: parameter("act"),
        })
    }

    pub(super) fn live(&self) -> Arc<Live> {
        self.shown.endpoint().live()
    }

    pub(super) fn display_name(&self) -> String {
        self.live().configuration.spec.display_name.clone()
    }

    pub(super) fn may(&self, role: Role) -> bool {
        self.role >= role
    }

    pub(super) fn desk(&self) -> Result<&Arc<dyn Desk>, Problem> {
        self.shown.desk().ok_or_else(|| absent("errors for people to see"))
    }

    pub(super) fn history(&self) -> Result<&Arc<dyn History>, Problem> {
        self.shown.history().ok_or_else(|| absent("history"))
    }

    /// What the listener's manifest masks now.
    pub(super) fn masks(&self) -> Masks {
        self.shown.masks()
    }

    pub(super) fn now_ms(&self) -> i64 {
        self.shown.endpoint().now_ms()
    }

    /// What stands in the path for the error, the bulk act or the record.
    pub(super) fn id_text(&self) -> &str {
        self.id.as_deref().unwrap_or_default()
    }

    /// The number in the path.
    pub(super) fn id(&self) -> Result<i64, Problem> {
        self.id_text().parse().map_err(|_| {
            let detail = format!("{:?} is no number", self.id_text());
            Problem::new(StatusCode::NOT_FOUND, "not found", detail).remedy("go back to the list")
        })
    }

    /// The act in the path.
    pub(super) fn act(&self) -> &str {
        self.act.as_deref().unwrap_or_default()
    }
}
