//! The configurations of `listener dev`: from the manifests that `kubectl apply` takes.

use std::collections::BTreeMap;
use std::path::PathBuf;

use crds::HubSpotListenerSpec;
use crds::check::Refusal;
use crds::configuration::{Configuration, ConfigurationVersion};

use super::source::{Inputs, Reading, Refused, Source};
use language::manifest::{KeyOf, ManifestListener, ManifestMistake, Manifests, read_files};

/// `listener dev`: manifests, and the URL under which this machine is reached.
#[derive(Clone, Debug)]
pub struct ManifestFiles {
    /// The files.
    pub files: Vec<PathBuf>,
    /// Scheme and host, without a path: `https://abc.example.com`.
    pub public_base: String,
    /// Address blocks that destinations may reach.
    pub allowed_addresses: Vec<String>,
}

impl Source for ManifestFiles {
    fn read(&self) -> Result<Reading, Refused> {
        let manifests = read_files(&self.files);
        // There is no cluster where what is missing here could be.
        let mut wrong: Vec<Refusal> =
            manifests.mistakes.iter().chain(&manifests.missing).map(placed).collect();
        if wrong.is_empty() && manifests.listeners.is_empty() {
            wrong.push(Refusal::new(
                "manifests",
                "no HubSpotListener is in them",
                "add one; docs/examples/contacts.yaml is an example",
            ));
        }
        if !wrong.is_empty() {
            return Err(Refused { refusals: wrong });
        }
        let listeners =
            manifests.listeners.iter().map(|listener| self.inputs(listener, &manifests)).collect();
        Ok(Reading { listeners })
    }
}

impl ManifestFiles {
    /// What one listener of the files runs by; what is in none of them is missing.
    pub(crate) fn inputs(&self, listener: &ManifestListener, manifests: &Manifests) -> Inputs {
        let ManifestListener { namespace, name, generation, spec, file: _ } = listener;
        let secrets = spec.secret_references().into_iter().map(|(_, secret)| (&secret.name, &secret.key));
        let config_maps = spec.config_map_references().into_iter().map(|(_, map)| (&map.name, &map.key));
        let secrets = pick(namespace, secrets, &manifests.secrets);
        let config_maps = pick(namespace, config_maps, &manifests.config_maps);
        let tokens = spec.whole_secrets().into_iter().flat_map(|(_, secret)| {
            let of = move |at: &&KeyOf| at.0 == *namespace && at.1 == secret;
            manifests
                .secrets
                .iter()
                .filter(move |(at, _)| of(at))
                .map(|(at, value)| (at.2.clone(), value.clone()))
        });
        let tokens = tokens.collect();
        let configuration = Configuration {
            version: ConfigurationVersion::V1,
            namespace: namespace.clone(),
            name: name.clone(),
            generation: *generation,
            public_url: self.public_url(namespace, name, spec),
            allowed_addresses: self.allowed_addresses.clone(),
            saves_settings: false,
            spec: spec.clone(),
        };
        Inputs { configuration, secrets, config_maps, tokens }
    }

    fn public_url(&self, namespace: &str, name: &str, spec: &HubSpotListenerSpec) -> String {
        let path = spec.url.path.clone().unwrap_or_else(|| format!("/{namespace}/{name}"));
        format!("{}{path}", self.public_base.trim_end_matches('/'))
    }
}

/// The values of one namespace that are asked for, by name and key.
fn pick<'a, V: Clone>(
    namespace: &str,
    wanted: impl Iterator<Item = (&'a String, &'a String)>,
    all: &BTreeMap<KeyOf, V>,
) -> BTreeMap<(String, String), V> {
    let found = |(name, key): (&String, &String)| {
        let value = all.get(&(namespace.to_owned(), name.clone(), key.clone()))?;
        Some(((name.clone(), key.clone()), value.clone()))
    };
    wanted.filter_map(found).collect()
}

/// A mistake with its place in front of its field.
fn placed(mistake: &ManifestMistake) -> Refusal {
    let ManifestMistake { file, line, column, field, reason, remedy, severity: _ } = mistake;
    let place = format!("{file}:{line}:{column}");
    let field = if field.is_empty() { place } else { format!("{place}: {field}") };
    Refusal::new(field, reason.clone(), remedy.clone())
}
