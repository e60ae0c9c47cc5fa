//! What the tests of the pure steps begin with.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use clap::Parser;
use crds::HubSpotListener;

use crate::observed::Observed;
use crate::options::Defaults;

/// The least that a manifest says.
pub(crate) const SMALL: &str = "
apiVersion: hubspot-listener.dev/v1alpha1
kind: HubSpotListener
metadata: {name: contacts, namespace: sales, uid: 6c1d2f1e-0000-4000-8000-000000000001, generation: 3}
spec:
  displayName: Contacts
  clientSecrets: [{name: hubspot-app, key: clientSecret}]
  destinations: [{name: audit, log: {}}]
";

/// About all that a manifest can say.
pub(crate) const FULL: &str = r#"
apiVersion: hubspot-listener.dev/v1alpha1
kind: HubSpotListener
metadata: {name: contacts, namespace: sales, uid: 6c1d2f1e-0000-4000-8000-000000000001, generation: 7}
spec:
  displayName: Contacts from HubSpot
  description: New and changed contacts, for the warehouse and the mailer
  clientSecrets:
  - {name: hubspot-app, key: clientSecret}
  - {name: hubspot-app, key: oldClientSecret}
  url:
    host: hooks.example.com
    path: /sales/contacts-v2
    ingress:
      className: nginx
      annotations: {nginx.ingress.kubernetes.io/proxy-body-size: 8m}
      tls: {secretName: hooks-tls}
  response: {statusCode: 200, mediaType: json, body: '{"received":{{count}}}'}
  filter: 'event.changeSource != "INTEGRATION"'
  destinations:
  - name: warehouse
    filter: 'event.subscriptionType.startsWith("contact.")'
    http:
      url: https://warehouse.example.com/hubspot
      headers: [{name: authorization, valueFrom: {secretKeyRef: {name: warehouse.token, key: token}}}]
  - {name: audit, log: {}}
  traceKeyTemplate: '{{join "_" portalId objectId}}'
  settings: {zone: b, region: eu}
  settingsFrom: [{scope: integration, configMapKeyRef: {name: crm-integration, key: settings.json}}]
  storage: {embedded: {size: 20Gi, storageClassName: fast}, retention: {errorDays: 60}}
  resources: {requests: {cpu: 250m, memory: 256Mi}, limits: {memory: 512Mi}}
  podTemplate:
    labels: {team: sales}
    annotations: {cluster-autoscaler.kubernetes.io/safe-to-evict: "false"}
    nodeSelector: {disk: ssd}
    tolerations: [{key: hooks, operator: Exists}]
    priorityClassName: important
    topologySpreadConstraints: [{maxSkew: 1, topologyKey: zone, whenUnsatisfiable: ScheduleAnyway}]
    imagePullSecrets: [{name: registry}]
"#;

/// The resource of a manifest.
pub(crate) fn listener(yaml: &str) -> HubSpotListener {
    let value: serde_json::Value = serde_yaml::from_str(yaml).unwrap();
    serde_json::from_value(value).unwrap()
}

/// All is there that the manifest names, and nothing else.
pub(crate) fn observed(yaml: &str) -> Observed {
    let listener = listener(yaml);
    let mut secrets = BTreeMap::new();
    for (_, reference) in listener.spec.secret_references() {
        let keys: &mut Option<BTreeSet<String>> =
            secrets.entry(reference.name.clone()).or_insert_with(|| Some(BTreeSet::new()));
        keys.as_mut().unwrap().insert(reference.key.clone());
    }
    for (_, name) in listener.spec.whole_secrets() {
        secrets.entry(name.to_owned()).or_insert_with(|| Some(BTreeSet::new()));
    }
    let mut config_maps = BTreeMap::new();
    for (_, reference) in listener.spec.config_map_references() {
        let data: &mut Option<BTreeMap<String, String>> =
            config_maps.entry(reference.name.clone()).or_insert_with(|| Some(BTreeMap::new()));
        data.as_mut().unwrap().insert(reference.key.clone(), r#"{"owner":"crm"}"#.to_owned());
    }
    Observed {
        listener: Arc::new(listener),
        secrets,
        config_maps,
        url_holder: None,
        claim: None,
        deployment: None,
        foreign: Vec::new(),
        pods: Vec::new(),
    }
}

/// The defaults of an operator that was started with `flags`.
pub(crate) fn defaults(flags: &[&str]) -> Defaults {
    #[derive(Debug, Parser)]
    struct Cli {
        #[command(flatten)]
        defaults: Defaults,
    }
    let given = ["operator", "--listener-image=registry.example.com/listener:1.0.0"];
    Cli::parse_from(given.iter().chain(flags)).defaults
}

/// Those of an operator with a default host.
pub(crate) fn with_host() -> Defaults {
    defaults(&["--default-host=hooks.example.com"])
}
