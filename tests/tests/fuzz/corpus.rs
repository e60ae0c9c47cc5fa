//! What people wrote already: the cases, the documentation and HubSpot's events.

use std::path::Path;

use serde_json::Value;
use tests::fixture_bytes;

/// Texts to begin with, by kind.
pub(crate) struct Corpus {
    pub(crate) templates: Vec<String>,
    pub(crate) filters: Vec<String>,
    pub(crate) transforms: Vec<String>,
    pub(crate) manifests: Vec<String>,
    pub(crate) records: Vec<String>,
    /// Names of helpers.
    pub(crate) helpers: Vec<String>,
}

impl Corpus {
    pub(crate) fn read() -> Self {
        let cases: Value = parsed(&fixture_bytes("templates/cases.json"));
        let cases = cases["cases"].as_array().expect("cases");
        let mut templates: Vec<String> = cases.iter().map(|case| text(&case["template"])).collect();
        let mut records: Vec<String> = cases.iter().map(|case| case["context"].to_string()).collect();
        let events: Value = parsed(&fixture_bytes("hubspot/events.json"));
        records.extend(events.as_array().expect("events").iter().map(|event| event["event"].to_string()));

        let mut filters = Vec::new();
        let mut transforms = Vec::new();
        let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs");
        let mut manifests =
            vec![std::fs::read_to_string(docs.join("examples/contacts.yaml")).expect("an example")];
        for page in ["filters", "templates", "mapping", "manifest"] {
            let page = std::fs::read_to_string(docs.join(page).with_extension("md")).expect("a page");
            for (language, block) in blocks(&page) {
                match language {
                    "handlebars" => templates.push(block.to_owned()),
                    "cel" => filters.extend(block.lines().map(str::to_owned)),
                    "yaml" => manifests.push(whole(block)),
                    "json" if block.trim_start().starts_with('[') => filters.push(block.to_owned()),
                    _ => {}
                }
            }
            templates.extend(spans(&page).filter(|span| span.contains("{{")).map(str::to_owned));
            filters.extend(
                spans(&page)
                    .filter(|span| span.contains("event.") || span.starts_with("[\""))
                    .map(str::to_owned),
            );
        }
        for manifest in &manifests {
            collect_transforms(manifest, &mut transforms);
        }
        assert!(!transforms.is_empty() && !filters.is_empty(), "the documentation has examples");
        let mut helpers: Vec<String> = templates.iter().flat_map(|template| names(template)).collect();
        helpers.sort();
        helpers.dedup();
        Self { templates, filters, transforms, manifests, records, helpers }
    }
}

fn parsed(bytes: &[u8]) -> Value {
    serde_json::from_slice(bytes).expect("JSON")
}

fn text(value: &Value) -> String {
    value.as_str().expect("text").to_owned()
}

/// The fenced blocks of a page, with their language.
fn blocks(page: &str) -> impl Iterator<Item = (&str, &str)> {
    page.split("\n```").skip(1).step_by(2).filter_map(|block| block.split_once('\n'))
}

/// What stands between backticks.
fn spans(page: &str) -> impl Iterator<Item = &str> {
    page.lines().flat_map(|line| line.split('`').skip(1).step_by(2))
}

/// The first words of tags.
fn names(template: &str) -> Vec<String> {
    let tags = template.split("{{").skip(1);
    tags.map(|tag| tag.trim_start_matches(['{', '#', '^', '/', '~', '(', ' ']))
        .map(|tag| tag.chars().take_while(|letter| letter.is_ascii_alphanumeric()).collect::<String>())
        .filter(|name| name.len() > 1)
        .collect()
}

/// The transforms in a piece of a manifest, as JSON.
fn collect_transforms(manifest: &str, transforms: &mut Vec<String>) {
    for document in manifest.split("\n---\n") {
        let sources = [language::manifest::Source { file: "docs".to_owned(), text: document.to_owned() }];
        for listener in language::manifest::Manifests::parse(&sources).listeners {
            let found = listener.spec.destinations.into_iter().filter_map(|it| it.transform);
            transforms.extend(found.filter_map(|transform| serde_json::to_string(&transform).ok()));
        }
    }
}

/// A manifest around a piece that begins with `spec:`.
fn whole(piece: &str) -> String {
    if !piece.starts_with("spec:\n") {
        return piece.to_owned();
    }
    let piece = piece.trim_end();
    let mut text = "apiVersion: hubspot-listener.dev/v1alpha1\nkind: HubSpotListener\n\
                    metadata: {name: contacts}\n"
        .to_owned();
    text.push_str(piece);
    for (field, default) in [
        ("displayName", "displayName: Contacts"),
        ("clientSecrets", "clientSecrets: [{name: a, key: b}]"),
        ("destinations", "destinations: [{name: audit, log: {}}]"),
    ] {
        if !piece.contains(field) {
            text.push_str("\n  ");
            text.push_str(default);
        }
    }
    text.push('\n');
    text
}
