//! A listener with errors, a destination that refuses until it is told otherwise, and the pages of the
//! records in a CRM, to which data URIs lead.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::{Value, json};
use tests::{Answer, Connection, ListenerProcess, Page, Receiver, Reply, Setup, eventually};

use tests::browser::Browser;

pub(crate) const VIEW: &str = "view-token-of-vera-0001";
pub(crate) const OPERATE: &str = "operate-token-of-olaf-0001";
pub(crate) const ADMIN: &str = "admin-token-of-ada-00001";

/// Where the pages of the listener are.
pub(crate) const BASE: &str = "/listeners/sales/contacts";

pub(crate) struct Scene {
    pub(crate) listener: ListenerProcess,
    pub(crate) destination: Receiver,
    pub(crate) crm: Receiver,
    takes: Arc<AtomicBool>,
}

impl Scene {
    /// Contacts 1 to `errors` were not taken.
    pub(crate) fn start(errors: u64) -> Self {
        let takes = Arc::new(AtomicBool::new(false));
        let is_taken = Arc::clone(&takes);
        let destination = Receiver::with(move |_| {
            if is_taken.load(Ordering::SeqCst) {
                Reply::status(200)
            } else {
                Reply::status(400).body("{\"error\":\"lifecycle stage \\\"costumer\\\" is not known\"}")
            }
        });
        let crm = Receiver::with(|page: &Page| {
            let name = page.path.rsplit('/').next().unwrap_or_default();
            let body =
                format!("<!doctype html><html lang=en><title>CRM</title><h1>Contact {name} in the CRM</h1>");
            Reply::status(200).header("content-type", "text/html; charset=utf-8").body(&body)
        });
        let setup = setup(&destination.url("/hubspot"), &crm.url("/record/"));
        let listener = setup.arguments(&["--log", "warn"]).start();
        let scene = Self { listener, destination, crm, takes };
        scene.fail(errors);
        scene
    }

    /// One delivery, of these events.
    pub(crate) fn deliver(&self, events: &[Value]) {
        let body = serde_json::to_vec(events).expect("JSON");
        assert_eq!(self.listener.deliver(&body).expect("an answer").status, 204);
    }

    fn fail(&self, errors: u64) {
        let contacts: Vec<Value> = (1..=errors).map(|id| contact(id, id)).collect();
        self.deliver(&contacts);
        eventually(30, "the errors are at the desk", || {
            (self.get("/api/v1/errors/count")["total"] == errors).then_some(())
        });
    }

    /// From now on the destination takes what comes.
    pub(crate) fn take(&self) {
        self.takes.store(true, Ordering::SeqCst);
    }

    /// The address of a page of the listener.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{BASE}{path}", self.listener.admin)
    }

    /// What the API answers to whoever may see everything.
    pub(crate) fn get(&self, target: &str) -> Value {
        let headers = [("authorization".to_owned(), format!("Bearer {ADMIN}"))];
        let answer: Answer = Connection::open(self.listener.admin)
            .and_then(|mut connection| connection.exchange("GET", target, &headers, b""))
            .expect("an answer");
        assert_eq!(answer.status, 200, "{target}: {}", answer.text());
        answer.json()
    }

    /// The number of an error: found, for pages go out side by side and what fails first has number 1.
    pub(crate) fn error_of(&self, trace_key: &str) -> i64 {
        let list = self.get(&format!("/api/v1/errors?traceKey={trace_key}"));
        list["items"][0]["id"].as_i64().expect("an error")
    }

    /// Opens the page, which asks for a token first, and signs in.
    pub(crate) async fn sign_in(&self, browser: &Browser, token: &str) {
        browser.open(&format!("http://{}/", self.listener.admin)).await;
        browser.heading("Sign in").await;
        browser.fill("Token", token).await;
        browser.press("Sign in").await;
        browser.heading("Overview").await;
    }
}

/// A change of a contact whose lifecycle stage is misspelled.
pub(crate) fn contact(event: u64, id: u64) -> Value {
    json!({
        "eventId": event,
        "subscriptionType": "contact.propertyChange",
        "objectId": id,
        "propertyName": "lifecyclestage",
        "propertyValue": "costumer",
        "email": format!("contact{id}@example.com"),
    })
}

fn setup(destination: &str, crm: &str) -> Setup {
    let tokens = format!("view.vera: {VIEW}, operate.olaf: {OPERATE}, admin.ada: {ADMIN}");
    let spec = format!(
        "  dataUriTemplate: '{crm}{{{{objectId}}}}'\n  \
         settings: {{region: eu, limits: {{max: 5}}}}\n  \
         settingsSchema:\n    type: object\n    properties:\n      \
         region: {{type: string, title: Region, enum: [eu, us]}}\n      \
         limits: {{type: object, properties: {{max: {{type: integer, title: Largest number}}}}}}\n"
    );
    Setup::desk(&tokens, 1, destination, &spec)
}
