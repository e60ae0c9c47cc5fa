//! The token of whoever calls, from the Secret that the listener names. It is never printed.

use anyhow::{Context, bail};
use crds::HubSpotListener;
use k8s_openapi::api::core::v1::Secret;
use secrecy::SecretString;
use zeroize::Zeroize;

use super::cluster::Cluster;
use super::fault::{Fault, Wanted};
use super::target::told;

/// The value of a key of the Secret in `spec.desk.tokens`.
pub(super) async fn read(
    cluster: &Cluster,
    namespace: &str,
    listener: &str,
    key: &str,
) -> anyhow::Result<SecretString> {
    let resource = "hubspotlisteners.hubspot-listener.dev";
    let api = cluster.api::<HubSpotListener>(namespace);
    let wanted = Wanted { verb: "get", resource, namespace };
    let found = cluster.ask(wanted, api.get(listener)).await?;
    let Some(tokens) = found.spec.desk.tokens else {
        bail!("{namespace}/{listener} has no tokens: spec.desk.tokens.secretName is not there");
    };
    let name = tokens.secret_name;
    let api = cluster.api::<Secret>(namespace);
    let asked = async { api.get(&name).await.map(Opaque) };
    let Opaque(mut secret) = cluster
        .ask(Wanted { verb: "get", resource: "secrets", namespace }, asked)
        .await
        .map_err(|fault| match fault {
            Fault::Absent { .. } => anyhow::anyhow!(
                "there is no Secret {name} in namespace {namespace}, which spec.desk.tokens names"
            ),
            other => other.into(),
        })?;
    let mut data = secret.data.take().unwrap_or_default();
    let value = data.remove(key).map(|value| value.0);
    let keys: Vec<String> = data.keys().cloned().collect();
    for value in data.values_mut() {
        value.0.zeroize();
    }
    let Some(mut value) = value else {
        bail!("--token-secret {key}: the Secret {name} has no such key; it has: {}", told(&keys));
    };
    let token = std::str::from_utf8(&value)
        .map(|text| SecretString::from(text.trim_end_matches(['\r', '\n'])))
        .with_context(|| format!("key {key} of the Secret {name} is no text"));
    value.zeroize();
    token
}

/// Shown nowhere.
struct Opaque(Secret);

impl std::fmt::Debug for Opaque {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret")
    }
}
