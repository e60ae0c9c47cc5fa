//! Changes while it runs: no request is dropped, a bad change is refused with its
//! reason and the old configuration goes on, a rotated secret is taken up.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use tests::{
    ListenerProcess, Receiver, SECRET, Setup, eventually, fixture_bytes, get, hubspot_headers, post,
};

const URL: &str = "https://hooks.example.com/sales/contacts";

fn start() -> ListenerProcess {
    Setup::listener("  response: {statusCode: 200, body: one}\n  destinations: [{name: audit, log: {}}]\n")
        .start()
}

fn body() -> Vec<u8> {
    fixture_bytes("hubspot/batches/mixed-types.json")
}

fn answer(listener: &ListenerProcess) -> String {
    let answer = listener.deliver(&body()).expect("an answer");
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.text()
}

#[test]
fn a_change_is_taken_up_without_dropping_a_request() {
    let listener = start();
    let stop = Arc::new(AtomicBool::new(false));
    let sent = Arc::new(AtomicU64::new(0));
    let load: Vec<_> = (0..4)
        .map(|_| {
            let (stop, sent, address) = (stop.clone(), sent.clone(), listener.public);
            std::thread::spawn(move || {
                let body = body();
                while !stop.load(Ordering::SeqCst) {
                    let headers = hubspot_headers(SECRET, URL, &body);
                    let answer =
                        post(address, "/sales/contacts", &headers, &body).expect("no request is dropped");
                    assert_eq!(answer.status, 200, "{}", answer.text());
                    sent.fetch_add(1, Ordering::SeqCst);
                }
            })
        })
        .collect();
    for (from, to) in [("one", "two"), ("two", "three"), ("three", "four")] {
        let text = std::fs::read_to_string(listener.manifest()).expect("a manifest");
        std::fs::write(listener.manifest(), text.replace(&format!("body: {from}"), &format!("body: {to}")))
            .expect("written");
        eventually(10, "the new answer", || (answer(&listener) == to).then_some(()));
    }
    stop.store(true, Ordering::SeqCst);
    for thread in load {
        thread.join().expect("no request failed");
    }
    assert!(sent.load(Ordering::SeqCst) > 20);
}

#[test]
fn a_bad_change_is_refused_with_its_reason_and_the_old_one_goes_on() {
    let listener = start();
    let good = std::fs::read_to_string(listener.manifest()).expect("a manifest");
    let bad_changes = [
        (good.replace("body: one", "body: '{{#each}'"), "spec.response.body"),
        (
            good.replace("{name: hubspot-app, key: clientSecret}]", "{name: gone, key: clientSecret}]"),
            "spec.clientSecrets",
        ),
        (good.replace("statusCode: 200", "statusCode: 500"), "spec.response.statusCode"),
        (good.replace("displayName", "displayNam"), "displayNam"),
        ("{{{ no YAML".to_owned(), ""),
    ];
    for (text, field) in bad_changes {
        std::fs::write(listener.manifest(), &text).expect("written");
        let message = eventually(10, "the refusal is shown", || {
            let status = listener.status();
            let configuration = &status["configuration"];
            (configuration["valid"] == false)
                .then(|| configuration["message"].as_str().unwrap_or_default().to_owned())
        });
        assert!(message.contains(field) && !message.is_empty(), "{field}: {message}");
        assert_eq!(answer(&listener), "one");
        let metrics = get(listener.admin, "/metrics").expect("metrics").text();
        assert!(metrics.lines().any(|line| line.starts_with("hubspot_listener_configuration_valid{") && line.ends_with(" 0")), "{metrics}");
        assert_eq!(
            get(listener.admin, "/readyz").expect("an answer").status,
            200,
            "ready by the old configuration"
        );
        std::fs::write(listener.manifest(), &good).expect("written");
        eventually(10, "all is well again", || {
            (listener.status()["configuration"]["valid"] == true).then_some(())
        });
    }
}

