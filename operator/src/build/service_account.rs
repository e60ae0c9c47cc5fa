//! The `ServiceAccount` of the pods.

use k8s_openapi::api::core::v1::ServiceAccount;

use super::metadata;
use crate::validate::Validated;

/// One of its own, without a right and without a token: the pods never speak to the API server.
pub(super) fn build(validated: &Validated) -> ServiceAccount {
    ServiceAccount {
        metadata: metadata::of(validated),
        automount_service_account_token: Some(false),
        ..ServiceAccount::default()
    }
}
