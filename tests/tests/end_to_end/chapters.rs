//! The chapters, in order.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tests::{eventually, sign_v3};

use super::load::{Load, send};
use super::story::{NAME, RELEASE, SYSTEM, Story, TEAM, URL, event, first_secret};

const RESTRICTED: &str = "pod-security.kubernetes.io/enforce=restricted";
const NEW_SECRET: &str = "a-new-client-secret-of-the-app";

fn values() -> [&'static str; 18] {
    [
        "--set",
        "image.tag=test",
        "--set",
        "image.pullPolicy=Never",
        "--set",
        "listeners.image.tag=test",
        "--set",
        "listeners.image.pullPolicy=Never",
        "--set",
        "listeners.defaultHost=hooks.example.com",
        "--set",
        "listeners.defaultIngressClass=contour",
        "--set",
        "reportSeconds=5",
        "--set",
        "settings.allowFromPage=true",
        "--set",
        "console.enabled=true",
    ]
}

fn charts(name: &str) -> String {
    format!("{}/../charts/{name}", env!("CARGO_MANIFEST_DIR"))
}

fn upgrade_with(story: &Story<'_>, more: &[&str]) {
    let chart = charts("hubspot-listener");
    let mut arguments = vec!["upgrade", "--install", RELEASE, &chart, "-n", SYSTEM];
    arguments.extend(values());
    arguments.extend(["--set", "listeners.networkPolicies=true"]);
    arguments.extend(more);
    story.cluster.helm(&arguments).ok();
}

pub fn install(story: &Story<'_>) {
    for namespace in [SYSTEM, TEAM] {
        story.cluster.kubectl(&["create", "namespace", namespace]).ok();
        story.cluster.kubectl(&["label", "namespace", namespace, RESTRICTED]).ok();
    }
    story
        .cluster
        .helm(&["install", "hubspot-listener-crds", &charts("hubspot-listener-crds"), "-n", SYSTEM])
        .ok();
    upgrade_with(story, &[]);
    story.cluster.wait_ready(SYSTEM, "app.kubernetes.io/name=hubspot-listener-operator", 120);
}

