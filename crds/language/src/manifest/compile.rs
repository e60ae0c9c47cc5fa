//! Compiles every template and filter of a spec, and says which do not compile.
//!
//! Pure, and apart from manifests, so that the loading of a configuration can use it too.

use crds::HubSpotListenerSpec;
use crds::check::Refusal;
use crds::listener::Header;

use crate::filter::Filter;
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
        found.http("spec.prePage", &hook.http.url, &hook.http.headers);
    }
    for (at, destination) in spec.destinations.iter().enumerate() {
        let field = format!("spec.destinations[{at}]");
        if let Some(filter) = &destination.filter {
            found.filter(&format!("{field}.filter"), filter);
        }
        let Some(http) = &destination.http else { continue };
        found.http(&field, &http.url, &http.headers);
    }
    if let Some(template) = &spec.data_uri_template {
        found.template("spec.dataUriTemplate", template, Place::Uri);
    }
    if let Some(template) = &spec.trace_key_template {
        found.template("spec.traceKeyTemplate", template, Place::Raw);
    }
    found.0
}

struct Found(Vec<Refusal>);

impl Found {
    /// What stands under `field.http`.
    fn http(&mut self, field: &str, url: &str, headers: &[Header]) {
        self.template(&format!("{field}.http.url"), url, Place::Uri);
        for (at, header) in headers.iter().enumerate() {
            if let Some(value) = &header.value {
                self.template(&format!("{field}.http.headers[{at}].value"), value, Place::Raw);
            }
        }
    }

    fn template(&mut self, field: &str, text: &str, place: Place) {
        self.0
            .extend(Template::compile(text, place).err().map(|mistake| refusal(field, "template", mistake)));
    }

    fn filter(&mut self, field: &str, text: &str) {
        self.0.extend(Filter::compile(text).err().map(|mistake| refusal(field, "filter", mistake)));
    }
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
