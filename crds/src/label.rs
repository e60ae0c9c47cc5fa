//! Labels by which the pods of a listener are found.

use std::collections::BTreeMap;

/// Names the listener; its value is the listener's name.
pub const LISTENER: &str = "hubspot-listener.dev/listener";
/// Names what runs in a pod.
pub const NAME: &str = "app.kubernetes.io/name";
/// Value of [`NAME`] on the pods of listeners.
pub const PRODUCT: &str = "hubspot-listener";

/// Those that the pods of a listener have. They never change: a Deployment's selector cannot.
pub fn selector(listener: &str) -> BTreeMap<String, String> {
    [(NAME, PRODUCT), (LISTENER, listener)].map(|(label, value)| (label.to_owned(), value.to_owned())).into()
}
