//! Step 2: proves that a manifest can be carried out. Pure.
//!
//! A check is a named function in [`CHECKS`]. All of them run, so that everything that is wrong is
//! said at once; what they find is told as one [`Rejection`] a condition. A check says nothing
//! about what another one has said already.

mod claim;
mod expressions;
mod host;
mod message;
mod names;
mod quantity;
mod references;
mod size;
mod spec;
#[cfg(test)]
mod tests;
mod url;

use std::sync::Arc;

use crds::HubSpotListener;
use crds::check::Refusal;
use crds::condition::{Reason, Type};
use kube::ResourceExt;

pub use message::MAX_MESSAGE;
pub(crate) use message::bounded;

use crate::observed::Observed;
use crate::options::Defaults;

/// What [`crate::build`] works with: nothing in it can be refused any more.
#[derive(Clone, Debug)]
pub struct Validated {
    /// The configuration file, as the pods will read it.
    pub configuration: crds::Configuration,
    /// The resource, for owner references and labels.
    pub listener: Arc<HubSpotListener>,
    /// Host without a port.
    pub host: String,
    /// Path, from `/`.
    pub path: String,
    /// Class of the claim; none for the cluster's default.
    pub storage_class: Option<String>,
}

/// Why a manifest is not carried out: a condition that is False.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejection {
    /// The condition: Accepted or `ResolvedRefs`.
    pub condition: Type,
    /// Its reason: that of the first mistake.
    pub reason: Reason,
    /// Field, what is wrong, and what to do; several mistakes are joined, at most [`MAX_MESSAGE`] characters.
    pub message: String,
}

/// One thing that is wrong.
struct Finding {
    condition: Type,
    reason: Reason,
    refusal: Refusal,
}

impl Finding {
    fn accepted(reason: Reason, refusal: Refusal) -> Self {
        Self { condition: Type::Accepted, reason, refusal }
    }

    fn unresolved(reason: Reason, refusal: Refusal) -> Self {
        Self { condition: Type::ResolvedRefs, reason, refusal }
    }
}

/// Looks at one thing.
type Check = fn(&Observed, &Defaults) -> Vec<Finding>;

/// All checks. The first that finds something gives its condition the reason.
const CHECKS: &[Check] = &[
    spec::name,
    spec::spec,
    expressions::templates_and_filters,
    host::host_is_there,
    host::host_fits_the_way_in,
    url::url_is_free,
    names::names_are_free,
    names::labels_are_free,
    claim::claim_can_become_what_is_asked,
    size::configuration_fits,
    references::secrets,
    references::config_maps,
];

/// Proves, or gives each condition that is False.
pub fn validate(observed: &Observed, defaults: &Defaults) -> Result<Validated, Vec<Rejection>> {
    let findings: Vec<Finding> = CHECKS.iter().flat_map(|check| check(observed, defaults)).collect();
    let rejections: Vec<Rejection> = [Type::Accepted, Type::ResolvedRefs]
        .into_iter()
        .filter_map(|condition| rejection(condition, &findings))
        .collect();
    if !rejections.is_empty() {
        return Err(rejections);
    }
    let listener = &observed.listener;
    let Some((host, path)) = url::host_and_path(listener, defaults) else {
        return Err(rejection(Type::Accepted, &host::host_is_there(observed, defaults))
            .into_iter()
            .collect());
    };
    Ok(Validated {
        configuration: configuration(listener, defaults, &host, &path),
        listener: Arc::clone(listener),
        host: without_port(&host).to_owned(),
        path,
        storage_class: claim::storage_class(observed, defaults),
    })
}

/// The URL that the listener would have: none without a host.
pub fn public_url(listener: &HubSpotListener, defaults: &Defaults) -> Option<String> {
    url::host_and_path(listener, defaults).map(|(host, path)| format!("https://{host}{path}"))
}

fn rejection(condition: Type, findings: &[Finding]) -> Option<Rejection> {
    let mut of_it = findings.iter().filter(|finding| finding.condition == condition).peekable();
    let reason = of_it.peek()?.reason;
    let message = message::join(of_it.map(|finding| finding.refusal.to_string()));
    Some(Rejection { condition, reason, message })
}

fn configuration(
    listener: &HubSpotListener,
    defaults: &Defaults,
    host: &str,
    path: &str,
) -> crds::Configuration {
    crds::Configuration {
        version: crds::configuration::ConfigurationVersion::V1,
        namespace: listener.namespace().unwrap_or_default(),
        name: listener.name_any(),
        generation: listener.metadata.generation.unwrap_or_default(),
        // Never http: HubSpot posts to https only, and signs this text.
        public_url: format!("https://{host}{path}"),
        allowed_addresses: defaults.allowed_addresses.clone(),
        saves_settings: defaults.save_settings,
        spec: listener.spec.clone(),
    }
}

fn without_port(host: &str) -> &str {
    host.split_once(':').map_or(host, |(name, _)| name)
}
