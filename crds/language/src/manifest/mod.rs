//! Manifests without a cluster: reads the YAML that `kubectl apply` takes.
//!
//! Several files, several documents in each, `List` too. Of the kinds, HubSpotListener,
//! Secret (`data` and `stringData`) and ConfigMap are used; others are noted and left.
//! Every mistake carries file, line, column, field, reason and remedy, and one mistake does
//! not hide another. Values of Secrets stand in no mistake and no note.
//!
//! Bounds: a file has at most 4 MiB, values are nested at most 64 deep, and aliases may
//! not blow a document up beyond 64 MiB. Nothing here recurses deeper than that.
//!
//! Whether a Secret that is in none of the files is a mistake is the caller's choice:
//! in a cluster it may be there ([`Manifests::missing`]).

pub mod compile;
mod data;
mod document;
mod listener;
mod mistake;
pub mod print;
mod references;
mod scalar;
mod source;
#[cfg(test)]
mod tests;
mod yaml;

use std::collections::BTreeMap;

use crds::HubSpotListenerSpec;
use secrecy::SecretString;

pub use mistake::{ManifestMistake, Severity};
pub use source::{Source, read_files};

/// Bytes of one file.
pub const MAX_FILE_BYTES: usize = 4 * 1024 * 1024;

/// Namespace, name and key of one value in a Secret or ConfigMap.
pub type KeyOf = (String, String, String);

/// What stands in the files.
#[derive(Debug, Default)]
pub struct Manifests {
    /// Listeners without a mistake, in the order of the files.
    pub listeners: Vec<ManifestListener>,
    /// Values of Secrets.
    pub secrets: BTreeMap<KeyOf, SecretString>,
    /// Values of `ConfigMap`s.
    pub config_maps: BTreeMap<KeyOf, String>,
    /// What is wrong.
    pub mistakes: Vec<ManifestMistake>,
    /// What a person may want to know: kinds that were left, values that look odd.
    pub notes: Vec<ManifestMistake>,
    /// Secrets, `ConfigMap`s and keys that a listener names and that are in none of the files.
    pub missing: Vec<ManifestMistake>,
}

/// One HubSpotListener of the files.
#[derive(Clone, Debug)]
pub struct ManifestListener {
    /// Namespace; `default` where the manifest has none.
    pub namespace: String,
    /// Name.
    pub name: String,
    /// Generation; 1 where the manifest has none.
    pub generation: i64,
    /// The spec, defaults filled in.
    pub spec: HubSpotListenerSpec,
    /// The file that it stands in, as the user named it.
    pub file: String,
}

impl Manifests {
    /// Reads manifests from texts. Pure: see [`read_files`] for files.
    pub fn parse(sources: &[Source]) -> Self {
        let mut reading = document::Reading::default();
        for source in sources {
            reading.source(source);
        }
        reading.finish()
    }
}
