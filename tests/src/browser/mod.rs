//! What a person does in a real browser, and sees: fields by their labels, buttons and links by their names.
//!
//! Pictures of what is looked at are kept in `target/pictures/`: light and dark, wide and narrow. Where a test
//! fails there is one of what was seen last, and the page's text, as `failed-*`.
//!
//! Needs Chromium and its driver (`tests/packages` installs them) and axe-core (`tests/browser/axe`
//! fetches it). Without them the tests fail where `CI` is set, and are skipped elsewhere.
//!
//! Nothing waits for a time; each step waits for what it needs, and gives up after a bound.

mod axe;
mod driver;

use std::path::PathBuf;
use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use fantoccini::elements::Element;
use fantoccini::wd::WebDriverCompatibleCommand;
use fantoccini::{Client, Locator};
use hyper::Method;
use serde_json::{Value, json};
use url::{ParseError, Url};

pub use axe::look;
use driver::Driver;
pub use driver::{Script, is_there};

/// Longest wait for anything.
const PATIENCE: Duration = Duration::from_secs(20);

/// A browser with one window.
pub struct Browser {
    pub client: Client,
    driver: Driver,
    /// Names the pictures of a failure.
    name: String,
}

impl Browser {
    pub async fn start(name: &str, script: Script) -> Self {
        let (driver, client) = Driver::start(script).await;
        Self { client, driver, name: name.to_owned() }
    }

    pub async fn open(&self, url: &str) {
        self.client.goto(url).await.unwrap_or_else(|error| panic!("{url}: {error}"));
    }

    pub async fn url(&self) -> Url {
        self.client.current_url().await.expect("an address")
    }

    /// Waits for the page with this `<h1>`.
    pub async fn heading(&self, text: &str) {
        self.find(&format!("//h1[normalize-space()={}]", quoted(text))).await;
    }

