//! How a listener in a cluster is named.

use std::fmt;
use std::str::FromStr;

/// `name` or `namespace/name`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::cli) struct Name {
    pub(in crate::cli) namespace: Option<String>,
    pub(in crate::cli) name: String,
}

impl FromStr for Name {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (namespace, name) = match text.split_once('/') {
            Some((namespace, name)) => (Some(namespace), name),
            None => (None, text),
        };
        if !namespace.is_none_or(is_label) || !is_label(name) {
            return Err("write NAMESPACE/NAME, such as sales/contacts, or NAME".to_owned());
        }
        Ok(Self { namespace: namespace.map(str::to_owned), name: name.to_owned() })
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(namespace) = &self.namespace {
            write!(f, "{namespace}/")?;
        }
        f.write_str(&self.name)
    }
}

/// Whether a namespace or a listener can be called so (RFC 1123 label).
pub(super) fn is_label(text: &str) -> bool {
    (1..=63).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
        && !text.starts_with('-')
        && !text.ends_with('-')
}
