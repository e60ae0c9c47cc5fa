//! The conditions in `status.conditions`, and the reasons they give.
//!
//! A condition that is not True gives a [`Reason`], and its message ends with what to do.
//! Reasons are also labels of metrics, so they never change once published.

use std::fmt;

/// Type of a condition.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Type {
    /// The manifest is understood and can be carried out.
    Accepted,
    /// Every Secret and `ConfigMap` that the manifest names is there.
    ResolvedRefs,
    /// The cluster holds what the manifest asks for.
    Programmed,
    /// At least one pod answers on the URL.
    Ready,
}

impl Type {
    /// All of them, in the order in which they become True.
    pub const ALL: [Self; 4] = [Self::Accepted, Self::ResolvedRefs, Self::Programmed, Self::Ready];

    /// As it stands in the status.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Accepted => "Accepted",
            Self::ResolvedRefs => "ResolvedRefs",
            Self::Programmed => "Programmed",
            Self::Ready => "Ready",
        }
    }
}

impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Why a condition is what it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Reason {
    /// Accepted is True.
    Accepted,
    /// Accepted is False: the spec says something that cannot be.
    InvalidManifest,
    /// Accepted is False: a template does not compile.
    InvalidTemplate,
    /// Accepted is False: a filter does not compile.
    InvalidFilter,
    /// Accepted is False: another listener, an older one, has this URL.
    UrlConflict,
    /// Accepted is False: an object that is not this listener's has the name that a child would have.
    NameTaken,
    /// Accepted is False: neither the spec nor the operator names a host.
    HostMissing,
    /// `ResolvedRefs` is True.
    ResolvedRefs,
    /// `ResolvedRefs` is False: there is no such Secret.
    SecretNotFound,
    /// `ResolvedRefs` is False: the Secret is there and has no such key.
    SecretKeyNotFound,
    /// `ResolvedRefs` is False: there is no such `ConfigMap`.
    ConfigMapNotFound,
    /// `ResolvedRefs` is False: the `ConfigMap` is there and has no such key.
    ConfigMapKeyNotFound,
    /// `ResolvedRefs` is False: a `ConfigMap`'s key holds no JSON object.
    SettingsInvalid,
    /// Accepted is False: `settingsSchema` is no JSON Schema, or one that is not offered.
    InvalidSettingsSchema,
    /// Accepted is False: the settings, shared ones included, are not as `settingsSchema` says.
    SettingsAgainstSchema,
    /// Programmed is True.
    Programmed,
    /// Programmed is False: the cluster refused what the operator applied.
    ApplyFailed,
    /// Programmed or Ready is False or Unknown: it is under way.
    Progressing,
    /// Ready is True.
    Ready,
    /// Ready is False: no pod is ready.
    NotReady,
    /// Ready is False: the listener's store cannot write.
    StoreUnavailable,
    /// Ready is True or False: the newest configuration was not taken, by the operator or by a pod;
    /// where Ready is True the pods run by the last good one.
    ConfigurationRefused,
    /// A condition is Unknown: what it depends on is not so far.
    Pending,
}

impl Reason {
    /// All of them.
    pub const ALL: [Self; 23] = [
        Self::Accepted,
        Self::InvalidManifest,
        Self::InvalidTemplate,
        Self::InvalidFilter,
        Self::UrlConflict,
        Self::NameTaken,
        Self::HostMissing,
        Self::ResolvedRefs,
        Self::SecretNotFound,
        Self::SecretKeyNotFound,
        Self::ConfigMapNotFound,
        Self::ConfigMapKeyNotFound,
        Self::SettingsInvalid,
        Self::InvalidSettingsSchema,
        Self::SettingsAgainstSchema,
        Self::Programmed,
        Self::ApplyFailed,
        Self::Progressing,
        Self::Ready,
        Self::NotReady,
        Self::StoreUnavailable,
        Self::ConfigurationRefused,
        Self::Pending,
    ];

