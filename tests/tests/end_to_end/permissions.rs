//! That the chart grants what the operator needs and nothing else: told by the audit log.

use std::collections::BTreeSet;

use serde_json::Value;

use super::story::{RELEASE, SYSTEM, Story};

/// Granted and not used in this story, each with its reason.
const EXEMPT: [((&str, &str, &str), &str); 0] = [];

/// Group, resource (with subresource), verb.
type Right = (String, String, String);

/// Compares what was granted with what was asked.
pub fn check(story: &Story<'_>) {
    let user = format!("system:serviceaccount:{SYSTEM}:{RELEASE}");
    let log = story.cluster.audit_log();
    let mine: Vec<_> = log.iter().filter(|event| event.user == user).collect();
    assert!(mine.len() > 50, "the operator speaks to the API server as {user}");
    let forbidden: Vec<_> = mine.iter().filter(|event| event.code == 403).collect();
    assert!(forbidden.is_empty(), "forbidden calls: {forbidden:#?}");

    let used: BTreeSet<Right> = mine
        .iter()
        .filter(|event| !event.resource.is_empty())
        .map(|event| {
            let resource = match event.subresource.as_str() {
                "" => event.resource.clone(),
                below => format!("{}/{below}", event.resource),
            };
            (event.group.clone(), resource, event.verb.clone())
        })
        .collect();
    let granted = granted(story);
    let exempt: BTreeSet<Right> = EXEMPT
        .iter()
        .map(|((group, resource, verb), _)| ((*group).to_owned(), (*resource).to_owned(), (*verb).to_owned()))
        .collect();
    let unused: Vec<_> = granted.difference(&used).filter(|right| !exempt.contains(*right)).collect();
    assert!(unused.is_empty(), "granted and never used: {unused:#?}");
}

fn granted(story: &Story<'_>) -> BTreeSet<Right> {
    let mut all = BTreeSet::new();
    for arguments in [
        vec!["get", "clusterrole", "-l", "app.kubernetes.io/instance=hubspot-listener", "-o", "json"],
        vec!["get", "role", "-n", SYSTEM, "-o", "json"],
    ] {
        let list: Value = serde_json::from_str(&story.cluster.kubectl(&arguments).ok()).expect("JSON");
        for role in list["items"].as_array().expect("roles") {
            // Roles that are for people are added to the cluster's own and not bound to the operator.
            if role["metadata"]["labels"].to_string().contains("rbac.authorization.k8s.io/aggregate-to") {
                continue;
            }
            for rule in role["rules"].as_array().expect("rules") {
                for group in words(&rule["apiGroups"]) {
                    for resource in words(&rule["resources"]) {
                        for verb in words(&rule["verbs"]) {
                            all.insert((group.clone(), resource.clone(), verb));
                        }
                    }
                }
            }
        }
    }
    assert!(all.len() > 30, "the chart's rights were found: {all:?}");
    all
}

fn words(value: &Value) -> Vec<String> {
    value.as_array().into_iter().flatten().filter_map(|word| word.as_str().map(str::to_owned)).collect()
}
