use crds::condition::{Reason, Type};
use crds::report::{Report, Reports};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use serde_json::json;

use super::conditions::find;
use super::*;
use crate::observed::PodReport;
use crate::scene::{SMALL, observed};

const URL: Option<&str> = Some("https://hooks.example.com/sales/contacts");

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_795_600_000 + second).unwrap()
}

/// With a Deployment that has so many pods ready.
fn with_pods(ready: i32, report: Option<Report>) -> Observed {
    let mut observed = observed(SMALL);
    observed.deployment = serde_json::from_value(json!({"status": {"readyReplicas": ready}})).ok();
    observed.pods = report
        .into_iter()
        .map(|report| PodReport {
            pod: "contacts-1".to_owned(),
            reports: Ok(Reports { listeners: vec![report], message: None }),
        })
        .collect();
    observed
}

fn report() -> Report {
    Report {
        namespace: "sales".to_owned(),
        name: "contacts".to_owned(),
        generation: 3,
        pending_records: Some(12),
        open_errors: Some(2),
        last_delivery_ms: Some(1_795_593_600_999),
        ..Report::default()
    }
}

fn rejection(condition: Type, reason: Reason) -> Rejection {
    Rejection { condition, reason, message: "spec.x: it is wrong; mend it".to_owned() }
}

fn of(status: &HubSpotListenerStatus, condition: Type) -> (&str, &str, &str) {
    let Condition { status, reason, message, .. } = find(status, condition).unwrap();
    (status, reason, message)
}

#[test]
fn a_listener_that_works_is_ready_and_counted() {
    let status = status(None, &with_pods(1, Some(report())), URL, &Outcome::Applied, at(0));
    insta::assert_yaml_snapshot!(status);
}

#[test]
fn the_time_of_a_condition_moves_with_its_status_only() {
    let good = status(None, &with_pods(1, None), URL, &Outcome::Applied, at(0));
    let later = status(Some(&good), &with_pods(1, None), URL, &Outcome::Applied, at(60));
    assert_eq!(good, later, "nothing is to be written");
    let down = status(Some(&later), &with_pods(0, None), URL, &Outcome::Applied, at(120));
    let time =
        |status: &HubSpotListenerStatus, condition| find(status, condition).unwrap().last_transition_time.0;
    assert_eq!(time(&down, Type::Ready), at(120));
    assert_eq!(time(&down, Type::Accepted), at(0));
    assert_eq!(of(&down, Type::Ready).1, "NotReady", "what was ready once makes no progress");
}

#[test]
fn a_first_manifest_that_is_refused_shows_no_url_and_why() {
    let outcome = Outcome::Refused(vec![rejection(Type::Accepted, Reason::InvalidFilter)]);
    let status = status(None, &observed(SMALL), URL, &outcome, at(0));
    assert_eq!(status.url, None);
    assert_eq!(of(&status, Type::Accepted), ("False", "InvalidFilter", "spec.x: it is wrong; mend it"));
    assert_eq!(of(&status, Type::ResolvedRefs).0, "True");
    assert_eq!(
        of(&status, Type::Programmed),
        (
            "Unknown",
            "Pending",
            "nothing is changed in the cluster until Accepted is True; see there what to do"
        )
    );
    assert_eq!(of(&status, Type::Ready), ("False", "InvalidFilter", "spec.x: it is wrong; mend it"));
}

#[test]
fn the_url_is_shown_while_the_secret_is_still_to_be_made() {
    let outcome = Outcome::Refused(vec![rejection(Type::ResolvedRefs, Reason::SecretNotFound)]);
    let status = status(None, &observed(SMALL), URL, &outcome, at(0));
    assert_eq!(status.url.as_deref(), URL);
    assert_eq!(of(&status, Type::Ready).1, "SecretNotFound");
}

