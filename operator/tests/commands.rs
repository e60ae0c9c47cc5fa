//! The commands as people and scripts run them.
#![expect(clippy::unwrap_used, reason = "a test's helpers are tests too")]

use std::path::Path;
use std::process::{Command, Output};

fn operator(arguments: &[&str], directory: &Path) -> Output {
    Command::new(env!("CARGO_BIN_EXE_operator")).args(arguments).current_dir(directory).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

const LISTENER: &str = "\
apiVersion: hubspot-listener.dev/v1alpha1
kind: HubSpotListener
metadata: {name: contacts}
spec:
  displayName: Contacts
  clientSecrets: [{name: app, key: secret}]
  destinations: [{name: audit, log: {}}]
";

#[test]
fn check_passes_a_good_file_and_notes_what_is_elsewhere() {
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("a.yaml"), LISTENER).unwrap();
    let output = operator(&["check", "a.yaml"], directory.path());
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(text(&output.stdout), "no mistakes: 1 listener in 1 file\n");
    assert!(text(&output.stderr).starts_with("note: a.yaml:6:"), "{}", text(&output.stderr));
}

#[test]
fn check_says_line_column_field_and_remedy_and_ends_with_1() {
    let directory = tempfile::tempdir().unwrap();
    let bad = LISTENER.replace("log: {}", "logs: {}") + "  page: {size: 0}\n";
    std::fs::write(directory.path().join("a.yaml"), bad).unwrap();
    let output = operator(&["check", "a.yaml"], directory.path());
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(
        text(&output.stdout),
        "a.yaml:7:32: spec.destinations[0].logs: there is no such field; did you mean log?\n\
         a.yaml:8:10: spec.page.size: 0 is too small; write a number from 1 to 2147483647\n\
         2 mistakes in 1 file\n"
    );
}

#[test]
fn check_for_scripts_is_json() {
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("a.yaml"), LISTENER.replace("secret}]", "}]")).unwrap();
    let output = operator(&["check", "--format=json", "a.yaml"], directory.path());
    assert_eq!(output.status.code(), Some(1));
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report["mistakes"][0]["line"], 6);
}

#[test]
fn check_of_nothing_is_no_success() {
    let directory = tempfile::tempdir().unwrap();
    assert_eq!(operator(&["check", "nowhere.yaml"], directory.path()).status.code(), Some(1));
    std::fs::write(directory.path().join("empty.yaml"), "# nothing\n").unwrap();
    assert_eq!(operator(&["check", "empty.yaml"], directory.path()).status.code(), Some(1));
    assert_eq!(operator(&["check"], directory.path()).status.code(), Some(2));
}

#[test]
fn crd_prints_and_writes_the_definition_that_is_committed() {
    let directory = tempfile::tempdir().unwrap();
    let committed =
        std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../crds/hubspotlisteners.yaml"))
            .unwrap();
    let printed = text(&operator(&["crd"], directory.path()).stdout);
    assert!(committed.ends_with(&printed) && printed.starts_with("apiVersion: apiextensions.k8s.io/v1"));
    let output = operator(&["crd", "--output", "crd.yaml"], directory.path());
    assert_eq!((output.status.code(), output.stdout.len()), (Some(0), 0));
    assert_eq!(std::fs::read_to_string(directory.path().join("crd.yaml")).unwrap(), printed);
    let output = operator(&["crd", "--output", "no/such/directory/crd.yaml"], directory.path());
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).starts_with("error: cannot write no/such/directory/crd.yaml: "));
}
