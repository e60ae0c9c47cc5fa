//! The one write of the operator to the spec of a listener.

use crds::HubSpotListener;
use crds::saving::Settled;
use http::{Method, Request};
use kube::{Client, Resource, ResourceExt};
use serde_json::{Map, Value, json};

use crate::run::said::said;

/// Field manager of settings that were saved from a web page: not the operator's own, so that the managed fields
/// of the resource, and the conflict of a server-side apply, say where they come from.
pub(super) const FIELD_MANAGER: &str = "hubspot-listener-desk";

/// Puts `settings` in the place of the listener's, if it is still the same and of the same generation. An error
/// is a reason to try again later.
pub(super) async fn patch(
    client: &Client,
    listener: &HubSpotListener,
    settings: &Map<String, Value>,
) -> Result<Settled, String> {
    let request = request(listener, settings).map_err(|error| error.to_string())?;
    match client.request::<Value>(request).await {
        Ok(object) => {
            let generation = object["metadata"]["generation"].as_i64().unwrap_or_default();
            Ok(Settled::Applied { generation })
        }
        Err(kube::Error::Api(status)) if (400..500).contains(&status.code) && status.code != 429 => {
            let reason = match status.code {
                403 => format!(
                    "the operator may not change listeners: {}; settings.allowFromPage of its chart gives the right",
                    status.message
                ),
                404 => "the listener is gone".to_owned(),
                _ => format!(
                    "the API server refuses it: {}; load the page again, and correct what it names",
                    status.message
                ),
            };
            Ok(Settled::Refused { reason })
        }
        Err(error) => Err(said(&error)),
    }
}

fn request(
    listener: &HubSpotListener,
    settings: &Map<String, Value>,
) -> Result<Request<Vec<u8>>, Box<dyn std::error::Error + Send + Sync>> {
    let namespace = listener.namespace().unwrap_or_default();
    let collection = HubSpotListener::url_path(&(), Some(&namespace));
    let mut patch = crds::saving::patch(listener.metadata.generation.unwrap_or_default(), settings);
    if let Some(operations) = patch.as_array_mut() {
        // A listener that was deleted and made anew has its own generations.
        operations.insert(0, json!({"op": "test", "path": "/metadata/uid", "value": listener.metadata.uid}));
    }
    let request = Request::builder()
        .method(Method::PATCH)
        .uri(format!("{collection}/{}?fieldManager={FIELD_MANAGER}", listener.name_any()))
        .header(http::header::CONTENT_TYPE, "application/json-patch+json")
        .body(serde_json::to_vec(&patch)?)?;
    Ok(request)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_patch_tests_who_it_is_for_and_changes_settings_alone() {
        let listener: HubSpotListener = serde_json::from_value(json!({
            "apiVersion": "hubspot-listener.dev/v1alpha1", "kind": "HubSpotListener",
            "metadata": {"name": "contacts", "namespace": "sales", "generation": 4, "uid": "u-1"},
            "spec": {"displayName": "Contacts", "clientSecrets": [], "destinations": []},
        }))
        .unwrap();
        let request = request(&listener, json!({"region": "us"}).as_object().unwrap()).unwrap();
        assert_eq!(
            request.uri(),
            "/apis/hubspot-listener.dev/v1alpha1/namespaces/sales/hubspotlisteners/contacts?fieldManager=hubspot-listener-desk"
        );
        let body: Value = serde_json::from_slice(request.body()).unwrap();
        assert_eq!(
            body,
            json!([
                {"op": "test", "path": "/metadata/uid", "value": "u-1"},
                {"op": "test", "path": "/metadata/generation", "value": 4},
                {"op": "add", "path": "/spec/settings", "value": {"region": "us"}},
            ])
        );
    }
}