#[test]
fn a_rotated_secret_works_beside_the_old_one_and_then_alone() {
    let listener = start();
    let body = body();
    let with = |secret: &str| {
        post(listener.public, "/sales/contacts", &hubspot_headers(secret, URL, &body), &body)
            .expect("an answer")
            .status
    };
    assert_eq!((with(SECRET), with("new")), (200, 401));
    let old = std::fs::read_to_string(listener.manifest()).expect("a manifest");
    let both = old
        .replace(&format!("{{clientSecret: {SECRET}}}"), &format!("{{clientSecret: {SECRET}, next: new}}"))
        .replace("key: clientSecret}]", "key: clientSecret}, {name: hubspot-app, key: next}]");
    std::fs::write(listener.manifest(), &both).expect("written");
    eventually(10, "both are taken", || (with("new") == 200).then_some(()));
    assert_eq!(with(SECRET), 200);
    let only = both.replace("{name: hubspot-app, key: clientSecret}, ", "");
    std::fs::write(listener.manifest(), only).expect("written");
    eventually(10, "only the new one is taken", || (with(SECRET) == 401).then_some(()));
    assert_eq!(with("new"), 200);
}

#[test]
fn a_destination_can_be_moved_while_it_runs() {
    let (before, after) = (Receiver::start(), Receiver::start());
    let spec = |receiver: &Receiver| {
        format!(
            "  page: {{size: 20, lingerMilliseconds: 0}}\n  destinations: [{{name: w, http: {{url: '{}'}}}}]\n",
            receiver.url("/")
        )
    };
    let listener = Setup::listener(&spec(&before)).start();
    assert_eq!(listener.deliver(&body()).expect("an answer").status, 204);
    eventually(10, "it arrives", || (before.records().len() == 8).then_some(()));
    let text = listener.setup.manifest.replace(&before.url("/"), &after.url("/"));
    std::fs::write(listener.manifest(), text).expect("written");
    let next = fixture_bytes("hubspot/batches/same-event-id.json");
    std::thread::sleep(std::time::Duration::from_millis(1500));
    assert_eq!(listener.deliver(&next).expect("an answer").status, 204);
    eventually(10, "the next go to the new address", || (after.records().len() == 6).then_some(()));
    assert_eq!(before.records().len(), 8);
}

#[test]
fn several_listeners_in_one_file_have_stores_and_paths_of_their_own() {
    let receiver = Receiver::start();
    let one = Setup::listener(&format!(
        "  page: {{size: 20, lingerMilliseconds: 0}}\n  destinations: [{{name: w, http: {{url: '{}'}}}}]\n",
        receiver.url("/one")
    ));
    let two = one
        .manifest
        .split("---\n")
        .nth(1)
        .expect("two documents")
        .replace("name: contacts", "name: deals")
        .replace("/one", "/two");
    let listener = Setup::manifest(&format!("{}\n---\n{two}", one.manifest)).start();
    let body = body();
    for path in ["/sales/contacts", "/sales/deals"] {
        let url = format!("https://hooks.example.com{path}");
        let answer =
            post(listener.public, path, &hubspot_headers(SECRET, &url, &body), &body).expect("an answer");
        assert_eq!(answer.status, 204, "{path}");
        let crossed = post(
            listener.public,
            path,
            &hubspot_headers(SECRET, "https://hooks.example.com/sales/other", &body),
            &body,
        );
        assert_eq!(crossed.expect("an answer").status, 401, "{path}");
    }
    eventually(10, "each to its own", || {
        let pages = receiver.pages();
        let count = |path: &str| {
            pages.iter().filter(|page| page.path == path).map(|page| page.records().len()).sum::<usize>()
        };
        (count("/one") == 8 && count("/two") == 8).then_some(())
    });
}