pub fn apply(story: &Story<'_>) {
    story.cluster.apply(&sink());
    story.cluster.wait_ready(TEAM, "app=sink", 60);
    // A listener may come before what it names: it says so, and goes on when it is there.
    let config_map = json!({"apiVersion": "v1", "kind": "ConfigMap",
        "metadata": {"name": "crm-integration", "namespace": TEAM}, "data": {"settings.json": r#"{"region":"eu"}"#}});
    story.cluster.apply(&config_map.to_string());
    super::people::tokens(story);
    story.change(|_| {});
    let status = story.status(30, "the missing Secret is told", |status| {
        Story::is(status, "ResolvedRefs", "False", "SecretNotFound")
    });
    assert_eq!(status["url"], URL, "HubSpot wants the URL before it gives the secret");
    let secret = json!({"apiVersion": "v1", "kind": "Secret",
        "metadata": {"name": "hubspot-app", "namespace": TEAM}, "stringData": {"clientSecret": first_secret()}});
    story.cluster.apply(&secret.to_string());
    let status =
        story.status(120, "the listener is Ready", |status| Story::is(status, "Ready", "True", "Ready"));
    assert_eq!(status["url"], URL);
    assert_eq!(status["readyReplicas"], 1);
    let claims = story.cluster.kubectl(&["get", "pvc", "-n", TEAM, "-o", "json"]).ok();
    let claims: Value = serde_json::from_str(&claims).unwrap();
    assert_eq!(claims["items"].as_array().map(Vec::len), Some(1));
    assert_eq!(claims["items"][0]["status"]["phase"], "Bound");
    let pod = story.pod().expect("a pod");
    assert_eq!(pod["spec"]["automountServiceAccountToken"], false);
    let volumes = pod["spec"]["volumes"].to_string();
    assert!(volumes.contains(claims["items"][0]["metadata"]["name"].as_str().unwrap()), "{volumes}");
}

pub fn deliver(story: &Story<'_>) {
    let answer = eventually(60, "an answer through the ingress", || {
        let answer = story.through_ingress(first_secret(), &event(1))?;
        (!matches!(answer.status, 404 | 503)).then_some(answer)
    });
    assert_eq!((answer.status, answer.text().as_str()), (200, r#"{"region":"eu"}"#));
    let records = eventually(30, "the page at the destination", || {
        Some(story.delivered()).filter(|records| !records.is_empty())
    });
    assert_eq!(records, BTreeSet::from([event(1)]));
}

pub fn count(story: &Story<'_>) {
    let unsigned = story.through_ingress("somebody else's secret", &event(2)).expect("an answer");
    assert_eq!(unsigned.status, 401);
    let unwanted = r#"{"eventId":3,"subscriptionType":"contact.creation","objectId":3,"refuse":true}"#;
    assert_eq!(story.through_ingress(first_secret(), unwanted).expect("an answer").status, 200);
    let status = story.status(60, "the open error is counted", |status| status["openErrors"] == 1);
    assert_eq!(status["pendingRecords"], 0);
    assert!(status["lastDeliveryTime"].is_string(), "{status}");
    let short = story.cluster.kubectl(&["get", "hubspotlisteners", "-n", TEAM]).ok();
    let wide = story.cluster.kubectl(&["get", "hsl", "-n", TEAM, "-o", "wide"]).ok();
    let words = |text: &str, line: usize| -> Vec<String> {
        text.lines().nth(line).unwrap_or_default().split_whitespace().map(str::to_owned).collect()
    };
    assert_eq!(words(&short, 0), ["NAME", "READY", "URL", "PENDING", "ERRORS", "AGE"]);
    assert_eq!(words(&short, 1)[..5], [NAME, "True", URL, "0", "1"]);
    assert_eq!(words(&wide, 0)[6..], ["REASON", "MESSAGE"]);
    // The README shows these as they are printed.
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/end-to-end");
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("get.txt"), format!("{short}\n{wide}")).unwrap();
    let events = story.cluster.kubectl(&["get", "events.events.k8s.io", "-n", TEAM, "-o", "json"]).ok();
    assert!(events.contains("SecretNotFound") && events.contains("\"Ready\""), "conditions become events");
}

pub fn settings(story: &Story<'_>) {
    let life = story.life();
    let load = Load::start(story.service(NAME, 80).address, first_secret());
    let settings = json!({"data": {"settings.json": r#"{"region":"us"}"#}}).to_string();
    story
        .cluster
        .kubectl(&["patch", "configmap", "crm-integration", "-n", TEAM, "--type=merge", "-p", &settings])
        .ok();
    eventually(150, "the new settings in the answer", || load.last_body().contains(r#""us""#).then_some(()));
    let outcome = load.stop();
    assert!(outcome.others.is_empty(), "{:?}", outcome.others);
    assert_eq!(story.life(), life, "no restart");
    all_delivered(story, &outcome.acknowledged);
}

pub fn rotate(story: &Story<'_>) {
    let life = story.life();
    let address = story.service(NAME, 80).address;
    let status_of = |secret: &str| send(address, secret).1.map(|(status, _)| status).unwrap_or_default();
    assert_eq!(status_of(NEW_SECRET), 401);
    let load = Load::start(address, first_secret());
    // 1. The new secret beside the old one.
    let keys = json!({"stringData": {"nextClientSecret": NEW_SECRET}}).to_string();
    story.cluster.kubectl(&["patch", "secret", "hubspot-app", "-n", TEAM, "--type=merge", "-p", &keys]).ok();
    let both = json!([{"name": "hubspot-app", "key": "clientSecret"}, {"name": "hubspot-app", "key": "nextClientSecret"}]);
    story.change(|spec| spec["clientSecrets"] = both);
    eventually(150, "the new secret is taken", || (status_of(NEW_SECRET) == 200).then_some(()));
    assert_eq!(status_of(first_secret()), 200);
    // 2. HubSpot signs with the new one from here on.
    let outcome = load.stop();
    assert!(outcome.others.is_empty(), "{:?}", outcome.others);
    let load = Load::start(address, NEW_SECRET);
    // 3. The old one goes.
    story.change(|spec| spec["clientSecrets"] = json!([{"name": "hubspot-app", "key": "nextClientSecret"}]));
    eventually(150, "the old secret is refused", || (status_of(first_secret()) == 401).then_some(()));
    let outcome_new = load.stop();
    assert!(outcome_new.others.is_empty(), "{:?}", outcome_new.others);
    assert_eq!(story.life(), life, "no restart");
    all_delivered(story, &outcome.acknowledged);
    all_delivered(story, &outcome_new.acknowledged);
    // A Secret's value that changes under one key is read again, too: back to the first secret.
    let keys = json!({"stringData": {"nextClientSecret": first_secret()}}).to_string();
    story.cluster.kubectl(&["patch", "secret", "hubspot-app", "-n", TEAM, "--type=merge", "-p", &keys]).ok();
    eventually(150, "the changed value is taken", || (status_of(first_secret()) == 200).then_some(()));
    story.change(|_| {});
    story.status(60, "Ready", |status| Story::is(status, "Ready", "True", "Ready"));
    assert_eq!(story.life(), life, "no restart");
    assert!(sign_v3(NEW_SECRET, "POST", URL, b"", "0") != sign_v3(first_secret(), "POST", URL, b"", "0"));
}

pub fn bad_change(story: &Story<'_>) {
    let life = story.life();
    let load = Load::start(story.service(NAME, 80).address, first_secret());
    story.change(|spec| spec["traceKeyTemplate"] = json!("{{#if objectId}}"));
    let status = story.status(60, "the template is refused", |status| {
        Story::is(status, "Accepted", "False", "InvalidTemplate")
    });
    let (_, _, message) = Story::condition(&status, "Accepted");
    assert!(message.contains("spec.traceKeyTemplate") && message.contains("line 1"), "{message}");
    assert!(Story::is(&status, "Ready", "True", "ConfigurationRefused"), "{status:#}");
    story.change(|spec| spec["clientSecrets"] = json!([{"name": "not-there", "key": "clientSecret"}]));
    let status = story.status(60, "the missing Secret is told", |status| {
        Story::is(status, "ResolvedRefs", "False", "SecretNotFound")
    });
    let (_, _, message) = Story::condition(&status, "ResolvedRefs");
    assert!(message.contains("not-there") && message.contains("create it there"), "{message}");
    std::thread::sleep(Duration::from_secs(3));
    story.change(|_| {});
    story.status(60, "mended", |status| Story::is(status, "Ready", "True", "Ready"));
    let outcome = load.stop();
    assert!(outcome.others.is_empty(), "{:?}", outcome.others);
    assert_eq!(story.life(), life, "no restart");
    all_delivered(story, &outcome.acknowledged);
}

pub fn absent(story: &Story<'_>) {
    let life = story.life();
    let load = Load::start(story.service(NAME, 80).address, first_secret());
    let operators =
        ["delete", "pods", "-n", SYSTEM, "-l", "app.kubernetes.io/name=hubspot-listener-operator"];
    story.cluster.kubectl(&[&operators[..], &["--grace-period=0", "--force"]].concat()).ok();
    let begin = Instant::now();
    story.cluster.stop_program("kube-apiserver");
    std::thread::sleep(Duration::from_secs(60));
    story.cluster.start_program("kube-apiserver");
    story.cluster.wait_until(120, "the API server answers", || {
        story.cluster.kubectl(&["get", "--raw", "/readyz"]).success.then_some(())
    });
    story.cluster.wait_ready(SYSTEM, "app.kubernetes.io/name=hubspot-listener-operator", 180);
    story.status(120, "Ready", |status| Story::is(status, "Ready", "True", "Ready"));
    let outcome = load.stop();
    assert!(outcome.others.is_empty(), "{:?}", outcome.others);
    assert!(outcome.acknowledged.len() > 200, "{} in {:?}", outcome.acknowledged.len(), begin.elapsed());
    assert_eq!(story.life(), life, "no restart");
    all_delivered(story, &outcome.acknowledged);
}

pub fn drain(story: &Story<'_>) {
    let address = story.service(NAME, 80).address;
    let load = Load::start(address, first_secret());
    std::thread::sleep(Duration::from_secs(1));
    let before = story.life();
    let label = format!("hubspot-listener.dev/listener={NAME}");
    story.cluster.kubectl(&["delete", "pods", "-n", TEAM, "-l", &label]).ok();
    story.cluster.wait_until(120, "another pod is Ready", || {
        (story.pod().is_some() && story.life_if_ready().is_some_and(|life| life.0 != before.0)).then_some(())
    });
    eventually(60, "it answers", || (send(address, first_secret()).1.ok()?.0 == 200).then_some(()));

    // Draining the only node: the pods have no place until it is open again.
    let node = story.cluster.node().to_owned();
    let before = story.life();
    let drained =
        ["drain", &node, "--ignore-daemonsets", "--delete-emptydir-data", "--force", "--timeout=90s"];
    story.cluster.kubectl(&drained).ok();
    story.cluster.kubectl(&["uncordon", &node]).ok();
    story
        .cluster
        .wait_until(180, "a pod is Ready again", || story.life_if_ready().filter(|life| life.0 != before.0));
    eventually(60, "it answers", || (send(address, first_secret()).1.ok()?.0 == 200).then_some(()));
    let outcome = load.stop();
    assert!(outcome.acknowledged.len() > 20, "{}", outcome.acknowledged.len());
    // The Pod of the destination was drained as well and forgot what it had; the one outside did not.
    eventually(120, "everything that was acknowledged is at the destination outside", || {
        outcome.acknowledged.is_subset(&story.delivered_outside()).then_some(())
    });
    let status = story.status(300, "nothing waits", |status| status["pendingRecords"] == 0);
    assert_eq!(status["openErrors"], 1, "{status:#}");
    let admin = story.service(NAME, 9090);
    let report = tests::get_json(admin.address, "/report");
    assert_eq!(report["listeners"][0]["openErrors"], 1);
}

pub fn upgrade(story: &Story<'_>) {
    let life = story.life();
    let before = story.operator_pods();
    upgrade_with(story, &["--set", "log=debug"]);
    story.cluster.wait_until(120, "new operator pods", || {
        let after = story.operator_pods();
        (!after.is_empty() && after.is_disjoint(&before)).then_some(())
    });
    story.cluster.wait_ready(SYSTEM, "app.kubernetes.io/name=hubspot-listener-operator", 120);
    story.change(|spec| spec["description"] = json!("seen by the new operator"));
    let generation =
        story.cluster.get(TEAM, "hubspotlistener", NAME).unwrap()["metadata"]["generation"].clone();
    story.status(60, "the new operator leads", |status| status["observedGeneration"] == generation);
    assert_eq!(story.life(), life, "no restart");
}

pub fn prune(story: &Story<'_>) {
    let second = |spec: Value| {
        let mut manifest = story.manifest();
        manifest["metadata"]["name"] = json!("deals");
        let all = manifest["spec"].as_object_mut().unwrap();
        for (key, value) in spec.as_object().unwrap() {
            if value.is_null() {
                all.remove(key);
            } else {
                all.insert(key.clone(), value.clone());
            }
        }
        story.cluster.apply(&manifest.to_string());
    };
    let there = |kind: &str, wanted: bool| {
        let what = format!("{kind} deals is {}there", if wanted { "" } else { "not " });
        story.cluster.wait_until(60, &what, || {
            let all = story
                .cluster
                .kubectl(&[
                    "get",
                    kind,
                    "-n",
                    TEAM,
                    "-o",
                    "name",
                    "-l",
                    "hubspot-listener.dev/listener=deals",
                ])
                .ok();
            (all.trim().is_empty() != wanted).then_some(())
        });
    };
    story.cluster.apply(
        &json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "db", "namespace": TEAM},
            "stringData": {"url": "postgres://nobody@127.0.0.1:1/none"}})
        .to_string(),
    );
    // A database, two pods, a Gateway: no claim, a budget, a route.
    second(json!({
        "storage": {"postgres": {"urlSecretRef": {"name": "db", "key": "url"}}}, "replicas": 2,
        "url": {"gateway": {"parentRefs": [{"name": "contour", "namespace": "gateway"}]}},
    }));
    there("httproutes.gateway.networking.k8s.io", true);
    there("poddisruptionbudgets", true);
    there("networkpolicies", true);
    there("persistentvolumeclaims", false);
    // An embedded store, one pod, an Ingress.
    second(json!({"url": null, "replicas": 1}));
    there("httproutes.gateway.networking.k8s.io", false);
    there("poddisruptionbudgets", false);
    there("ingresses", true);
    there("persistentvolumeclaims", true);
    // Somebody else's way in.
    second(json!({"url": {"external": true}}));
    there("ingresses", false);
    // Back to a database: the claim stays, for it may hold what was not delivered.
    second(
        json!({"url": {"external": true}, "storage": {"postgres": {"urlSecretRef": {"name": "db", "key": "url"}}}}),
    );
    there("persistentvolumeclaims", true);
    upgrade_with(story, &["--set", "listeners.networkPolicies=false"]);
    there("networkpolicies", false);
    story.cluster.kubectl(&["delete", "hubspotlistener", "deals", "-n", TEAM]).ok();
}

pub fn delete(story: &Story<'_>) {
    story.cluster.kubectl(&["delete", "hubspotlistener", NAME, "-n", TEAM]).ok();
    let label = format!("hubspot-listener.dev/listener={NAME}");
    let kinds = "deployments,services,configmaps,serviceaccounts,ingresses,persistentvolumeclaims,pods";
    story.cluster.wait_until(120, "everything is gone", || {
        let left = story.cluster.kubectl(&["get", kinds, "-n", TEAM, "-l", &label, "-o", "name"]).ok();
        left.trim().is_empty().then_some(())
    });
}

#[track_caller]
fn all_delivered(story: &Story<'_>, acknowledged: &BTreeSet<String>) {
    let mut missing = 0;
    for _ in 0..120 {
        missing = acknowledged.difference(&story.delivered()).count();
        if missing == 0 {
            return;
        }
        std::thread::sleep(Duration::from_millis(500));
    }
    panic!("{missing} of {} acknowledged events are not at the destination", acknowledged.len());
}

/// A destination as a Pod, with a Service.
fn sink() -> String {
    let deployment = json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "sink", "namespace": TEAM},
        "spec": {"replicas": 1, "selector": {"matchLabels": {"app": "sink"}},
            "template": {"metadata": {"labels": {"app": "sink"}}, "spec": {
                "automountServiceAccountToken": false,
                "securityContext": {"runAsNonRoot": true, "seccompProfile": {"type": "RuntimeDefault"}},
                "containers": [{"name": "sink", "image": "localhost/sink:1", "imagePullPolicy": "Never",
                    "securityContext": {"allowPrivilegeEscalation": false, "capabilities": {"drop": ["ALL"]}},
                    "readinessProbe": {"httpGet": {"path": "/records", "port": 8080}, "periodSeconds": 1}}]}}}});
    let service = json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "sink", "namespace": TEAM},
        "spec": {"selector": {"app": "sink"}, "ports": [{"port": 80, "targetPort": 8080}]}});
    format!("{deployment}\n---\n{service}")
}
