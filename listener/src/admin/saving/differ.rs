//! Which settings differ, by name.

use serde_json::{Map, Value};

/// Characters of all names together.
const WIDTH: usize = 200;

/// Names of members that were added, changed or taken out; empty where there are none. Control characters, as
/// a name in JSON may have them, are shown as `�`.
pub(super) fn names(before: &Map<String, Value>, after: &Map<String, Value>) -> String {
    let changed = before.iter().filter(|(name, value)| after.get(*name) != Some(*value));
    let added = after.iter().filter(|(name, _)| !before.contains_key(*name));
    let mut names: Vec<&str> = changed.chain(added).map(|(name, _)| name.as_str()).collect();
    names.sort_unstable();
    let all =
        names.iter().map(|name| if name.is_empty() { "\"\"" } else { name }).collect::<Vec<_>>().join(", ");
    let mut shown: String =
        all.chars().take(WIDTH).map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect();
    if all.chars().count() > WIDTH {
        shown.push('…');
    }
    shown
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn differ(before: &Value, after: &Value) -> String {
        names(before.as_object().unwrap(), after.as_object().unwrap())
    }

    #[test]
    fn names_of_what_was_added_changed_or_taken_out_are_given_and_no_value() {
        let before = json!({"kept": 1, "gone": "secret", "changed": {"a": 1}});
        let after = json!({"kept": 1, "changed": {"a": 2}, "new\n": null, "": 0});
        assert_eq!(differ(&before, &after), "\"\", changed, gone, new\u{fffd}");
        assert_eq!(differ(&before, &before), "");
    }

    #[test]
    fn a_long_list_is_cut() {
        let many = Value::Object((0..100).map(|n| (format!("name-{n}"), n.into())).collect());
        assert_eq!(differ(&json!({}), &many).chars().count(), WIDTH + 1);
    }
}
