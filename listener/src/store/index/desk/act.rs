//! Acts on one error. The same code does single acts and those of a bulk act.
//!
//! | Act | From | To |
//! |---|---|---|
//! | retry | open, waiting; needs the payload | retrying |
//! | resolve | open, waiting | resolved |
//! | reopen | waiting, resolved | open |
//! | wait | open, waiting | waiting |
//! | edit | open, waiting; needs the payload | the same |
//! | assign, tag, note | any | the same |

use std::collections::BTreeSet;

use rusqlite::{Connection, OptionalExtension, params};
use serde::de::IgnoredAny;

use super::audit::{self, About};
use super::fail::Fail;
use super::{list, state};
use crate::desk::{Act, Actor, MAX_NOTE, MAX_TAG, MAX_TAGS, State};
use crate::store::index::trouble::{Trouble, count};

/// Bytes of an edited payload at most.
const MAX_PAYLOAD: usize = 8 * 1024 * 1024;
/// Characters of an assignee's name at most.
const MAX_NAME: usize = 200;

/// Who acts, when, and as a part of what.
#[derive(Clone, Debug)]
pub(super) struct Doing {
    pub(super) actor: Actor,
    pub(super) now_ms: i64,
    pub(super) bulk: Option<i64>,
}

/// Why an act does not fit an error's state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unfit {
    /// It is in a state in which this cannot be done.
    State(State),
    /// Its payload is not kept.
    NoPayload,
}

impl From<Unfit> for Fail {
    fn from(unfit: Unfit) -> Self {
        match unfit {
            Unfit::State(State::Retrying) => {
                Self::conflict("the error is on its way again", "wait until the retry has ended")
            }
            Unfit::State(State::Resolved) => Self::conflict("the error is resolved", "reopen it first"),
            Unfit::State(state) => Self::conflict(
                format!("the error is {} already", state.as_str()),
                "look at it again; somebody may have been quicker",
            ),
            Unfit::NoPayload => Self::conflict(
                "the error's payload is not kept",
                "send the change from HubSpot again, or resolve the error; see doNotStoreRetryData",
            ),
        }
    }
}

/// Whether an act fits a state.
pub(super) fn fits(act: &Act, state: State, has_payload: bool) -> Result<(), Unfit> {
    let live = matches!(state, State::Open | State::Waiting);
    let fits = match act {
        Act::Retry | Act::Edit { .. } => {
            if live && !has_payload {
                return Err(Unfit::NoPayload);
            }
            live
        }
        Act::Resolve | Act::Wait { .. } => live,
        Act::Reopen => matches!(state, State::Waiting | State::Resolved),
        Act::Assign { .. } | Act::Tag { .. } | Act::Note { .. } => true,
        // Of records, never of an error: see `check`.
        Act::Replay { .. } => false,
    };
    if fits { Ok(()) } else { Err(Unfit::State(state)) }
}

/// Refuses what makes no sense, whatever the error.
pub(super) fn check(act: &Act) -> Result<(), Fail> {
    match act {
        Act::Note { text } if text.trim().is_empty() => {
            Err(Fail::invalid("text", "the note is empty", "write something"))
        }
        Act::Note { text } if text.chars().count() > MAX_NOTE => {
            Err(Fail::invalid("text", format!("the note has more than {MAX_NOTE} characters"), "shorten it"))
        }
        Act::Assign { to: Some(name) } if name.trim().is_empty() || name.chars().count() > MAX_NAME => {
            Err(Fail::invalid("to", "this is no name", "write 1 to 200 characters, or null for nobody"))
        }
        Act::Tag { add, remove } => {
            if add.is_empty() && remove.is_empty() {
                return Err(Fail::invalid("add", "no tag is named", "name a tag to add or to remove"));
            }
            let fits = |tag: &String| !tag.trim().is_empty() && tag.chars().count() <= MAX_TAG;
            if add.len() > MAX_TAGS || remove.len() > MAX_TAGS || !add.iter().all(fits) {
                return Err(Fail::invalid(
                    "add",
                    "this is no set of tags",
                    "write at most 32 tags of 1 to 63 characters",
                ));
            }
            Ok(())
        }
        Act::Replay { .. } => {
            Err(Fail::invalid("act", "an error is not replayed", "retry it, or select records"))
        }
        Act::Edit { payload: Some(text) } if text.len() > MAX_PAYLOAD => {
            Err(Fail::invalid("payload", "it has more than 8 MiB", "shorten it"))
        }
        Act::Edit { payload: Some(text) } => {
            let json = serde_json::from_str::<IgnoredAny>(text);
            json.map(|_| ()).map_err(|error| {
                Fail::invalid("payload", format!("it is not JSON: {error}"), "correct it at that place")
            })
        }
        _ => Ok(()),
    }
}

