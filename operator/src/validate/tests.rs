use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crds::condition::{Reason, Type};
use k8s_openapi::api::core::v1::PersistentVolumeClaim;
use rstest::rstest;

use super::*;
use crate::scene::{FULL, SMALL, defaults, observed, with_host};

/// What is refused of a manifest, with its Secrets and `ConfigMap`s there.
fn rejections(yaml: &str) -> Vec<Rejection> {
    refused(&observed(yaml))
}

fn refused(observed: &Observed) -> Vec<Rejection> {
    validate(observed, &with_host()).unwrap_err()
}

/// The one rejection that there is.
fn only(rejections: Vec<Rejection>) -> Rejection {
    let [one] = <[Rejection; 1]>::try_from(rejections).unwrap();
    one
}

#[test]
fn a_small_and_a_full_manifest_are_taken() {
    let small = validate(&observed(SMALL), &with_host()).unwrap();
    assert_eq!(small.configuration.public_url, "https://hooks.example.com/sales/contacts");
    assert_eq!((small.host.as_str(), small.path.as_str()), ("hooks.example.com", "/sales/contacts"));
    assert_eq!(small.configuration.generation, 3);
    let full = validate(&observed(FULL), &with_host()).unwrap();
    assert_eq!(full.configuration.public_url, "https://hooks.example.com/sales/contacts-v2");
    assert_eq!(full.storage_class.as_deref(), Some("fast"));
}

#[test]
fn a_port_stands_in_the_url_and_not_in_the_host() {
    let yaml = format!("{SMALL}  url: {{host: 'hooks.example.com:8443', external: true}}\n");
    let validated = validate(&observed(&yaml), &defaults(&[])).unwrap();
    assert_eq!(validated.host, "hooks.example.com");
    assert_eq!(validated.configuration.public_url, "https://hooks.example.com:8443/sales/contacts");
}

#[test]
fn a_database_is_accepted_here_and_its_secret_is_looked_for() {
    let yaml =
        format!("{SMALL}  replicas: 3\n  storage: {{postgres: {{urlSecretRef: {{name: db, key: url}}}}}}\n");
    let mut observed = observed(&yaml);
    assert!(validate(&observed, &with_host()).is_ok());
    observed.secrets.insert("db".to_owned(), None);
    let rejection = only(refused(&observed));
    assert_eq!(rejection.reason, Reason::SecretNotFound);
    assert!(
        rejection.message.starts_with("spec.storage.postgres.urlSecretRef.name: "),
        "{}",
        rejection.message
    );
}

#[rstest]
#[case::rule(
    "  page: {size: 0}\n",
    Reason::InvalidManifest,
    "spec.page.size: a page holds at least one record; write 1 or more, or remove size for 20"
)]
#[case::meaning(
    "  url: {path: /a b}\n",
    Reason::InvalidManifest,
    "spec.url.path: a path has only letters, digits and a few signs; write other characters percent-encoded, a space as %20"
)]
#[case::address(
    "  url: {host: 10.1.2.3}\n",
    Reason::InvalidManifest,
    "spec.url.host: 10.1.2.3 is an address, and an Ingress or HTTPRoute wants a name; write a name that DNS knows, or set external: true"
)]
#[case::label(
    "  podTemplate: {labels: {app.kubernetes.io/name: mine}}\n",
    Reason::InvalidManifest,
    "spec.podTemplate.labels.app.kubernetes.io/name: the operator finds the listener's pods by this label; remove it, or choose another label"
)]
fn what_cannot_be_is_refused_with_field_and_remedy(
    #[case] line: &str,
    #[case] reason: Reason,
    #[case] message: &str,
) {
    let rejection = only(rejections(&format!("{SMALL}{line}")));
    assert_eq!((rejection.condition, rejection.reason), (Type::Accepted, reason));
    assert_eq!(rejection.message, message);
}