    /// Waits for text anywhere in an element that `css` names.
    pub async fn says(&self, css: &str, text: &str) {
        let deadline = Instant::now() + PATIENCE;
        let mut last = String::new();
        while Instant::now() < deadline {
            // What is looked at may go away while a page loads.
            if let Ok(element) = self.client.find(Locator::Css(css)).await
                && let Ok(seen) = element.text().await
            {
                if seen.contains(text) {
                    return;
                }
                last = seen;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("{css} does not say {text:?}, but {last:?}");
    }

    /// The value of a name in a list of facts.
    pub async fn fact(&self, name: &str) -> String {
        let path = format!("//dt[normalize-space()={}]/following-sibling::dd[1]", quoted(name));
        self.find(&path).await.text().await.expect("text")
    }

    /// The field with this label.
    pub async fn field(&self, label: &str) -> Element {
        let label = quoted(label);
        self.find(&format!(
            "//*[self::input or self::select or self::textarea]\
             [@id=//label[normalize-space()={label}]/@for or ancestor::label[normalize-space()={label}]]"
        ))
        .await
    }

    pub async fn fill(&self, label: &str, text: &str) {
        let field = self.field(label).await;
        field.clear().await.unwrap_or_else(|error| panic!("{label}: {error}"));
        field.send_keys(text).await.unwrap_or_else(|error| panic!("{label}: {error}"));
    }

    pub async fn choose(&self, label: &str, option: &str) {
        let field = self.field(label).await;
        field.select_by_label(option).await.unwrap_or_else(|error| panic!("{label}: {option}: {error}"));
    }

    pub async fn press(&self, button: &str) {
        let button = self.find(&format!("//button[normalize-space()={}]", quoted(button))).await;
        button.click().await.expect("a click");
    }

    pub async fn follow(&self, link: &str) {
        let link = self.find(&format!("//a[normalize-space()={}]", quoted(link))).await;
        link.click().await.expect("a click");
    }

    /// Opens what a summary hides.
    pub async fn unfold(&self, summary: &str) {
        let summary = self.find(&format!("//summary[normalize-space()={}]", quoted(summary))).await;
        summary.click().await.expect("a click");
    }

    pub async fn find(&self, path: &str) -> Element {
        let wait = self.client.wait().at_most(PATIENCE).every(Duration::from_millis(50));
        match wait.for_element(Locator::XPath(path)).await {
            Ok(element) => element,
            Err(error) => panic!("{path}: {error} on {}", self.url().await),
        }
    }

    /// Runs script, which the driver may where the page may not.
    pub async fn run(&self, script: &str) -> Value {
        self.client.execute(script, Vec::new()).await.unwrap_or_else(|error| panic!("{script}: {error}"))
    }

    /// A command of Chromium's own protocol.
    pub async fn devtools(&self, command: &'static str, parameters: Value) -> Value {
        let asked = DevTools { command, parameters };
        self.client.issue_cmd(asked).await.unwrap_or_else(|error| panic!("{command}: {error}"))
    }

    /// What the browser complained about since it was asked last, but for answers that are no 2xx.
    pub async fn complaints(&self) -> Vec<String> {
        let entries = self.client.issue_cmd(Log).await.expect("the log");
        let entries = entries.as_array().expect("a list").iter();
        let told = entries.filter(|entry| entry["level"] != "DEBUG" && entry["level"] != "INFO");
        let told = told.map(|entry| entry["message"].as_str().unwrap_or_default().to_owned());
        told.filter(|message| !message.contains("the server responded with a status of")).collect()
    }

    /// Keeps a picture of the whole page.
    pub async fn picture(&self, name: &str) {
        let asked = json!({"format": "png", "captureBeyondViewport": true});
        let picture = self.devtools("Page.captureScreenshot", asked).await;
        keep(name, picture["data"].as_str().expect("a picture"));
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let name = format!("failed-{}", self.name);
            if let Some(Value::String(picture)) = self.driver.ask("GET", "/screenshot") {
                keep(&name, &picture);
            }
            if let Some(Value::String(source)) = self.driver.ask("GET", "/source") {
                let _ = std::fs::write(pictures().join(format!("{name}.html")), source);
            }
            eprintln!("what was seen last: {}", pictures().join(name).display());
        }
    }
}

/// `target/pictures/`
fn pictures() -> PathBuf {
    let program = std::env::current_exe().expect("a path");
    // TARGET/PROFILE/deps/PROGRAM
    let folder = program.ancestors().nth(3).expect("a target directory").join("pictures");
    std::fs::create_dir_all(&folder).expect("a folder");
    folder
}

fn keep(name: &str, base64: &str) {
    let picture = STANDARD.decode(base64).expect("base64");
    std::fs::write(pictures().join(format!("{name}.png")), picture).expect("a picture");
}

/// As XPath writes it.
fn quoted(text: &str) -> String {
    assert!(!text.contains('"'), "{text}");
    format!("\"{text}\"")
}

#[derive(Debug)]
struct DevTools {
    command: &'static str,
    parameters: Value,
}

impl WebDriverCompatibleCommand for DevTools {
    fn endpoint(&self, base: &Url, session: Option<&str>) -> Result<Url, ParseError> {
        base.join(&format!("session/{}/goog/cdp/execute", session.unwrap_or_default()))
    }

    fn method_and_body(&self, _: &Url) -> (Method, Option<String>) {
        (Method::POST, Some(json!({"cmd": self.command, "params": self.parameters}).to_string()))
    }
}

#[derive(Debug)]
struct Log;

impl WebDriverCompatibleCommand for Log {
    fn endpoint(&self, base: &Url, session: Option<&str>) -> Result<Url, ParseError> {
        base.join(&format!("session/{}/se/log", session.unwrap_or_default()))
    }

    fn method_and_body(&self, _: &Url) -> (Method, Option<String>) {
        (Method::POST, Some(json!({"type": "browser"}).to_string()))
    }
}