/// Does an act on one error, in the caller's transaction; its state afterwards.
pub(super) fn apply(connection: &Connection, act: &Act, id: i64, doing: &Doing) -> Result<State, Fail> {
    let found = connection
        .prepare_cached("SELECT state, has_payload, destination FROM error WHERE id = ?1")?
        .query_row([id], |row| Ok((row.get(0)?, row.get(1)?, row.get::<_, String>(2)?)))
        .optional()?;
    let Some((number, has_payload, destination)) = found else { return Err(Fail::not_found("error", id)) };
    let before = state::of(number)?;
    fits(act, before, has_payload)?;
    check_destination(connection, act, &destination)?;
    let (after, detail) = change(connection, act, id, before, doing)?;
    if doing.bulk.is_none() {
        let about = About { error: Some(id), bulk: None };
        audit::write(connection, doing.now_ms, &doing.actor, act.name(), about, &detail)?;
    }
    Ok(after)
}

/// A retry goes to a destination that is there; a payload that goes there is an object, as records are.
fn check_destination(connection: &Connection, act: &Act, destination: &str) -> Result<(), Fail> {
    if destination.is_empty() {
        return Ok(());
    }
    match act {
        Act::Retry => {
            let there = connection
                .prepare_cached("SELECT 1 FROM destination WHERE name = ?1")?
                .exists([destination])?;
            let gone = || {
                let reason = format!("the destination {destination} is not there (any more)");
                Fail::conflict(reason, "resolve the error, or add the destination to the manifest again")
            };
            if there { Ok(()) } else { Err(gone()) }
        }
        Act::Edit { payload: Some(text) } if !text.trim_start().starts_with('{') => {
            Err(Fail::invalid("payload", "it is not a JSON object", "write one object, as the original is"))
        }
        _ => Ok(()),
    }
}

