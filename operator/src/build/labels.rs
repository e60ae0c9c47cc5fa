//! Labels of every child.

use std::collections::BTreeMap;

pub use crds::label::{LISTENER, selector};

/// Label that says who keeps an object up to date.
pub const MANAGED_BY: &str = "app.kubernetes.io/managed-by";
/// Value of [`MANAGED_BY`].
pub const OPERATOR: &str = "hubspot-listener-operator";
/// Label of a namespace whose pods a NetworkPolicy lets reach the admin port: that of Prometheus.
/// On namespaces, not on pods, since only those who run the cluster may label them.
pub const MONITORING: &str = "hubspot-listener.dev/monitoring";

/// All of them. <https://kubernetes.io/docs/concepts/overview/working-with-objects/common-labels/>
pub fn of(listener: &str) -> BTreeMap<String, String> {
    let mut labels = selector(listener);
    labels.extend(
        [
            ("app.kubernetes.io/instance", listener),
            ("app.kubernetes.io/component", "listener"),
            ("app.kubernetes.io/part-of", crds::label::PRODUCT),
            (MANAGED_BY, OPERATOR),
        ]
        .map(|(label, value)| (label.to_owned(), value.to_owned())),
    );
    labels
}
