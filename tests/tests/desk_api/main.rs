//! The desk's API against its own description: a real listener with errors and three roles, over
//! real sockets.
//!
//! Requests are made by chance from `/api/v1/openapi.json`: as it describes them, and broken in one
//! place. Promised is, of every answer: no 5xx; a status and a media type that are described; JSON of
//! the shape that is described; an error says what is wrong and what to do; nobody does what their
//! role forbids; a payload is shown to `operate` and above only, a masked field to nobody.
//!
//! | Variable | Meaning |
//! |---|---|
//! | `FUZZ_SECONDS` | how long; 30 where `CI` is set, 5 elsewhere |
//! | `FUZZ_SEED` | where to begin; another one each time by default, always printed |
//! | `FUZZ_CASES` | how many requests, whatever time they take |
//!
//! The same seed makes the same requests in the same order.

mod case;
mod description;
mod scene;
mod value;

use std::collections::BTreeMap;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use case::{Caller, Case, Expected};
use description::{Description, ROLES};
use scene::{MASKED, PAYLOAD, Scene};
use serde_json::Value;
use tests::{Answer, Connection, Random};

#[test]
fn requests_made_from_the_description_are_answered_as_it_says() {
    let scene = Scene::start();
    let description = scene.description();
    let by_default = if std::env::var_os("CI").is_some() { 30 } else { 5 };
    let length = Duration::from_secs(number("FUZZ_SECONDS").unwrap_or(by_default));
    let cases = number("FUZZ_CASES");
    let seed = number("FUZZ_SEED").unwrap_or_else(|| {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970");
        u64::try_from(now.as_millis()).expect("64 bits")
    });
    println!("desk_api: FUZZ_SEED={seed}");
    let began = Instant::now();
    let mut sender = Sender { scene: &scene, connection: None };
    let mut done = 0;
    let mut came: BTreeMap<String, BTreeMap<u16, u64>> = BTreeMap::new();
    while cases.map_or_else(|| began.elapsed() < length, |cases| done < cases) {
        let case = Case::by_chance(&description, seed, done);
        done += 1;
        let operation = &description.operations[case.operation];
        let answer = sender.send(&case);
        if let Err(wrong) =
            answer.as_ref().map_err(ToString::to_string).and_then(|answer| judge(&description, &case, answer))
        {
            let answer = answer.map_or_else(
                |error| error.to_string(),
                |answer| format!("{} {}", answer.status, answer.text()),
            );
            panic!(
                "{}: {wrong}\nagain: FUZZ_SEED={seed} FUZZ_CASES={done} cargo test -p tests --test desk_api\n\
                 expected {:?}\n{}\n{answer}",
                operation.name(),
                case.expected,
                case.show()
            );
        }
        *came.entry(operation.name()).or_default().entry(answer.expect("judged").status).or_default() += 1;
    }
    println!("desk_api: {done} requests in {:.1} s", began.elapsed().as_secs_f64());
    for (name, statuses) in &came {
        println!("desk_api: {name} {statuses:?}");
        // Requests that are all refused would show nothing; a conflict is one that was understood.
        let is_reached = [200, 409].iter().any(|status| statuses.contains_key(status));
        assert!(done < 10_000 || is_reached, "{name} was never done");
    }
    let log = scene.listener.log();
    assert!(!log.contains("panicked") && !log.contains("a mistake of ours"), "{log}");
    assert!(!log.contains(PAYLOAD) && !log.contains(MASKED), "a payload is in the log: {log}");
}

#[test]
fn each_operation_is_closed_to_every_role_below_the_one_that_it_names() {
    let scene = Scene::start();
    let description = scene.description();
    let mut sender = Sender { scene: &scene, connection: None };
    let mut forbidden = 0;
    for place in 0..description.operations.len() {
        let needs = description.operations[place].needs;
        let callers = (0..ROLES.len()).map(Caller::Role).chain([Caller::Nobody, Caller::Stranger]);
        for caller in callers {
            let case = Case::good(&description, place, caller, &mut Random::of(1, place as u64));
            let answer = sender.send(&case).expect("an answer");
            let name = description.operations[place].name();
            let may = matches!(caller, Caller::Role(role) if role >= needs);
            assert_eq!(matches!(answer.status, 401 | 403), !may, "{name} {caller:?}: {}", answer.text());
            judge(&description, &case, &answer).unwrap_or_else(|wrong| panic!("{name} {caller:?}: {wrong}"));
            if !may {
                forbidden += 1;
            }
        }
    }
    assert!(forbidden > 60, "{forbidden}");
    assert_eq!(case::role("admin"), Caller::Role(2));
}

#[test]
fn a_case_is_the_same_each_time() {
    let document: Value = serde_json::from_str(include_str!("../../../docs/openapi.json")).expect("JSON");
    let description = Description::read(&document);
    for number in 0..200 {
        let [one, two] = [(); 2].map(|()| Case::by_chance(&description, 7, number));
        assert_eq!((one.show(), one.body), (two.show(), two.body));
    }
}