fn change(
    connection: &Connection,
    act: &Act,
    id: i64,
    before: State,
    doing: &Doing,
) -> Result<(State, String), Fail> {
    let Doing { actor, now_ms, bulk: _ } = doing;
    let done = |state| Ok((state, String::new()));
    match act {
        Act::Retry => {
            connection
                .prepare_cached(
                    "UPDATE error SET state = 2, retried_by = ?2, retry_page = NULL, waits_until = NULL WHERE id = ?1",
                )?
                .execute(params![id, actor.0])?;
            done(State::Retrying)
        }
        Act::Resolve => {
            connection
                .prepare_cached(
                    "UPDATE error SET state = 3, resolved_at = ?2, resolved_by = ?3, resolution = 'by_hand', \
                     waits_until = NULL WHERE id = ?1",
                )?
                .execute(params![id, now_ms, actor.0])?;
            done(State::Resolved)
        }
        Act::Reopen => {
            connection
                .prepare_cached(
                    "UPDATE error SET state = 0, resolved_at = NULL, resolved_by = NULL, resolution = NULL, \
                     newer_error = NULL, waits_until = NULL WHERE id = ?1",
                )?
                .execute([id])?;
            done(State::Open)
        }
        Act::Wait { until_ms } => {
            connection
                .prepare_cached("UPDATE error SET state = 1, waits_until = ?2 WHERE id = ?1")?
                .execute(params![id, until_ms])?;
            let until = until_ms.and_then(|ms| jiff::Timestamp::from_millisecond(ms).ok());
            Ok((State::Waiting, until.map_or_else(String::new, |until| format!("until {until}"))))
        }
        Act::Assign { to } => {
            let to = to.as_deref().map(str::trim);
            connection
                .prepare_cached("UPDATE error SET assignee = ?2 WHERE id = ?1")?
                .execute(params![id, to])?;
            Ok((before, to.map_or_else(|| "to nobody".to_owned(), |to| format!("to {to}"))))
        }
        Act::Tag { add, remove } => {
            tag(connection, id, add, remove)?;
            let signed =
                add.iter().map(|tag| format!("+{tag}")).chain(remove.iter().map(|tag| format!("-{tag}")));
            Ok((before, signed.collect::<Vec<_>>().join(" ")))
        }
        Act::Note { text } => {
            connection
                .prepare_cached("INSERT INTO note(error, at, author, text) VALUES (?1, ?2, ?3, ?4)")?
                .execute(params![id, now_ms, actor.0, text.trim()])?;
            done(before)
        }
        Act::Replay { .. } => done(before),
        Act::Edit { payload } => {
            let bytes = payload.as_ref().map(String::as_bytes);
            connection
                .prepare_cached(
                    "UPDATE payload SET edited = ?2, edited_by = ?3, edited_at = ?4 WHERE error = ?1",
                )?
                .execute(params![id, bytes, bytes.map(|_| &actor.0), bytes.map(|_| now_ms)])?;
            connection
                .prepare_cached("UPDATE error SET edited = ?2 WHERE id = ?1")?
                .execute(params![id, payload.is_some()])?;
            Ok((before, if payload.is_some() { String::new() } else { "back to the original".to_owned() }))
        }
    }
}

fn tag(connection: &Connection, id: i64, add: &[String], remove: &[String]) -> Result<(), Fail> {
    // Looked at before anything is changed: a refusal leaves no trace.
    let mut tags: BTreeSet<String> = list::tags(connection, id)?.into_iter().collect();
    for tag in remove {
        tags.remove(tag.trim());
    }
    tags.extend(add.iter().map(|tag| tag.trim().to_owned()));
    if tags.len() > MAX_TAGS {
        return Err(Fail::conflict(format!("an error has at most {MAX_TAGS} tags"), "remove one first"));
    }
    for tag in remove {
        connection
            .prepare_cached("DELETE FROM tag WHERE tag = ?1 AND error = ?2")?
            .execute(params![tag.trim(), id])?;
    }
    for tag in add {
        connection
            .prepare_cached("INSERT OR IGNORE INTO tag(tag, error) VALUES (?1, ?2)")?
            .execute(params![tag.trim(), id])?;
    }
    Ok(())
}

/// When the next waiting is over, epoch milliseconds.
pub(super) fn next_opening(connection: &Connection) -> Result<Option<i64>, Trouble> {
    Ok(connection
        .prepare_cached("SELECT min(waits_until) FROM error WHERE state = 1 AND waits_until IS NOT NULL")?
        .query_row([], |row| row.get(0))?)
}

/// Opens errors whose waiting is over; how many.
pub(in crate::store::index) fn end_waits(
    connection: &Connection,
    now_ms: i64,
    limit: i64,
) -> Result<u64, Trouble> {
    let opened = connection
        .prepare_cached(
            "UPDATE error SET state = 0, waits_until = NULL WHERE id IN \
             (SELECT id FROM error WHERE state = 1 AND waits_until IS NOT NULL AND waits_until <= ?1 LIMIT ?2)",
        )?
        .execute([now_ms, limit])?;
    Ok(crate::store::index::trouble::unsigned(count(opened)))
}
