//! axe-core over the page that is open: in light and in dark, wide and at 390 pixels.

use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use serde_json::{Value, json};

use super::Browser;

/// The narrow width, that of a small telephone.
const NARROW: u64 = 390;

/// The script of axe-core.
fn axe() -> &'static str {
    static SCRIPT: OnceLock<String> = OnceLock::new();
    SCRIPT.get_or_init(|| {
        let fetch = Path::new(env!("CARGO_MANIFEST_DIR")).join("browser/axe");
        let came = Command::new(fetch).stderr(Stdio::inherit()).output().expect("the script runs");
        assert!(came.status.success(), "axe-core is not there");
        let path = String::from_utf8(came.stdout).expect("UTF-8");
        std::fs::read_to_string(path.trim()).expect("axe-core")
    })
}

/// What is wrong with the page that is open, in each of the four ways to look at it; keeps a picture of each.
pub async fn look(browser: &Browser, name: &str) -> Vec<String> {
    let mut wrong = Vec::new();
    for (width, height, shape) in [(1280, 900, "wide"), (NARROW, 844, "narrow")] {
        let size =
            json!({"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width == NARROW});
        browser.devtools("Emulation.setDeviceMetricsOverride", size).await;
        for scheme in ["light", "dark"] {
            let scheme_asked = json!({"features": [{"name": "prefers-color-scheme", "value": scheme}]});
            browser.devtools("Emulation.setEmulatedMedia", scheme_asked).await;
            let found = violations(browser).await;
            wrong.extend(found.into_iter().map(|found| format!("{name}, {shape}, {scheme}: {found}")));
            browser.picture(&format!("{name}-{shape}-{scheme}")).await;
        }
        let seen = browser.run("return [innerWidth, document.scrollingElement.scrollWidth]").await;
        if seen[1].as_u64() > Some(width) || seen[0] != width {
            wrong.push(format!("{name}, {shape}: {} of {} pixels are seen", seen[0], seen[1]));
        }
    }
    browser.devtools("Emulation.clearDeviceMetricsOverride", json!({})).await;
    browser.devtools("Emulation.setEmulatedMedia", json!({"features": []})).await;
    let outside = browser
        .run("return performance.getEntriesByType('resource').map(it => it.name).filter(it => !it.startsWith(origin))")
        .await;
    if outside != json!([]) {
        wrong.push(format!("{name}: asks others: {outside}"));
    }
    wrong.extend(
        browser.complaints().await.into_iter().map(|told| format!("{name}: the browser says: {told}")),
    );
    wrong
}

/// What axe-core does not like.
async fn violations(browser: &Browser) -> Vec<String> {
    if browser.run("return typeof axe").await == "undefined" {
        browser.run(axe()).await;
    }
    let run = "const done = arguments[0]; \
        axe.run(document, {resultTypes: ['violations']}).then(it => done(it.violations), it => done(String(it)))";
    let found = browser.client.execute_async(run, Vec::new()).await.expect("axe runs");
    let found = found.as_array().unwrap_or_else(|| panic!("axe: {found}")).iter();
    found.map(told).collect()
}

fn told(violation: &Value) -> String {
    let nodes = violation["nodes"].as_array().expect("a list").iter().take(3);
    let nodes: Vec<String> =
        nodes.map(|node| format!("{} ({})", node["html"], node["failureSummary"])).collect();
    format!("{}: {}: {}", violation["id"], violation["help"], nodes.join("; "))
}
