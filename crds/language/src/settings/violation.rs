//! A place in the settings that the schema does not take, and how it is told.

use std::borrow::Cow;

use crds::HubSpotListenerSpec;
use crds::check::Refusal;
use jsonschema::ValidationError;
use jsonschema::error::ValidationErrorKind;
use jsonschema::paths::{Location, LocationSegment};
use serde_json::Value;

use super::schema::brief;

/// What is wrong at one place. Never holds a value of the settings.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Violation {
    /// The first name on the path, which may be a scope.
    pub(super) first: Option<String>,
    /// `settings.integration.region`.
    pub(super) field: String,
    pub(super) reason: String,
    pub(super) kind: Kind,
    /// An object stands there, which more settings may still complete.
    pub(super) is_object: bool,
    /// It holds only as long as some other part of the settings is as it is (`then`, `else`, ...).
    pub(super) depends: bool,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Kind {
    /// A member is absent.
    Absent,
    /// Members that the schema does not know.
    Unknown(Vec<String>),
    Other,
}

impl Violation {
    pub(super) fn new(error: &ValidationError<'_>) -> Self {
        let path = error.instance_path();
        let mut field = format!("settings{}", dotted(path));
        let mut first = path.into_iter().next().map(|segment| segment.to_string());
        let (kind, reason) = match error.kind() {
            ValidationErrorKind::Required { property } => {
                let name = property.as_str().map_or_else(|| Cow::Owned(property.to_string()), Cow::Borrowed);
                field.push_str(&member(&name));
                first = first.or_else(|| Some(name.into_owned()));
                (Kind::Absent, "settingsSchema requires this member".to_owned())
            }
            ValidationErrorKind::AdditionalProperties { unexpected }
            | ValidationErrorKind::UnevaluatedProperties { unexpected } => {
                let reason = format!("settingsSchema has no member {}", brief(&unexpected.join(", ")));
                (Kind::Unknown(unexpected.clone()), reason)
            }
            _ => (Kind::Other, brief(&error.masked_with("the value").to_string())),
        };
        let conditional = [
            "then",
            "else",
            "dependentSchemas",
            "dependentRequired",
            "dependencies",
            "unevaluatedProperties",
        ];
        let depends = error.evaluation_path().into_iter().any(
            |segment| matches!(segment, LocationSegment::Property(name) if conditional.contains(&&*name)),
        );
        let is_object = matches!(error.instance().as_ref(), Value::Object(_));
        Self { first, field, reason, kind, is_object, depends }
    }

    /// Stands for further ones.
    pub(super) fn more(count: usize) -> Self {
        Self {
            first: None,
            field: "settings".to_owned(),
            reason: format!("settingsSchema does not take {count} more"),
            kind: Kind::Other,
            is_object: true,
            depends: false,
        }
    }

    /// With where to mend it.
    pub(super) fn refusal(&self, spec: &HubSpotListenerSpec) -> Refusal {
        let own = self.first.as_ref().is_some_and(|first| spec.settings.contains_key(first));
        let from = spec.settings_from.iter().find(|from| Some(&from.scope) == self.first.as_ref());
        let place = match from {
            Some(from) => {
                let reference = &from.config_map_key_ref;
                let both = if own { "spec.settings or in " } else { "" };
                format!("{both}key {} of ConfigMap {}", reference.key, reference.name)
            }
            None => "spec.settings".to_owned(),
        };
        let remedy = match &self.kind {
            Kind::Absent => format!("add it in {place}, or give it a default in spec.settingsSchema"),
            Kind::Unknown(_) => {
                format!("remove it from {place}, correct its name, or add it to spec.settingsSchema")
            }
            Kind::Other => format!("correct it in {place}, or change spec.settingsSchema"),
        };
        Refusal::new(self.field.clone(), self.reason.clone(), remedy)
    }
}

/// `.integration.list[0]`
pub(super) fn dotted(path: &Location) -> String {
    path.into_iter()
        .map(|segment| match segment {
            LocationSegment::Property(name) => member(&name),
            LocationSegment::Index(at) => format!("[{at}]"),
        })
        .collect()
}

/// `.name`, or `["odd name"]`.
pub(super) fn member(name: &str) -> String {
    let plain = !name.is_empty()
        && name
            .chars()
            .all(|letter| letter.is_alphanumeric() || matches!(letter, '_' | '-' | '$' | '@' | '/'));
    if plain { format!(".{name}") } else { format!("[{}]", Value::from(brief(name))) }
}
