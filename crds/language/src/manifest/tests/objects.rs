//! Kinds, several files, lists, and how values come out of Secrets and `ConfigMap`s.

use secrecy::ExposeSecret;

use super::*;

#[test]
fn several_files_are_one_set() {
    let (listener, secret) = GOOD.split_once("---\n").unwrap();
    let sources = [("a.yaml", secret), ("b.yaml", listener)]
        .map(|(file, text)| Source { file: file.into(), text: text.into() });
    let manifests = Manifests::parse(&sources);
    assert_eq!(lines(&manifests.mistakes), [""; 0]);
    assert_eq!(lines(&manifests.missing), [""; 0]);
    assert_eq!(manifests.listeners[0].file, "b.yaml");
}

#[test]
fn a_second_object_of_one_name_is_a_mistake() {
    let (listener, _) = GOOD.split_once("---\n").unwrap();
    let manifests = parse(&format!("{listener}---\n{listener}"));
    assert_eq!(manifests.listeners.len(), 1);
    assert_eq!(
        lines(&manifests.mistakes),
        [
            "contacts.yaml:23:3: metadata.name: HubSpotListener sales/contacts stands in contacts.yaml:4 already; \
          remove one, or rename it"
        ]
    );
}

#[test]
fn two_listeners_of_one_url_are_a_mistake() {
    let (listener, _) = GOOD.split_once("---\n").unwrap();
    let first = listener.replace("spec:\n", "spec:\n  url: {path: /hooks}\n");
    let second = first.replace("name: contacts", "name: companies");
    assert_eq!(
        lines(&parse(&format!("{first}---\n{second}")).mistakes),
        ["contacts.yaml:27:9: spec.url.path: listener sales/contacts has this URL already; \
          give one of them another path"]
    );
}

#[test]
fn a_list_is_its_items() {
    let manifests = parse(
        r#"{"apiVersion": "v1", "kind": "List", "items": [
            {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}, "data": {"k": "aHVzaA=="}},
            {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "m"}, "data": {"k": "{}"}}
        ]}"#,
    );
    assert_eq!(lines(&manifests.mistakes), [""; 0]);
    let at = |name: &str| ("default".to_owned(), name.to_owned(), "k".to_owned());
    assert_eq!(manifests.secrets[&at("s")].expose_secret(), "hush");
    assert_eq!(manifests.config_maps[&at("m")], "{}");
}

#[test]
fn other_kinds_are_noted_and_empty_documents_are_not() {
    let manifests = parse(
        "# nothing\n---\n---\napiVersion: apps/v1\nkind: Deployment\nmetadata: {name: d}\n---\n\
         apiVersion: v1\nkind: Secrets\nmetadata: {name: s}\n",
    );
    assert_eq!(lines(&manifests.mistakes), [""; 0]);
    assert_eq!(
        lines(&manifests.notes),
        [
            "contacts.yaml:5:1: kind: Deployment is left out; only HubSpotListener, Secret, ConfigMap are read",
            "contacts.yaml:9:1: kind: Secrets is left out; did you mean Secret?"
        ]
    );
}

#[test]
fn what_is_no_object_is_a_mistake() {
    for (text, expected) in [
        (
            "- a\n",
            "contacts.yaml:1:1: a document is an object with apiVersion, kind, metadata and spec; \
                   begin it with apiVersion: and kind:",
        ),
        (
            "a\n",
            "contacts.yaml:1:1: a document is an object with apiVersion, kind, metadata and spec; \
                 begin it with apiVersion: and kind:",
        ),
        (
            "kind: Secret\n",
            "contacts.yaml:1:1: apiVersion: this field is required; \
                            add apiVersion: hubspot-listener.dev/v1alpha1",
        ),
        (
            "apiVersion: v1\nkind: Secret\n",
            "contacts.yaml:1:1: metadata.name: this field is required; \
                                            add it: the object's name",
        ),
    ] {
        assert!(
            lines(&parse(text).mistakes).contains(&expected.to_owned()),
            "{text}: {:?}",
            parse(text).mistakes
        );
    }
}

