//! What becomes of records that a removed destination has not been cut: open errors, as of
//! those in its pages.
//!
//! Only the destination's own filter says which records are its; so this is done by its loop,
//! after its last delivery and before the store is told that it is gone. What it does not
//! come to (the process ends, the hook has not let them through) stays stored only, and the
//! store says how much that is.

use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use super::context::Context;
use super::delivery::fail_all;
use super::plan::Plan;
use crate::store::{ErrorClass, Failure, Lease, PRE_PAGE};

/// Makes open errors of everything that the destination has left, until `abandon`.
pub(super) async fn leave(context: &Arc<Context>, plan: &Arc<Plan>, abandon: &CancellationToken) {
    let name = &plan.destination.name;
    if name == PRE_PAGE {
        return;
    }
    let failure = Failure {
        class: ErrorClass::Missing,
        code: "destination_removed".to_owned(),
        message: format!("the destination {name} was removed before it took the record"),
        status: None,
        response: None,
    };
    while !abandon.is_cancelled() {
        match context.store.lease(plan.last_request(context.clock.now_ms())).await {
            Ok(Lease::Page(page)) => fail_all(context, plan, page, &failure, abandon).await,
            Ok(Lease::Wait { .. }) => return,
            Err(error) => {
                tracing::warn!(destination.name = %name, %error, "what {name} has left is not looked at");
                return;
            }
        }
    }
}
