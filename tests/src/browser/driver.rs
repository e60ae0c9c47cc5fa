//! Chromium and its driver as processes; both end with the value.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;

use crate::{Connection, eventually, free_port};
use fantoccini::ClientBuilder;
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::{Value, json};

/// Whether the page's script may run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Script {
    On,
    Off,
}

/// A driver with one browser.
pub(super) struct Driver {
    child: Child,
    port: u16,
    session: String,
    _profile: tempfile::TempDir,
}

/// Whether everything is there that a browser needs. In CI it must be.
pub fn is_there() -> bool {
    static FOUND: OnceLock<bool> = OnceLock::new();
    *FOUND.get_or_init(|| {
        let missing: Vec<&str> =
            ["chromium", "chromedriver"].into_iter().filter(|name| which(name).is_none()).collect();
        if missing.is_empty() {
            return true;
        }
        let what = format!("no {}: run tests/packages", missing.join(", no "));
        assert!(std::env::var_os("CI").is_none(), "{what}");
        eprintln!("SKIPPED: {what}");
        false
    })
}

impl Driver {
    /// Starts a browser with a profile of its own.
    pub(super) async fn start(script: Script) -> (Self, fantoccini::Client) {
        let profile = tempfile::tempdir().expect("a directory");
        let port = free_port();
        let child = Command::new(which("chromedriver").expect("it is there"))
            .args([&format!("--port={port}"), "--log-level=SEVERE"])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn()
            .expect("the driver starts");
        let mut driver = Self { child, port, session: String::new(), _profile: profile };
        eventually(20, "the driver is ready", || {
            let answer = crate::get(([127, 0, 0, 1], port).into(), "/status").ok()?;
            (answer.json()["value"]["ready"] == true).then_some(())
        });
        let capabilities = capabilities(driver._profile.path(), script);
        let Value::Object(capabilities) = capabilities else { unreachable!("it is an object") };
        let client = ClientBuilder::new(HttpConnector::new())
            .capabilities(capabilities)
            .connect(&format!("http://127.0.0.1:{port}"))
            .await
            .expect("a browser starts");
        driver.session = client.session_id().await.expect("an answer").expect("a session");
        (driver, client)
    }

    /// One command by hand, also where the runtime is no more.
    pub(super) fn ask(&self, method: &str, path: &str) -> Option<Value> {
        let mut connection = Connection::open(([127, 0, 0, 1], self.port).into()).ok()?;
        let answer =
            connection.exchange(method, &format!("/session/{}{path}", self.session), &[], b"").ok()?;
        Some(answer.json()["value"].clone())
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        // The browser ends with its session, the driver does not.
        if !self.session.is_empty() {
            let _ = self.ask("DELETE", "");
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn capabilities(profile: &Path, script: Script) -> Value {
    let mut arguments = vec![
        "--headless=new".to_owned(),
        format!("--user-data-dir={}", profile.display()),
        "--window-size=1280,900".to_owned(),
        "--no-first-run".to_owned(),
        "--disable-gpu".to_owned(),
        "--disable-dev-shm-usage".to_owned(),
        "--disable-background-networking".to_owned(),
        "--disable-component-update".to_owned(),
        "--disable-sync".to_owned(),
        "--disable-extensions".to_owned(),
        // Nothing outside this machine, whatever a page names.
        "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.*".to_owned(),
    ];
    // Chromium refuses to run its sandbox as root.
    if rustix::process::geteuid().is_root() {
        arguments.push("--no-sandbox".to_owned());
    }
    let javascript = match script {
        Script::On => 1,
        Script::Off => 2,
    };
    json!({
        "browserName": "chrome",
        "pageLoadStrategy": "normal",
        "timeouts": {"script": 60_000, "pageLoad": 60_000, "implicit": 0},
        "goog:loggingPrefs": {"browser": "ALL"},
        "goog:chromeOptions": {
            "binary": which("chromium").expect("it is there"),
            "args": arguments,
            "prefs": {"profile.managed_default_content_settings.javascript": javascript},
        },
    })
}

fn which(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|folder| folder.join(name)).find(|path| path.is_file())
}
