//! A listener with errors of every kind, behind tokens.

use serde_json::{Value, json};
use tests::{Answer, Connection, ListenerProcess, Receiver, Reply, Setup, eventually, post};

use crate::case::TOKENS;
use crate::description::Description;

/// In payloads, in the destination's answer: shown to operate and above.
pub(crate) const PAYLOAD: &str = "marker-in-the-payload";
/// In a masked field: shown to nobody.
pub(crate) const MASKED: &str = "marker-in-a-masked-field";

/// Errors at the destination.
const ERRORS: usize = 40;

pub(crate) struct Scene {
    pub(crate) listener: ListenerProcess,
    _destination: Receiver,
}

impl Scene {
    pub(crate) fn start() -> Self {
        let destination = Receiver::with(|page| {
            let statuses = [400, 404, 409, 413, 422];
            Reply::status(statuses[page.body.len() % statuses.len()])
                .body(&format!("{{\"not\":\"{PAYLOAD} {MASKED}\"}}"))
        });
        let listener = setup(&destination.url("/")).arguments(&["--log", "warn"]).start();
        let scene = Self { listener, _destination: destination };
        scene.fail();
        scene
    }

    fn fail(&self) {
        let records: Vec<Value> = (0..ERRORS)
            .map(|id| json!({"eventId": id, "objectId": id, "name": PAYLOAD.repeat(1 + id % 7), "email": MASKED}))
            .collect();
        let record = serde_json::to_vec(&records).expect("JSON");
        for body in [&record[..], b"[1, \"two\", null]", b"no JSON \xff"] {
            assert_eq!(self.listener.deliver(body).expect("an answer").status, 204);
        }
        let refused = post(self.listener.public, "/sales/contacts", &[], b"[]").expect("an answer");
        assert_eq!(refused.status, 401);
        eventually(30, "the errors are at the desk", || {
            let count = self.get("/api/v1/errors/count", TOKENS[0]).json();
            (count["total"].as_u64() >= Some(ERRORS as u64 + 4)).then_some(())
        });
    }

    /// What the listener says of its API, its examples being of what is there.
    pub(crate) fn description(&self) -> Description {
        let mut document = self.get("/api/v1/openapi.json", TOKENS[0]).json();
        let refused = self.get("/api/v1/refusals?limit=1", TOKENS[0]).json()["items"][0]["id"].clone();
        assert!(refused.is_string(), "there is a refused request");
        let paths = document["paths"].as_object_mut().expect("paths");
        for (path, methods) in paths {
            let example = match path.rsplit('/').nth(1) {
                Some("records") => json!("1.3"),
                Some("refusals") => refused.clone(),
                _ => continue,
            };
            for parameter in methods["get"]["parameters"].as_array_mut().expect("parameters") {
                if parameter["name"] == "id" {
                    parameter["schema"]["examples"] = json!([example]);
                }
            }
        }
        Description::read(&document)
    }

    pub(crate) fn get(&self, target: &str, token: &str) -> Answer {
        let headers = [("authorization".to_owned(), format!("Bearer {token}"))];
        Connection::open(self.listener.admin)
            .and_then(|mut connection| connection.exchange("GET", target, &headers, b""))
            .expect("an answer")
    }
}

fn setup(url: &str) -> Setup {
    let [view, operate, admin] = TOKENS;
    let tokens = format!("view.vera: {view}, operate.olaf: {operate}, admin.ada: {admin}");
    Setup::desk(&tokens, 1, url, "")
}
