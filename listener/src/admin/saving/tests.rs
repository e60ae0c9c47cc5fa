//! One listener, an admin of it, and an operator that has the Secret.

use std::sync::Arc;

use crds::saving::{Fetch, Outcome};
use reqwest::Method;
use serde_json::json;
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::*;
use crate::admin::{Admin, View, serve};
use crate::deliver::install_provider;
use crate::desk::{Desk, Query};
use crate::metrics::Metrics;
use crate::receive::Endpoint;
use crate::receive::tests::support::{PATH, Reply, live, quick};
use crate::store::Store;
use crate::store::index::{Embedded, Options};
use crate::store::suite::{BEGIN_MS, Plain};
use language::clock::Clock;

const TOKEN: &str = "admin-token-0123456789";

struct Scene {
    shown: Arc<Shown>,
    clock: Clock,
    base: String,
    place: Place,
    shutdown: CancellationToken,
    _directory: TempDir,
}

impl Drop for Scene {
    fn drop(&mut self) {
        self.shutdown.cancel();
    }
}

impl Scene {
    async fn start(saves_settings: bool) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let clock = Clock::manual(BEGIN_MS);
        let options = Options::new(directory.path(), Arc::new(Plain), clock.clone());
        let embedded = Arc::new(Embedded::open(options).await.unwrap());
        let mut live = live(PATH, &Reply::default());
        let configuration = &mut Arc::get_mut(&mut live).unwrap().configuration;
        configuration.saves_settings = saves_settings;
        configuration.generation = 3;
        configuration.spec.settings = json!({"region": "eu"}).as_object().unwrap().clone();
        let place = Place { namespace: configuration.namespace.clone(), name: configuration.name.clone() };
        let metrics = Arc::new(Metrics::default());
        let store: Arc<dyn Store> = Arc::clone(&embedded) as _;
        let endpoint = Endpoint::new(live, store, clock.clone(), &metrics);
        let shown = Shown::new(endpoint, Some(embedded as Arc<dyn Desk>), None, Vec::new);
        let tokens = [("operate.olaf", "operate-token-0123456789"), ("admin.ada", TOKEN)];
        shown.set_tokens(&tokens.map(|(key, token)| (key.to_owned(), token.into())).into());
        let view = View::new();
        view.set_listeners(vec![Arc::clone(&shown)]);
        let socket = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", socket.local_addr().unwrap());
        let shutdown = CancellationToken::new();
        let admin = Admin { view, metrics, token: None, open: false };
        tokio::spawn(serve(socket, admin, quick(), shutdown.clone()));
        Self { shown, clock, base, place, shutdown, _directory: directory }
    }

    async fn ask(&self, settings: &str) -> Result<(), DeskError> {
        self.shown.saving().request(Role::Admin, &ada(), 3, settings).await
    }

    async fn send(&self, method: Method, path: &str, body: String) -> (u16, String) {
        install_provider();
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let answer = client.request(method, format!("{}{path}", self.base)).body(body).send().await.unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    }

    async fn post(&self, path: &str, message: &impl serde::Serialize) -> (u16, String) {
        self.send(Method::POST, path, serde_json::to_string(message).unwrap()).await
    }

    async fn audited(&self) -> Vec<String> {
        let query = Query { filter: None, cursor: None, limit: 10 };
        let log = self.shown.desk().unwrap().audit(query).await.unwrap();
        log.items
            .into_iter()
            .map(|entry| format!("{} {}: {}", entry.actor, entry.act, entry.detail))
            .collect()
    }
}

fn ada() -> Actor {
    Actor("ada".to_owned())
}

fn key() -> ProofKey {
    ProofKey::of_token(TOKEN.as_bytes())
}