#[test]
fn a_secret_is_never_in_a_mistake_a_note_or_debug() {
    let manifests = parse(
        "apiVersion: v1\nkind: Secret\nmetadata: {name: s}\n\
         data:\n  broken: hush*hush\n  binary: /w==\n  line: aHVzaC1odXNoCg==\n  wrapped: |\n    aHVz\n    aA==\n\
         stringData:\n  list: [hush-hush]\n  plain: hush-hush\n  line: hush-hush\n",
    );
    assert_eq!(
        lines(&manifests.mistakes),
        [
            "contacts.yaml:5:3: data.broken: this is not base64; \
             encode the value with base64, or write it plainly below stringData",
            "contacts.yaml:12:3: stringData.list: a text is expected here; put it in quotes, or write it after |",
        ]
    );
    assert_eq!(
        lines(&manifests.notes),
        [
            "contacts.yaml:6:3: data.binary: this value is not text; a listener cannot use it; leave it if others do",
            "contacts.yaml:7:3: data.line: this value ends with a line break; \
             see that it belongs to it; `echo -n` and `|-` leave it out",
        ]
    );
    let at = |key: &str| ("default".to_owned(), "s".to_owned(), key.to_owned());
    assert_eq!(manifests.secrets[&at("wrapped")].expose_secret(), "hush");
    assert_eq!(manifests.secrets[&at("line")].expose_secret(), "hush-hush", "stringData wins");
    assert!(!format!("{manifests:?}").contains("hush"));
}

#[test]
fn shared_settings_are_a_json_object() {
    let from = "spec:\n  settingsFrom: [{scope: crm, configMapKeyRef: {name: m, key: k}}]\n";
    let map = "---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: m, namespace: sales}\ndata:\n  k: ";
    let good = GOOD.replace("spec:\n", from);
    assert_eq!(lines(&parse(&format!("{good}{map}'{{\"a\": 1}}'\n")).mistakes), [""; 0]);
    assert_eq!(
        lines(&parse(&format!("{good}{map}'[1]'\n")).mistakes),
        ["contacts.yaml:7:31: spec.settingsFrom[0].configMapKeyRef: k of ConfigMap m holds no JSON object: \
          invalid type: sequence, expected a map at line 1 column 0; \
          write a JSON object there, such as {\"region\": \"eu\"}"]
    );
}

#[test]
fn anchors_merges_and_words_of_yaml_are_read_as_kubectl_reads_them() {
    let manifests = parse(
        &GOOD
            .replace(
                "  - name: warehouse\n    http:\n      url: https://warehouse.example.com/hubspot\n",
                "  - &w\n    name: warehouse\n    concurrency: 2\n    http: {url: 'https://a.example.com/'}\n\
         \x20 - <<: *w\n    name: copy\n",
            )
            .replace("  page:", "  paused: yes\n  page:"),
    );
    assert_eq!(lines(&manifests.mistakes), [""; 0]);
    let spec = &manifests.listeners[0].spec;
    assert!(spec.paused);
    assert_eq!(spec.destinations[1].name, "copy");
    assert_eq!(spec.destinations[1].concurrency, 2);
}

#[test]
fn a_key_that_is_written_twice_is_a_mistake() {
    mistakes(
        "    size: 20\n",
        "    size: 20\n    size: 30\n",
        &["contacts.yaml:13:5: size is written twice; remove one of them; it is not told which one counts"],
    );
}

#[test]
fn a_null_is_a_field_that_is_left_out() {
    let manifests = parse(&GOOD.replace("  page:\n    size: 20\n", "  page:\n  settings:\n"));
    assert_eq!(lines(&manifests.mistakes), [""; 0]);
    assert_eq!(manifests.listeners[0].spec.page.size, 20);
}
