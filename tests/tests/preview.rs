//! `listener preview` and `listener sample`, as people and scripts run them; a preview is held
//! against what a running listener really does with the same manifest and events.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use serde_json::value::RawValue;
use serde_json::{Value, json};
use tests::{ListenerProcess, Receiver, Reply, Setup, binary, eventually, fixture, fixture_bytes};

/// As the processes of the tests are started with it.
const BASE: &str = "https://hooks.example.com";
/// Made from what is printed; a check proves it current.
const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/preview.md");
const MARK: &str = "<!-- From here on as printed: UPDATE_DOCS=1 cargo test -p tests --test preview -->\n";

fn run(arguments: &[&str], stdin: &[u8]) -> Output {
    let mut child = Command::new(binary())
        .args(arguments)
        .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join(".."))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the listener runs");
    let mut pipe = child.stdin.take().expect("a pipe");
    let stdin = stdin.to_owned();
    // One that does not read its input may have ended already.
    let writer = std::thread::spawn(move || drop(pipe.write_all(&stdin)));
    let output = child.wait_with_output().expect("it ends");
    writer.join().expect("written");
    output
}

fn out(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).expect("UTF-8")
}

fn err(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// The preview of the first listener, and all of the JSON as it was printed.
fn preview(manifest: &Path, events: &[u8]) -> (Value, String) {
    let manifest = manifest.to_str().expect("a path");
    let arguments = ["preview", manifest, "--events", "-", "--output", "json", "--public-url", BASE];
    let output = run(&arguments, events);
    assert!(output.status.success(), "{}", err(&output));
    let report: Value = serde_json::from_str(&out(&output)).expect("JSON");
    assert_eq!(report["version"], 1);
    (report["listeners"][0].clone(), out(&output))
}

/// What the preview says goes to a destination: the records of each page.
fn previewed_pages(preview: &Value, raw: &str, name: &str) -> Vec<Vec<String>> {
    let destinations = preview["destinations"].as_array().expect("destinations");
    let place = destinations.iter().position(|one| one["name"] == name).expect("the destination");
    let records = raw_records(raw, place);
    let pages = destinations[place]["pages"].as_array().expect("pages");
    let events = |page: &Value| page["events"].as_array().expect("places").clone();
    pages
        .iter()
        .map(|page| {
            let places = events(page).into_iter().map(|place| place.as_u64().expect("a place"));
            places.map(|place| records[usize::try_from(place).expect("small")].clone()).collect()
        })
        .collect()
}

/// The bytes of each event's record at a destination, as they stand in the JSON.
fn raw_records(raw: &str, destination: usize) -> Vec<String> {
    let inside = |text: &str, name: &str| -> String {
        let object: std::collections::HashMap<String, &RawValue> =
            serde_json::from_str(text).expect("an object");
        object[name].get().to_owned()
    };
    let list = |text: &str| -> Vec<String> {
        let list: Vec<&RawValue> = serde_json::from_str(text).expect("an array");
        list.into_iter().map(|raw| raw.get().to_owned()).collect()
    };
    let listener = list(&inside(raw, "listeners")).remove(0);
    let events = list(&inside(&listener, "events"));
    let of = |event: &String| {
        let destinations = list(&inside(event, "destinations"));
        destinations.get(destination).map(|at| inside(at, "record")).unwrap_or_default()
    };
    events.iter().map(of).collect()
}

/// Everything: records, an ignored one, a duplicate, one that a filter fails on, ids beyond 2^53.
fn events() -> Vec<u8> {
    let batch: Vec<Box<RawValue>> =
        serde_json::from_slice(&fixture_bytes("hubspot/batches/mixed-types.json")).expect("JSON");
    let mut events: Vec<String> = batch.iter().map(|event| event.get().to_owned()).collect();
    events.push(events[0].clone());
    events.push("17".to_owned());
    events.push(
        r#"{"subscriptionType":"contact.creation","objectId":123456789012345678901234567890, "n":1.10}"#
            .to_owned(),
    );
    events.push(r#"{"eventId":7,"objectId":8}"#.to_owned());
    for object in 0..8 {
        events.push(format!(
            r#"{{"eventId":{object},"subscriptionType":"contact.creation","portalId":1,"objectId":{object},"changeSource":"X"}}"#
        ));
    }
    format!("[ {} ]", events.join(" ,\n")).into_bytes()
}

fn manifest(receiver: &Receiver) -> String {
    format!(
        "  filter: '!has(event.changeSource) || event.changeSource != \"INTEGRATION\"'
  page: {{size: 3, lingerMilliseconds: 200}}
  response:
    statusCode: 202
    mediaType: xml
    body: '<received count=\"{{{{count}}}}\">{{{{settings.region}}}}</received>'
    headers: [{{name: x-path, value: '{{{{request.path}}}}'}}]
  settings: {{region: eu}}
  dataUriTemplate: 'https://app.example.com/{{{{settings.region}}}}/{{{{objectId}}}}?of={{{{subscriptionType}}}}'
  destinations:
    - name: contacts
      concurrency: 1
      filter: 'event.subscriptionType.startsWith(\"contact.\")'
      http: {{url: '{}'}}
    - name: all
      concurrency: 1
      http: {{url: '{}'}}
    - name: audit
      filter: 'has(event.portalId)'
      log: {{}}
",
        receiver.url("/contacts"),
        receiver.url("/all"),
    )
}

fn open_errors(listener: &ListenerProcess) -> Vec<Value> {
    listener.errors()
}

#[test]
fn a_preview_is_what_a_running_listener_does() {
    // It takes nothing, so that each record becomes an open error with its trace key and data URI.
    let receiver = Receiver::with(|_| Reply::status(400));
    let listener = Setup::listener(&manifest(&receiver)).start();
    let events = events();
    let (seen, raw) = preview(&listener.manifest(), &events);

    // The answer.
    let answer = listener.deliver(&events).expect("an answer");
    let expected = &seen["answer"];
    assert_eq!(u64::from(answer.status), expected["status"]);
    assert_eq!(answer.text(), expected["body"].as_str().expect("a body"));
    for header in expected["headers"].as_array().expect("headers") {
        let name = header["name"].as_str().expect("a name");
        assert_eq!(
            answer.header(name).unwrap_or_default(),
            header["value"].as_str().expect("a value"),
            "{name}"
        );
    }
    assert!(answer.text().contains("count=\"20\""), "{}", answer.text());

    // Pages and records, byte for byte.
    for name in ["contacts", "all"] {
        let pages = previewed_pages(&seen, &raw, name);
        let came = eventually(20, "all pages came", || {
            let came: Vec<_> =
                receiver.pages().into_iter().filter(|page| page.path == format!("/{name}")).collect();
            (came.len() >= pages.len()).then_some(came)
        });
        assert_eq!(came.iter().map(tests::Page::records).collect::<Vec<_>>(), pages, "{name}");
        let described = seen["destinations"].as_array().expect("destinations");
        let described = described.iter().find(|one| one["name"] == name).expect("the destination");
        let bytes: Vec<Value> = came.iter().map(|page| json!(page.body.len())).collect();
        let told: Vec<Value> =
            described["pages"].as_array().expect("pages").iter().map(|page| page["bytes"].clone()).collect();
        assert_eq!(bytes, told, "{name}");
        assert!(pages.len() > 2, "there is something to compare");
    }
    let lines = previewed_pages(&seen, &raw, "audit");
    let printed = eventually(20, "all lines are printed", || {
        let text = listener.out();
        (text.lines().count() >= lines.len()).then_some(text)
    });
    for (line, records) in printed.lines().zip(&lines) {
        assert!(line.ends_with(&format!("\"records\":[{}]}}", records.join(","))), "{line}\n{records:?}");
    }

    // Open errors: trace key, data URI, class; and those that the filters make.
    let elements = seen["events"].as_array().expect("events");
    let mut expected: Vec<(String, String, String, String, String)> = Vec::new();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    for event in elements {
        let record = format!("1.{}", event["index"]);
        let labels = (text(&event["traceKey"]["value"]), text(&event["dataUri"]["value"]));
        if event["outcome"] == "error" {
            expected.push((
                record.clone(),
                String::new(),
                labels.0.clone(),
                labels.1.clone(),
                text(&event["error"]["code"]),
            ));
        }
        for at in event["destinations"].as_array().expect("destinations") {
            let code = match (text(&at["outcome"]).as_str(), text(&at["name"]).as_str()) {
                ("error", _) => text(&at["error"]["code"]),
                ("page", "contacts" | "all") => String::new(),
                _ => continue,
            };
            expected.push((record.clone(), text(&at["name"]), labels.0.clone(), labels.1.clone(), code));
        }
    }
    let found = eventually(20, "all records have failed", || {
        let found = open_errors(&listener);
        (found.len() >= expected.len()).then_some(found)
    });
    let mut found: Vec<_> = found
        .iter()
        .map(|error| {
            // What the destination answered is not for a preview to know.
            let code = if error["status"].is_null() { text(&error["code"]) } else { String::new() };
            (
                text(&error["record"]),
                text(&error["destination"]),
                text(&error["traceKey"]),
                text(&error["dataUri"]),
                code,
            )
        })
        .collect();
    found.sort();
    expected.sort();
    assert_eq!(found, expected);
    assert!(expected.iter().any(|error| error.4 == "filter_error"), "a filter failed");

    // What was counted.
    let outcomes = |wanted: &str| elements.iter().filter(|event| event["outcome"] == wanted).count() as u64;
    assert_eq!(listener.count("duplicates"), outcomes("duplicate"));
    assert_eq!((outcomes("duplicate"), outcomes("error")), (1, 1));
    let by_listener = elements.iter().filter(|event| event["ignoredBy"] == "listener").count() as u64;
    assert_eq!(listener.count("ignored"), by_listener);
    assert_eq!(by_listener, 1);
}

#[test]
fn sample_and_preview_go_together() {
    let samples = run(&["sample"], b"");
    assert!(samples.status.success(), "{}", err(&samples));
    let output = run(&["preview", "docs/examples/contacts.yaml", "--events", "-"], &samples.stdout);
    assert!(output.status.success(), "{}", err(&output));
    let table = out(&output);
    assert!(table.lines().all(|line| line.chars().count() <= 120), "{table}");
    assert!(!table.contains('\u{1b}'), "no colour codes");
    assert!(table.contains("warehouse page 1") && table.contains("47  "), "{table}");

    assert_eq!(out(&run(&["sample", "--list"], b"")).lines().count(), 48);
    let one = run(&["sample", "--type", "deal.merge"], b"");
    let event: Value = serde_json::from_slice(&one.stdout).expect("one object");
    assert_eq!(event["subscriptionType"], "deal.merge");
    let unknown = run(&["sample", "--type", "deal.merg"], b"");
    assert_eq!(unknown.status.code(), Some(1));
    assert!(err(&unknown).contains("did you mean `deal.merge`?"), "{}", err(&unknown));
}

#[test]
fn preview_needs_no_secret_and_says_what_is_wrong() {
    let folder = tempfile::tempdir().expect("a directory");
    let file = folder.path().join("listener.yaml");
    let whole = include_str!("../../docs/examples/contacts.yaml");
    let bare = whole.split_once("---\n").expect("two documents").1;
    std::fs::write(&file, bare).expect("written");
    let path = file.to_str().expect("a path");
    let batch = fixture_bytes("hubspot/batches/mixed-types.json");
    let with = run(&["preview", "docs/examples/contacts.yaml", "--events", "-"], &batch);
    let without = run(&["preview", path, "--events", "-"], &batch);
    assert!(without.status.success(), "{}", err(&without));
    assert_eq!(out(&with), out(&without), "the Secret does not matter");

    let wrong = |arguments: &[&str], said: &str| {
        let output = run(arguments, &batch);
        assert_eq!(output.status.code(), Some(1), "{arguments:?}");
        assert!(err(&output).contains(said), "{arguments:?}: {}", err(&output));
        assert_eq!(out(&output), "", "{arguments:?}");
    };
    wrong(&["preview", path, "--events", "-", "--listener", "contcats"], "did you mean contacts?");
    wrong(&["preview", "-", "--events", "-"], "not both");
    wrong(&["preview", path, "--events", "/nonexistent"], "cannot read /nonexistent");
    std::fs::write(&file, bare.replace("size: 20", "size: 0")).expect("written");
    wrong(&["preview", path, "--events", "-"], "spec.page.size");
}

#[test]
fn the_documentation_is_current() {
    let mut batches: Vec<String> = std::fs::read_dir(fixture("hubspot/batches"))
        .expect("the batches")
        .map(|entry| entry.expect("an entry").file_name().into_string().expect("UTF-8"))
        .collect();
    batches.sort();
    assert!(batches.len() >= 14, "batches are missing");
    let mut generated = MARK.to_owned();
    for batch in batches {
        let events = format!("tests/fixtures/hubspot/batches/{batch}");
        let output = run(&["preview", "docs/examples/contacts.yaml", "--events", &events], b"");
        assert!(output.status.success(), "{}", err(&output));
        let printed = out(&output);
        generated.push_str(&format!(
            "\n### {batch}\n\n```console\n$ listener preview docs/examples/contacts.yaml --events {events}\n{printed}```\n"
        ));
    }
    let page = std::fs::read_to_string(PAGE).expect("docs/preview.md");
    let written = page.split_once(MARK).map_or(page.as_str(), |(written, _)| written);
    let wanted = format!("{written}{generated}");
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(PAGE, wanted).expect("written");
    } else if page != wanted {
        let differs = page.lines().zip(wanted.lines()).position(|(is, should)| is != should);
        panic!(
            "docs/preview.md is not current from line {}. Run\n  UPDATE_DOCS=1 cargo test -p tests --test preview documentation",
            differs.unwrap_or_else(|| page.lines().count()) + 1
        );
    }
}