#[test]
fn a_template_and_a_filter_say_line_column_and_piece() {
    let template = only(rejections(&format!("{SMALL}  traceKeyTemplate: '{{{{#if a}}}}x'\n")));
    assert_eq!(template.reason, Reason::InvalidTemplate);
    assert!(template.message.starts_with("spec.traceKeyTemplate: "), "{}", template.message);
    assert!(template.message.contains("(line 1, column 1 of the template); "), "{}", template.message);
    let filter = only(rejections(&format!("{SMALL}  filter: 'event.a ==='\n")));
    assert_eq!(filter.reason, Reason::InvalidFilter);
    assert!(filter.message.starts_with("spec.filter: "), "{}", filter.message);
    assert!(filter.message.contains(" of the filter); "), "{}", filter.message);
}

#[test]
fn a_missing_host_is_refused_and_an_empty_default_is_none() {
    for flags in [&[][..], &["--default-host="]] {
        let rejection = only(validate(&observed(SMALL), &defaults(flags)).unwrap_err());
        assert_eq!(rejection.reason, Reason::HostMissing);
    }
    assert_eq!(public_url(&observed(SMALL).listener, &defaults(&[])), None);
}

#[test]
fn the_younger_of_two_with_one_url_says_who_has_it() {
    let mut observed = observed(SMALL);
    observed.url_holder = Some("crm/contacts".to_owned());
    let rejection = only(refused(&observed));
    assert_eq!(rejection.reason, Reason::UrlConflict);
    assert_eq!(
        rejection.message,
        "spec.url.path: the listener crm/contacts is older and has https://hooks.example.com/sales/contacts already; \
         give this listener another path, or delete that one"
    );
}

#[test]
fn what_is_somebody_elses_is_not_overwritten() {
    let mut observed = observed(SMALL);
    observed.foreign.push(("Service".to_owned(), "contacts".to_owned()));
    let rejection = only(refused(&observed));
    assert_eq!(rejection.reason, Reason::NameTaken);
    assert!(rejection.message.contains("there is a Service contacts already"), "{}", rejection.message);
}

#[test]
fn a_secret_that_is_not_there_and_a_key_that_is_not_in_it_are_told_apart() {
    let mut observed = observed(FULL);
    observed.secrets.insert("warehouse.token".to_owned(), None);
    observed.secrets.insert("hubspot-app".to_owned(), Some(BTreeSet::from(["clientsecret".to_owned()])));
    let rejection = only(refused(&observed));
    assert_eq!((rejection.condition, rejection.reason), (Type::ResolvedRefs, Reason::SecretKeyNotFound));
    assert_eq!(
        rejection.message,
        "spec.clientSecrets[0].key: the Secret hubspot-app has no key clientSecret; did you mean clientsecret? \
         spec.clientSecrets[1].key: the Secret hubspot-app has no key oldClientSecret; did you mean clientsecret? \
         spec.destinations[0].http.headers[0].valueFrom.secretKeyRef.name: there is no Secret warehouse.token in the listener's namespace; create it there, or correct its name"
    );
}

#[rstest]
#[case::gone(None, Reason::ConfigMapNotFound, "there is no ConfigMap crm-integration")]
#[case::no_key(
    Some(""),
    Reason::ConfigMapKeyNotFound,
    "has no key settings.json; add the key to the ConfigMap"
)]
#[case::no_object(
    Some("[1]"),
    Reason::SettingsInvalid,
    "ConfigMap crm-integration key settings.json is no JSON object"
)]
fn shared_settings_are_looked_at(#[case] text: Option<&str>, #[case] reason: Reason, #[case] message: &str) {
    let mut observed = observed(FULL);
    let data = text.map(|text| {
        let entry = (!text.is_empty()).then(|| ("settings.json".to_owned(), text.to_owned()));
        entry.into_iter().collect::<BTreeMap<_, _>>()
    });
    observed.config_maps.insert("crm-integration".to_owned(), data);
    let rejection = only(refused(&observed));
    assert_eq!((rejection.condition, rejection.reason), (Type::ResolvedRefs, reason));
    assert!(rejection.message.contains(message), "{}", rejection.message);
    assert!(rejection.message.starts_with("spec.settingsFrom[0].configMapKeyRef"), "{}", rejection.message);
}

