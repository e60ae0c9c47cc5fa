//! Saving the settings of a listener from its web page. How it gets into the resource: [`crds::saving`].
//!
//! One change at a time is kept for each listener, in memory: who wants which settings, and what came of it.
//! It ends when the operator tells so, or by itself after [`KEEP_SECONDS`]; its text is dropped then. Several
//! pods of one listener each keep their own. Both the wish and its outcome are in the audit log, by the names
//! of the settings that differ, never by their values.

mod differ;
mod operator;
#[cfg(test)]
mod tests;

use std::sync::{Mutex, MutexGuard, PoisonError};

use crds::saving::{Fetched, KEEP_SECONDS, MAX_SETTINGS_BYTES, Place, ProofKey, Settled, Wanted, patch};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Map, Value};

pub(super) use self::operator::router;
use super::Shown;
use super::tokens::Role;
use crate::desk::{Actor, DeskError};

/// The role that may save.
pub(super) const ROLE: Role = Role::Admin;

/// What is kept between requests.
#[derive(Debug, Default)]
pub(super) struct Memory(Mutex<Option<Save>>);

impl Memory {
    fn lock(&self) -> MutexGuard<'_, Option<Save>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One change.
#[derive(Debug)]
struct Save {
    id: String,
    key: ProofKey,
    actor: Actor,
    asked_at_ms: i64,
    generation: i64,
    /// None when it is settled.
    settings: Option<String>,
    /// None as long as the operator has not told it.
    settled: Option<Settled>,
}

/// The last change, for people.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct LastSave {
    /// Who wanted it.
    pub(super) actor: String,
    /// Epoch milliseconds.
    pub(super) asked_at_ms: i64,
    /// How far it is.
    pub(super) progress: Progress,
}

/// How far a change is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", tag = "state")]
pub(super) enum Progress {
    /// The operator has not told what came of it: within seconds, as a rule.
    Wanted,
    /// It stands in the resource.
    Applied {
        /// Of the resource since.
        generation: i64,
        /// Whether this pod runs by it: within two minutes, as a rule.
        live: bool,
    },
    /// It was not applied.
    Refused {
        /// Why, and what to do.
        reason: String,
    },
}

/// Saving, for one listener.
#[derive(Debug)]
pub(super) struct Saving<'shown> {
    shown: &'shown Shown,
    memory: &'shown Memory,
}

impl<'shown> Saving<'shown> {
    pub(super) fn of(shown: &'shown Shown, memory: &'shown Memory) -> Self {
        Self { shown, memory }
    }

    /// Whether the operator saves for this page; else there is [`Self::command`] alone.
    pub(super) fn offered(&self) -> bool {
        self.shown.endpoint().live().configuration.saves_settings
    }

    /// Generation of the resource that this pod runs by: what a form is made from, and gives back.
    pub(super) fn generation(&self) -> i64 {
        self.shown.endpoint().live().configuration.generation
    }

    /// `spec.settings`, as the resource has it.
    pub(super) fn settings(&self) -> Map<String, Value> {
        self.shown.endpoint().live().configuration.spec.settings.clone()
    }

    /// Wants `settings`, the text of a JSON object, in the place of `spec.settings`. `generation` is that of
    /// the form. Whether a schema takes them, the operator says.
    pub(super) async fn request(
        &self,
        role: Role,
        actor: &Actor,
        generation: i64,
        settings: &str,
    ) -> Result<(), DeskError> {
        let live = self.shown.endpoint().live();
        let now_ms = self.shown.endpoint().now_ms();
        let Some(key) = self.shown.tokens().proof_key(role, &actor.0).filter(|_| self.offered()) else {
            return Err(DeskError::Conflict {
                reason: "settings are not saved from here".to_owned(),
                remedy: "use the command, or ask whoever runs the operator for settings.allowFromPage of its \
                         chart and for a token of yours in spec.desk.tokens",
            });
        };
        if role < ROLE {
            return Err(DeskError::Conflict {
                reason: "settings are saved by somebody with the role admin only".to_owned(),
                remedy: "sign in with a token whose key begins with admin.",
            });
        }
        let wanted = parse(settings)?;
        let now = live.configuration.generation;
        if generation != now {
            return Err(DeskError::Conflict {
                reason: format!(
                    "the listener was changed: this is generation {now}, the form shows {generation}"
                ),
                remedy: "load the page again, and change the settings there",
            });
        }
        let names = differ::names(&live.configuration.spec.settings, &wanted);
        if names.is_empty() {
            return Err(DeskError::Conflict {
                reason: "these settings are those that run".to_owned(),
                remedy: "change something first",
            });
        }
        if self.busy(now_ms) {
            return Err(DeskError::Conflict {
                reason: "another change of the settings waits for the operator".to_owned(),
                remedy: "wait until it is settled, and load the page again",
            });
        }
        if let Some(desk) = self.shown.desk() {
            desk.note_settings(actor.clone(), format!("asked for, over generation {now}: {names}")).await?;
        }
        let save = Save {
            id: hex::encode(rand::random::<[u8; 16]>()),
            key,
            actor: actor.clone(),
            asked_at_ms: now_ms,
            generation,
            settings: Some(settings.to_owned()),
            settled: None,
        };
        let mut kept = self.memory.lock();
        // Somebody may have been quicker while the audit log was written.
        if kept.as_ref().is_some_and(|save| save.waits(now_ms)) {
            return Err(DeskError::Conflict {
                reason: "another change of the settings came first".to_owned(),
                remedy: "wait until it is settled, and load the page again",
            });
        }
        *kept = Some(save);
        Ok(())
    }

