//! The real `operator console` over real HTTP, under the rights that the chart gives it.

use std::net::{Ipv4Addr, SocketAddr};
use std::process::{Child, Command, Stdio};

use tests::{eventually, free_port, get, operator_binary};

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
