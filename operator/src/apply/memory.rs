//! What was applied, and whether it still stands. Pure; see [`super`] for the rule.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use serde_json::{Map, Value};

use super::children::Desired;
use super::kind::Kind;
use crate::run::key::Key;
use crate::run::shelf::Seen;

/// What came of an apply.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Applied {
    /// Of what was applied.
    pub hash: [u8; 32],
    /// Of the object that came of it.
    pub uid: String,
    /// Its resourceVersion.
    pub version: String,
    /// Its generation, for kinds that have one.
    pub generation: Option<i64>,
}

/// What was applied for each child, by listener.
#[derive(Debug, Default)]
pub struct Memory(Mutex<HashMap<Key, Children>>);

/// By kind and name.
type Children = HashMap<(Kind, String), Applied>;

impl Memory {
    /// Of one child.
    pub fn get(&self, listener: &Key, kind: Kind, name: &str) -> Option<Applied> {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.get(listener)?.get(&(kind, name.to_owned())).cloned()
    }

    /// Notes one child.
    pub fn set(&self, listener: &Key, kind: Kind, name: &str, applied: Applied) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.entry(listener.clone()).or_default().insert((kind, name.to_owned()), applied);
    }

    /// Forgets one child.
    pub fn remove(&self, listener: &Key, kind: Kind, name: &str) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(children) = all.get_mut(listener) {
            children.remove(&(kind, name.to_owned()));
        }
    }

    /// Forgets a listener.
    pub fn forget(&self, listener: &Key) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(listener);
    }
}

/// Whether a child stands as it was applied.
pub fn stands(desired: &Desired, applied: Option<&Applied>, seen: &Seen) -> bool {
    let Some(applied) = applied else { return false };
    if applied.hash != desired.hash || applied.uid != seen.uid || seen.terminating {
        return false;
    }
    if applied.version == seen.version || older(&seen.version, &applied.version) {
        return true;
    }
    applied.generation.is_some() && applied.generation == seen.generation && keeps_metadata(desired, seen)
}

/// Whether one resourceVersion is before another of the same object. They are numbers that grow
/// (since Kubernetes 1.35 by contract); where they are not, nothing is before anything.
pub fn older(one: &str, other: &str) -> bool {
    matches!((one.parse::<u64>(), other.parse::<u64>()), (Ok(one), Ok(other)) if one < other)
}

/// Whether our labels, annotations and owner are on it: a generation does not speak of them.
fn keeps_metadata(desired: &Desired, seen: &Seen) -> bool {
    let wanted = |field: &str| {
        let map = desired.manifest.pointer(&format!("/metadata/{field}")).and_then(Value::as_object);
        map.into_iter().flat_map(Map::iter)
    };
    let owner = desired.manifest.pointer("/metadata/ownerReferences/0/uid").and_then(Value::as_str);
    wanted("labels").all(|(key, value)| seen.labels.get(key).map(String::as_str) == value.as_str())
        && wanted("annotations")
            .all(|(key, value)| seen.annotations.get(key).map(String::as_str) == value.as_str())
        && seen.owner.as_ref().map(|(_, uid)| uid.as_str()) == owner
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use rstest::rstest;
    use serde_json::json;

    use super::*;
    use crate::build::labels;

    fn desired() -> Desired {
        let manifest = json!({"metadata": {
            "name": "contacts",
            "labels": labels::of("contacts"),
            "annotations": {"a": "1"},
            "ownerReferences": [{"uid": "listener"}],
        }});
        Desired { kind: Kind::Ingress, name: "contacts".to_owned(), manifest, hash: [7; 32] }
    }

    fn applied() -> Applied {
        Applied { hash: [7; 32], uid: "u".to_owned(), version: "100".to_owned(), generation: Some(2) }
    }

    fn seen() -> Seen {
        Seen {
            key: Key::new("sales", "contacts"),
            uid: "u".to_owned(),
            version: "100".to_owned(),
            generation: Some(2),
            labels: labels::of("contacts"),
            annotations: BTreeMap::from([
                ("a".to_owned(), "1".to_owned()),
                ("foreign".to_owned(), "x".to_owned()),
            ]),
            owner: Some(("contacts".to_owned(), "listener".to_owned())),
            terminating: false,
        }
    }

    #[rstest]
    #[case::as_it_came(|_: &mut Seen| (), true)]
    #[case::the_cache_is_behind(|seen: &mut Seen| seen.version = "99".to_owned(), true)]
    #[case::only_its_status_moved(|seen: &mut Seen| seen.version = "101".to_owned(), true)]
    #[case::somebody_changed_its_spec(|seen: &mut Seen| { seen.version = "101".to_owned(); seen.generation = Some(3) }, false)]
    #[case::somebody_took_a_label(|seen: &mut Seen| { seen.version = "101".to_owned(); seen.labels.clear() }, false)]
    #[case::somebody_changed_an_annotation(|seen: &mut Seen| { seen.version = "101".to_owned(); seen.annotations.insert("a".to_owned(), "2".to_owned()); }, false)]
    #[case::somebody_took_the_owner(|seen: &mut Seen| { seen.version = "101".to_owned(); seen.owner = None }, false)]
    #[case::a_kind_without_generation_moved(|seen: &mut Seen| { seen.version = "101".to_owned(); seen.generation = None }, false)]
    #[case::it_was_made_anew(|seen: &mut Seen| seen.uid = "other".to_owned(), false)]
    #[case::it_is_being_deleted(|seen: &mut Seen| seen.terminating = true, false)]
    fn a_child_stands_as_long_as_nobody_touched_what_is_ours(
        #[case] change: fn(&mut Seen),
        #[case] expected: bool,
    ) {
        let mut seen = seen();
        change(&mut seen);
        assert_eq!(stands(&desired(), Some(&applied()), &seen), expected);
    }

    #[test]
    fn what_was_never_applied_or_was_applied_differently_does_not_stand() {
        assert!(!stands(&desired(), None, &seen()));
        assert!(!stands(&Desired { hash: [8; 32], ..desired() }, Some(&applied()), &seen()));
    }

    #[test]
    fn versions_that_are_no_numbers_are_not_compared() {
        assert!(older("9", "10"));
        assert!(!older("10", "9") && !older("x", "10") && !older("9", "x"));
    }
}
