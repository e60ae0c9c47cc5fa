//! `make bench-operator`: a thousand listeners on a real control plane.
//!
//! The operator starts cold, with all of them there. Measured: until each is Programmed, requests
//! to the API server meanwhile and at rest, memory. No node is there, so no pod runs and no report
//! is asked for.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use super::support::Scene;
use tests::cluster::{AuditEvent, Cluster, Options};

fn number(variable: &str, default: u64) -> u64 {
    std::env::var(variable).map_or(default, |text| text.parse().expect("a number"))
}

#[test]
#[ignore = "a benchmark of six minutes: make bench-operator"]
fn a_thousand_listeners() {
    let (listeners, rest) = (number("LISTENERS", 1_000), number("REST_SECONDS", 300));
    let Some(cluster) = Cluster::start(&Options::default()) else { return };
    super::support::define(&cluster, &super::support::definition());
    let scene = Scene::within(&cluster, false);
    let begin = Instant::now();
    for first in (0..listeners).step_by(100) {
        let manifests: String = (first..(first + 100).min(listeners)).map(manifest).collect();
        scene.apply(&manifests);
    }
    println!("{listeners} listeners applied in {:.1} s", begin.elapsed().as_secs_f32());

    let begin = Instant::now();
    let operator = scene.operator("bench");
    cluster.wait_until(1_800, "all are Programmed", || {
        let path =
            "jsonpath={range .items[*]}{.status.conditions[?(@.type==\"Programmed\")].status}{\"\\n\"}{end}";
        let all = scene.kubectl(&["get", "hubspotlisteners", "-o", path]);
        std::thread::sleep(Duration::from_secs(1));
        (all.lines().filter(|line| *line == "True").count() == usize::try_from(listeners).unwrap())
            .then_some(())
    });
    let programmed = begin.elapsed();
    // What follows the last of them: statuses, watches of what was made.
    std::thread::sleep(Duration::from_secs(20));
    let cold = scene.calls(&operator);
    println!(
        "all Programmed after {:.1} s, {} requests, {}",
        programmed.as_secs_f32(),
        cold.len(),
        operator.memory()
    );
    print(&cold);

    std::thread::sleep(Duration::from_secs(rest));
    let all = scene.calls(&operator);
    let at_rest = &all[cold.len()..];
    println!("at rest for {rest} s: {} requests, {}", at_rest.len(), operator.memory());
    print(at_rest);
    scene.nothing_forbidden(&operator);
}

fn print(events: &[AuditEvent]) {
    let mut kinds: BTreeMap<(String, String), usize> = BTreeMap::new();
    for event in events {
        let resource = match event.subresource.as_str() {
            "" => event.resource.clone(),
            below => format!("{}/{below}", event.resource),
        };
        *kinds.entry((event.verb.clone(), resource)).or_default() += 1;
    }
    for ((verb, resource), count) in kinds {
        println!("  {verb:<8} {resource:<28} {count}");
    }
}

fn manifest(at: u64) -> String {
    format!(
        "apiVersion: hubspot-listener.dev/v1alpha1\nkind: HubSpotListener\nmetadata: {{name: listener-{at}}}\nspec:\n  \
         displayName: Listener {at}\n  clientSecrets: [{{name: hubspot-app, key: clientSecret}}]\n  \
         traceKeyTemplate: '{{{{join \"_\" portalId objectId}}}}'\n  \
         destinations:\n  - name: warehouse\n    filter: event.subscriptionType.startsWith(\"contact.\")\n    \
         http: {{url: https://warehouse.example.com/hubspot}}\n  - {{name: audit, log: {{}}}}\n---\n"
    )
}