#[test]
fn sigterm_answers_what_is_in_flight_and_exits_with_success() {
    let mut listener = start();
    let body = body();
    let mut connection = tests::Connection::open(listener.public).expect("a connection");
    let headers = hubspot_headers(SECRET, URL, &body);
    let mut head = format!("POST /sales/contacts HTTP/1.1\r\nhost: x\r\ncontent-length: {}\r\n", body.len());
    for (name, value) in headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    connection.write(format!("{head}\r\n").as_bytes()).expect("sent");
    connection.write(&body[..100]).expect("sent");
    std::thread::sleep(std::time::Duration::from_millis(200));
    let late = std::thread::spawn(move || {
        std::thread::sleep(std::time::Duration::from_millis(500));
        connection.write(&body[100..]).expect("sent");
        connection.read_answer().expect("an answer").status
    });
    let status = listener.stop();
    assert_eq!(late.join().expect("no panic"), 200);
    assert!(status.success(), "{status}: {}", listener.log());
    listener.restart();
    listener.wait_ready();
    assert_eq!(listener.count("events"), 8, "what was answered is there");
}

/// `listener serve` on files as the kubelet mounts them: `..data` is a link to a directory, and a
/// change swaps the link.
struct Served {
    process: std::process::Child,
    folder: tempfile::TempDir,
    public: std::net::SocketAddr,
    admin: std::net::SocketAddr,
    version: u32,
}

/// Of the API.
const TOKEN: &str = "an-admin-token-of-the-tests";

impl Served {
    fn start(spec: &str, settings: &str) -> Self {
        let folder = tempfile::tempdir().expect("a directory");
        let path = |name: &str| folder.path().join(name);
        let configuration = format!(
            "version: v1\nnamespace: sales\nname: contacts\ngeneration: 3\npublicUrl: {URL}\nspec:\n  \
             displayName: Contacts\n  clientSecrets: [{{name: app, key: secret}}]\n  \
             destinations: [{{name: audit, log: {{}}}}]\n  \
             settingsFrom: [{{scope: integration, configMapKeyRef: {{name: crm, key: settings.json}}}}]\n{spec}"
        );
        std::fs::write(path("configuration.yaml"), configuration).expect("written");
        std::fs::create_dir_all(path("secrets/app")).expect("made");
        std::fs::write(path("secrets/app/secret"), SECRET).expect("written");
        std::fs::write(path("token"), TOKEN).expect("written");
        let mount = path("configmaps/crm");
        std::fs::create_dir_all(&mount).expect("made");
        std::os::unix::fs::symlink("..data/settings.json", mount.join("settings.json")).expect("linked");
        let address = || std::net::SocketAddr::from(([127, 0, 0, 1], tests::free_port()));
        let (public, admin) = (address(), address());
        swap(&mount, 1, settings);
        let process = std::process::Command::new(tests::binary())
            .arg("serve")
            .args([std::ffi::OsStr::new("--config"), path("configuration.yaml").as_os_str()])
            .args([std::ffi::OsStr::new("--secrets"), path("secrets").as_os_str()])
            .args([std::ffi::OsStr::new("--config-maps"), path("configmaps").as_os_str()])
            .args([std::ffi::OsStr::new("--data"), path("data").as_os_str()])
            .args([std::ffi::OsStr::new("--admin-token-file"), path("token").as_os_str()])
            .args(["--listen", &public.to_string(), "--admin", &admin.to_string()])
            .stdin(std::process::Stdio::null())
            .stdout(std::process::Stdio::null())
            .stderr(std::fs::File::create(path("log")).expect("a log"))
            .spawn()
            .expect("it starts");
        let served = Self { process, folder, public, admin, version: 1 };
        eventually(30, "it is ready", || (served.ready() == Some(200)).then_some(()));
        served
    }

    fn change(&mut self, settings: &str) {
        self.version += 1;
        swap(&self.folder.path().join("configmaps/crm"), self.version, settings);
    }

    fn ready(&self) -> Option<u16> {
        get(self.admin, "/readyz").ok().map(|answer| answer.status)
    }

    fn configuration(&self) -> serde_json::Value {
        let bearer = [("authorization".to_owned(), format!("Bearer {TOKEN}"))];
        let mut connection = tests::Connection::open(self.admin).expect("a connection");
        let answer = connection.exchange("GET", "/api/v1/status", &bearer, b"").expect("an answer");
        answer.json()["listeners"][0]["configuration"].clone()
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
        if std::thread::panicking() {
            eprintln!("{}", std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default());
        }
    }
}

