//! Names of children, of what is in them, and of where it is mounted.
//!
//! A listener's name has at most 63 small letters, digits and `-`, and begins with a letter: the
//! definition has a rule for that. So it can be the name of every child as it is.

use sha2::{Digest, Sha256};

/// Key of the ConfigMap that holds the configuration.
pub const CONFIGURATION_KEY: &str = "configuration.json";
/// Directory that the configuration is mounted at; a directory, or a change would not reach the pod.
pub const CONFIGURATION_DIRECTORY: &str = "/etc/listener/configuration";
/// Directory that holds one directory for each Secret.
pub const SECRETS_DIRECTORY: &str = "/etc/listener/secrets";
/// Directory that holds one directory for each ConfigMap.
pub const CONFIG_MAPS_DIRECTORY: &str = "/etc/listener/configmaps";
/// Where the claim is mounted.
pub const DATA_DIRECTORY: &str = "/data";
/// The listener's container.
pub const CONTAINER: &str = "listener";
/// Port of the webhook path, of container and Service.
pub const PUBLIC_PORT: &str = "http";
/// Port of probes, metrics and API, of container and Service.
pub const ADMIN_PORT: &str = "admin";
/// Port of the Service that leads to the webhook path.
pub const SERVICE_PUBLIC_PORT: i32 = 80;

/// Name of the listener's claim: a name of its own, since it may outlive the listener.
pub fn claim(listener: &str) -> String {
    format!("{listener}-data")
}

/// Name of the volume of a Secret or ConfigMap. Their names may have 253 characters and dots, those
/// of volumes 63 and none, so it is a hash.
pub(super) fn volume(kind: &str, name: &str) -> String {
    let hash = Sha256::digest(name.as_bytes());
    let first = hash.iter().take(8).fold(0_u64, |first, byte| (first << 8) | u64::from(*byte));
    format!("{kind}-{first:016x}")
}
