//! One listener: the numbered steps of [`crate`], and which of them touch the network.

use std::sync::Arc;
use std::time::Instant;

use crds::HubSpotListener;
use crds::listener::HubSpotListenerStatus;
use kube::api::{Patch, PatchParams};
use kube::runtime::controller::Action;
use kube::{Api, Client, Resource, ResourceExt};
use language::clock::Clock;
use serde_json::json;
use tracing::{error, warn};

use super::caches::Guarded;
use super::events::Events;
use super::key::Key;
use super::metrics::{Metrics, ReasonLabels};
use super::said::said;
use super::statuses::{Statuses, Verdict};
use super::unreadable::Unreadable;
use crate::apply::label::FIELD_MANAGER;
use crate::apply::{Applier, ApplyError, Refusal, desired};
use crate::build::build;
use crate::dereference::{DereferenceError, Reader};
use crate::observed::Observed;
use crate::options::Defaults;
use crate::status::{Outcome, changed_conditions, status};
use crate::validate::{public_url, validate};

/// Everything that a reconcile works with.
pub(super) struct Context {
    pub(super) client: Client,
    pub(super) defaults: Arc<Defaults>,
    pub(super) reader: Reader,
    pub(super) applier: Applier,
    pub(super) statuses: Statuses,
    pub(super) unreadable: Unreadable,
    pub(super) events: Events,
    pub(super) metrics: Arc<Metrics>,
    pub(super) clock: Clock,
}

/// Why a reconcile is to be tried again.
#[derive(Debug, thiserror::Error)]
pub(super) enum ReconcileError {
    /// What the listener names could not be read.
    #[error(transparent)]
    Dereference(#[from] DereferenceError),
    /// A child could not be applied now, or will not be taken as it is.
    #[error("{0}")]
    Apply(ApplyError),
    /// The status could not be written.
    #[error("the status could not be written: {}", said(.0))]
    Status(kube::Error),
    /// A mistake of the operator's own.
    #[error("a mistake of the operator's own: {0}")]
    Internal(String),
}

impl ReconcileError {
    /// As a metric's label.
    pub(super) fn reason(&self) -> &'static str {
        match self {
            Self::Dereference(_) => "dereference",
            Self::Apply(ApplyError::Refused(refusal)) => refusal.reason(),
            Self::Apply(ApplyError::Later { .. }) => "apply",
            Self::Status(_) => "status",
            Self::Internal(_) => "internal",
        }
    }
}

/// What applying came to.
fn failed(errors: Vec<ApplyError>) -> (Outcome, Option<ReconcileError>) {
    let mut refused = Vec::new();
    let mut first = None;
    for error in errors {
        match error {
            later @ ApplyError::Later { .. } => {
                return (Outcome::Applied, Some(ReconcileError::Apply(later)));
            }
            ApplyError::Refused(refusal) => {
                refused.push(refusal.to_string());
                first = first.or(Some(ReconcileError::Apply(refusal.into())));
            }
        }
    }
    if refused.is_empty() {
        (Outcome::Applied, None)
    } else {
        (Outcome::NotApplied(refused.join("; ")), first)
    }
}

impl Context {
    /// What says that it is a listener: reconciled where it is one.
    pub(super) async fn guarded(&self, object: &Guarded) -> Result<Action, ReconcileError> {
        let key = Key::of(object);
        match &object.0 {
            Ok(listener) => {
                self.unreadable.clear(&key, &self.metrics);
                self.listener(&key, &Arc::new(listener.clone())).await
            }
            Err(invalid) => {
                let version = invalid.metadata.resource_version.as_deref().unwrap_or_default();
                if self.unreadable.note(&key, version, &self.metrics) {
                    warn!(listener = %key, error = %invalid.error, "{key} is no HubSpotListener that this operator can read; the others go on");
                    self.events.unreadable(object, &invalid.error).await;
                }
                Ok(Action::await_change())
            }
        }
    }

    async fn listener(&self, key: &Key, listener: &Arc<HubSpotListener>) -> Result<Action, ReconcileError> {
        if listener.metadata.deletion_timestamp.is_some() {
            // Its children go with it; anything that is applied now would only come back.
            return Ok(Action::await_change());
        }
        // 1. caches; the API server for a Secret or ConfigMap in a new version
        let mut observed = self.reader.dereference(&self.client, listener).await?;
        // 2. to 4.
        let (outcome, failure) = self.program(&mut observed).await;
        if let Some(failure @ ReconcileError::Apply(ApplyError::Later { .. })) = failure {
            // Nothing is known that the status could say.
            return Err(failure);
        }
        // 5. pure, then the API server where it differs
        let action = self.tell(key, &observed, &outcome).await?;
        failure.map_or(Ok(action), Err)
    }

