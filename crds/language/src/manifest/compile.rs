//! Compiles every template and filter of a spec, and says which do not compile.
//!
//! [`template`] and [`filter`] compile one with the field that it stands in; the loading of a
//! configuration builds with them, so that it refuses a mistake in the same words.

use crds::HubSpotListenerSpec;
use crds::check::Refusal;
use crds::listener::{Header, Transform};

use crate::filter::Filter;
use crate::mapping::{Mapping, Wrong};
use crate::mistake::Mistake;
use crate::template::{Place, Template};

/// What does not compile, in the order of the spec's fields.
pub fn compile(spec: &HubSpotListenerSpec) -> Vec<Refusal> {
    let mut found = Found(Vec::new());
    if let Some(body) = &spec.response.body {
        found.template("spec.response.body", body, Place::Raw);
    }
    for (at, header) in spec.response.headers.iter().enumerate() {
        found.template(&format!("spec.response.headers[{at}].value"), &header.value, Place::Raw);
    }
    if let Some(filter) = &spec.filter {
        found.filter("spec.filter", filter);
    }
    if let Some(hook) = &spec.pre_page {
        found.http("spec.prePage.http", &hook.http.url, &hook.http.headers);
    }
    for (at, destination) in spec.destinations.iter().enumerate() {
        let field = format!("spec.destinations[{at}]");
        if let Some(filter) = &destination.filter {
            found.filter(&format!("{field}.filter"), filter);
        }
        if let Some(transform) = &destination.transform {
            found.0.extend(transform_refusals(&format!("{field}.transform"), transform));
        }
        let Some(http) = &destination.http else { continue };
        found.http(&format!("{field}.http"), &http.url, &http.headers);
    }
    for (at, notice) in spec.desk.notices.iter().enumerate() {
        if let Some((field, target)) = notice.target() {
            found.http(&format!("spec.desk.notices[{at}].{field}"), &target.url, &target.headers);
        }
    }
    if let Some(template) = &spec.data_uri_template {
        found.template("spec.dataUriTemplate", template, Place::Uri);
    }
    if let Some(template) = &spec.trace_key_template {
        found.template("spec.traceKeyTemplate", template, Place::Raw);
    }
    found.0
}

/// What of a transform, which stands at `field`, does not compile.
pub fn transform_refusals(field: &str, transform: &Transform) -> Vec<Refusal> {
    let wrong = Mapping::compile(transform).err().unwrap_or_default();
    // The shape of a rule is judged by the resource's own rules, in their words.
    let texts = wrong.into_iter().filter(|wrong| wrong.what != "rule");
    texts
        .map(|Wrong { field: below, what, mistake }| refusal(&format!("{field}.{below}"), what, mistake))
        .collect()
}

struct Found(Vec<Refusal>);

impl Found {
    /// What stands under `field`.
    fn http(&mut self, field: &str, url: &str, headers: &[Header]) {
        self.template(&format!("{field}.url"), url, Place::Uri);
        for (at, header) in headers.iter().enumerate() {
            if let Some(value) = &header.value {
                self.template(&format!("{field}.headers[{at}].value"), value, Place::Raw);
            }
        }
    }

    fn template(&mut self, field: &str, text: &str, place: Place) {
        self.0.extend(template(field, text, place).err());
    }

    fn filter(&mut self, field: &str, text: &str) {
        self.0.extend(filter(field, text).err());
    }
}

/// Compiles the template in `field`.
pub fn template(field: &str, text: &str, place: Place) -> Result<Template, Refusal> {
    Template::compile(text, place).map_err(|mistake| refusal(field, "template", mistake))
}

/// Compiles the filter in `field`.
pub fn filter(field: &str, text: &str) -> Result<Filter, Refusal> {
    Filter::compile(text).map_err(|mistake| refusal(field, "filter", mistake))
}

/// The place within the text is said in words: the field's own place is that of the manifest.
fn refusal(field: &str, what: &str, mistake: Mistake) -> Refusal {
    let Mistake { line, column, piece, reason, remedy } = mistake;
    let reason = format!("{reason}: `{piece}` (line {line}, column {column} of the {what})");
    Refusal::new(field, reason, remedy)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mistake_keeps_its_place_and_its_remedy() {
        let mistake = Mistake {
            line: 2,
            column: 5,
            piece: "{{#if".to_owned(),
            reason: "a block is not closed".to_owned(),
            remedy: "add {{/if}}".to_owned(),
        };
        assert_eq!(
            refusal("spec.response.body", "template", mistake).to_string(),
            "spec.response.body: a block is not closed: `{{#if` (line 2, column 5 of the template); add {{/if}}"
        );
    }
}
