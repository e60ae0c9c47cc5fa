//! The console over real sockets, with a board that the tests fill.

use std::net::SocketAddr;
use std::sync::Arc;

use clap::Parser;
use kube::core::DeserializeGuard;
use kube::runtime::watcher::Event;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::task::AbortOnDropHandle;

use super::board::Board;
use super::server::Console;
use super::{Options, choice};
use crate::run::caches::Guarded;

#[derive(Debug, Parser)]
struct Cli {
    #[command(flatten)]
    options: Options,
}

struct Scene {
    board: Arc<Board>,
    address: SocketAddr,
    _server: AbortOnDropHandle<()>,
}

impl Scene {
    async fn start(arguments: &[&str]) -> Self {
        let options = Cli::parse_from(std::iter::once(&"console").chain(arguments)).options;
        let board = Arc::new(Board::default());
        let socket = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = socket.local_addr().unwrap();
        let router = Console::new(options, Arc::clone(&board)).router();
        let server = AbortOnDropHandle::new(tokio::spawn(crate::serve::serve(socket, router)));
        Self { board, address, _server: server }
    }

    fn list(&self, objects: Vec<Value>) {
        self.board.take(&Event::Init);
        for object in objects {
            self.board.take(&Event::InitApply(guarded(object)));
        }
        self.board.take(&Event::InitDone);
    }

    async fn get(&self, path: &str) -> String {
        self.asked(path, "localhost:8080").await
    }