#[tokio::test]
async fn a_change_goes_from_the_page_over_the_report_to_the_operator_and_its_outcome_comes_back() {
    let scene = Scene::start(true).await;
    scene.ask(r#"{"region":"us","owner":"crm"}"#).await.unwrap();
    assert_eq!(scene.shown.saving().last().unwrap().progress, Progress::Wanted);

    let (_, report) = scene.send(Method::GET, crds::report::PATH, String::new()).await;
    assert!(!report.contains("region") && !report.contains("ada"), "{report}");
    let reports: crds::report::Reports = serde_json::from_str(&report).unwrap();
    let wanted = reports.listeners[0].settings_wanted.clone().unwrap();
    assert!(wanted.is_proven(&key(), &scene.place));

    let fetch = Fetch::new(&key(), scene.place.clone(), &wanted.id);
    let (status, answer) = scene.post(crds::saving::FETCH_PATH, &fetch).await;
    assert_eq!(status, 200, "{answer}");
    let fetched: Fetched = serde_json::from_str(&answer).unwrap();
    assert!(fetched.is_proven(&key(), &scene.place, &wanted.id));
    assert_eq!((fetched.generation, &fetched.settings[..]), (3, r#"{"region":"us","owner":"crm"}"#));

    let outcome = Outcome::new(&key(), scene.place.clone(), &wanted.id, Settled::Applied { generation: 4 });
    assert_eq!(scene.post(crds::saving::OUTCOME_PATH, &outcome).await.0, 204);
    let last = scene.shown.saving().last().unwrap();
    assert_eq!(last.progress, Progress::Applied { generation: 4, live: false });
    assert_eq!(scene.shown.saving().wanted(), None);
    let expected =
        ["ada settings: saved as generation 4", "ada settings: asked for, over generation 3: owner, region"];
    assert_eq!(scene.audited().await, expected);
}

#[tokio::test]
async fn who_has_no_proof_gets_nothing_and_changes_nothing() {
    let scene = Scene::start(true).await;
    scene.ask(r#"{"region":"us"}"#).await.unwrap();
    let id = scene.shown.saving().wanted().unwrap().id;
    let other = ProofKey::of_token(b"operate-token-0123456789");
    for fetch in [Fetch::new(&other, scene.place.clone(), &id), Fetch::new(&key(), scene.place.clone(), "00")]
    {
        assert_eq!(scene.post(crds::saving::FETCH_PATH, &fetch).await.0, 404);
    }
    let outcome = Outcome::new(&other, scene.place.clone(), &id, Settled::Applied { generation: 4 });
    assert_eq!(scene.post(crds::saving::OUTCOME_PATH, &outcome).await.0, 404);
    for body in ["", "{}", "[", &"x".repeat(MAX_SETTINGS_BYTES)] {
        let (status, _) = scene.send(Method::POST, crds::saving::FETCH_PATH, body.to_owned()).await;
        assert!((400..500).contains(&status), "{status}");
    }
    assert_eq!(scene.shown.saving().last().unwrap().progress, Progress::Wanted);
}

#[tokio::test]
async fn what_cannot_be_saved_is_refused_with_a_reason_at_once() {
    let scene = Scene::start(true).await;
    let saving = scene.shown.saving();
    let refused = async |role, actor: &str, generation, settings: &str| {
        let asked = saving.request(role, &Actor(actor.to_owned()), generation, settings).await;
        asked.unwrap_err().to_string()
    };
    let (admin, operate) = (Role::Admin, Role::Operate);
    let large = format!("{{\"a\":\"{}\"}}", "x".repeat(MAX_SETTINGS_BYTES));
    for (said, expected) in [
        (refused(operate, "olaf", 3, "{}").await, "role admin"),
        (refused(admin, "dev", 3, "{}").await, "not saved from here"),
        (refused(admin, "ada", 2, "{}").await, "this is generation 3, the form shows 2"),
        (refused(admin, "ada", 3, "[]").await, "no JSON object"),
        (refused(admin, "ada", 3, &"[".repeat(9_999)).await, "no JSON object"),
        (refused(admin, "ada", 3, &large).await, "more than 262144"),
        (refused(admin, "ada", 3, r#"{ "region": "eu" }"#).await, "those that run"),
    ] {
        assert!(said.contains(expected), "{said}");
    }
    assert_eq!(saving.last(), None);
    scene.ask("{}").await.unwrap();
    let said = scene.ask(r#"{"a":1}"#).await.unwrap_err().to_string();
    assert!(said.contains("waits for the operator"), "{said}");
    let not_offered = Scene::start(false).await;
    assert!(!not_offered.shown.saving().offered());
    assert!(not_offered.ask("{}").await.unwrap_err().to_string().contains("settings.allowFromPage"));
}

#[tokio::test]
async fn a_change_that_the_operator_never_takes_ends_by_itself() {
    let scene = Scene::start(true).await;
    scene.ask("{}").await.unwrap();
    scene.clock.set_ms(BEGIN_MS + i64::try_from(KEEP_SECONDS).unwrap() * 1_000);
    assert_eq!(scene.shown.saving().wanted(), None);
    let Progress::Refused { reason } = scene.shown.saving().last().unwrap().progress else { panic!() };
    assert!(reason.contains("within 10 minutes"), "{reason}");
    scene.ask(r#"{"a":1}"#).await.unwrap();
    assert!(scene.shown.saving().wanted().is_some());
}

#[tokio::test]
async fn the_command_is_one_word_for_a_shell_whatever_the_settings_hold() {
    let scene = Scene::start(false).await;
    let command = scene.shown.saving().command(r#"{"a":"it's $(x)"}"#).unwrap();
    let Place { namespace, name } = &scene.place;
    let begin =
        format!("kubectl -n {namespace} patch hubspotlisteners.hubspot-listener.dev {name} --type json -p ");
    let patch = command.strip_prefix(&begin).unwrap_or_else(|| panic!("{command}"));
    let said = std::process::Command::new("sh").arg("-c").arg(format!("printf %s {patch}")).output().unwrap();
    let patch: Value = serde_json::from_slice(&said.stdout).unwrap();
    assert_eq!(patch[0]["value"], 3);
    assert_eq!(patch[1], json!({"op": "add", "path": "/spec/settings", "value": {"a": "it's $(x)"}}));
}
