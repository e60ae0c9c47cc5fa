//! Settings that are saved from a listener's web page: the real operator and a real listener as its pod would
//! run it, at a loopback address, on an API server with RBAC.

use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};
use tempfile::TempDir;
use tests::browser::{Browser, Script, is_there, look};
use tests::{Connection, binary, eventually, free_port};

use crate::support::{Scene, rules};

const ADMIN: &str = "admin-token-of-ada-00001";
const OPERATE: &str = "operate-token-of-olaf-01";
/// The port of a pod's admin address is fixed, so each pod has an address of its own.
const ADDRESSES: [&str; 2] = ["127.0.93.1", "127.0.93.2"];

const SPEC: &str = "  desk: {tokens: {secretName: desk}}\n  settings: {region: eu, old: true}\n  \
    settingsSchema: {type: object, properties: {region: {enum: [eu, us]}}}\n";

/// What runs in the pod of `contacts`.
struct Pod {
    process: Child,
    folder: TempDir,
    address: &'static str,
}

impl Drop for Pod {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Pod {
    fn start(scene: &Scene<'_>, address: &'static str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let write = |path: &str, text: &str| {
            let path = folder.path().join("secrets").join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        };
        write("hubspot-app/clientSecret", "s");
        write("desk/admin.ada", ADMIN);
        write("desk/operate.olaf", OPERATE);
        configure(scene, folder.path());
        let path = |name: &str| folder.path().join(name).display().to_string();
        let process = Command::new(binary())
            .args(["serve", "--config", &path("configuration.json"), "--secrets", &path("secrets")])
            .args(["--config-maps", &path("maps"), "--data", &path("data"), "--log", "warn"])
            .args(["--listen", &format!("127.0.0.1:{}", free_port()), "--admin", &format!("{address}:9090")])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let pod = json!({
            "apiVersion": "v1", "kind": "Pod",
            "metadata": {"name": "contacts-here", "namespace": scene.namespace, "labels": {
                "app.kubernetes.io/name": "hubspot-listener", "hubspot-listener.dev/listener": "contacts"}},
            "spec": {"containers": [{"name": "listener", "image": "localhost/listener:test"}]},
        });
        scene.apply(&pod.to_string());
        let status = json!({"status": {"phase": "Running", "podIP": address, "podIPs": [{"ip": address}]}});
        let status = status.to_string();
        scene.kubectl(&[
            "patch",
            "pod",
            "contacts-here",
            "--subresource=status",
            "--type=merge",
            "-p",
            &status,
        ]);
        let pod = Self { process, folder, address };
        eventually(30, "the listener answers", || pod.settings().ok());
        pod
    }

    fn ask(&self, token: &str, method: &str, body: &str) -> std::io::Result<(u16, Value)> {
        let address: SocketAddr = format!("{}:9090", self.address).parse().unwrap();
        let headers = [
            ("authorization".to_owned(), format!("Bearer {token}")),
            ("content-type".to_owned(), "application/json".to_owned()),
        ];
        let answer =
            Connection::open(address)?.exchange(method, "/api/v1/settings", &headers, body.as_bytes())?;
        Ok((answer.status, answer.json()))
    }

    fn settings(&self) -> std::io::Result<Value> {
        let (status, answer) = self.ask(OPERATE, "GET", "")?;
        assert_eq!(status, 200, "{answer} {}", self.folder.path().display());
        Ok(answer)
    }

    fn save(&self, token: &str, generation: &Value, settings: Value) -> (u16, Value) {
        let body = json!({"generation": generation, "settings": settings});
        self.ask(token, "POST", &body.to_string()).unwrap()
    }

