//! Three replicas of a second listener on a real PostgreSQL, which runs outside of the cluster.

use std::time::Duration;

use postgres_server::Server;
use serde_json::{Value, json};
use tests::eventually;

use super::load::{Load, Outcome, send_to};
use super::story::{Story, TEAM, first_secret};

const NAME: &str = "orders";
const TARGET: &str = "/sales/orders";
const LABEL: &str = "hubspot-listener.dev/listener=orders";

pub fn replicas(story: &Story<'_>) {
    let server = Server::start();
    let exposed = story.cluster.expose(server.address());
    let url = server.database_through(exposed.address);
    let secret = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "orders-db", "namespace": TEAM},
        "stringData": {"url": url}});
    story.cluster.apply(&secret.to_string());
    apply(story, |spec| spec["replicas"] = json!(3));
    status(story, 180, "three replicas are Ready", |status| {
        status["readyReplicas"] == 3 && Story::is(status, "Ready", "True", "Ready")
    });
    let address = story.service(NAME, 80).address;
    eventually(60, "it answers", || {
        (send_to(address, first_secret(), TARGET).1.ok()?.0 == 200).then_some(())
    });

    rolling_update(story, address);
    killed_pods(story, address);
    autoscaled(story);

    story.cluster.kubectl(&["delete", "hubspotlistener", NAME, "-n", TEAM]).ok();
    story.cluster.wait_until(120, "the pods are gone", || names(story, "pods").is_empty().then_some(()));
}

/// Each pod is replaced; nothing is answered differently meanwhile.
fn rolling_update(story: &Story<'_>, address: std::net::SocketAddr) {
    let before = names(story, "pods");
    let load = Load::to(address, first_secret(), TARGET);
    apply(story, |spec| {
        spec["replicas"] = json!(3);
        spec["podTemplate"] = json!({"annotations": {"example.com/why": "a rolling update"}});
    });
    story.cluster.wait_until(240, "three other pods are Ready", || {
        let after = names(story, "pods");
        let ready = status_now(story)["readyReplicas"] == 3;
        (ready && after.len() == 3 && after.iter().all(|name| !before.contains(name))).then_some(())
    });
    std::thread::sleep(Duration::from_secs(1));
    let outcome = load.stop();
    assert!(outcome.others.is_empty(), "a rolling update refuses nothing: {:?}", outcome.others);
    assert!(outcome.acknowledged.len() > 50, "{}", outcome.acknowledged.len());
    all_delivered(story, &outcome);
}

/// One pod after the other is killed at once, without a word to it.
fn killed_pods(story: &Story<'_>, address: std::net::SocketAddr) {
    let load = Load::to(address, first_secret(), TARGET);
    for _ in 0..3 {
        std::thread::sleep(Duration::from_secs(2));
        let pod = names(story, "pods").into_iter().next().expect("a pod");
        story.cluster.kubectl(&["delete", &pod, "-n", TEAM, "--grace-period=0", "--force"]).ok();
    }
    status(story, 180, "three replicas are Ready again", |status| status["readyReplicas"] == 3);
    let outcome = load.stop();
    assert!(outcome.acknowledged.len() > 50, "{}", outcome.acknowledged.len());
    all_delivered(story, &outcome);
    // One store: its counters are not added up.
    status(story, 120, "nothing waits", |status| status["pendingRecords"] == 0 && status["openErrors"] == 0);
}

/// With `autoscaling` there is a HorizontalPodAutoscaler, and the number of pods is its.
fn autoscaled(story: &Story<'_>) {
    apply(story, |spec| {
        spec["autoscaling"] =
            json!({"minReplicas": 2, "maxReplicas": 4, "targetCPUUtilizationPercentage": 70});
    });
    story.cluster.wait_until(60, "the autoscaler is there", || {
        (names(story, "horizontalpodautoscalers").len() == 1).then_some(())
    });
    story.cluster.kubectl(&["scale", "deployment", NAME, "-n", TEAM, "--replicas=2"]).ok();
    status(story, 120, "two replicas", |status| status["readyReplicas"] == 2);
    // A change of something else leaves the number alone.
    apply(story, |spec| {
        spec["description"] = json!("changed");
        spec["autoscaling"] =
            json!({"minReplicas": 2, "maxReplicas": 4, "targetCPUUtilizationPercentage": 70});
    });
    let generation = || {
        let listener = story.cluster.get(TEAM, "hubspotlistener", NAME).expect("the listener");
        (listener["metadata"]["generation"] == listener["status"]["observedGeneration"]).then_some(())
    };
    story.cluster.wait_until(60, "the change is seen", generation);
    let deployment = story.cluster.get(TEAM, "deployment", NAME).expect("the Deployment");
    assert_eq!(deployment["spec"]["replicas"], 2);
    apply(story, |spec| spec["replicas"] = json!(1));
    story.cluster.wait_until(60, "the autoscaler is gone", || {
        names(story, "horizontalpodautoscalers").is_empty().then_some(())
    });
}

fn apply(story: &Story<'_>, change: impl FnOnce(&mut Value)) {
    let mut manifest = story.manifest();
    manifest["metadata"]["name"] = json!(NAME);
    manifest["spec"]["storage"] = json!({"postgres": {"urlSecretRef": {"name": "orders-db", "key": "url"}}});
    let destinations = manifest["spec"]["destinations"].as_array_mut().expect("destinations");
    destinations.retain(|destination| destination["name"] == "outside");
    change(&mut manifest["spec"]);
    story.cluster.apply(&manifest.to_string());
}

/// `pod/orders-...` of what the listener owns and is not on its way out.
fn names(story: &Story<'_>, kind: &str) -> Vec<String> {
    let list = story.cluster.kubectl(&["get", kind, "-n", TEAM, "-l", LABEL, "-o", "json"]).ok();
    let list: Value = serde_json::from_str(&list).expect("JSON");
    let items = list["items"].as_array().expect("a list").iter();
    let live = items.filter(|item| item["metadata"]["deletionTimestamp"].is_null());
    let singular = kind.trim_end_matches('s');
    live.map(|item| format!("{singular}/{}", item["metadata"]["name"].as_str().unwrap_or_default())).collect()
}

fn status_now(story: &Story<'_>) -> Value {
    story
        .cluster
        .get(TEAM, "hubspotlistener", NAME)
        .map(|listener| listener["status"].clone())
        .unwrap_or_default()
}

fn status(story: &Story<'_>, seconds: u64, what: &str, fits: impl Fn(&Value) -> bool) {
    let mut last = Value::Null;
    for _ in 0..seconds * 2 {
        last = status_now(story);
        if fits(&last) {
            return;
        }
        std::thread::sleep(Duration::from_millis(500));
    }
    let logs = story.cluster.kubectl(&["logs", "-n", TEAM, "-l", LABEL, "--tail=20", "--prefix"]).stdout;
    let pods = story.cluster.kubectl(&["get", "pods", "-n", TEAM, "-o", "wide"]).stdout;
    panic!("not after {seconds} s: {what}\n{last:#}\n{pods}\n{logs}");
}

fn all_delivered(story: &Story<'_>, outcome: &Outcome) {
    eventually(120, "everything that was acknowledged is delivered", || {
        outcome.acknowledged.is_subset(&story.delivered_outside()).then_some(())
    });
}