#[test]
fn everything_is_said_at_once_under_its_condition() {
    let mut observed = observed(&format!("{SMALL}  page: {{size: 0}}\n  filter: '('\n"));
    observed.secrets.clear();
    let rejections = refused(&observed);
    assert_eq!(rejections.len(), 2);
    assert_eq!(rejections[0].reason, Reason::InvalidManifest);
    assert!(
        rejections[0].message.contains("spec.page.size: ") && rejections[0].message.contains("spec.filter: ")
    );
    assert_eq!(rejections[1].reason, Reason::SecretNotFound);
}

#[test]
fn messages_are_bounded() {
    let destinations: Vec<String> =
        (0..32).map(|at| format!("{{name: d{at}, filter: '((', log: {{}}}}")).collect();
    let yaml = SMALL.replace("{name: audit, log: {}}", &destinations.join(", "));
    let rejection = only(rejections(&yaml));
    assert!(rejection.message.chars().count() <= MAX_MESSAGE);
    assert!(rejection.message.contains(". And "), "{}", rejection.message);
}

fn claim(size: &str, class: Option<&str>) -> PersistentVolumeClaim {
    serde_json::from_value(serde_json::json!({
        "spec": {"storageClassName": class, "resources": {"requests": {"storage": size}}}
    }))
    .unwrap()
}

#[test]
fn a_claim_can_grow_but_not_shrink_or_change_its_class() {
    let mut observed = observed(FULL);
    observed.claim = Some(claim("10Gi", Some("fast")));
    assert!(validate(&observed, &with_host()).is_ok());
    observed.claim = Some(claim("1Ti", Some("slow")));
    let rejection = only(refused(&observed));
    assert_eq!(
        rejection.message,
        "spec.storage.embedded.size: the claim has 1Ti and cannot shrink to 20Gi; write 1Ti or more. \
         spec.storage.embedded.storageClassName: the claim is of class `slow` and cannot change to `fast`; \
         write slow, or make a new listener and move to it"
    );
}

#[test]
fn a_new_default_class_does_not_touch_claims_that_are_there() {
    let with_class = defaults(&["--default-host=h.example.com", "--default-storage-class=new"]);
    let mut observed = observed(SMALL);
    assert_eq!(validate(&observed, &with_class).unwrap().storage_class.as_deref(), Some("new"));
    observed.claim = Some(claim("5Gi", Some("old")));
    assert_eq!(validate(&observed, &with_class).unwrap().storage_class.as_deref(), Some("old"));
}

#[test]
fn a_configuration_that_no_config_map_holds_is_refused() {
    let mut observed = observed(SMALL);
    let mut listener = (*observed.listener).clone();
    listener.spec.settings.insert("large".to_owned(), "x".repeat(1_100_000).into());
    observed.listener = Arc::new(listener);
    let rejection = only(refused(&observed));
    assert!(rejection.message.starts_with("spec: the configuration has 11"), "{}", rejection.message);
}

#[test]
fn settings_that_their_schema_does_not_take_are_refused_with_their_path() {
    let mut observed = observed(SMALL);
    let listener = Arc::make_mut(&mut observed.listener);
    let json = |text: &str| serde_json::from_str::<serde_json::Map<String, serde_json::Value>>(text).unwrap();
    listener.spec.settings = json(r#"{"region":7}"#);
    listener.spec.settings_schema = Some(json(r#"{"properties":{"region":{"type":"string"}}}"#));
    let rejection = only(refused(&observed));
    assert_eq!((rejection.condition, rejection.reason), (Type::Accepted, Reason::SettingsAgainstSchema));
    assert!(rejection.message.contains("settings.region"), "{}", rejection.message);
}

#[test]
fn a_secret_that_is_read_whole_must_be_there_and_may_have_any_keys() {
    let mut observed = observed(&format!("{SMALL}  desk: {{tokens: {{secretName: desk-tokens}}}}\n"));
    assert!(validate(&observed, &with_host()).is_ok());
    observed.secrets.insert("desk-tokens".to_owned(), None);
    let rejection = only(refused(&observed));
    assert_eq!((rejection.condition, rejection.reason), (Type::ResolvedRefs, Reason::SecretNotFound));
    assert_eq!(
        rejection.message,
        "spec.desk.tokens.secretName: there is no Secret desk-tokens in the listener's namespace; create it there, or \
         correct its name"
    );
}
