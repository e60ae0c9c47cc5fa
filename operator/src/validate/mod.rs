//! Step 2: proves that a manifest can be carried out. Pure.

use crds::condition::{Reason, Type};

use crate::observed::Observed;
use crate::options::Defaults;

/// What [`crate::build`] works with: nothing in it can be refused any more.
#[derive(Clone, Debug)]
pub struct Validated {
    /// The configuration file, as the pods will read it.
    pub configuration: crds::Configuration,
    /// The resource, for owner references and labels.
    pub listener: std::sync::Arc<crds::HubSpotListener>,
    /// Host without a port.
    pub host: String,
    /// Path, from `/`.
    pub path: String,
}

/// Why a manifest is not carried out: a condition that is False.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejection {
    /// The condition: Accepted or `ResolvedRefs`.
    pub condition: Type,
    /// Its reason.
    pub reason: Reason,
    /// Field, what is wrong, and what to do; several mistakes are joined, at most 1,024 characters.
    pub message: String,
}

/// Proves, or gives each condition that is False.
pub fn validate(_observed: &Observed, _defaults: &Defaults) -> Result<Validated, Vec<Rejection>> {
    Err(Vec::new())
}
