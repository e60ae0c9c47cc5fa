//! The project's images as `make images` makes them.

use std::path::PathBuf;
use std::sync::OnceLock;

use super::{process, root};

/// An image that a cluster's node can load.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Image {
    /// Stage of the Dockerfile.
    pub target: &'static str,
    /// What a Pod calls it; with `imagePullPolicy: Never` or `IfNotPresent`.
    pub name: &'static str,
    /// The OCI archive.
    pub archive: PathBuf,
}

/// The images, built at the first use; fresh ones cost a look of cargo.
pub fn images() -> Result<Vec<Image>, String> {
    static BUILT: OnceLock<Result<(), String>> = OnceLock::new();
    BUILT.get_or_init(|| process::script("tests/images").map(drop)).clone()?;
    let image = |target: &'static str, name: &'static str| Image {
        target,
        name,
        archive: root().join(format!("target/images/{target}.tar")),
    };
    Ok(vec![
        image("operator", "localhost/hubspot-listener-operator:test"),
        image("listener", "localhost/hubspot-listener:test"),
    ])
}
