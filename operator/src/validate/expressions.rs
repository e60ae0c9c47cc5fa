//! Templates and filters, compiled by the code that the listener runs them by.

use crds::condition::Reason;
use language::manifest::compile::compile;

use super::Finding;
use crate::observed::Observed;
use crate::options::Defaults;

/// Every template and filter of the spec.
pub(super) fn templates_and_filters(observed: &Observed, _: &Defaults) -> Vec<Finding> {
    let refusals = compile(&observed.listener.spec).into_iter();
    refusals
        .map(|refusal| {
            let filter = refusal.field.ends_with("filter");
            let reason = if filter { Reason::InvalidFilter } else { Reason::InvalidTemplate };
            Finding::accepted(reason, refusal)
        })
        .collect()
}
