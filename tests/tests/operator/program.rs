//! What is made of a listener, and what is left alone.

use serde_json::{Value, json};
use tests::cluster::{Cluster, Options};

use crate::support::{Scene, define, definition};

#[test]
fn what_drifts_is_repaired_and_what_others_set_stays_and_what_is_not_wanted_goes() {
    let Some(scene) = Scene::new() else { return };
    let operator = scene.operator("operator");
    scene.listener("contacts", "");
    scene.wait_reason("contacts", "Programmed", "Programmed");
    let listener = scene.get("hubspotlistener", "contacts").unwrap();
    assert_eq!(listener["status"]["url"], format!("https://hooks.example.com/{}/contacts", scene.namespace));

    // Ours: changed, taken away, deleted.
    let replicas = |to: &str| scene.kubectl(&["scale", "deployment", "contacts", "--replicas", to]);
    replicas("3");
    scene.kubectl(&["label", "service", "contacts", "app.kubernetes.io/managed-by-"]);
    scene.kubectl(&["label", "ingress", "contacts", "hubspot-listener.dev/listener-"]);
    scene.kubectl(&["delete", "configmap", "contacts"]);
    // Theirs: beside ours.
    scene.kubectl(&["annotate", "service", "contacts", "example.com/theirs=yes"]);
    scene.kubectl(&["label", "deployment", "contacts", "example.com/theirs=yes"]);
    scene.cluster.wait_until(30, "all is repaired", || {
        let text = |kind: &str, path: &str| Some(scene.get(kind, "contacts")?.pointer(path)?.clone());
        let good = text("deployment", "/spec/replicas")? == 1
            && text("service", "/metadata/labels/app.kubernetes.io~1managed-by")?
                == "hubspot-listener-operator"
            && text("ingress", "/metadata/labels/hubspot-listener.dev~1listener")? == "contacts"
            && text("configmap", "/data/configuration.json")?.is_string();
        good.then_some(())
    });
    let theirs = |kind: &str, path: &str| scene.get(kind, "contacts").unwrap().pointer(path).cloned();
    assert_eq!(theirs("service", "/metadata/annotations/example.com~1theirs"), Some(json!("yes")));
    assert_eq!(theirs("deployment", "/metadata/labels/example.com~1theirs"), Some(json!("yes")));

    // Not wanted any more.
    scene.listener("contacts", "  url: {external: true}\n");
    scene
        .cluster
        .wait_until(30, "the Ingress is gone", || scene.get("ingress", "contacts").is_none().then_some(()));
    assert!(scene.get("service", "contacts").is_some());
    scene.nothing_forbidden(&operator);
}

#[test]
fn of_two_listeners_with_one_url_the_older_keeps_it_until_it_goes() {
    let Some(scene) = Scene::new() else { return };
    let _operator = scene.operator("operator");
    scene.listener("older", "  url: {path: /same}\n");
    scene.wait_reason("older", "Programmed", "Programmed");
    std::thread::sleep(std::time::Duration::from_millis(1_100));
    scene.listener("newer", "  url: {path: /same}\n");
    let message = scene.wait_reason("newer", "Accepted", "UrlConflict");
    assert!(message.contains(&format!("{}/older", scene.namespace)), "{message}");
    assert!(scene.get("deployment", "newer").is_none());
    assert_eq!(scene.condition("older", "Accepted").unwrap().0, "True");
    scene.kubectl(&["delete", "hubspotlistener", "older"]);
    scene.wait_reason("newer", "Programmed", "Programmed");
}

#[test]
fn what_is_somebody_elses_is_never_taken_over() {
    let Some(scene) = Scene::new() else { return };
    let operator = scene.operator("operator");
    scene.kubectl(&["create", "service", "clusterip", "contacts", "--tcp=5432"]);
    scene.listener("contacts", "");
    let message = scene.wait_reason("contacts", "Accepted", "NameTaken");
    assert!(message.contains("Service contacts"), "{message}");
    let service = scene.get("service", "contacts").unwrap();
    assert_eq!(service["spec"]["ports"][0]["port"], 5432);
    assert!(scene.get("deployment", "contacts").is_none(), "as a whole or not at all");
    scene.kubectl(&["delete", "service", "contacts"]);
    scene.wait_reason("contacts", "Programmed", "Programmed");
    scene.nothing_forbidden(&operator);
}

#[test]
fn a_secret_that_comes_later_is_seen_and_a_bad_change_leaves_what_runs() {
    let Some(scene) = Scene::new() else { return };
    let operator = scene.operator("operator");
    scene.kubectl(&["delete", "secret", "hubspot-app"]);
    scene.listener("contacts", "");
    scene.wait_reason("contacts", "ResolvedRefs", "SecretNotFound");
    scene.apply("apiVersion: v1\nkind: Secret\nmetadata: {name: hubspot-app}\nstringData: {other: s}\n");
    scene.wait_reason("contacts", "ResolvedRefs", "SecretKeyNotFound");
    scene.apply("apiVersion: v1\nkind: Secret\nmetadata: {name: hubspot-app}\nstringData: {clientSecret: very-secret}\n");
    scene.wait_reason("contacts", "Programmed", "Programmed");
    let before = scene.get("configmap", "contacts").unwrap();
    scene.listener("contacts", "  traceKeyTemplate: '{{#if'\n");
    scene.wait_reason("contacts", "Accepted", "InvalidTemplate");
    let after = scene.get("configmap", "contacts").unwrap();
    assert_eq!(before["metadata"]["resourceVersion"], after["metadata"]["resourceVersion"]);
    // Not the settings of a gateway that the cluster does not have.
    scene.listener("contacts", "  url: {gateway: {parentRefs: [{name: public}]}}\n");
    let message = scene.wait_reason("contacts", "Programmed", "ApplyFailed");
    assert!(message.contains("gateway.networking.k8s.io/v1") && message.contains("install"), "{message}");
    assert!(!operator.log().contains("very-secret"));
    scene.nothing_forbidden(&operator);
}

#[test]
fn a_broken_object_does_not_stop_the_others() {
    let Some(cluster) = Cluster::start(&Options::default()) else { return };
    // An API server that refuses nothing, as with a definition of another version.
    let mut loose: Value = serde_json::to_value(crds::definition::custom_resource_definition()).unwrap();
    let open = json!({"type": "object", "x-kubernetes-preserve-unknown-fields": true});
    loose["spec"]["versions"][0]["schema"]["openAPIV3Schema"] = open;
    define(&cluster, &loose.to_string());
    assert!(!definition().is_empty());
    let scene = Scene::within(&cluster, false);
    scene.apply(
        "apiVersion: hubspot-listener.dev/v1alpha1\nkind: HubSpotListener\nmetadata: {name: broken}\n\
         spec: {destinations: seven}\n",
    );
    let operator = scene.operator("operator");
    scene.listener("contacts", "");
    scene.wait_reason("contacts", "Programmed", "Programmed");
    let name = "hubspot_listener_operator_unreadable_listeners";
    scene.cluster.wait_until(20, "the metric", || (operator.metric(name) == Some(1.0)).then_some(()));
    let told = |log: &str| log.matches("is no HubSpotListener").count();
    assert_eq!(told(&operator.log()), 1, "{}", operator.log());
    let events = scene.kubectl(&["get", "events.events.k8s.io", "-o", "json"]);
    assert!(events.contains("Unreadable"), "{events}");
    scene.kubectl(&["delete", "hubspotlistener", "broken"]);
    scene.cluster.wait_until(20, "the metric", || (operator.metric(name) == Some(0.0)).then_some(()));
    scene.nothing_forbidden(&operator);
}
