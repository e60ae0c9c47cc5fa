//! Which listener is meant.

use anyhow::bail;
use crds::HubSpotListener;
use kube::ResourceExt;
use kube::api::ListParams;

use super::cluster::Cluster;
use super::fault::{Fault, Wanted};
use super::name::{Name, is_label};

/// Names of listeners that a message tells at most.
const TOLD: usize = 20;
/// Listeners that are looked at for that.
const LISTED: u32 = 500;

/// Namespace and name of the listener that is meant. Where none is named, and the namespace has one only, that.
pub(super) async fn find(
    cluster: &Cluster,
    named: Option<Name>,
    namespace: Option<String>,
) -> anyhow::Result<(String, String)> {
    let (namespace, name) = place(named, namespace, &cluster.namespace)?;
    let Some(name) = name else {
        let only = only(&names(cluster, &namespace).await?, &namespace)?;
        return Ok((namespace, only));
    };
    Ok((namespace, name))
}

fn place(
    named: Option<Name>,
    namespace: Option<String>,
    of_context: &str,
) -> anyhow::Result<(String, Option<String>)> {
    if let Some(namespace) = &namespace
        && !is_label(namespace)
    {
        bail!("--namespace {namespace}: a namespace has small letters, digits and dashes, at most 63");
    }
    let (within, name) = named.map_or((None, None), |named| (named.namespace, Some(named.name)));
    match (within, namespace) {
        (Some(one), Some(other)) if one != other => {
            bail!("--namespace {other}, but the listener is named in namespace {one}; leave one of them out")
        }
        (one, other) => Ok((one.or(other).unwrap_or_else(|| of_context.to_owned()), name)),
    }
}

/// Names of the listeners of a namespace.
pub(super) async fn names(cluster: &Cluster, namespace: &str) -> Result<Vec<String>, Fault> {
    let api = cluster.api::<HubSpotListener>(namespace);
    let wanted = Wanted { verb: "list", resource: "hubspotlisteners.hubspot-listener.dev", namespace };
    let found = cluster.ask(wanted, api.list_metadata(&ListParams::default().limit(LISTED))).await?;
    Ok(found.items.iter().map(ResourceExt::name_any).collect())
}

fn only(names: &[String], namespace: &str) -> anyhow::Result<String> {
    match names {
        [] => {
            bail!("namespace {namespace} has no listener; `kubectl get hubspotlisteners -A` shows them all")
        }
        [only] => Ok(only.clone()),
        several => {
            bail!("namespace {namespace} has several listeners: {}; name one with --listener", told(several))
        }
    }
}

/// Some names.
pub(super) fn told(names: &[String]) -> String {
    let mut text = names.iter().take(TOLD).map(String::as_str).collect::<Vec<_>>().join(", ");
    if names.len() > TOLD {
        text.push_str(", ...");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_has_a_namespace_or_none_and_nothing_else() {
        let whole = Name { namespace: Some("sales".to_owned()), name: "contacts".to_owned() };
        assert_eq!("sales/contacts".parse(), Ok(whole.clone()));
        assert_eq!(whole.to_string(), "sales/contacts");
        assert_eq!("contacts".parse::<Name>().unwrap().namespace, None);
        for wrong in ["", "/", "sales/", "/contacts", "a/b/c", "Sales/contacts", "../x", "a b", "-a"] {
            assert!(wrong.parse::<Name>().unwrap_err().contains("NAMESPACE/NAME"), "{wrong}");
        }
    }

    #[test]
    fn the_namespace_is_the_names_then_the_options_then_the_contexts() {
        let named = |text: &str| Some(text.parse::<Name>().unwrap());
        let option = |text: &str| Some(text.to_owned());
        let found = |named, namespace| place(named, namespace, "context").unwrap();
        assert_eq!(found(named("sales/a"), None), ("sales".to_owned(), Some("a".to_owned())));
        assert_eq!(found(named("a"), option("sales")), ("sales".to_owned(), Some("a".to_owned())));
        assert_eq!(found(named("sales/a"), option("sales")).0, "sales");
        assert_eq!(found(None, None), ("context".to_owned(), None));
        let both = place(named("sales/a"), option("other"), "context").unwrap_err().to_string();
        assert!(both.contains("leave one of them out"), "{both}");
        assert!(place(None, option("Other"), "context").is_err());
    }

    #[test]
    fn the_only_listener_of_a_namespace_needs_no_name() {
        let names: Vec<String> = (0..30).map(|n| format!("l{n}")).collect();
        assert_eq!(only(&names[..1], "sales").unwrap(), "l0");
        let none = only(&[], "sales").unwrap_err().to_string();
        assert!(none.contains("has no listener"), "{none}");
        let several = only(&names, "sales").unwrap_err().to_string();
        assert!(several.contains("l0, l1") && several.contains("...; name one with --listener"), "{several}");
    }
}
