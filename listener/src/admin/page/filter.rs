//! Conditions of a list: from a form's fields to the parameters of the API, which judges them.
//!
//! A form sends every field: an empty one is no condition, [`NONE`] stands for what the API writes as an empty
//! text, several states stand side by side, and times have no zone.

use url::form_urlencoded;

use super::form::{Form, utc};
use crate::admin::problem::Problem;

/// Before any destination, or nobody.
pub(super) const NONE: &str = "(none)";

/// Conditions as the API writes them.
#[derive(Clone, Debug, Default)]
pub(super) struct Conditions(Vec<(String, String)>);

impl Conditions {
    /// Of a query, or of the hidden field that [`Conditions::query`] was put into.
    pub(super) fn read(query: Option<&str>) -> Result<Self, Problem> {
        let form = Form::read(query.unwrap_or_default().as_bytes())?;
        let mut conditions: Vec<(String, String)> = Vec::new();
        for (name, value) in form.fields() {
            let value = match (name.as_str(), value.trim()) {
                (_, "") => continue,
                ("destination" | "assignee", NONE) => String::new(),
                ("from" | "until", value) => utc(value),
                (_, value) => value.to_owned(),
            };
            match conditions.iter_mut().find(|(other, _)| name == "state" && other == name) {
                Some((_, states)) => *states = format!("{states},{value}"),
                None => conditions.push((name.clone(), value)),
            }
        }
        Ok(Self(conditions))
    }

    /// As a form shows it; empty: it is no condition.
    pub(super) fn get(&self, name: &str) -> &str {
        match self.0.iter().find(|(other, _)| other == name) {
            Some((_, value)) if value.is_empty() => NONE,
            Some((_, value)) => value,
            None => "",
        }
    }

    /// Whether a list of words has this one.
    pub(super) fn has(&self, name: &str, word: &str) -> bool {
        self.get(name).split(',').any(|other| other == word)
    }

    /// Whether there are none.
    pub(super) fn is_empty(&self) -> bool {
        self.0.iter().all(|(name, _)| name == "cursor")
    }

    /// For the API.
    pub(super) fn whole(&self) -> String {
        form_urlencoded::Serializer::new(String::new()).extend_pairs(&self.0).finish()
    }

    /// For a link or a hidden field, without the place in the list.
    pub(super) fn query(&self) -> String {
        let shown = self.0.iter().filter(|(name, _)| name != "cursor");
        let shown = shown.map(|(name, value)| (name, if value.is_empty() { NONE } else { value }));
        form_urlencoded::Serializer::new(String::new()).extend_pairs(shown).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_forms_fields_become_the_apis_parameters() {
        let sent = "state=open&state=waiting&destination=(none)&class=&traceKey=+&assignee=bob&from=2026-11-25T08:00&cursor=x";
        let conditions = Conditions::read(Some(sent)).unwrap();
        let whole = "state=open%2Cwaiting&destination=&assignee=bob&from=2026-11-25T08%3A00%3A00Z&cursor=x";
        assert_eq!(conditions.whole(), whole);
        assert!(conditions.has("state", "waiting") && !conditions.has("state", "resolved"));
        assert_eq!((conditions.get("destination"), conditions.get("class")), (NONE, ""));
        // What a page hands on says the same.
        let again = Conditions::read(Some(&conditions.query())).unwrap();
        assert_eq!(again.whole(), whole.trim_end_matches("&cursor=x"));
        assert!(Conditions::read(Some("cursor=x")).unwrap().is_empty());
    }
}