#[test]
fn a_bad_change_leaves_url_and_readiness_of_what_runs() {
    let good = status(None, &with_pods(1, Some(report())), URL, &Outcome::Applied, at(0));
    for condition in [Type::Accepted, Type::ResolvedRefs] {
        let outcome = Outcome::Refused(vec![rejection(condition, Reason::InvalidTemplate)]);
        let bad = status(
            Some(&good),
            &with_pods(1, Some(report())),
            Some("https://other.example.com/x"),
            &outcome,
            at(9),
        );
        assert_eq!(bad.url.as_deref(), URL);
        let (state, reason, message) = of(&bad, Type::Ready);
        assert_eq!((state, reason), ("True", "ConfigurationRefused"));
        assert!(message.ends_with("spec.x: it is wrong; mend it"), "{message}");
        assert_eq!(bad.pending_records, Some(12));
    }
}

#[test]
fn what_the_cluster_does_not_take_is_said_with_a_remedy() {
    let outcome = Outcome::NotApplied("Deployment contacts: exceeded quota".to_owned());
    let status = status(None, &observed(SMALL), URL, &outcome, at(0));
    let said = "Deployment contacts: exceeded quota; read the message: a right, a quota or a policy of the cluster is in the way";
    assert_eq!(of(&status, Type::Programmed), ("False", "ApplyFailed", said));
    assert_eq!(of(&status, Type::Ready), ("False", "ApplyFailed", said));
}

#[test]
fn a_pod_that_refuses_the_configuration_says_why() {
    let refusing = Report { configuration_refused: Some("no PostgreSQL".to_owned()), ..report() };
    let live = status(None, &with_pods(1, Some(refusing.clone())), URL, &Outcome::Applied, at(0));
    let (state, reason, message) = of(&live, Type::Ready);
    assert_eq!((state, reason), ("True", "ConfigurationRefused"));
    assert!(message.contains("pod contacts-1 refuses it: no PostgreSQL; "), "{message}");
    let dead = status(None, &with_pods(0, Some(refusing)), URL, &Outcome::Applied, at(0));
    assert_eq!(of(&dead, Type::Ready).0, "False");
    let mut never = with_pods(0, None);
    let reports = Ok(Reports { listeners: Vec::new(), message: Some("Secret app is not there".to_owned()) });
    never.pods = vec![PodReport { pod: "contacts-1".to_owned(), reports }];
    let never = status(None, &never, URL, &Outcome::Applied, at(0));
    let (_, reason, message) = of(&never, Type::Ready);
    assert_eq!(reason, "ConfigurationRefused");
    assert!(message.contains("Secret app is not there"), "{message}");
}

#[test]
fn a_store_that_takes_nothing_is_said_whether_or_not_the_probe_has_seen_it() {
    let full = Report { store_failed: Some("no space left".to_owned()), ..report() };
    for ready in [0, 1] {
        let status = status(None, &with_pods(ready, Some(full.clone())), URL, &Outcome::Applied, at(0));
        assert_eq!(
            of(&status, Type::Ready),
            (
                "False",
                "StoreUnavailable",
                "the store of pod contacts-1 takes nothing: no space left; give the volume more space, or bring the database back"
            )
        );
    }
}

#[test]
fn pods_that_are_stuck_say_what_the_deployment_says() {
    let mut observed = observed(SMALL);
    let conditions =
        json!([{"type": "ReplicaFailure", "status": "True", "message": "pods \"x\" is forbidden: quota"}]);
    observed.deployment = serde_json::from_value(json!({"status": {"conditions": conditions}})).ok();
    let stuck = status(None, &observed, URL, &Outcome::Applied, at(0));
    assert_eq!(of(&stuck, Type::Ready).1, "NotReady");
    assert!(of(&stuck, Type::Ready).2.starts_with("pods \"x\" is forbidden: quota; "));
    let starting = status(None, &with_pods(0, None), URL, &Outcome::Applied, at(0));
    assert_eq!(of(&starting, Type::Ready).1, "Progressing");
}