/// As the kubelet's AtomicWriter: a new directory, a new link, renamed over the old one.
fn swap(mount: &std::path::Path, version: u32, settings: &str) {
    let name = format!("..2026_11_25_{version}");
    std::fs::create_dir(mount.join(&name)).expect("made");
    std::fs::write(mount.join(&name).join("settings.json"), settings).expect("written");
    std::os::unix::fs::symlink(&name, mount.join("..data_tmp")).expect("linked");
    std::fs::rename(mount.join("..data_tmp"), mount.join("..data")).expect("swapped");
    if version > 1 {
        std::fs::remove_dir_all(mount.join(format!("..2026_11_25_{}", version - 1))).expect("removed");
    }
}

#[test]
fn settings_of_a_config_map_are_taken_up_under_load_and_a_violation_of_the_schema_keeps_the_old_ones() {
    let spec = "  response: {statusCode: 200, mediaType: plaintext, body: '{{settings.integration.region}} {{settings.integration.id}} {{settings.integration.tier}}'}\n  \
                settingsSchema: {properties: {integration: {required: [region], properties: {region: {enum: [eu, us]}, tier: {default: gold}}}}}\n";
    let mut served = Served::start(spec, r#"{"region":"eu","id":12345678901234567890123}"#);
    let stop = Arc::new(AtomicBool::new(false));
    let load: Vec<_> = (0..3)
        .map(|_| {
            let (stop, address) = (stop.clone(), served.public);
            std::thread::spawn(move || {
                let (body, mut answers) = (body(), std::collections::BTreeSet::new());
                let mut sent = 0_u64;
                while !stop.load(Ordering::SeqCst) {
                    let headers = hubspot_headers(SECRET, URL, &body);
                    let answer =
                        post(address, "/sales/contacts", &headers, &body).expect("no request is dropped");
                    assert_eq!(answer.status, 200, "{}", answer.text());
                    answers.insert(answer.text());
                    sent += 1;
                }
                (sent, answers)
            })
        })
        .collect();
    let answer = |served: &Served| {
        let body = body();
        let headers = hubspot_headers(SECRET, URL, &body);
        post(served.public, "/sales/contacts", &headers, &body).expect("an answer").text()
    };
    assert_eq!(answer(&served), "eu 12345678901234567890123 gold");

    served.change(r#"{"region":"us","id":1}"#);
    eventually(10, "the new settings", || (answer(&served) == "us 1 gold").then_some(()));

    for (bad, message) in [
        (r#"{"region":"mars"}"#, "settings.integration.region: the value is not one of"),
        (r#"{"id":5}"#, "settings.integration.region: settingsSchema requires this member"),
        (
            "no JSON",
            "spec.settingsFrom[0].configMapKeyRef: ConfigMap crm key settings.json is no JSON object",
        ),
    ] {
        served.change(bad);
        eventually(10, "the refusal is shown", || {
            let configuration = served.configuration();
            let told = configuration["message"].as_str().is_some_and(|told| told.contains(message));
            (configuration["valid"] == false && told).then_some(())
        });
        assert_eq!(answer(&served), "us 1 gold", "the old settings stay");
        assert_eq!(served.ready(), Some(200), "ready by the old settings");
    }
    served.change(r#"{"region":"eu","id":2,"tier":"tin"}"#);
    eventually(10, "good ones again", || (answer(&served) == "eu 2 tin").then_some(()));
    assert_eq!(served.configuration()["valid"], true);

    stop.store(true, Ordering::SeqCst);
    let mut sent = 0;
    let known = ["eu 12345678901234567890123 gold", "us 1 gold", "eu 2 tin"];
    for thread in load {
        let (count, answers) = thread.join().expect("no request failed");
        sent += count;
        assert!(answers.iter().all(|answer| known.contains(&answer.as_str())), "{answers:?}");
    }
    assert!(sent > 20, "{sent}");
}
