//! Names to addresses, in Rust: `/etc/hosts` and the servers of
//! `/etc/resolv.conf`, without glibc's loader of name services. Every address
//! passes the guard before a connection is tried; a name of which some addresses
//! are barred is reached at the others only.

use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};

use hickory_resolver::TokioResolver;
use hickory_resolver::config::{LookupIpStrategy, ResolverConfig};
use hickory_resolver::net::NetError;
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use super::guard::AddressPolicy;

/// Why a name has no address.
#[derive(Debug, thiserror::Error)]
pub(super) enum ResolveError {
    /// No server knows it, or none answered.
    #[error("the name `{name}` cannot be resolved: {reason}")]
    Lookup {
        /// The name.
        name: String,
        /// Why.
        reason: String,
    },
}

/// Resolves for all destinations. Clones share it.
#[derive(Clone)]
pub(super) struct GuardedResolver {
    policy: AddressPolicy,
    /// Made when first needed, and anew after a failure: the files may have changed.
    inner: Arc<Mutex<Option<TokioResolver>>>,
}

impl GuardedResolver {
    /// Lets through what `policy` does.
    pub(super) fn new(policy: AddressPolicy) -> Self {
        Self { policy, inner: Arc::default() }
    }

    fn resolver(&self) -> Result<TokioResolver, NetError> {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(resolver) = &*inner {
            return Ok(resolver.clone());
        }
        let mut builder = match TokioResolver::builder_tokio() {
            Ok(builder) => builder,
            // No resolv.conf: names in the hosts file still work.
            Err(_) => TokioResolver::builder_with_config(
                ResolverConfig::from_parts(None, Vec::new(), Vec::new()),
                TokioRuntimeProvider::default(),
            ),
        };
        builder.options_mut().ip_strategy = LookupIpStrategy::Ipv4AndIpv6;
        let resolver = builder.build()?;
        *inner = Some(resolver.clone());
        Ok(resolver)
    }

    fn forget(&self) {
        *self.inner.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    async fn lookup(&self, name: &str) -> Result<Addrs, Box<dyn std::error::Error + Send + Sync>> {
        let failed = |reason: String| ResolveError::Lookup { name: name.to_owned(), reason };
        let resolver = self.resolver().map_err(|error| failed(error.to_string()))?;
        let found = resolver.lookup_ip(name).await.map_err(|error| {
            self.forget();
            failed(error.to_string())
        })?;
        let mut open = Vec::new();
        let mut barred = None;
        for address in found.iter() {
            match self.policy.check(address) {
                Ok(()) => open.push(SocketAddr::new(address, 0)),
                Err(bar) => barred = Some(bar),
            }
        }
        match (open.is_empty(), barred) {
            (true, Some(barred)) => Err(barred.into()),
            (true, None) => Err(failed("it has no address".to_owned()).into()),
            (false, _) => Ok(Box::new(open.into_iter())),
        }
    }
}

/// Addresses of a name that is not a destination's: nothing is barred.
pub(crate) async fn resolve(name: &str) -> Result<Vec<IpAddr>, String> {
    let policy = AddressPolicy::parse(&["0.0.0.0/0".to_owned(), "::/0".to_owned()]);
    let resolver = GuardedResolver::new(policy.map_err(|error| error.to_string())?);
    let found = resolver.lookup(name).await.map_err(|error| error.to_string())?;
    Ok(found.map(|address| address.ip()).collect())
}

impl Resolve for GuardedResolver {
    fn resolve(&self, name: Name) -> Resolving {
        let resolver = self.clone();
        Box::pin(async move { resolver.lookup(name.as_str()).await })
    }
}

#[cfg(test)]
mod tests {
    use super::super::guard::Barred;
    use super::*;

    #[tokio::test]
    async fn a_name_that_leads_to_a_barred_address_is_barred() {
        let resolver = GuardedResolver::new(AddressPolicy::default());
        let error = resolver.lookup("localhost").await.err().unwrap();
        assert!(error.downcast_ref::<Barred>().is_some(), "{error}");
    }

    #[tokio::test]
    async fn a_name_whose_address_is_allowed_is_reached_there() {
        let policy = AddressPolicy::parse(&["127.0.0.0/8".into()]).unwrap();
        let found: Vec<_> = GuardedResolver::new(policy).lookup("localhost").await.unwrap().collect();
        assert_eq!(found, [SocketAddr::from(([127, 0, 0, 1], 0))]);
    }
}
