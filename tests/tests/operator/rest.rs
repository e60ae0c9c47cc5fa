//! What the operator asks of the API server when nothing changes.

use std::time::Duration;

use crate::support::{LEASE, Scene};

#[test]
fn at_rest_nothing_is_asked_of_the_api_server_but_the_lease() {
    let Some(scene) = Scene::new() else { return };
    let operator = scene.operator("operator");
    for name in ["one", "two", "three"] {
        scene.listener(name, "");
        scene.wait_reason(name, "Programmed", "Programmed");
    }
    // Until the controllers of the cluster are done with what was made.
    std::thread::sleep(Duration::from_secs(5));
    let before = scene.calls(&operator).len();
    std::thread::sleep(Duration::from_secs(20));
    let calls = scene.calls(&operator);
    let (leases, others): (Vec<_>, Vec<_>) =
        calls[before..].iter().partition(|event| event.resource == "leases");
    assert!(others.is_empty(), "{others:#?}");
    // Every third of the lease, and one or two for the edges.
    let most = 20 * 3 / LEASE + 2;
    let count = u64::try_from(leases.len()).unwrap();
    assert!((1..=most).contains(&count), "{count} of at most {most}");
    assert!(leases.iter().all(|event| event.verb == "update"), "{leases:#?}");
    scene.nothing_forbidden(&operator);
}

#[test]
fn an_operator_that_begins_anew_changes_nothing_that_stands() {
    let Some(scene) = Scene::new() else { return };
    let kinds = ["serviceaccount", "configmap", "service", "ingress", "deployment"];
    let versions = || {
        let version =
            |kind: &&str| scene.get(kind, "contacts").unwrap()["metadata"]["resourceVersion"].clone();
        kinds.iter().map(version).collect::<Vec<_>>()
    };
    let operator = scene.operator("a");
    scene.listener("contacts", "");
    scene.wait_reason("contacts", "Programmed", "Programmed");
    std::thread::sleep(Duration::from_secs(3));
    let (before, status) = (versions(), scene.get("hubspotlistener", "contacts").unwrap()["status"].clone());
    drop(operator);
    let next = scene.operator("b");
    next.wait_ready("ready: leading");
    std::thread::sleep(Duration::from_secs(5));
    assert!(!scene.writes(&next).is_empty(), "each child is applied once, to repair what drifted meanwhile");
    assert_eq!(versions(), before, "and that changes nothing");
    assert_eq!(scene.get("hubspotlistener", "contacts").unwrap()["status"], status);
}
