//! Wanted settings against the listener as it stands. Pure.

use std::sync::Arc;

use crds::HubSpotListener;
use crds::saving::{Fetched, MAX_SETTINGS_BYTES, Settled};
use serde_json::{Map, Value};

/// What is to be done.
#[derive(Debug)]
pub(super) enum Judged {
    /// Nothing yet: the cache is behind what the page showed.
    Later,
    /// Nothing more.
    Settled(Settled),
    /// The listener as it would be.
    New(Arc<HubSpotListener>),
}

pub(super) fn judge(listener: &HubSpotListener, fetched: &Fetched) -> Judged {
    let refused = |reason: String| Judged::Settled(Settled::Refused { reason });
    if fetched.settings.len() > MAX_SETTINGS_BYTES {
        return refused(format!("the settings have more than {MAX_SETTINGS_BYTES} bytes; make them smaller"));
    }
    let settings: Map<String, Value> = match serde_json::from_str(&fetched.settings) {
        Ok(settings) => settings,
        Err(error) => {
            return refused(format!("the settings are no JSON object: {error}; write one, such as {{}}"));
        }
    };
    let generation = listener.metadata.generation.unwrap_or_default();
    if generation < fetched.generation {
        return Judged::Later;
    }
    if listener.spec.settings == settings {
        return Judged::Settled(Settled::Applied { generation });
    }
    if generation > fetched.generation {
        return refused(format!(
            "the listener was changed meanwhile: it is of generation {generation}, the page showed {}; load \
             the page again when it shows the newer one",
            fetched.generation
        ));
    }
    let mut changed = listener.clone();
    changed.spec.settings = settings;
    Judged::New(Arc::new(changed))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn listener(generation: i64) -> HubSpotListener {
        serde_json::from_value(json!({
            "apiVersion": "hubspot-listener.dev/v1alpha1", "kind": "HubSpotListener",
            "metadata": {"name": "contacts", "namespace": "sales", "generation": generation},
            "spec": {"displayName": "Contacts", "clientSecrets": [{"name": "a", "key": "b"}],
                     "destinations": [{"name": "audit", "log": {}}], "settings": {"region": "eu"}},
        }))
        .unwrap()
    }

    fn judged(generation: i64, settings: &str) -> Judged {
        let fetched = Fetched { generation: 4, settings: settings.to_owned(), proof: String::new() };
        judge(&listener(generation), &fetched)
    }

    #[test]
    fn new_settings_take_the_place_of_the_old_ones_as_a_whole() {
        let Judged::New(changed) = judged(4, r#"{"owner":"crm"}"#) else { panic!() };
        assert_eq!(Value::Object(changed.spec.settings.clone()), json!({"owner": "crm"}));
        assert_eq!(changed.spec.display_name, "Contacts");
    }

    #[test]
    fn a_listener_that_was_changed_meanwhile_is_not_overwritten() {
        let Judged::Settled(Settled::Refused { reason }) = judged(5, "{}") else { panic!() };
        assert!(reason.contains("generation 5, the page showed 4"), "{reason}");
        assert!(matches!(judged(3, "{}"), Judged::Later));
    }

    #[test]
    fn what_stands_already_is_applied() {
        let standing = judged(5, r#"{"region":"eu"}"#);
        assert!(matches!(standing, Judged::Settled(Settled::Applied { generation: 5 })), "{standing:?}");
    }

    #[test]
    fn what_is_no_object_or_too_large_is_refused() {
        let large = format!("{{\"a\":\"{}\"}}", "x".repeat(MAX_SETTINGS_BYTES));
        for (settings, expected) in [("[]", "no JSON object"), ("", "no JSON object"), (&large, "more than")]
        {
            let Judged::Settled(Settled::Refused { reason }) = judged(4, settings) else { panic!() };
            assert!(reason.contains(expected), "{reason}");
        }
    }
}
