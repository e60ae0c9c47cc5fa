//! Where a listener's configuration comes from, read anew at each look.

use std::collections::BTreeMap;
use std::fmt;

use crds::Configuration;
use crds::check::Refusal;
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};

/// `namespace/name`: what a listener is called.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ListenerKey {
    /// Namespace of the resource.
    pub namespace: String,
    /// Name of the resource.
    pub name: String,
}

impl fmt::Display for ListenerKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.namespace, self.name)
    }
}

/// Everything that one listener runs by, as text.
#[derive(Clone, Debug)]
pub struct Inputs {
    /// The configuration.
    pub configuration: Configuration,
    /// The keys of Secrets that it names, by Secret and key; what is not there is missing.
    pub secrets: BTreeMap<(String, String), SecretString>,
    /// The keys of ConfigMaps that it names, by ConfigMap and key; what is not there is missing.
    pub config_maps: BTreeMap<(String, String), String>,
    /// Keys of the Secret with the API's tokens, and the tokens; what cannot be read is empty. No
    /// part of the fingerprint: they are taken up by themselves, also beside a configuration that
    /// is refused.
    pub tokens: BTreeMap<String, SecretString>,
}

impl Inputs {
    /// What it is called.
    pub fn key(&self) -> ListenerKey {
        ListenerKey { namespace: self.configuration.namespace.clone(), name: self.configuration.name.clone() }
    }

    /// Equal for equal inputs; the only thing that is kept of a Secret between two looks.
    pub fn fingerprint(&self) -> [u8; 32] {
        let Self { configuration, secrets, config_maps, tokens: _ } = self;
        let mut hash = Sha256::new();
        let mut part = |bytes: &[u8]| {
            hash.update((bytes.len() as u64).to_le_bytes());
            hash.update(bytes);
        };
        part(&serde_json::to_vec(configuration).unwrap_or_default());
        for ((name, key), value) in secrets {
            part(name.as_bytes());
            part(key.as_bytes());
            part(value.expose_secret().as_bytes());
        }
        part(b"configMaps");
        for ((name, key), value) in config_maps {
            part(name.as_bytes());
            part(key.as_bytes());
            part(value.as_bytes());
        }
        hash.finalize().into()
    }
}

/// Why a configuration is not taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// Each mistake; never empty.
    pub refusals: Vec<Refusal>,
}

impl Refused {
    /// A single mistake.
    pub fn one(field: &str, reason: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self {
            refusals: vec![Refusal { field: field.to_owned(), reason: reason.into(), remedy: remedy.into() }],
        }
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, refusal) in self.refusals.iter().enumerate() {
            if at > 0 {
                f.write_str("\n")?;
            }
            write!(f, "{refusal}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Refused {}

/// One look at a source.
#[derive(Debug)]
pub struct Reading {
    /// Each listener's inputs.
    pub listeners: Vec<Inputs>,
}

/// A place that configurations are read from.
pub trait Source: Send + Sync + fmt::Debug {
    /// Reads everything anew. Blocking.
    fn read(&self) -> Result<Reading, Refused>;
}