    async fn asked(&self, path: &str, host: &str) -> String {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        let request = format!("GET {path} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        answer
    }
}

fn guarded(object: Value) -> Guarded {
    serde_json::from_value::<DeserializeGuard<crds::HubSpotListener>>(object).unwrap()
}

fn listener(namespace: &str, name: &str, ready: (&str, &str, &str), status: &Value) -> Value {
    let (state, reason, message) = ready;
    let mut object = json!({
        "apiVersion": "hubspot-listener.dev/v1alpha1", "kind": "HubSpotListener",
        "metadata": {"name": name, "namespace": namespace, "generation": 2},
        "spec": {"displayName": format!("{name} <b>&amp;"), "description": "for the mailer",
                 "clientSecrets": [{"name": "hubspot-app", "key": "clientSecret"}],
                 "settings": {"hidden": "a-setting"}, "destinations": [{"name": "audit", "log": {}}]},
        "status": status,
    });
    object["status"]["conditions"] = json!([{
        "type": "Ready", "status": state, "reason": reason, "message": message, "observedGeneration": 2,
        "lastTransitionTime": "2026-11-25T08:00:00Z",
    }]);
    object
}

fn two() -> Vec<Value> {
    vec![
        listener(
            "sales",
            "contacts",
            ("True", "Ready", "it answers"),
            &json!({"url": "https://hooks.example.com/sales/contacts", "pendingRecords": 12_345, "openErrors": 0,
            "readyReplicas": 1, "lastDeliveryTime": "2026-11-25T08:00:00Z"}),
        ),
        listener(
            "shop",
            "orders",
            ("False", "SecretNotFound", "Secret hubspot-app is not there"),
            &json!({"openErrors": 3}),
        ),
    ]
}

#[tokio::test]
async fn the_page_shows_what_each_resource_says_and_nothing_of_its_spec_beyond_names() {
    let scene = Scene::start(&[]).await;
    scene.list(two());
    let page = scene.get("/").await;
    for text in [
        "HTTP/1.1 200",
        "contacts &lt;b&gt;&amp;amp;",
        "sales/contacts",
        "for the mailer",
        "12\u{202f}345",
        "https://hooks.example.com/sales/contacts",
        "<strong>Ready</strong>",
        "1 of 1",
        "2026-11-25T08:00:00Z",
        "<strong>Not ready</strong> · SecretNotFound",
        "Secret hubspot-app is not there",
        "kubectl -n sales port-forward deploy/contacts 9090",
        "2 listeners",
    ] {
        assert!(page.contains(text), "{text}: {page}");
    }
    for absent in ["<b>", "a-setting", "clientSecret", "<script", "style=", "onclick"] {
        assert!(!page.contains(absent), "{absent}: {page}");
    }
    assert!(page.contains("content-security-policy: default-src 'none'; style-src 'self';"), "{page}");
}

#[tokio::test]
async fn the_address_chooses_and_what_makes_no_sense_there_is_left() {
    let scene = Scene::start(&["--desk-url-template", "https://desk.example.com/{namespace}/{name}"]).await;
    scene.list(two());
    for (path, shown, hidden) in [
        ("/?namespace=shop", "shop/orders", "sales/contacts"),
        ("/?q=CONTACTS", "sales/contacts", "shop/orders"),
        ("/?attention=1", "shop/orders", "sales/contacts"),
        ("/?page=99&other=1", "shop/orders", "No listener fits"),
        ("/?q=nothing", "No listener fits", "shop/orders"),
        ("/?page=-1&page=2", "2 listeners", "No listener fits"),
    ] {
        let page = scene.get(path).await;
        assert!(page.contains(shown) && !page.contains(hidden), "{path}: {page}");
    }
    let page = scene.get("/").await;
    assert!(page.contains("href=\"https://desk.example.com/sales/contacts\""), "{page}");
    assert!(!page.contains("port-forward"), "{page}");
    let hostile = scene.get("/?q=%22%3E%3Cscript%3Ealert(1)%3C/script%3E&namespace=%3Cx").await;
    assert!(!hostile.contains("<script") && !hostile.contains("<x"), "{hostile}");
}

#[tokio::test]
async fn a_thousand_listeners_are_shown_page_by_page() {
    let scene = Scene::start(&[]).await;
    scene.list(
        (0..1_000)
            .map(|n| listener("sales", &format!("l{n:04}"), ("True", "Ready", ""), &json!({})))
            .collect(),
    );
    let first = scene.get("/").await;
    assert_eq!(first.matches("<article>").count(), choice::PAGE);
    assert!(first.contains("Page 1 of 10") && first.contains("1\u{202f}000 listeners"), "{first}");
    assert!(first.contains("href=\"/?page=2\""), "{first}");
    let last = scene.get("/?q=l0&page=10").await;
    assert!(last.contains("sales/l0999") && !last.contains("rel=\"next\""), "{last}");
}

#[tokio::test]
async fn it_is_ready_when_the_listeners_were_listed_and_says_when_they_may_be_old() {
    let scene = Scene::start(&[]).await;
    assert!(scene.get("/livez").await.starts_with("HTTP/1.1 200"));
    assert!(scene.get("/readyz").await.starts_with("HTTP/1.1 503"));
    let page = scene.get("/").await;
    assert!(page.contains("were not listed yet") && !page.contains("There is no listener yet"), "{page}");
    scene.list(Vec::new());
    assert!(scene.get("/readyz").await.starts_with("HTTP/1.1 200"));
    assert!(scene.get("/").await.contains("There is no listener yet"));
    scene.board.trouble();
    assert!(scene.get("/").await.contains("may be old"));
    scene.board.take(&Event::Apply(guarded(two().remove(0))));
    assert!(!scene.get("/").await.contains("may be old"));
    scene.board.take(&Event::Delete(guarded(two().remove(0))));
    assert!(!scene.get("/").await.contains("sales/contacts"));
}

#[tokio::test]
async fn a_site_that_leads_its_own_name_here_is_refused() {
    let scene = Scene::start(&["--hosts", "console.example.com"]).await;
    scene.list(two());
    let refused = scene.asked("/", "evil.example.net").await;
    assert!(refused.starts_with("HTTP/1.1 421") && !refused.contains("contacts"), "{refused}");
    for host in ["console.example.com", "127.0.0.1:8080"] {
        assert!(scene.asked("/", host).await.starts_with("HTTP/1.1 200"), "{host}");
    }
    assert!(
        scene.asked("/readyz", "evil.example.net").await.starts_with("HTTP/1.1 200"),
        "the kubelet asks by address"
    );
}

#[tokio::test]
async fn an_object_that_cannot_be_read_is_shown_as_such() {
    let scene = Scene::start(&[]).await;
    let mut broken = two().remove(0);
    broken["spec"]["destinations"] = json!("none");
    scene.list(vec![broken]);
    let page = scene.get("/").await;
    assert!(page.contains("Unreadable") && page.contains("cannot read it"), "{page}");
}

#[test]
fn the_style_takes_nothing_from_elsewhere() {
    let style = include_str!("style.css");
    assert!(!style.contains("url(") && !style.contains("@import"));
    assert!(style.contains("prefers-color-scheme: dark"));
}