#[test]
fn counters_are_summed_and_kept_when_nobody_answers() {
    let mut observed = with_pods(2, Some(report()));
    observed.pods.push(PodReport {
        pod: "contacts-2".to_owned(),
        reports: Ok(Reports { listeners: vec![report()], message: None }),
    });
    let counted = status(None, &observed, URL, &Outcome::Applied, at(0));
    assert_eq!((counted.pending_records, counted.open_errors), (Some(24), Some(4)));
    observed.pods = vec![PodReport { pod: "contacts-1".to_owned(), reports: Err("no answer".to_owned()) }];
    let silent = status(Some(&counted), &observed, URL, &Outcome::Applied, at(0));
    assert_eq!((silent.pending_records, silent.open_errors), (Some(24), Some(4)));
    assert_eq!(silent.last_delivery_time, counted.last_delivery_time);
}

#[test]
fn pods_that_share_a_database_count_the_same_records() {
    let yaml =
        format!("{SMALL}  replicas: 2\n  storage: {{postgres: {{urlSecretRef: {{name: db, key: url}}}}}}\n");
    let mut shared = observed(&yaml);
    shared.pods = ["a", "b"]
        .map(|pod| PodReport {
            pod: pod.to_owned(),
            reports: Ok(Reports { listeners: vec![report()], message: None }),
        })
        .into();
    let status = status(None, &shared, URL, &Outcome::Applied, at(0));
    assert_eq!(status.pending_records, Some(12));
}

#[test]
fn with_autoscaling_the_deployment_says_how_many_pods_there_should_be() {
    let yaml = format!(
        "{SMALL}  autoscaling: {{maxReplicas: 8}}\n  storage: {{postgres: {{urlSecretRef: {{name: db, key: url}}}}}}\n"
    );
    let mut scaled = observed(&yaml);
    let deployment = json!({
        "spec": {"replicas": 5, "selector": {}, "template": {}}, "status": {"readyReplicas": 4}
    });
    scaled.deployment = serde_json::from_value(deployment).ok();
    let scaled = status(None, &scaled, URL, &Outcome::Applied, at(0));
    assert!(of(&scaled, Type::Ready).2.starts_with("4 of 5 pods ready"), "{:?}", of(&scaled, Type::Ready));
}

#[test]
fn a_change_of_a_condition_is_an_event_and_a_change_of_a_count_is_none() {
    let good = status(None, &with_pods(1, Some(report())), URL, &Outcome::Applied, at(0));
    let first = changed_conditions(&HubSpotListenerStatus::default(), &good);
    assert_eq!(first.len(), 4);
    assert!(first.iter().all(|change| change.event_type == EventType::Normal));
    let more = status(Some(&good), &with_pods(2, Some(report())), URL, &Outcome::Applied, at(9));
    assert_eq!(changed_conditions(&good, &more), []);
    let outcome = Outcome::Refused(vec![rejection(Type::Accepted, Reason::InvalidFilter)]);
    let bad = status(Some(&more), &with_pods(2, Some(report())), URL, &outcome, at(9));
    let changes = changed_conditions(&more, &bad);
    let said: Vec<_> =
        changes.iter().map(|change| (change.condition, change.reason.as_str(), change.event_type)).collect();
    assert_eq!(
        said,
        [
            (Type::Accepted, "InvalidFilter", EventType::Warning),
            (Type::Ready, "ConfigurationRefused", EventType::Warning)
        ]
    );
}

#[test]
fn every_message_is_bounded() {
    let outcome = Outcome::NotApplied("x".repeat(100_000));
    let status = status(None, &observed(SMALL), URL, &outcome, at(0));
    for condition in &status.conditions {
        assert!(condition.message.chars().count() <= crate::validate::MAX_MESSAGE);
    }
    assert!(of(&status, Type::Programmed).2.ends_with("is in the way"));
}