    /// The last change since the process runs.
    pub(super) fn last(&self) -> Option<LastSave> {
        let now_ms = self.shown.endpoint().now_ms();
        let mut kept = self.memory.lock();
        let save = kept.as_mut()?;
        save.end_wait(now_ms);
        let progress = match &save.settled {
            None => Progress::Wanted,
            Some(Settled::Applied { generation }) => {
                Progress::Applied { generation: *generation, live: self.generation() >= *generation }
            }
            Some(Settled::Refused { reason }) => Progress::Refused { reason: reason.clone() },
        };
        Some(LastSave { actor: save.actor.0.clone(), asked_at_ms: save.asked_at_ms, progress })
    }

    /// The command that does the same by kubectl, in one line for a shell: for whoever may change the resource.
    pub(super) fn command(&self, settings: &str) -> Result<String, DeskError> {
        let live = self.shown.endpoint().live();
        let crds::Configuration { namespace, name, generation, .. } = &live.configuration;
        let patch = patch(*generation, &parse(settings)?).to_string();
        Ok(format!(
            "kubectl -n {namespace} patch hubspotlisteners.{group} {name} --type json -p {patch}",
            group = crds::limits::GROUP,
            patch = quoted(&patch),
        ))
    }

    /// For the report.
    pub(super) fn wanted(&self) -> Option<Wanted> {
        let now_ms = self.shown.endpoint().now_ms();
        let kept = self.memory.lock();
        let save = kept.as_ref().filter(|save| save.waits(now_ms))?;
        Some(Wanted::new(&save.key, &self.place(), &save.id))
    }

    /// For the operator; none where nothing with this id waits, or `proven` says no.
    fn fetch(&self, id: &str, proven: impl Fn(&ProofKey) -> bool) -> Option<Fetched> {
        let now_ms = self.shown.endpoint().now_ms();
        let kept = self.memory.lock();
        let save = kept.as_ref().filter(|save| save.waits(now_ms) && save.id == id && proven(&save.key))?;
        let settings = save.settings.clone()?;
        Some(Fetched::new(&save.key, &self.place(), id, save.generation, settings))
    }

    /// Notes what came of it, and gives who wanted it; none where there is no such change, or `proven` says no.
    /// What the operator says holds also where it comes late.
    fn settle(&self, id: &str, settled: Settled, proven: impl Fn(&ProofKey) -> bool) -> Option<Actor> {
        let mut kept = self.memory.lock();
        let save = kept.as_mut().filter(|save| save.id == id && proven(&save.key))?;
        save.settings = None;
        save.settled = Some(settled);
        Some(save.actor.clone())
    }

    fn busy(&self, now_ms: i64) -> bool {
        self.memory.lock().as_ref().is_some_and(|save| save.waits(now_ms))
    }

    fn place(&self) -> Place {
        let live = self.shown.endpoint().live();
        Place { namespace: live.configuration.namespace.clone(), name: live.configuration.name.clone() }
    }
}

impl Save {
    fn waits(&self, now_ms: i64) -> bool {
        let age_ms = u64::try_from(now_ms.saturating_sub(self.asked_at_ms)).unwrap_or_default();
        self.settled.is_none() && age_ms < KEEP_SECONDS * 1_000
    }

    /// Refused by time, where it is.
    fn end_wait(&mut self, now_ms: i64) {
        if self.settled.is_none() && !self.waits(now_ms) {
            self.settings = None;
            self.settled = Some(Settled::Refused {
                reason: format!(
                    "the operator did not take it within {} minutes; see whether the operator runs and what \
                     it logs, then save again",
                    KEEP_SECONDS / 60
                ),
            });
        }
    }
}

fn parse(settings: &str) -> Result<Map<String, Value>, DeskError> {
    let invalid = |reason: String, remedy| DeskError::Invalid { field: "settings", reason, remedy };
    if settings.len() > MAX_SETTINGS_BYTES {
        return Err(invalid(
            format!("they have {} bytes, more than {MAX_SETTINGS_BYTES}", settings.len()),
            "make them smaller, or put what is shared into a ConfigMap (spec.settingsFrom)",
        ));
    }
    serde_json::from_str(settings).map_err(|error| {
        invalid(format!("they are no JSON object: {error}"), "write a JSON object, such as {}")
    })
}

/// As one word for a POSIX shell.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}