    /// What came of the last change, once it is settled.
    #[track_caller]
    fn settled(&self) -> Value {
        eventually(60, "the operator tells what came of it", || {
            let last = self.settings().ok()?["last"].clone();
            (last["progress"]["state"] != "wanted").then_some(last)
        })
    }
}

/// The file, as the operator wrote it: what the kubelet does.
fn configure(scene: &Scene<'_>, folder: &Path) {
    let map = scene.cluster.wait_until(30, "the configuration", || scene.get("configmap", "contacts"));
    std::fs::write(folder.join("configuration.json"), map["data"]["configuration.json"].as_str().unwrap())
        .unwrap();
}

fn tokens(scene: &Scene<'_>) {
    scene.apply(&format!(
        "apiVersion: v1\nkind: Secret\nmetadata: {{name: desk}}\nstringData: {{admin.ada: {ADMIN}, operate.olaf: {OPERATE}}}\n"
    ));
}

#[test]
fn settings_saved_on_the_page_reach_the_resource_by_the_operator_or_are_refused_with_a_reason() {
    let Some(scene) = Scene::new() else { return };
    tokens(&scene);
    let flags = ["--save-settings", "--report-seconds", "5"];
    let operator = scene.operator_with("operator", &flags, rules("savePermissions"));
    scene.listener("contacts", SPEC);
    scene.wait_reason("contacts", "Programmed", "Programmed");
    let pod = Pod::start(&scene, ADDRESSES[0]);
    let shown = pod.settings().unwrap();
    assert_eq!((&shown["offered"], &shown["last"]), (&json!(true), &Value::Null), "{shown}");
    assert_eq!(shown["settings"], json!({"region": "eu", "old": true}));

    let wanted = json!({"region": "us", "owner": {"team": "crm"}});
    assert_eq!(pod.save(OPERATE, &shown["generation"], wanted.clone()).0, 403);
    let (status, answer) = pod.save(ADMIN, &shown["generation"], wanted.clone());
    assert_eq!((status, &answer["last"]["progress"]["state"]), (200, &json!("wanted")), "{answer}");
    let last = pod.settled();
    assert_eq!((&last["actor"], &last["progress"]["state"]), (&json!("ada"), &json!("applied")), "{last}");

    let listener = scene.get("hubspotlistener", "contacts").unwrap();
    assert_eq!(listener["spec"]["settings"], wanted, "as a whole: what was taken out is gone");
    assert_eq!(listener["metadata"]["generation"], last["progress"]["generation"]);
    let managed =
        scene.kubectl(&["get", "hubspotlistener", "contacts", "-o", "json", "--show-managed-fields"]);
    assert!(managed.contains("\"hubspot-listener-desk\""), "{managed}");
    scene.cluster.wait_until(20, "an event says who", || {
        let events = scene.kubectl(&["get", "events.events.k8s.io", "-o", "json"]);
        (events.contains("SettingsSaved") && events.contains("ada saved spec.settings")).then_some(())
    });
    let log = operator.log();
    assert!(log.contains("ada saved the settings") && !log.contains("crm") && !log.contains(ADMIN), "{log}");
    let live = |last: &Value| last["progress"]["live"] == true;
    assert!(!live(&last), "{last}");
    eventually(30, "the listener runs by it", || {
        configure(&scene, pod.folder.path());
        live(&pod.settings().ok()?["last"]).then_some(())
    });

    // The schema is judged before anything is written.
    let generation = pod.settings().unwrap()["generation"].clone();
    assert_eq!(pod.save(ADMIN, &generation, json!({"region": "mars"})).0, 200);
    let refused = pod.settled()["progress"].clone();
    assert_eq!(refused["state"], "refused");
    assert!(refused["reason"].as_str().unwrap().contains("settings.region"), "{refused}");

    // Somebody else was quicker.
    let patch = json!({"spec": {"description": "changed by hand"}}).to_string();
    scene.kubectl(&["patch", "hubspotlistener", "contacts", "--type=merge", "-p", &patch]);
    assert_eq!(pod.save(ADMIN, &generation, json!({"region": "eu"})).0, 200);
    let refused = pod.settled()["progress"].clone();
    assert!(refused["reason"].as_str().unwrap().contains("changed meanwhile"), "{refused}");
    let listener = scene.get("hubspotlistener", "contacts").unwrap();
    assert_eq!(
        (&listener["spec"]["settings"], &listener["spec"]["description"]),
        (&wanted, &json!("changed by hand"))
    );
    scene.nothing_forbidden(&operator);
}

#[test]
fn without_the_owners_leave_nothing_is_offered() {
    let Some(scene) = Scene::new() else { return };
    tokens(&scene);
    let _operator = scene.operator("operator");
    scene.listener("contacts", SPEC);
    scene.wait_reason("contacts", "Programmed", "Programmed");
    let map = scene.cluster.wait_until(30, "the configuration", || scene.get("configmap", "contacts"));
    let text = map["data"]["configuration.json"].as_str().unwrap();
    // A listener of the version before reads it, too.
    assert!(!text.contains("savesSettings"), "{text}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn settings_are_saved_in_a_browser() {
    let Some(scene) = Scene::new().filter(|_| is_there()) else { return };
    tokens(&scene);
    let flags = ["--save-settings", "--report-seconds", "5"];
    let operator = scene.operator_with("operator", &flags, rules("savePermissions"));
    scene.listener("contacts", SPEC);
    scene.wait_reason("contacts", "Programmed", "Programmed");
    let pod = Pod::start(&scene, ADDRESSES[1]);
    let browser = Browser::start("saves", Script::On).await;
    browser.open(&format!("http://{}:9090/", pod.address)).await;
    browser.fill("Token", ADMIN).await;
    browser.press("Sign in").await;
    browser.heading("Overview").await;
    browser.follow("Settings").await;
    browser.heading("Settings").await;
    browser.choose("region", "us").await;
    browser.press("Save").await;
    browser.says("main", "The change is handed to the operator.").await;
    // The page looks again by itself.
    browser.says("#saving", "is in the resource").await;
    let mut wrong = look(&browser, "settings-saved").await;
    let listener = scene.get("hubspotlistener", "contacts").unwrap();
    assert_eq!(listener["spec"]["settings"], json!({"region": "us", "old": true}));
    configure(&scene, pod.folder.path());
    browser.says("#saving", "is in force").await;
    wrong.extend(look(&browser, "settings-in-force").await);

    // What the form was made from is no more: it is refused, and says so.
    let patch = json!({"spec": {"description": "changed by hand"}}).to_string();
    browser.open(&browser.url().await.to_string().replace("?done=1", "")).await;
    scene.kubectl(&["patch", "hubspotlistener", "contacts", "--type=merge", "-p", &patch]);
    browser.choose("region", "eu").await;
    browser.press("Save").await;
    browser.says("#saving[role=alert], #saving [role=alert]", "changed meanwhile").await;
    wrong.extend(look(&browser, "settings-refused").await);
    assert!(wrong.is_empty(), "{} findings:\n{}", wrong.len(), wrong.join("\n"));
    drop(operator);
}
