//! The public URL: what it is, and whether another listener has it.

use crds::HubSpotListener;
use crds::check::Refusal;
use crds::condition::Reason;
use kube::ResourceExt;

use super::Finding;
use crate::observed::Observed;
use crate::options::Defaults;

/// Host, with a port where the manifest names one, and path; none without a host.
pub(super) fn host_and_path(listener: &HubSpotListener, defaults: &Defaults) -> Option<(String, String)> {
    let url = &listener.spec.url;
    let default = defaults.default_host.as_ref().filter(|host| !host.is_empty());
    let host = url.host.as_ref().or(default)?.clone();
    let own = || format!("/{}/{}", listener.namespace().unwrap_or_default(), listener.name_any());
    Some((host, url.path.clone().unwrap_or_else(own)))
}

/// Of two listeners with one host and path the older one keeps it.
pub(super) fn url_is_free(observed: &Observed, defaults: &Defaults) -> Vec<Finding> {
    let Some(holder) = &observed.url_holder else { return Vec::new() };
    let url = super::public_url(&observed.listener, defaults).unwrap_or_default();
    let refusal = Refusal::new(
        "spec.url.path",
        format!("the listener {holder} is older and has {url} already"),
        "give this listener another path, or delete that one",
    );
    vec![Finding::accepted(Reason::UrlConflict, refusal)]
}
