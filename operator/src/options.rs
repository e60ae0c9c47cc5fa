//! What an operator is started with: flags, each also an environment variable; the chart sets them.

use std::net::SocketAddr;

use crds::HubSpotListenerSpec;
use serde_json::json;

/// What every listener gets where its manifest is silent, and what the cluster's owner decides.
#[derive(Clone, Debug, clap::Args)]
#[expect(clippy::doc_markdown, reason = "help texts for a terminal")]
pub struct Defaults {
    /// Image of the listener's pods
    #[arg(long, value_name = "IMAGE", env = "LISTENER_IMAGE")]
    pub listener_image: String,
    /// When the image is pulled: Always, IfNotPresent or Never
    #[arg(long, value_name = "POLICY", env = "LISTENER_IMAGE_PULL_POLICY", default_value = "IfNotPresent", value_parser = ["Always", "IfNotPresent", "Never"])]
    pub listener_image_pull_policy: String,
    /// Host of listeners without spec.url.host; without it such listeners are refused (HostMissing)
    #[arg(long, value_name = "HOST", env = "DEFAULT_HOST", value_parser = host)]
    pub default_host: Option<String>,
    /// Class of Ingresses whose listener names none; without it the cluster's default class serves
    #[arg(long, value_name = "CLASS", env = "DEFAULT_INGRESS_CLASS")]
    pub default_ingress_class: Option<String>,
    /// Secret with the certificate of Ingresses whose listener names none, in the listener's namespace
    #[arg(long, value_name = "SECRET", env = "DEFAULT_TLS_SECRET")]
    pub default_tls_secret: Option<String>,
    /// Storage class of claims whose listener names none
    #[arg(long, value_name = "CLASS", env = "DEFAULT_STORAGE_CLASS")]
    pub default_storage_class: Option<String>,
    /// Keep a listener's claim, and what is stored on it, when the listener is deleted
    #[arg(long, env = "KEEP_CLAIMS", default_value_t = false, action = clap::ArgAction::Set, num_args = 0..=1, default_missing_value = "true")]
    pub keep_claims: bool,
    /// Make a NetworkPolicy for each listener
    #[arg(long, env = "NETWORK_POLICIES", default_value_t = false, action = clap::ArgAction::Set, num_args = 0..=1, default_missing_value = "true")]
    pub network_policies: bool,
    /// Address blocks (CIDR) that destinations may reach although the address guard bars them
    #[arg(long, value_name = "CIDR", env = "ALLOWED_ADDRESSES", value_delimiter = ',')]
    pub allowed_addresses: Vec<String>,
    /// Save spec.settings when an admin of a listener's web page asks for it
    #[arg(long, env = "SAVE_SETTINGS", default_value_t = false, action = clap::ArgAction::Set, num_args = 0..=1, default_missing_value = "true")]
    pub save_settings: bool,
    /// Namespace that a NetworkPolicy lets reach the admin port: the operator's own
    #[arg(long, value_name = "NAMESPACE", env = "POD_NAMESPACE", default_value = "default")]
    pub operator_namespace: String,
}

/// What the process itself runs by.
#[derive(Clone, Debug, clap::Args)]
pub struct Process {
    /// Only this namespace; all of them without it
    #[arg(long, value_name = "NAMESPACE", env = "WATCH_NAMESPACE")]
    pub namespace: Option<String>,
    /// Listeners that are reconciled at once, 1 to 64
    #[arg(long, value_name = "N", env = "CONCURRENCY", default_value_t = 4, value_parser = clap::value_parser!(u16).range(1..=64))]
    pub concurrency: u16,
    /// Seconds between two looks at a listener's pods, 5 to 3600
    #[arg(long, value_name = "SECONDS", env = "REPORT_SECONDS", default_value_t = 15, value_parser = clap::value_parser!(u16).range(5..=3600))]
    pub report_seconds: u16,
    /// Namespace of the lease, and of the operator
    #[arg(long, value_name = "NAMESPACE", env = "POD_NAMESPACE", default_value = "default")]
    pub lease_namespace: String,
    /// Name of the lease
    #[arg(long, value_name = "NAME", env = "LEASE_NAME", default_value = "hubspot-listener-operator")]
    pub lease_name: String,
    /// Seconds after which another operator may take the lease of one that fell silent, 5 to 300
    #[arg(long, value_name = "SECONDS", env = "LEASE_SECONDS", default_value_t = 15, value_parser = clap::value_parser!(u16).range(5..=300))]
    pub lease_seconds: u16,
    /// Who holds the lease: the pod's name
    #[arg(long, value_name = "NAME", env = "POD_NAME", default_value = "operator")]
    pub identity: String,
    /// Address of /livez, /readyz and /metrics
    #[arg(long, value_name = "ADDR", env = "LISTEN", default_value_t = SocketAddr::from(([0, 0, 0, 0], 8080)))]
    pub listen: SocketAddr,
}

/// A host as the manifest's would be judged: a bad one would be refused on every listener. An
/// empty text, as an unset variable of a chart gives it, is none.
fn host(text: &str) -> Result<String, String> {
    let spec = json!({"displayName": "-", "clientSecrets": [], "destinations": [], "url": {"host": text}});
    let spec: HubSpotListenerSpec = serde_json::from_value(spec).map_err(|error| error.to_string())?;
    let refusal = crds::check::check(&spec).into_iter().find(|refusal| refusal.field == "spec.url.host");
    match refusal {
        Some(refusal) if !text.is_empty() => Err(format!("{}; {}", refusal.reason, refusal.remedy)),
        _ => Ok(text.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::host;

    #[test]
    fn a_default_host_is_judged_as_the_manifests_is() {
        assert_eq!(host("hooks.example.com:8443").as_deref(), Ok("hooks.example.com:8443"));
        assert_eq!(host("").as_deref(), Ok(""));
        assert_eq!(
            host("https://hooks.example.com").unwrap_err(),
            "this is not a host; write small letters, without scheme or path, such as hooks.example.com"
        );
    }
}
