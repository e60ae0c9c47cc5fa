//! The main flow: somebody signs in, finds an error by its trace key, follows its link, mends it, sends it
//! again, and sees it resolved; with the page's script and without.

use fantoccini::Locator;
use serde_json::{Value, json};
use tests::eventually;

use crate::scene::{OPERATE, Scene};
use tests::browser::{Browser, Script, is_there};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_error_is_found_by_its_trace_key_mended_and_sent_again() {
    an_error_is_mended("mend", Script::On).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_error_is_mended_without_the_pages_script() {
    an_error_is_mended("mend-off", Script::Off).await;
}

async fn an_error_is_mended(name: &str, script: Script) {
    if !is_there() {
        return;
    }
    let scene = Scene::start(5);
    let browser = Browser::start(name, script).await;
    scene.sign_in(&browser, OPERATE).await;

    // Found by its trace key, among others.
    browser.follow("Errors").await;
    browser.heading("Errors").await;
    browser.fill("Trace key", "contact_3").await;
    browser.press("Filter").await;
    browser.says("main", "contact_3").await;
    let rows = browser.client.find_all(Locator::Css("table tbody tr")).await.expect("rows");
    assert_eq!(rows.len(), 1);
    browser.follow("contact_3").await;
    let id = scene.error_of("contact_3");
    browser.heading(&format!("Error {id}")).await;
    assert!(browser.fact("State").await.to_lowercase().starts_with("open"));

    // Its link leads to the record.
    let link = scene.crm.url("/record/3");
    browser.follow(&link).await;
    let windows = browser.client.windows().await.expect("windows");
    browser.client.switch_to_window(windows.last().expect("one").clone()).await.expect("the window");
    browser.heading("Contact 3 in the CRM").await;
    assert_eq!(browser.url().await.as_str(), link);
    let asked = scene.crm.pages().into_iter().find(|page| page.path == "/record/3").expect("it was asked");
    assert_eq!(asked.header("referer"), "", "the CRM learns where the desk is");
    if windows.len() > 1 {
        browser.client.close_window().await.expect("it closes");
        browser.client.switch_to_window(windows[0].clone()).await.expect("the window");
    } else {
        browser.client.back().await.expect("the page before");
    }
    browser.heading(&format!("Error {id}")).await;

    // What is masked is not shown. What is no JSON is not taken, and its place is said.
    let shown = payload(&browser).await;
    assert!(shown.contains("[masked]") && !shown.contains("contact3@"), "{shown}");
    let broken = shown.replace("\"costumer\",", "\"customer\"");
    browser.fill("Payload", &broken).await;
    if script == Script::On {
        browser.says("#payload-check", "not JSON").await;
    } else {
        let said = browser.client.find(Locator::Css("#payload-check")).await.expect("it is there");
        assert_eq!(said.text().await.expect("text"), "", "the page's script ran");
    }
    browser.press("Save").await;
    browser.says("[role=alert]", "line 7").await;
    assert_eq!(payload(&browser).await, broken, "what was written is lost");

    // The difference, before it is saved and after.
    let mended = shown.replace("costumer", "customer");
    browser.fill("Payload", &mended).await;
    browser.press("Compare").await;
    browser.says("main", "Difference to the original").await;
    browser.says("main del", "costumer").await;
    browser.says("main ins", "customer").await;
    assert_eq!(scene.get(&format!("/api/v1/errors/{id}"))["edited"], false, "comparing saved it");
    browser.press("Save").await;
    browser.says(".done", "saved").await;
    browser.says("main", "Edited by olaf").await;
    browser.says("main ins", "customer").await;

    // Sent again: refused again, then taken.
    let before = scene.destination.pages().len();
    scene.take();
    browser.press("Retry").await;
    resolved(&browser, &scene, id).await;
    let pages = scene.destination.pages();
    assert_eq!(pages.len(), before + 1);
    let sent: Value = serde_json::from_str(&pages[before].records()[0]).expect("JSON");
    assert_eq!(
        (&sent["propertyValue"], &sent["email"]),
        (&json!("customer"), &json!("contact3@example.com"))
    );
    browser.says("main", "olaf").await;
    let count = scene.get("/api/v1/errors/count?state=open");
    assert_eq!(count["total"], 4);

    // And out: the page is closed again.
    browser.press("Sign out").await;
    browser.heading("Sign in").await;
    browser.open(&scene.url("/errors")).await;
    browser.heading("Sign in").await;
}

async fn payload(browser: &Browser) -> String {
    let field = browser.field("Payload").await;
    field.prop("value").await.expect("an answer").expect("a value").replace("\r\n", "\n")
}

/// Looks at the error until it is resolved.
pub(crate) async fn resolved(browser: &Browser, scene: &Scene, id: i64) {
    let target = format!("/api/v1/errors/{id}");
    tokio::task::block_in_place(|| {
        eventually(20, "it is resolved", || (scene.get(&target)["state"] == "resolved").then_some(()))
    });
    browser.open(&scene.url(&format!("/errors/{id}"))).await;
    browser.heading(&format!("Error {id}")).await;
    let state = browser.fact("State").await;
    assert!(state.to_lowercase().starts_with("resolved"), "{state}");
}
