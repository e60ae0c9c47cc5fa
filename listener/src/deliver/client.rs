//! The one HTTP client of a listener's destinations: no redirects, no proxy from
//! the environment (it would resolve names behind the guard's back), bounded
//! pools, rustls with ring.
//!
//! Certificates are judged by the image's own CA files where there are any. An
//! image without them (a static binary in an empty one) gets the Mozilla set
//! that is compiled in. `SSL_CERT_FILE` and `SSL_CERT_DIR` name others: a cluster's
//! own authority.

use std::net::IpAddr;
use std::sync::Once;
use std::time::Duration;

use reqwest::Certificate;
use reqwest::redirect::Policy;
use url::{Host, Url};

use super::guard::{AddressPolicy, Barred};
use super::resolver::GuardedResolver;
use super::timing::Timing;

/// The client cannot be made.
#[derive(Debug, thiserror::Error)]
#[error("the HTTP client cannot be made: {0}")]
pub struct ClientError(String);

/// Sends to all destinations of a listener.
#[derive(Clone, Debug)]
pub(super) struct Client {
    inner: reqwest::Client,
    policy: AddressPolicy,
}

impl Client {
    /// For destinations that `policy` lets through.
    pub(super) fn build(policy: AddressPolicy, timing: &Timing) -> Result<Self, ClientError> {
        let inner = builder(&policy, timing).build().or_else(|error| {
            tracing::info!(reason = %error, "no usable CA certificates in the image; the compiled-in set is used");
            builder(&policy, timing).tls_certs_only(compiled_in_roots()).build()
        });
        let inner = inner.map_err(|error| ClientError(error.to_string()))?;
        Ok(Self { inner, policy })
    }

    /// The policy it was made for.
    pub(super) fn policy(&self) -> &AddressPolicy {
        &self.policy
    }

    /// Begins a request to `url`. A name in it is checked when it is resolved; an
    /// address in it is never resolved, so it is checked here.
    pub(super) fn post(&self, url: &Url) -> Result<reqwest::RequestBuilder, Barred> {
        let address = match url.host() {
            Some(Host::Ipv4(address)) => Some(IpAddr::V4(address)),
            Some(Host::Ipv6(address)) => Some(IpAddr::V6(address)),
            Some(Host::Domain(_)) | None => None,
        };
        if let Some(address) = address {
            self.policy.check(address)?;
        }
        Ok(self.inner.post(url.clone()))
    }
}

fn builder(policy: &AddressPolicy, timing: &Timing) -> reqwest::ClientBuilder {
    install_provider();
    reqwest::Client::builder()
        .user_agent(concat!("hubspot-listener/", env!("CARGO_PKG_VERSION")))
        .redirect(Policy::none())
        .no_proxy()
        .referer(false)
        .dns_resolver(GuardedResolver::new(policy.clone()))
        .connect_timeout(timing.connect)
        .pool_max_idle_per_host(32)
        .pool_idle_timeout(Duration::from_secs(30))
        .tcp_nodelay(true)
}

fn compiled_in_roots() -> Vec<Certificate> {
    webpki_root_certs::TLS_SERVER_ROOT_CERTS
        .iter()
        .filter_map(|der| Certificate::from_der(der).ok())
        .collect()
}

/// One provider for the whole binary; whoever comes first installs it.
pub(crate) fn install_provider() {
    static INSTALLED: Once = Once::new();
    INSTALLED.call_once(|| {
        // Somebody else was first: it is the same one.
        let _ = rustls::crypto::ring::default_provider().install_default();
    });
}

#[cfg(test)]
mod tests;
