//! The last part of `docs/security.md`: every right of the operator and why it has it, from the
//! comments in the chart.

use std::fmt::Write as _;

use crate::{cell, is_current, read};

/// One rule of a role, as the chart writes it.
struct Rule {
    why: String,
    groups: String,
    resources: String,
    names: String,
    verbs: String,
}

/// The rules of one `define` of the chart. Each begins with a comment and is written in flow style.
fn rules(source: &str, name: &str) -> Vec<Rule> {
    let begin = format!("{{{{- define \"{name}\" -}}}}");
    let (_, rest) = source.split_once(&begin).unwrap_or_else(|| panic!("the chart has no {name}"));
    let (text, _) = rest.split_once("{{- end -}}").unwrap();
    let mut rules: Vec<Rule> = Vec::new();
    let mut comment = String::new();
    for line in text.lines().filter(|line| !line.trim().is_empty()) {
        if let Some(text) = line.strip_prefix('#') {
            comment.push_str(text);
            continue;
        }
        let list = |key: &str| {
            let (_, value) = line.split_once(&format!("{key}: ["))?;
            Some(value.trim_end_matches(']').replace("\"\"", "core"))
        };
        if line.starts_with("- ") {
            let why = std::mem::take(&mut comment).trim().to_owned();
            assert!(!why.is_empty(), "a rule of {name} says no reason: {line}");
            let groups = list("- apiGroups").unwrap_or_else(|| panic!("not the form of a rule: {line}"));
            let [resources, names, verbs] = [const { String::new() }; 3];
            rules.push(Rule { why, groups, resources, names, verbs });
        }
        assert!(comment.is_empty(), "a comment within a rule of {name}: {comment}");
        let rule = rules.last_mut().unwrap();
        for (key, field) in [
            (" resources", &mut rule.resources),
            (" resourceNames", &mut rule.names),
            (" verbs", &mut rule.verbs),
        ] {
            if let Some(value) = list(key) {
                *field = value;
            }
        }
    }
    for rule in &rules {
        assert!(!rule.resources.is_empty() && !rule.verbs.is_empty(), "half a rule in {name}: {}", rule.why);
    }
    rules
}

fn table(page: &mut String, rules: &[Rule]) {
    page.push_str("| API group | Resources | Verbs | Why |\n|---|---|---|---|\n");
    for Rule { why, groups, resources, names, verbs } in rules {
        let named = if names.is_empty() { "" } else { " (only the operator's own, by name)" };
        let _ = writeln!(page, "| {groups} | {resources}{named} | {verbs} | {} |", cell(why));
    }
    page.push('\n');
}

#[test]
fn the_permissions_on_the_page_are_those_of_the_chart() {
    let source = read("charts/hubspot-listener/templates/_permissions.tpl");
    let mut page = String::from("## The exact permissions\n\n");
    page.push_str(
        "In the namespaces of the listeners: a ClusterRole, or with `watchNamespace` a Role in that namespace.\n\n",
    );
    table(&mut page, &rules(&source, "hubspot-listener.permissions"));
    page.push_str("With `settings.allowFromPage: true`, beside those:\n\n");
    table(&mut page, &rules(&source, "hubspot-listener.savePermissions"));
    page.push_str("In the namespace of the release, always a Role:\n\n");
    table(&mut page, &rules(&source, "hubspot-listener.leasePermissions"));
    page.push_str(
        "With `console.enabled: true`, the console's own ServiceAccount, where the operator has the first table:\n\n",
    );
    table(&mut page, &rules(&source, "hubspot-listener.consolePermissions"));
    is_current("docs/security.md", &format!("{}\n", page.trim_end()));
}