    /// Validates, builds and applies.
    async fn program(&self, observed: &mut Observed) -> (Outcome, Option<ReconcileError>) {
        // 2. pure
        let validated = match validate(observed, &self.defaults) {
            Ok(validated) => validated,
            Err(rejections) => return (Outcome::Refused(rejections), None),
        };
        // 3. pure
        let children = build(&validated, &self.defaults);
        // 4. the API server
        let survey = match self.applier.survey(&observed.listener, desired(&children)).await {
            Ok(survey) => survey,
            Err(error) => return failed(vec![error]),
        };
        let Some(foreign) = survey.foreign.first() else {
            return failed(self.applier.apply(&observed.listener, &survey).await);
        };
        observed.foreign = survey.foreign.iter().filter_map(Refusal::taken).collect();
        // Nothing tells when that name is free: it is looked at again.
        let failure = Some(ReconcileError::Apply(foreign.clone().into()));
        match validate(observed, &self.defaults) {
            Err(rejections) => (Outcome::Refused(rejections), failure),
            Ok(_) => (Outcome::NotApplied(foreign.to_string()), failure),
        }
    }

    /// Writes the status where it differs, and tells of conditions that changed.
    async fn tell(
        &self,
        key: &Key,
        observed: &Observed,
        outcome: &Outcome,
    ) -> Result<Action, ReconcileError> {
        let listener = &observed.listener;
        let version = listener.metadata.resource_version.as_deref().unwrap_or_default();
        let current = self.statuses.current(key, listener.status.as_ref(), version);
        let now = jiff::Timestamp::from_millisecond(self.clock.now_ms()).unwrap_or_default();
        let url = public_url(listener, &self.defaults);
        let new = status(current.as_ref(), observed, url.as_deref(), outcome, now);
        let verdict = self.statuses.judge(key, current.as_ref(), &new, Instant::now());
        let action = match verdict {
            Verdict::Stands => Action::await_change(),
            Verdict::Wait(rest) => return Ok(Action::requeue(rest)),
            Verdict::Write => {
                let version = self.write(key, listener, &new).await?;
                self.statuses.written(key, new.clone(), version, Instant::now());
                let before = current.unwrap_or_default();
                for change in changed_conditions(&before, &new) {
                    self.events.changed(&listener.object_ref(&()), change).await;
                }
                Action::await_change()
            }
        };
        self.statuses.show(key, &new, &self.metrics);
        Ok(action)
    }

    async fn write(
        &self,
        key: &Key,
        listener: &HubSpotListener,
        new: &HubSpotListenerStatus,
    ) -> Result<String, ReconcileError> {
        let api: Api<HubSpotListener> = Api::namespaced(self.client.clone(), &key.namespace);
        let patch = json!({
            "apiVersion": HubSpotListener::api_version(&()),
            "kind": HubSpotListener::kind(&()),
            // So that a listener that was deleted and made anew does not get the old one's status.
            "metadata": {"name": key.name, "uid": listener.metadata.uid},
            "status": new,
        });
        let parameters = PatchParams::apply(FIELD_MANAGER).force();
        let written = api.patch_status(&key.name, &parameters, &Patch::Apply(&patch)).await;
        Ok(written.map_err(ReconcileError::Status)?.resource_version().unwrap_or_default())
    }

    /// Notes a failure, once.
    pub(super) fn failed(&self, key: &Key, failure: &ReconcileError) {
        let reason = failure.reason();
        self.metrics.errors.get_or_create(&ReasonLabels { reason }).inc();
        match failure {
            ReconcileError::Internal(_) => {
                error!(listener = %key, error = %failure, reason, "{key} could not be reconciled");
            }
            _ => {
                warn!(listener = %key, error = %failure, reason, "{key} could not be reconciled; it is tried again");
            }
        }
    }

    /// Forgets a listener that is gone.
    pub(super) fn forget(&self, key: &Key) {
        self.reader.forget(key);
        self.applier.forget(key);
        self.statuses.forget(key, &self.metrics);
        self.unreadable.clear(key, &self.metrics);
    }
}
