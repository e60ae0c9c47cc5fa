//! What may be done to an error, and in which state.
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

use serde::de::IgnoredAny;

use super::{conflict, invalid};
use crate::desk::{Act, DeskError, MAX_NOTE, MAX_TAG, MAX_TAGS, State};

/// Bytes of an edited payload at most.
const MAX_PAYLOAD: usize = 8 * 1024 * 1024;
/// Characters of an assignee's name at most.
const MAX_NAME: usize = 200;

/// Why an act does not fit an error's state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::store) enum Unfit {
    /// It is in a state in which this cannot be done.
    State(State),
    /// Its payload is not kept.
    NoPayload,
}

impl From<Unfit> for DeskError {
    fn from(unfit: Unfit) -> Self {
        match unfit {
            Unfit::State(State::Retrying) => {
                conflict("the error is on its way again", "wait until the retry has ended")
            }
            Unfit::State(State::Resolved) => conflict("the error is resolved", "reopen it first"),
            Unfit::State(state) => conflict(
                format!("the error is {} already", state.as_str()),
                "look at it again; somebody may have been quicker",
            ),
            Unfit::NoPayload => conflict(
                "the error's payload is not kept",
                "send the change from HubSpot again, or resolve the error; see doNotStoreRetryData",
            ),
        }
    }
}

/// Whether an act fits a state.
pub(in crate::store) fn fits(act: &Act, state: State, has_payload: bool) -> Result<(), Unfit> {
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

/// Refuses what is done to errors alone.
pub(in crate::store) fn not_of_records(act: &Act) -> DeskError {
    invalid("act", format!("records cannot be told to {}", act.name()), "replay them, or select errors")
}

/// Refuses what makes no sense, whatever the error.
pub(in crate::store) fn check(act: &Act) -> Result<(), DeskError> {
    match act {
        Act::Note { text } if text.trim().is_empty() => {
            Err(invalid("text", "the note is empty", "write something"))
        }
        Act::Note { text } if text.chars().count() > MAX_NOTE => {
            Err(invalid("text", format!("the note has more than {MAX_NOTE} characters"), "shorten it"))
        }
        Act::Assign { to: Some(name) } if name.trim().is_empty() || name.chars().count() > MAX_NAME => {
            Err(invalid("to", "this is no name", "write 1 to 200 characters, or null for nobody"))
        }
        Act::Tag { add, remove } => {
            if add.is_empty() && remove.is_empty() {
                return Err(invalid("add", "no tag is named", "name a tag to add or to remove"));
            }
            let fits = |tag: &String| !tag.trim().is_empty() && tag.chars().count() <= MAX_TAG;
            if add.len() > MAX_TAGS || remove.len() > MAX_TAGS || !add.iter().all(fits) {
                return Err(invalid(
                    "add",
                    "this is no set of tags",
                    "write at most 32 tags of 1 to 63 characters",
                ));
            }
            Ok(())
        }
        Act::Replay { .. } => Err(invalid("act", "an error is not replayed", "retry it, or select records")),
        Act::Edit { payload: Some(text) } if text.len() > MAX_PAYLOAD => {
            Err(invalid("payload", "it has more than 8 MiB", "shorten it"))
        }
        Act::Edit { payload: Some(text) } => {
            let json = serde_json::from_str::<IgnoredAny>(text);
            json.map(|_| ()).map_err(|error| {
                invalid("payload", format!("it is not JSON: {error}"), "correct it at that place")
            })
        }
        _ => Ok(()),
    }
}

/// A retry goes to a destination that is there (`there`); a payload that goes there is an object, as
/// records are. An empty destination: before any.
pub(in crate::store) fn fits_destination(act: &Act, destination: &str, there: bool) -> Result<(), DeskError> {
    match act {
        _ if destination.is_empty() => Ok(()),
        Act::Retry if !there => Err(conflict(
            format!("the destination {destination} is not there (any more)"),
            "resolve the error, or add the destination to the manifest again",
        )),
        Act::Edit { payload: Some(text) } if !text.trim_start().starts_with('{') => {
            Err(invalid("payload", "it is not a JSON object", "write one object, as the original is"))
        }
        _ => Ok(()),
    }
}

/// Refuses more tags than an error may have.
pub(in crate::store) fn fits_tags(
    had: impl IntoIterator<Item = String>,
    add: &[String],
    remove: &[String],
) -> Result<(), DeskError> {
    let mut tags: BTreeSet<String> = had.into_iter().collect();
    for tag in remove {
        tags.remove(tag.trim());
    }
    tags.extend(add.iter().map(|tag| tag.trim().to_owned()));
    if tags.len() > MAX_TAGS {
        return Err(conflict(format!("an error has at most {MAX_TAGS} tags"), "remove one first"));
    }
    Ok(())
}

/// What an act did, in short, for the audit log; never a payload.
pub(in crate::store) fn detail(act: &Act) -> String {
    match act {
        Act::Wait { until_ms } => {
            let until = until_ms.and_then(|ms| jiff::Timestamp::from_millisecond(ms).ok());
            until.map_or_else(String::new, |until| format!("until {until}"))
        }
        Act::Assign { to } => {
            to.as_deref().map_or_else(|| "to nobody".to_owned(), |to| format!("to {}", to.trim()))
        }
        Act::Tag { add, remove } => {
            let signed =
                add.iter().map(|tag| format!("+{tag}")).chain(remove.iter().map(|tag| format!("-{tag}")));
            signed.collect::<Vec<_>>().join(" ")
        }
        Act::Edit { payload: None } => "back to the original".to_owned(),
        Act::Retry
        | Act::Resolve
        | Act::Reopen
        | Act::Note { .. }
        | Act::Edit { payload: Some(_) }
        | Act::Replay { .. } => String::new(),
    }
}

/// The state after an act.
pub(in crate::store) fn after(act: &Act, before: State) -> State {
    match act {
        Act::Retry => State::Retrying,
        Act::Resolve => State::Resolved,
        Act::Reopen => State::Open,
        Act::Wait { .. } => State::Waiting,
        Act::Assign { .. } | Act::Tag { .. } | Act::Note { .. } | Act::Edit { .. } | Act::Replay { .. } => {
            before
        }
    }
}
