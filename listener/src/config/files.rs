//! The configuration file in a cluster, with Secrets and ConfigMaps mounted as files.

use std::collections::BTreeMap;
use std::path::{Component, Path, PathBuf};

use crds::Configuration;
use secrecy::SecretString;

use super::source::{Inputs, Reading, Refused, Source};
use crate::verify::secret;

/// A mounted file is a ConfigMap's or a Secret's; neither may be larger.
const MAX_FILE_BYTES: u64 = 4 * 1024 * 1024;

/// Keys of a Secret that is read whole. More tokens than people who work on one listener.
const MAX_KEYS: usize = 256;

/// `listener serve`: one configuration file, one directory each for Secrets and ConfigMaps.
#[derive(Clone, Debug)]
pub struct ConfigurationFiles {
    /// The configuration file.
    pub configuration: PathBuf,
    /// Holds `<name>/<key>` for each key of a Secret.
    pub secrets: PathBuf,
    /// Holds `<name>/<key>` for each key of a ConfigMap.
    pub config_maps: PathBuf,
}

impl Source for ConfigurationFiles {
    fn read(&self) -> Result<Reading, Refused> {
        let text = read_text(&self.configuration)
            .map_err(|reason| Refused::one("configuration", reason, "check the path given with --config"))?;
        let configuration = Configuration::parse(&text).map_err(|error| {
            let reason = format!("line {}, column {}: {}", error.line, error.column, error.reason);
            Refused::one(&error.field, reason, format!("mend {}", self.configuration.display()))
        })?;

        let mut secrets = BTreeMap::new();
        for (_, reference) in configuration.spec.secret_references() {
            let Some(path) = inside(&self.secrets, &reference.name, &reference.key) else { continue };
            if let Ok(value) = secret::read(&path) {
                secrets.insert((reference.name.clone(), reference.key.clone()), value);
            }
        }
        let mut config_maps = BTreeMap::new();
        for (_, reference) in configuration.spec.config_map_references() {
            let Some(path) = inside(&self.config_maps, &reference.name, &reference.key) else { continue };
            if let Ok(value) = read_text(&path) {
                config_maps.insert((reference.name.clone(), reference.key.clone()), value);
            }
        }
        let whole = configuration.spec.whole_secrets();
        let tokens = whole.into_iter().flat_map(|(_, name)| keys(&self.secrets, name)).collect();
        Ok(Reading { listeners: vec![Inputs { configuration, secrets, config_maps, tokens }] })
    }
}

/// Every key of a Secret, at most [`MAX_KEYS`]; what cannot be read is empty, so that it is told.
/// The kubelet keeps its own links beside them, under names that begin with `..`.
fn keys(directory: &Path, name: &str) -> BTreeMap<String, SecretString> {
    let Some(entries) =
        inside(directory, name, "key").and_then(|path| std::fs::read_dir(path.parent()?).ok())
    else {
        return BTreeMap::new();
    };
    let names = entries.flatten().filter_map(|entry| entry.file_name().into_string().ok());
    let names = names.filter(|key| !key.starts_with("..")).take(MAX_KEYS);
    let read = |key: String| {
        let value = secret::read(&inside(directory, name, &key)?).unwrap_or_else(|_| SecretString::from(""));
        Some((key, value))
    };
    names.filter_map(read).collect()
}

/// `directory/name/key`, where name and key are plain names and lead nowhere else.
fn inside(directory: &Path, name: &str, key: &str) -> Option<PathBuf> {
    let plain = |part: &str| {
        let mut components = Path::new(part).components();
        matches!((components.next(), components.next()), (Some(Component::Normal(_)), None))
    };
    (plain(name) && plain(key)).then(|| directory.join(name).join(key))
}

fn read_text(path: &Path) -> Result<String, String> {
    let describe = |error: std::io::Error| format!("cannot read {}: {error}", path.display());
    let length = std::fs::metadata(path).map_err(describe)?.len();
    if length > MAX_FILE_BYTES {
        return Err(format!("{} has {length} bytes, more than {MAX_FILE_BYTES}", path.display()));
    }
    std::fs::read_to_string(path).map_err(describe)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reference_never_leads_out_of_its_directory() {
        let directory = Path::new("/secrets");
        assert_eq!(inside(directory, "app", "key"), Some(PathBuf::from("/secrets/app/key")));
        for (name, key) in [("..", "key"), ("app", "../x"), ("/etc", "passwd"), ("", "key"), ("a/b", "c")] {
            assert_eq!(inside(directory, name, key), None, "{name}/{key}");
        }
    }
}
