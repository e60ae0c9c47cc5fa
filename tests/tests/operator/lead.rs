//! Who leads, and what an operator waits for.

use std::time::{Duration, Instant};

use rustix::process::Signal;
use tests::cluster::{Cluster, Options};

use crate::support::{LEASE, Operator, Scene, define, definition};

/// The last write of one came before the first of the other.
#[track_caller]
fn one_wrote_after_the_other(scene: &Scene<'_>, first: &Operator, second: &Operator) {
    let (first, second) = (scene.writes(first), scene.writes(second));
    let last = first.iter().map(|event| &event.time).max().expect("the first wrote");
    let next = second.iter().map(|event| &event.time).min().expect("the second wrote");
    assert!(last < next, "the first wrote at {last}, the second at {next} already");
}

#[test]
fn when_the_leader_is_killed_the_other_takes_over_within_the_lease_and_never_do_both_write() {
    let Some(scene) = Scene::new() else { return };
    let a = scene.operator("a");
    a.wait_ready("ready: leading");
    let b = scene.operator("b");
    b.wait_ready("another operator leads");
    scene.listener("one", "");
    scene.wait_reason("one", "Programmed", "Programmed");
    assert_eq!(b.metric("hubspot_listener_operator_leader"), Some(0.0));
    assert!(scene.writes(&b).is_empty(), "one that stands by writes nothing");
    let begin = Instant::now();
    a.signal(Signal::KILL);
    scene.listener("two", "");
    b.wait_ready("ready: leading");
    // Two seconds between two looks at the lease, and a little for a busy machine.
    let took = begin.elapsed();
    assert!(took < Duration::from_secs(LEASE + 2 + 5), "{took:?}");
    scene.wait_reason("two", "Programmed", "Programmed");
    one_wrote_after_the_other(&scene, &a, &b);
    scene.nothing_forbidden(&a);
    scene.nothing_forbidden(&b);
}

#[test]
fn a_leader_that_stood_still_for_longer_than_its_lease_writes_nothing_more_and_ends() {
    let Some(scene) = Scene::new() else { return };
    let mut a = scene.operator("a");
    a.wait_ready("ready: leading");
    let b = scene.operator("b");
    scene.listener("one", "");
    scene.wait_reason("one", "Programmed", "Programmed");
    a.signal(Signal::STOP);
    b.wait_ready("ready: leading");
    // Work waits for both when the first wakes.
    scene.listener("two", "");
    scene.wait_reason("two", "Programmed", "Programmed");
    scene.listener("three", "");
    a.signal(Signal::CONT);
    assert_eq!(a.ended(Duration::from_secs(10)).code(), Some(1));
    scene.wait_reason("three", "Programmed", "Programmed");
    one_wrote_after_the_other(&scene, &a, &b);
}

#[test]
fn told_to_end_it_gives_the_lease_back_and_ends_well_and_the_next_need_not_wait() {
    let Some(scene) = Scene::new() else { return };
    let mut a = scene.operator("a");
    a.wait_ready("ready: leading");
    scene.listener("one", "");
    scene.wait_reason("one", "Programmed", "Programmed");
    a.signal(Signal::TERM);
    assert_eq!(a.ended(Duration::from_secs(5)).code(), Some(0));
    let lease = scene.get("lease", "hubspot-listener-operator").unwrap();
    assert!(lease["spec"]["holderIdentity"].as_str().unwrap_or_default().is_empty(), "{lease}");
    // Children stay: nothing that the operator does at its end touches the listeners.
    assert!(scene.get("deployment", "one").is_some());
    let b = scene.operator("b");
    b.wait_ready("ready: leading");
}

#[test]
fn it_waits_for_the_definition_and_for_the_api_server_and_never_ends_by_itself() {
    let Some(cluster) = Cluster::start(&Options::default()) else { return };
    let scene = Scene::within(&cluster, false);
    let mut operator = scene.operator("a");
    operator.wait_ready("the cluster does not know hubspot-listener.dev/v1alpha1 HubSpotListener");
    assert_eq!(operator.metric("hubspot_listener_operator_definition_served"), Some(0.0));
    std::thread::sleep(Duration::from_secs(3));
    assert_eq!(operator.log().matches("waiting: ").count(), 1, "{}", operator.log());
    define(&cluster, &definition());
    operator.wait_ready("ready: leading");
    scene.listener("one", "");
    scene.wait_reason("one", "Programmed", "Programmed");

    cluster.stop_program("kube-apiserver");
    std::thread::sleep(Duration::from_secs(2));
    cluster.start_program("kube-apiserver");
    cluster.wait_until(60, "the API server again", || {
        cluster.kubectl(&["get", "--raw", "/readyz"]).success.then_some(())
    });
    // It may have lost its lease meanwhile; then a new process takes its place, as in a pod.
    let mut next = None;
    cluster.wait_until(60, "a leader after the API server came back", || {
        if !operator.runs() && next.is_none() {
            next = Some(scene.operator("b"));
        }
        let leads = |one: &Operator| one.ready().contains("ready: leading");
        (leads(&operator) || next.as_ref().is_some_and(leads)).then_some(())
    });
    scene.listener("two", "");
    scene.wait_reason("two", "Programmed", "Programmed");
}
