//! What the chapters share: names, the manifest, ways to send and to look.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use tests::cluster::{Cluster, Exposed, Forward};
use tests::{Answer, Receiver, SECRET, eventually, get, hubspot_headers};

pub const SYSTEM: &str = "hubspot-system";
pub const TEAM: &str = "sales";
pub const NAME: &str = "contacts";
pub const RELEASE: &str = "hubspot-listener";
pub const HOST: &str = "hooks.example.com";
pub const TARGET: &str = "/sales/contacts";
pub const URL: &str = "https://hooks.example.com/sales/contacts";

/// A cluster and what happens on it.
pub struct Story<'a> {
    pub cluster: &'a Cluster,
    /// A destination outside of the cluster: it stays when the node is drained.
    outside: Receiver,
    exposed: Exposed,
}

impl<'a> Story<'a> {
    pub fn new(cluster: &'a Cluster) -> Self {
        let outside = Receiver::start();
        let exposed = cluster.expose(outside.address);
        Self { cluster, outside, exposed }
    }

    /// The address of a Service's port, from here.
    pub fn service(&self, name: &str, port: u16) -> Forward {
        let service = self.cluster.get(TEAM, "service", name).expect("the Service");
        self.cluster
            .forward(&format!("{}:{port}", service["spec"]["clusterIP"].as_str().expect("an address")))
    }

    /// The manifest, as a team would write it.
    pub fn manifest(&self) -> Value {
        let sink = self.cluster.get(TEAM, "service", "sink").expect("the destination");
        let sink = sink["spec"]["clusterIP"].as_str().expect("an address").to_owned();
        json!({
            "apiVersion": "hubspot-listener.dev/v1alpha1",
            "kind": "HubSpotListener",
            "metadata": {"name": NAME, "namespace": TEAM},
            "spec": {
                "displayName": "Contacts from HubSpot",
                "clientSecrets": [{"name": "hubspot-app", "key": "clientSecret"}],
                "response": {"statusCode": 200, "body": r#"{"region":"{{settings.integration.region}}"}"#},
                "page": {"size": 20, "lingerMilliseconds": 0},
                "destinations": [
                    {"name": "warehouse", "http": {"url": format!("http://{sink}/")}},
                    {"name": "outside", "http": {"url": format!("http://{}/", self.exposed.address)}},
                ],
                "settingsFrom": [
                    {"scope": "integration", "configMapKeyRef": {"name": "crm-integration", "key": "settings.json"}},
                ],
                "storage": {"embedded": {"size": "1Gi"}},
                "desk": {"tokens": {"secretName": "desk"}},
            },
        })
    }

    /// Applies what a manifest says after a change.
    #[track_caller]
    pub fn change(&self, change: impl FnOnce(&mut Value)) {
        let mut manifest = self.manifest();
        change(&mut manifest["spec"]);
        self.cluster.apply(&manifest.to_string());
    }

    /// The listener's status, once `fits` holds for it.
    #[track_caller]
    pub fn status(&self, seconds: u64, what: &str, fits: impl Fn(&Value) -> bool) -> Value {
        let mut last = Value::Null;
        let deadline = std::time::Instant::now() + std::time::Duration::from_secs(seconds);
        while std::time::Instant::now() < deadline {
            if let Some(listener) = self.cluster.get(TEAM, "hubspotlistener", NAME) {
                last = listener["status"].clone();
                if fits(&last) {
                    return last;
                }
            }
            std::thread::sleep(std::time::Duration::from_millis(300));
        }
        let operator = self.cluster.kubectl(&[
            "logs",
            "-n",
            SYSTEM,
            "-l",
            "app.kubernetes.io/name=hubspot-listener-operator",
            "--tail=30",
        ]);
        let pods = self.cluster.kubectl(&["get", "pods", "-A", "-o", "wide"]);
        panic!("not after {seconds} s: {what}\n{last:#}\n{}\n{}", pods.stdout, operator.stdout);
    }

    /// The condition of a type: status, reason, message.
    pub fn condition(status: &Value, kind: &str) -> (String, String, String) {
        let all = status["conditions"].as_array().cloned().unwrap_or_default();
        let found = all.into_iter().find(|condition| condition["type"] == kind).unwrap_or_default();
        let text = |name: &str| found[name].as_str().unwrap_or_default().to_owned();
        (text("status"), text("reason"), text("message"))
    }

    /// Whether a condition is what is said.
    pub fn is(status: &Value, kind: &str, wanted: &str, reason: &str) -> bool {
        let (status, found, _) = Self::condition(status, kind);
        status == wanted && found == reason
    }

    /// The pod of the listener that is not on its way out.
    pub fn pod(&self) -> Option<Value> {
        let label = format!("hubspot-listener.dev/listener={NAME}");
        let pods = self.cluster.kubectl(&["get", "pods", "-n", TEAM, "-l", &label, "-o", "json"]).ok();
        let pods: Value = serde_json::from_str(&pods).expect("JSON");
        let live = |pod: &&Value| pod["metadata"]["deletionTimestamp"].is_null();
        pods["items"].as_array()?.iter().find(live).cloned()
    }

    /// The pod's uid and how often its container was started again.
    pub fn life(&self) -> (String, i64) {
        let pod = self.pod().expect("a pod");
        let restarts = pod["status"]["containerStatuses"][0]["restartCount"].as_i64().expect("a count");
        (pod["metadata"]["uid"].as_str().expect("a uid").to_owned(), restarts)
    }

    /// Sends one signed event through the ingress.
    pub fn through_ingress(&self, secret: &str, event: &str) -> Option<Answer> {
        let body = format!("[{event}]");
        let mut request = format!("POST {TARGET} HTTP/1.1\r\nhost: {HOST}\r\nconnection: close\r\n");
        for (name, value) in hubspot_headers(secret, URL, body.as_bytes()) {
            request.push_str(&format!("{name}: {value}\r\n"));
        }
        request.push_str(&format!("content-length: {}\r\n\r\n{body}", body.len()));
        tests::send_raw(self.cluster.ingress(), request.as_bytes()).ok()
    }

    /// Every record that the destination outside took.
    pub fn delivered_outside(&self) -> BTreeSet<String> {
        self.outside.records().into_iter().collect()
    }

    /// Every record that the destination's Pod took.
    pub fn delivered(&self) -> BTreeSet<String> {
        let sink = self.service("sink", 80);
        let answer = eventually(30, "the destination's list", || get(sink.address, "/records").ok());
        answer.text().lines().map(str::to_owned).collect()
    }
}

/// An event of a number, as the destination gets it.
pub fn event(number: u64) -> String {
    format!(
        r#"{{"eventId":{number},"subscriptionType":"contact.creation","portalId":62515,"objectId":{number}}}"#
    )
}

/// The secret that the listener begins with.
pub fn first_secret() -> &'static str {
    SECRET
}

impl Story<'_> {
    /// [`life`](Self::life) of a pod that is Ready.
    pub fn life_if_ready(&self) -> Option<(String, i64)> {
        let pod = self.pod()?;
        let conditions = pod["status"]["conditions"].as_array()?;
        let ready = conditions.iter().any(|one| one["type"] == "Ready" && one["status"] == "True");
        ready.then(|| self.life())
    }

    /// Names of the operator's pods.
    pub fn operator_pods(&self) -> BTreeSet<String> {
        let label = "app.kubernetes.io/name=hubspot-listener-operator";
        let pods = self.cluster.kubectl(&["get", "pods", "-n", SYSTEM, "-l", label, "-o", "name"]).ok();
        pods.lines().map(str::to_owned).collect()
    }
}
