//! Names of objects in the cluster: one that the API server does not know as a name can never be
//! there, and would only be found when a child with it is refused.

use super::Refusal;
use crate::HubSpotListenerSpec;

/// Names of Secrets, `ConfigMap`s, classes and Gateways, and the keys in the former two.
pub(super) fn object_names(spec: &HubSpotListenerSpec) -> Vec<Refusal> {
    let mut names: Vec<(String, &str)> = Vec::new();
    let mut keys: Vec<(String, &str)> = Vec::new();
    for (field, reference) in spec.secret_references() {
        names.push((format!("{field}.name"), &reference.name));
        keys.push((format!("{field}.key"), &reference.key));
    }
    names.extend(spec.whole_secrets());
    for (field, reference) in spec.config_map_references() {
        names.push((format!("{field}.name"), &reference.name));
        keys.push((format!("{field}.key"), &reference.key));
    }
    let url = &spec.url;
    if let Some(ingress) = &url.ingress {
        let class = ingress.class_name.iter().map(|name| ("spec.url.ingress.className", name));
        let tls = ingress.tls.iter().map(|tls| ("spec.url.ingress.tls.secretName", &tls.secret_name));
        names.extend(class.chain(tls).map(|(field, name)| (field.to_owned(), name.as_str())));
    }
    let parents = url.gateway.iter().flat_map(|gateway| gateway.parent_refs.iter().enumerate());
    for (at, parent) in parents {
        let field = format!("spec.url.gateway.parentRefs[{at}]");
        names.push((format!("{field}.name"), &parent.name));
        let more = [("namespace", &parent.namespace), ("sectionName", &parent.section_name)];
        names.extend(
            more.into_iter().filter_map(|(part, name)| Some((format!("{field}.{part}"), name.as_deref()?))),
        );
    }
    // An empty class is one: no volume is made for the claim, one that is there is bound.
    let class = spec.storage.embedded.iter().filter_map(|embedded| embedded.storage_class_name.as_deref());
    names.extend(
        class
            .filter(|class| !class.is_empty())
            .map(|class| ("spec.storage.embedded.storageClassName".to_owned(), class)),
    );
    let bad_names = names.into_iter().filter(|(_, name)| !is_name(name)).map(|(field, _)| {
        let reason = "no object in a cluster has such a name";
        Refusal::new(field, reason, "write small letters, digits, - and . only, such as hubspot-app")
    });
    let bad_keys = keys.into_iter().filter(|(_, key)| !is_key(key)).map(|(field, _)| {
        let reason = "no Secret or ConfigMap has such a key";
        Refusal::new(field, reason, "write letters, digits, -, _ and . only, such as clientSecret")
    });
    bad_names.chain(bad_keys).collect()
}

/// A DNS subdomain.
/// <https://kubernetes.io/docs/concepts/overview/working-with-objects/names/#dns-subdomain-names>
fn is_name(name: &str) -> bool {
    let label = |label: &str| {
        !label.is_empty()
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
    };
    name.len() <= 253 && name.split('.').all(label)
}

/// `IsConfigMapKey` of Kubernetes: also a file's name, so it may not lead elsewhere.
fn is_key(key: &str) -> bool {
    !key.is_empty()
        && key.len() <= 253
        && key.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
        && key != "."
        && !key.starts_with("..")
}
