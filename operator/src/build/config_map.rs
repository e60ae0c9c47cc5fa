//! The ConfigMap that holds the configuration file.

use k8s_openapi::api::core::v1::ConfigMap;

use super::{metadata, names};
use crate::validate::Validated;

/// One key, the file's name. It holds no secret: those are named, never copied.
pub(super) fn build(validated: &Validated) -> ConfigMap {
    ConfigMap {
        metadata: metadata::of(validated),
        data: Some([(names::CONFIGURATION_KEY.to_owned(), text(&validated.configuration))].into()),
        ..ConfigMap::default()
    }
}

/// The file: JSON with sorted members, so that the same configuration is the same text.
pub(crate) fn text(configuration: &crds::Configuration) -> String {
    // Members are texts and numbers that came from JSON, so it is always JSON again. If not, the
    // empty text is refused by the listener, and the last good configuration stays live.
    let Ok(mut value) = serde_json::to_value(configuration) else { return String::new() };
    value.sort_all_objects();
    let mut text = serde_json::to_string_pretty(&value).unwrap_or_default();
    text.push('\n');
    text
}
