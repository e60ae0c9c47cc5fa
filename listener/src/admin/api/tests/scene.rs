//! A listener with errors of a destination, and three people.

use std::net::SocketAddr;
use std::sync::Arc;

use reqwest::Method;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::admin::{Admin, Shown, View, serve};
use crate::deliver::install_provider;
use crate::desk::{Desk, History};
use crate::metrics::Metrics;
use crate::receive::Endpoint;
use crate::receive::tests::support::{PATH, Reply, live, quick};
use crate::store::index::{Embedded, Options};
use crate::store::suite::{BEGIN_MS, Plain, World, failing, set_destinations};
use crate::store::{Outcome, Store};
use language::clock::Clock;

pub(in crate::admin) const VIEW: &str = "view-token-0123456789";
pub(in crate::admin) const OPERATE: &str = "operate-token-0123456789";
pub(in crate::admin) const ADMIN: &str = "admin-token-0123456789";

pub(in crate::admin) struct Scene {
    pub(in crate::admin) shown: Arc<Shown>,
    pub(in crate::admin) store: Arc<dyn Store>,
    pub(in crate::admin) world: World,
    pub(in crate::admin) address: SocketAddr,
    client: reqwest::Client,
    shutdown: CancellationToken,
    _directory: TempDir,
}

/// An answer that was read.
#[derive(Debug)]
pub(super) struct Came {
    pub(super) status: u16,
    pub(super) kind: String,
    pub(super) text: String,
}

impl Came {
    pub(super) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {}", self.text))
    }

    /// The JSON of an answer that went well.
    pub(super) fn good(self) -> Value {
        assert_eq!((self.status, &self.kind[..]), (200, "application/json"), "{}", self.text);
        self.json()
    }

    /// The problem of one that did not.
    pub(super) fn problem(self, status: u16) -> Value {
        assert_eq!((self.status, &self.kind[..]), (status, "application/problem+json"), "{}", self.text);
        let problem = self.json();
        assert_eq!(problem["status"], status);
        assert!(problem["detail"].as_str().is_some_and(|detail| !detail.is_empty()), "{problem}");
        problem
    }
}

impl Scene {
    /// Each of `records` becomes an error; `masked` fields are masked.
    pub(in crate::admin) async fn start(records: &[&str], masked: &[&str]) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let clock = Clock::manual(BEGIN_MS);
        let options = Options::new(directory.path(), Arc::new(Plain), clock.clone());
        let embedded = Arc::new(Embedded::open(options).await.unwrap());
        let store: Arc<dyn Store> = Arc::clone(&embedded) as _;
        set_destinations(&store, &["audit"]).await;
        let world = World {
            clock: clock.clone(),
            open: Box::new(|| unreachable!("it is open")),
            open_desk: Box::new(|_| unreachable!("it is open")),
            open_history: Box::new(|_| unreachable!("it is open")),
        };
        let mut live = live(PATH, &Reply::default());
        let spec = &mut Arc::get_mut(&mut live).unwrap().configuration.spec;
        spec.desk.masked_fields = masked.iter().map(|&field| field.to_owned()).collect();
        let metrics = Arc::new(Metrics::default());
        let endpoint = Endpoint::new(live, Arc::clone(&store), clock, &metrics);
        let desk: Arc<dyn Desk> = Arc::clone(&embedded) as _;
        let history: Arc<dyn History> = embedded;
        let shown = Shown::new(endpoint, Some(desk), Some(history), Vec::new);
        let tokens = [("view.vera", VIEW), ("operate.olaf", OPERATE), ("admin.ada", ADMIN)];
        shown.set_tokens(&tokens.map(|(key, token)| (key.to_owned(), token.into())).into());
        let view = View::new();
        view.set_listeners(vec![Arc::clone(&shown)]);
        let socket = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = socket.local_addr().unwrap();
        let shutdown = CancellationToken::new();
        let admin = Admin { view, metrics, token: None, open: false };
        tokio::spawn(serve(socket, admin, quick(), shutdown.clone()));
        install_provider();
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let scene = Self { shown, store, world, address, client, shutdown, _directory: directory };
        scene.fail(records).await;
        scene
    }

    /// Delivers records that the destination refuses.
    pub(in crate::admin) async fn fail(&self, records: &[&str]) {
        if records.is_empty() {
            return;
        }
        let Self { world, store, .. } = self;
        world.deliver(store, format!("[{}]", records.join(","))).await;
        let page = world.page(store, "audit").await;
        let errors = page.records.iter().map(|record| failing(record, world.clock.now_ms())).collect();
        world.settle(store, &page, 400, Outcome::Done { errors, again: Vec::new(), again_at_ms: 0 }).await;
    }

    pub(super) async fn send(&self, token: &str, method: Method, path: &str, body: Option<Value>) -> Came {
        let mut request = self.client.request(method, format!("http://{}/api/v1{path}", self.address));
        if !token.is_empty() {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        if let Some(body) = body {
            request = request.header("content-type", "application/json").body(body.to_string());
        }
        let answer = request.send().await.unwrap();
        let kind = answer.headers().get("content-type").map(|kind| kind.to_str().unwrap().to_owned());
        let status = answer.status().as_u16();
        Came { status, kind: kind.unwrap_or_default(), text: answer.text().await.unwrap() }
    }

    pub(super) async fn get(&self, token: &str, path: &str) -> Came {
        self.send(token, Method::GET, path, None).await
    }

    pub(super) async fn post(&self, token: &str, path: &str, body: Value) -> Came {
        self.send(token, Method::POST, path, Some(body)).await
    }

    pub(super) async fn act(&self, id: i64, act: &str, body: Value) -> Came {
        self.post(OPERATE, &format!("/errors/{id}/{act}"), body).await
    }

    /// Numbers of the errors that a list holds.
    pub(super) async fn ids(&self, query: &str) -> Vec<i64> {
        let list = self.get(VIEW, &format!("/errors{query}")).await.good();
        list["items"].as_array().unwrap().iter().map(|item| item["id"].as_i64().unwrap()).collect()
    }
}

impl Drop for Scene {
    fn drop(&mut self) {
        self.shutdown.cancel();
    }
}

/// A plan to do `act` to every error that `filter` matches.
pub(super) fn wanted(filter: &Value, act: &Value) -> Value {
    json!({"selection": {"errors": filter}, "act": act})
}
