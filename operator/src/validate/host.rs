//! The host of the URL.

use std::net::Ipv4Addr;

use crds::check::Refusal;
use crds::condition::Reason;

use super::{Finding, url, without_port};
use crate::observed::Observed;
use crate::options::Defaults;

/// The manifest or the operator names one.
pub(super) fn host_is_there(observed: &Observed, defaults: &Defaults) -> Vec<Finding> {
    if url::host_and_path(&observed.listener, defaults).is_some() {
        return Vec::new();
    }
    let refusal = Refusal::new(
        "spec.url.host",
        "there is no host, and the operator has no default",
        "write the host that HubSpot is to post to, or give the operator a default host",
    );
    vec![Finding::accepted(Reason::HostMissing, refusal)]
}

/// An Ingress and an `HTTPRoute` have a name as host, never an address.
pub(super) fn host_fits_the_way_in(observed: &Observed, defaults: &Defaults) -> Vec<Finding> {
    let listener = &observed.listener;
    let Some((host, _)) = url::host_and_path(listener, defaults) else { return Vec::new() };
    let external = listener.spec.url.external == Some(true);
    if external || without_port(&host).parse::<Ipv4Addr>().is_err() {
        return Vec::new();
    }
    let refusal = Refusal::new(
        "spec.url.host",
        format!("{} is an address, and an Ingress or HTTPRoute wants a name", without_port(&host)),
        "write a name that DNS knows, or set external: true",
    );
    vec![Finding::accepted(Reason::InvalidManifest, refusal)]
}