    /// As it stands in the status.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Accepted => "Accepted",
            Self::InvalidManifest => "InvalidManifest",
            Self::InvalidTemplate => "InvalidTemplate",
            Self::InvalidFilter => "InvalidFilter",
            Self::UrlConflict => "UrlConflict",
            Self::NameTaken => "NameTaken",
            Self::HostMissing => "HostMissing",
            Self::ResolvedRefs => "ResolvedRefs",
            Self::SecretNotFound => "SecretNotFound",
            Self::SecretKeyNotFound => "SecretKeyNotFound",
            Self::ConfigMapNotFound => "ConfigMapNotFound",
            Self::ConfigMapKeyNotFound => "ConfigMapKeyNotFound",
            Self::SettingsInvalid => "SettingsInvalid",
            Self::InvalidSettingsSchema => "InvalidSettingsSchema",
            Self::SettingsAgainstSchema => "SettingsAgainstSchema",
            Self::Programmed => "Programmed",
            Self::ApplyFailed => "ApplyFailed",
            Self::Progressing => "Progressing",
            Self::Ready => "Ready",
            Self::NotReady => "NotReady",
            Self::StoreUnavailable => "StoreUnavailable",
            Self::ConfigurationRefused => "ConfigurationRefused",
            Self::Pending => "Pending",
        }
    }

    /// What to do about it, for the end of a message; none where nothing is to be done.
    pub fn remedy(self) -> Option<&'static str> {
        match self {
            Self::Accepted | Self::ResolvedRefs | Self::Programmed | Self::Ready => None,
            Self::InvalidManifest => {
                Some("correct the field that the message names and apply the manifest again")
            }
            Self::InvalidTemplate => {
                Some("correct the template at the line and column that the message names")
            }
            Self::InvalidFilter => {
                Some("correct the CEL expression at the line and column that the message names")
            }
            Self::UrlConflict => Some(
                "give this listener another spec.url.path, or delete the listener that the message names",
            ),
            Self::NameTaken => {
                Some("give this listener another name, or remove the object that the message names")
            }
            Self::HostMissing => Some("set spec.url.host, or give the operator a default host"),
            Self::SecretNotFound => {
                Some("create the Secret in the listener's namespace, or correct its name")
            }
            Self::SecretKeyNotFound => Some("add the key to the Secret, or correct the key in the manifest"),
            Self::ConfigMapNotFound => {
                Some("create the ConfigMap in the listener's namespace, or correct its name")
            }
            Self::ConfigMapKeyNotFound => {
                Some("add the key to the ConfigMap, or correct the key in the manifest")
            }
            Self::SettingsInvalid => Some("write a JSON object under the key that the message names"),
            Self::InvalidSettingsSchema => {
                Some("correct spec.settingsSchema at the place that the message names")
            }
            Self::SettingsAgainstSchema => {
                Some("correct the setting that the message names, in spec.settings or in its ConfigMap")
            }
            Self::ApplyFailed => {
                Some("read the message: a right, a quota or a policy of the cluster is in the way")
            }
            Self::Progressing | Self::Pending => Some("wait; if it stays, look at the other conditions"),
            Self::NotReady => Some("look at the listener's pods with kubectl describe pod"),
            Self::StoreUnavailable => Some("give the volume more space, or bring the database back"),
            Self::ConfigurationRefused => Some(
                "read the message and correct the manifest; until then the last good configuration stays live",
            ),
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_is_a_word_that_the_api_server_takes_and_stands_once() {
        let mut seen = std::collections::BTreeSet::new();
        for reason in Reason::ALL {
            let word = reason.as_str();
            assert!(word.chars().all(|c| c.is_ascii_alphanumeric()), "{word}");
            assert_eq!(word, format!("{reason:?}"));
            assert!(seen.insert(word), "{word} stands twice");
        }
    }

    #[test]
    fn every_reason_that_is_not_good_news_has_a_remedy() {
        let silent: Vec<_> = Reason::ALL.into_iter().filter(|reason| reason.remedy().is_none()).collect();
        assert_eq!(silent, [Reason::Accepted, Reason::ResolvedRefs, Reason::Programmed, Reason::Ready]);
    }
}
