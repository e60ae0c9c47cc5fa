//! Whole files, as people write them.

mod bounds;
mod objects;

use secrecy::ExposeSecret;

use super::*;

const GOOD: &str = "\
apiVersion: hubspot-listener.dev/v1alpha1
kind: HubSpotListener
metadata:
  name: contacts
  namespace: sales
spec:
  displayName: Contacts from HubSpot
  clientSecrets:
  - name: hubspot-app
    key: clientSecret
  page:
    size: 20
  destinations:
  - name: warehouse
    http:
      url: https://warehouse.example.com/hubspot
  - name: audit
    log: {}
---
apiVersion: v1
kind: Secret
metadata: {name: hubspot-app, namespace: sales}
stringData:
  clientSecret: hush-hush
";

fn parse(text: &str) -> Manifests {
    Manifests::parse(&[Source { file: "contacts.yaml".to_owned(), text: text.to_owned() }])
}

fn lines(mistakes: &[ManifestMistake]) -> Vec<String> {
    mistakes.iter().map(ToString::to_string).collect()
}

/// `GOOD` with one piece replaced has exactly these mistakes.
#[track_caller]
fn mistakes(piece: &str, replacement: &str, expected: &[&str]) {
    assert!(GOOD.contains(piece), "{piece}");
    let manifests = parse(&GOOD.replacen(piece, replacement, 1));
    assert_eq!(lines(&manifests.mistakes), expected);
}

#[test]
fn a_good_file_gives_its_listener_and_its_secret() {
    let manifests = parse(GOOD);
    assert_eq!(lines(&manifests.mistakes), [""; 0]);
    assert_eq!(lines(&manifests.notes), [""; 0]);
    assert_eq!(lines(&manifests.missing), [""; 0]);
    let [listener] = manifests.listeners.as_slice() else { panic!("{:?}", manifests.listeners) };
    assert_eq!((listener.namespace.as_str(), listener.name.as_str()), ("sales", "contacts"));
    assert_eq!(listener.generation, 1);
    assert_eq!(listener.spec.page.linger_milliseconds, 500);
    let key = ("sales".to_owned(), "hubspot-app".to_owned(), "clientSecret".to_owned());
    assert_eq!(manifests.secrets[&key].expose_secret(), "hush-hush");
}

#[test]
fn a_rule_is_said_with_the_line_of_its_field() {
    mistakes(
        "    size: 20",
        "    size: 0",
        &["contacts.yaml:12:5: spec.page.size: a page holds at least one record; \
           write 1 or more, or remove size for 20"],
    );
}

#[test]
fn an_unknown_field_is_said_with_its_line_and_what_was_meant() {
    mistakes(
        "    size: 20",
        "    sise: 20",
        &["contacts.yaml:12:5: spec.page.sise: there is no such field; did you mean size?"],
    );
    mistakes(
        "spec:",
        "spce:",
        &[
            "contacts.yaml:6:1: spce: there is no such field; did you mean spec?",
            "contacts.yaml:1:1: spec: this field is required; \
             add it with displayName, clientSecrets and destinations",
        ],
    );
}

#[test]
fn a_missing_field_is_said_with_the_line_of_what_it_is_missing_in() {
    mistakes(
        "    key: clientSecret\n",
        "",
        &["contacts.yaml:9:5: spec.clientSecrets[0].key: this field is required; add it: Key in the Secret"],
    );
}

#[test]
fn a_wrong_type_is_said_with_its_line() {
    mistakes(
        "    size: 20",
        "    size: '20'",
        &["contacts.yaml:12:5: spec.page.size: a whole number is expected here, not a text; \
           write it without quotes"],
    );
    mistakes(
        "  destinations:",
        "  resources: {claims: [{name: 1}]}\n  destinations:",
        &["contacts.yaml:13:25: spec.resources.claims[0].name: a text is expected here, not a number; \
           put it in quotes"],
    );
}

#[test]
fn what_only_a_look_can_tell_has_a_line_too() {
    mistakes(
        "https://warehouse.example.com/hubspot",
        "https://me:word@warehouse.example.com/",
        &[
            "contacts.yaml:16:7: spec.destinations[0].http.url: a name or password in a URL is seen by everybody \
           who sees the manifest; take it out and send it as a header with valueFrom.secretKeyRef",
        ],
    );
}

#[test]
fn one_mistake_does_not_hide_another() {
    let text = GOOD
        .replace("size: 20", "size: 0")
        .replace("name: contacts", "name: Contacts")
        .replace("https://w", "ftp://w")
        .replace("  - name: audit", "  - name: warehouse");
    let found = lines(&parse(&text).mistakes);
    assert_eq!(found.len(), 4, "{found:#?}");
    assert!(found[0].starts_with("contacts.yaml:4:3: metadata.name: "), "{found:#?}");
    assert!(found[1].starts_with("contacts.yaml:13:3: spec.destinations: two destinations"), "{found:#?}");
    assert!(found[2].starts_with("contacts.yaml:16:7: spec.destinations[0].http.url: "), "{found:#?}");
    assert!(found[3].starts_with("contacts.yaml:12:5: spec.page.size: "), "{found:#?}");
}

#[test]
fn broken_yaml_is_said_with_line_and_column_and_the_documents_before_it_count() {
    let manifests = parse(&format!("{GOOD}---\nkind: [\n"));
    assert_eq!(manifests.listeners.len(), 1);
    let [mistake] = manifests.mistakes.as_slice() else { panic!("{:?}", manifests.mistakes) };
    assert!(mistake.reason.starts_with("this is not YAML: "), "{mistake}");
    assert!((25..=28).contains(&mistake.line), "{mistake}");

    let manifests = parse("a:\n  b: 1\n c: 2\n");
    let [mistake] = manifests.mistakes.as_slice() else { panic!("{:?}", manifests.mistakes) };
    assert_eq!(mistake.line, 3, "{mistake}");
}

#[test]
fn another_version_is_told_which_one_is_supported() {
    mistakes(
        "hubspot-listener.dev/v1alpha1",
        "hubspot-listener.dev/v1",
        &["contacts.yaml:1:1: apiVersion: version v1 is not supported; write hubspot-listener.dev/v1alpha1"],
    );
    mistakes(
        "hubspot-listener.dev/v1alpha1",
        "example.com/v1",
        &["contacts.yaml:1:1: apiVersion: HubSpotListener is not of this group; \
           write hubspot-listener.dev/v1alpha1"],
    );
    mistakes(
        "kind: HubSpotListener",
        "kind: HubspotListener",
        &["contacts.yaml:2:1: kind: this group has no such kind; write HubSpotListener"],
    );
}

#[test]
fn references_that_the_files_do_not_have_are_for_the_caller_to_judge() {
    let manifests = parse(&GOOD.replace("  clientSecret: hush-hush", "  clientSecrets: hush-hush"));
    assert_eq!(lines(&manifests.mistakes), [""; 0]);
    assert_eq!(
        lines(&manifests.missing),
        ["contacts.yaml:9:5: spec.clientSecrets[0].key: Secret hubspot-app has no key clientSecret; \
          did you mean clientSecrets?"]
    );
    let manifests = parse(GOOD.split("---").next().unwrap());
    assert_eq!(manifests.listeners.len(), 1);
    assert_eq!(
        lines(&manifests.missing),
        [
            "contacts.yaml:9:5: spec.clientSecrets[0]: Secret hubspot-app in namespace sales is in none of the \
          files; add it, or see that the cluster has it"
        ]
    );
}
