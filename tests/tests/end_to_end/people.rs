//! Chapters of people: the command through the API server, settings saved from the web page, the console.

use std::net::SocketAddr;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::{Value, json};
use tests::{Connection, binary, eventually, get};

use super::story::{NAME, RELEASE, SYSTEM, Story, TEAM, URL};

const OPERATE: &str = "operate-token-of-olaf-01";
const ADMIN: &str = "admin-token-of-ada-00001";

/// The tokens of the listener's desk.
pub fn tokens(story: &Story<'_>) {
    let secret = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "desk", "namespace": TEAM},
        "stringData": {"operate.olaf": OPERATE, "admin.ada": ADMIN}});
    story.cluster.apply(&secret.to_string());
}

/// Runs the command with the administrator's kubeconfig; what it prints must be JSON.
#[track_caller]
fn run(story: &Story<'_>, program: &Path, arguments: &[&str]) -> Value {
    let output = Command::new(program)
        .args(arguments)
        .args(["--output", "json"])
        .env("KUBECONFIG", story.cluster.kubeconfig())
        .env_remove("LISTENER_URL")
        .env_remove("LISTENER_TOKEN")
        .stdin(Stdio::null())
        .output()
        .expect("the command runs");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{arguments:?}: {said}");
    assert!(!said.contains(OPERATE), "{said}");
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {said}"))
}

pub fn command(story: &Story<'_>) {
    let kube = format!("{TEAM}/{NAME}");
    let way = ["--kube", &kube, "--token-secret", "operate.olaf"];
    let with = |arguments: &[&'static str]| [arguments, &way].concat();
    let listed = run(story, binary(), &with(&["errors", "list"]));
    assert_eq!(listed["items"].as_array().map(Vec::len), Some(1), "{listed}");
    let id = listed["items"][0]["id"].to_string();
    // Several requests through one way, and an act.
    run(
        story,
        binary(),
        &[&["errors", "note", &id, "--text", "seen through the API server"], &way[..]].concat(),
    );
    let shown = run(story, binary(), &[&["errors", "show", &id], &way[..]].concat());
    assert_eq!(shown["notes"][0]["by"], "olaf", "{shown}");
    // As a plugin of kubectl: the namespace's only listener needs no name.
    let folder = tempfile::tempdir().unwrap();
    let plugin = folder.path().join("kubectl-hubspot");
    symlink(binary(), &plugin).unwrap();
    let arguments = ["errors", "count", "-n", TEAM, "--token-secret", "operate.olaf"];
    assert_eq!(run(story, &plugin, &arguments)["total"], 1);
}

/// Asks the API of the pod.
fn ask(address: SocketAddr, method: &str, body: &str) -> Option<Value> {
    let headers = [
        ("authorization".to_owned(), format!("Bearer {ADMIN}")),
        ("content-type".to_owned(), "application/json".to_owned()),
    ];
    let mut connection = Connection::open(address).ok()?;
    let answer = connection.exchange(method, "/api/v1/settings", &headers, body.as_bytes()).ok()?;
    assert_eq!(answer.status, 200, "{}", answer.text());
    Some(answer.json())
}

pub fn save(story: &Story<'_>) {
    let life = story.life();
    let admin = story.service(NAME, 9090);
    let shown = eventually(30, "the settings", || ask(admin.address, "GET", ""));
    assert_eq!(shown["offered"], true, "{shown}");
    let wanted = json!({"generation": shown["generation"], "settings": {"owner": "crm-team"}});
    ask(admin.address, "POST", &wanted.to_string()).expect("an answer");
    let applied = eventually(60, "the operator saves them", || {
        let last = ask(admin.address, "GET", "")?["last"].clone();
        (last["progress"]["state"] != "wanted").then_some(last)
    });
    assert_eq!(applied["progress"]["state"], "applied", "{applied}");
    let listener = story.cluster.get(TEAM, "hubspotlistener", NAME).expect("the listener");
    assert_eq!(listener["spec"]["settings"], wanted["settings"]);
    eventually(150, "the pod runs by them", || {
        (ask(admin.address, "GET", "")?["last"]["progress"]["live"] == true).then_some(())
    });
    assert_eq!(story.life(), life, "no restart");
}

pub fn console(story: &Story<'_>) {
    let name = format!("{RELEASE}-operator-console");
    story.cluster.wait_ready(SYSTEM, "app.kubernetes.io/component=console", 60);
    let service = story.cluster.get(SYSTEM, "service", &name).expect("the Service");
    let address = service["spec"]["clusterIP"].as_str().expect("an address");
    let forward = story.cluster.forward(&format!("{address}:8080"));
    let page = eventually(30, "the console's page", || get(forward.address, "/").ok()).text();
    for text in ["Contacts from HubSpot", URL, "port-forward deploy/contacts 9090"] {
        assert!(page.contains(text), "{text}: {page}");
    }
}