#[test]
fn the_judge_sees_what_is_wrong() {
    let document: Value = serde_json::from_str(include_str!("../../../docs/openapi.json")).expect("JSON");
    let description = Description::read(&document);
    let place = description
        .operations
        .iter()
        .position(|one| one.path == "/api/v1/errors/count")
        .expect("it is there");
    let problem = r#"{"title":"t","status":400,"detail":"d","field":"f","remedy":"r"}"#;
    let good = r#"{"total":1,"exact":true,"byState":[],"byClass":[],"byDestination":[]}"#;
    let json = "application/json";
    let as_problem = "application/problem+json";
    let judged = |caller, expected, status, media: &str, body: &str| {
        let mut case = Case::good(&description, place, caller, &mut Random::of(1, 1));
        case.expected = expected;
        let headers = vec![("content-type".to_owned(), media.to_owned())];
        judge(&description, &case, &Answer { status, headers, body: body.as_bytes().to_vec() })
    };
    let any = |status, media, body| judged(Caller::Role(0), Expected::Anything, status, media, body);
    any(200, json, good).expect("it is as described");
    any(400, as_problem, problem).expect("it is as described");
    for (status, media, body) in [
        (500, as_problem, problem),
        (200, json, "{}"),
        (200, "text/html", good),
        (200, json, &format!("{good} ")[..10]),
        (400, json, problem),
        (400, as_problem, r#"{"title":"t","status":400,"detail":"d","remedy":"r"}"#),
        (404, as_problem, r#"{"title":"t","status":404,"detail":"d"}"#),
        (404, as_problem, problem),
        (200, json, &good.replace("[]", &format!("[[\"{PAYLOAD}\",1]]"))),
    ] {
        any(status, media, body).expect_err(body);
    }
    judged(Caller::Role(2), Expected::Refused, 200, json, good).expect_err("it should be refused");
    judged(Caller::Role(2), Expected::Taken, 400, as_problem, problem).expect_err("it should be taken");
    judged(Caller::Nobody, Expected::Forbidden, 200, json, good).expect_err("it should be forbidden");
}

/// What is wrong with an answer.
fn judge(description: &Description, case: &Case, answer: &Answer) -> Result<(), String> {
    let Answer { status, body, .. } = answer;
    if *status >= 500 {
        return Err("the listener failed".to_owned());
    }
    let text = String::from_utf8_lossy(body);
    if text.contains(MASKED) {
        return Err("a masked field is shown".to_owned());
    }
    if text.contains(PAYLOAD) && !matches!(case.caller, Caller::Role(1..)) {
        return Err("a payload is shown".to_owned());
    }
    // The server's own word, without a body: the API never saw the request.
    if case.is_beyond_http() && [400, 414, 431].contains(status) && body.is_empty() {
        return Ok(());
    }
    let media = answer.header("content-type").unwrap_or_default();
    description.operations[case.operation].judge(*status, media, body)?;
    if *status != 200 {
        problem(*status, &answer.json())?;
    }
    match case.expected {
        Expected::Anything => Ok(()),
        Expected::Taken if [200, 404].contains(status) => Ok(()),
        Expected::Taken => Err("it is as described, and refused".to_owned()),
        Expected::Refused if *status >= 400 => Ok(()),
        Expected::Refused => Err("it is not as described, and taken".to_owned()),
        Expected::Forbidden if [401, 403].contains(status) => Ok(()),
        Expected::Forbidden => Err("whoever asks may not do this".to_owned()),
    }
}

/// Each refusal names the reason and the remedy, and the field where one is to blame.
fn problem(status: u16, problem: &Value) -> Result<(), String> {
    let says = |name: &str| problem[name].as_str().is_some_and(|text| !text.is_empty());
    if problem["status"] != status {
        return Err(format!("the problem says {}", problem["status"]));
    }
    for name in ["title", "detail", "remedy"] {
        if !says(name) {
            return Err(format!("the problem has no {name}"));
        }
    }
    if status == 400 && !problem["field"].is_string() {
        return Err("the problem has no field".to_owned());
    }
    Ok(())
}

/// Sends over one connection while it lasts.
struct Sender<'a> {
    scene: &'a Scene,
    connection: Option<Connection>,
}

impl Sender<'_> {
    fn send(&mut self, case: &Case) -> std::io::Result<Answer> {
        let kept = self.connection.take();
        let fresh = kept.is_none();
        let mut connection = kept.map_or_else(|| Connection::open(self.scene.listener.admin), Ok)?;
        let Case { method, target, headers, body, .. } = case;
        match connection.exchange(method, target, headers, body) {
            Ok(answer) => {
                if answer.header("connection") != Some("close") {
                    self.connection = Some(connection);
                }
                Ok(answer)
            }
            // The server may have closed what was kept.
            Err(_) if !fresh => self.send(case),
            Err(error) => Err(error),
        }
    }
}

fn number(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok()?;
    Some(text.parse().unwrap_or_else(|error| panic!("{name}={text}: {error}")))
}
