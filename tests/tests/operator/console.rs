//! The real `operator console` over real HTTP, under the rights that the chart gives it.

use std::net::{Ipv4Addr, SocketAddr};
use std::process::{Child, Command, Stdio};

use tests::browser::{Browser, Script, is_there, look};
use tests::{Receiver, Reply, eventually, free_port, get, operator_binary};

use crate::support::{Scene, rules};

struct Console {
    address: SocketAddr,
    user: String,
    process: Child,
    _folder: tempfile::TempDir,
}

impl Drop for Console {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Console {
    fn start(scene: &Scene<'_>, flags: &[&str]) -> Self {
        let (namespace, rules) = (&scene.namespace, rules("consolePermissions"));
        scene.cluster.apply(&format!(
            "apiVersion: v1\nkind: ServiceAccount\nmetadata: {{name: console, namespace: {namespace}}}\n---\n\
             apiVersion: rbac.authorization.k8s.io/v1\nkind: Role\nmetadata: {{name: console, namespace: {namespace}}}\nrules:{rules}\n---\n\
             apiVersion: rbac.authorization.k8s.io/v1\nkind: RoleBinding\nmetadata: {{name: console, namespace: {namespace}}}\n\
             roleRef: {{apiGroup: rbac.authorization.k8s.io, kind: Role, name: console}}\n\
             subjects: [{{kind: ServiceAccount, name: console, namespace: {namespace}}}]\n"
        ));
        let token = scene.kubectl(&["create", "token", "console"]);
        let folder = tempfile::tempdir().unwrap();
        let kubeconfig = folder.path().join("kubeconfig");
        std::fs::copy(scene.cluster.kubeconfig(), &kubeconfig).unwrap();
        let file = format!("--kubeconfig={}", kubeconfig.display());
        let token = format!("--token={}", token.trim());
        scene.cluster.kubectl(&[&file, "config", "set-credentials", "console", &token]).ok();
        scene.cluster.kubectl(&[&file, "config", "set-context", "--current", "--user=console"]).ok();
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, free_port()));
        let process = Command::new(operator_binary())
            .args(["console", "--namespace", namespace, "--listen", &address.to_string()])
            .args(flags)
            .env("KUBECONFIG", &kubeconfig)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let user = format!("system:serviceaccount:{namespace}:console");
        Self { address, user, process, _folder: folder }
    }

    fn page(&self) -> Option<String> {
        let answer = get(self.address, "/").ok()?;
        (answer.status == 200).then(|| answer.text())
    }

    #[track_caller]
    fn shows(&self, what: &str) {
        let mut last = String::new();
        eventually(30, &format!("the page shows {what}"), || {
            last = self.page()?;
            last.contains(what).then_some(())
        });
    }
}

#[test]
fn the_console_shows_the_listeners_of_its_namespace_as_they_come_change_and_go() {
    let (Some(scene), Some(other)) = (Scene::new(), Scene::new()) else { return };
    other.listener("elsewhere", "");
    let console =
        Console::start(&scene, &["--desk-url-template", "https://desk.example.com/{namespace}/{name}"]);
    console.shows("There is no listener yet");
    assert_eq!(get(console.address, "/readyz").unwrap().status, 200);

    let _operator = scene.operator("operator");
    scene.listener("contacts", "  description: New and changed contacts\n");
    let namespace = &scene.namespace;
    console.shows(&format!("https://hooks.example.com/{namespace}/contacts"));
    let page = console.page().unwrap();
    for text in [
        &format!("href=\"https://desk.example.com/{namespace}/contacts\"")[..],
        "New and changed contacts",
        "0 of 1",
        "1 listener<",
    ] {
        assert!(page.contains(text), "{text}: {page}");
    }
    assert!(!page.contains("elsewhere") && !page.contains("hubspot-app"), "{page}");
    // A listener that cannot be carried out says why.
    scene.listener("deals", "  traceKeyTemplate: '{{#each}'\n");
    console.shows("<strong>Not ready</strong>");
    console.shows("spec.traceKeyTemplate");
    scene.kubectl(&["delete", "hubspotlistener", "deals", "contacts"]);
    console.shows("There is no listener yet");

    let calls: Vec<_> =
        scene.cluster.audit_log().into_iter().filter(|call| call.user == console.user).collect();
    assert!(!calls.is_empty());
    for call in &calls {
        assert_eq!((call.code / 100, &call.resource[..]), (2, "hubspotlisteners"), "{call:?}");
        assert!(["list", "watch"].contains(&call.verb.as_str()), "{call:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_console_is_accessible_and_leads_to_the_pages_of_its_listeners() {
    let Some(scene) = Scene::new().filter(|_| is_there()) else { return };
    let desk = Receiver::with(|page| {
        let body = format!("<!doctype html><html lang=en><title>Desk</title><h1>Desk at {}</h1>", page.path);
        Reply::status(200).header("content-type", "text/html; charset=utf-8").body(&body)
    });
    let console = Console::start(&scene, &["--desk-url-template", &desk.url("/{namespace}/{name}")]);
    console.shows("There is no listener yet");
    let browser = Browser::start("console", Script::On).await;
    let url = format!("http://{}/", console.address);
    browser.open(&url).await;
    let mut wrong = look(&browser, "console-empty").await;

    let operator = scene.operator("operator");
    scene.listener("contacts", "  description: New and changed contacts\n");
    scene.listener("deals", "  traceKeyTemplate: '{{#each}'\n");
    console.shows(&format!("https://hooks.example.com/{}/contacts", scene.namespace));
    console.shows("spec.traceKeyTemplate");
    browser.follow("Look again").await;
    browser.says("main", "2 listeners").await;
    wrong.extend(look(&browser, "console").await);
    browser.fill("Name, description or URL", "deal").await;
    browser.press("Show").await;
    browser.says("#listeners", "1 listener").await;
    browser.says("main", "Not ready").await;
    wrong.extend(look(&browser, "console-chosen").await);
    browser.fill("Name, description or URL", "changed contacts").await;
    browser.press("Show").await;
    browser.says("main", "contacts").await;
    browser.follow("contacts").await;
    browser.heading(&format!("Desk at /{}/contacts", scene.namespace)).await;
    let asked = desk.pages().into_iter().find(|page| page.path.ends_with("/contacts")).expect("it was asked");
    assert_eq!(asked.header("referer"), "", "the desk learns where the console is");

    // Without a template each listener has the command that forwards its port.
    let plain = Console::start(&scene, &[]);
    plain.shows("port-forward deploy/contacts 9090");
    browser.open(&format!("http://{}/", plain.address)).await;
    browser.says("main", "port-forward deploy/contacts 9090").await;
    wrong.extend(look(&browser, "console-commands").await);
    assert!(wrong.is_empty(), "{} findings:\n{}", wrong.len(), wrong.join("\n"));
    drop(operator);
}
