//! Every page: accessible in light and dark, wide and at 390 pixels; and a picture of each.
//!
//! Pages are found as a person finds them, by their links, from the overview on; pages of one shape
//! (`/errors/1`, `/errors/2`) are looked at once. Beside them those that no link leads to.

use std::collections::{BTreeSet, VecDeque};

use serde_json::Value;

use crate::scene::{ADMIN, BASE, OPERATE, Scene, VIEW};
use tests::browser::{Browser, Script, is_there, look};

/// Pages that are looked at, at most.
const MOST: usize = 60;

/// Shapes of pages that links must lead to.
const EVERY: [&str; 11] = [
    "",
    "/audit",
    "/bulk",
    "/bulk/N",
    "/deliveries",
    "/errors",
    "/errors/N",
    "/records",
    "/records/N",
    "/refusals",
    "/settings",
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_page_that_a_link_leads_to_is_accessible() {
    let Some((scene, browser)) = start("pages").await else { return };
    scene.listener.deliver(b"no JSON").expect("an answer");
    refused(&scene);
    scene.sign_in(&browser, ADMIN).await;
    // Something to see on each.
    plan(&scene, &browser).await;
    browser.press("Start").await;
    browser.says("#progress", "Done").await;
    edit(&scene, &browser).await;
    let mut wrong = Vec::new();
    let seen = walk(&scene, &browser, &mut wrong).await;
    for page in EVERY {
        assert!(seen.contains(page), "no link leads to {page}: {seen:?}");
    }
    well(&wrong);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pages_that_say_no_or_ask_first_are_accessible() {
    let Some((scene, browser)) = start("moments").await else { return };
    let mut wrong = Vec::new();
    browser.open(&format!("http://{}/", scene.listener.admin)).await;
    browser.heading("Sign in").await;
    wrong.extend(look(&browser, "sign-in").await);
    browser.fill("Token", "a-token-of-somebody-else").await;
    browser.press("Sign in").await;
    browser.says("[role=alert]", "token").await;
    wrong.extend(look(&browser, "sign-in-refused").await);
    scene.sign_in(&browser, OPERATE).await;
    plan(&scene, &browser).await;
    wrong.extend(look(&browser, "plan").await);
    browser.open(&scene.url("/settings")).await;
    browser.choose("Region", "us").await;
    browser.press("Check").await;
    browser.says("main", "kubectl -n sales patch").await;
    wrong.extend(look(&browser, "settings-checked").await);
    browser.open(&scene.url("/records?traceKey=contact_1")).await;
    browser.choose("To destination", "warehouse").await;
    browser.press("Make a plan").await;
    browser.heading("Plan").await;
    wrong.extend(look(&browser, "plan-replay").await);
    edit(&scene, &browser).await;
    wrong.extend(look(&browser, "error-edited").await);
    browser.fill("Payload", "{\"objectId\": 2,").await;
    browser.press("Save").await;
    browser.says("[role=alert]", "line").await;
    wrong.extend(look(&browser, "error-not-json").await);
    for (path, heading, name) in [
        ("/errors/999999", "Not found", "not-found"),
        ("/errors?class=nosuch", "Errors", "errors-refused"),
        ("/errors?traceKey=nobody", "Errors", "errors-none"),
        ("/audit", "Not allowed", "not-allowed"),
    ] {
        browser.open(&scene.url(path)).await;
        browser.heading(heading).await;
        wrong.extend(look(&browser, name).await);
    }
    browser.press("Sign out").await;
    browser.heading("Sign in").await;
    // Who may only look sees another page of an error.
    scene.sign_in(&browser, VIEW).await;
    browser.open(&error(&scene)).await;
    browser.says("main", "Your role is view").await;
    wrong.extend(look(&browser, "error-view").await);
    well(&wrong);
}

async fn start(name: &str) -> Option<(Scene, Browser)> {
    if !is_there() {
        return None;
    }
    Some((Scene::start(30), Browser::start(name, Script::On).await))
}

/// Makes a plan for some errors.
async fn plan(scene: &Scene, browser: &Browser) {
    browser.open(&scene.url("/errors?traceKeyPrefix=contact_1")).await;
    browser.choose("What to do", "Retry").await;
    browser.press("Make a plan").await;
    browser.heading("Plan").await;
}

/// The page of an error that no plan here is about.
fn error(scene: &Scene) -> String {
    scene.url(&format!("/errors/{}", scene.error_of("contact_2")))
}

/// Edits that error, and writes a note.
async fn edit(scene: &Scene, browser: &Browser) {
    browser.open(&error(scene)).await;
    browser.fill("Payload", "{\"objectId\": 2, \"propertyValue\": \"customer\"}").await;
    browser.press("Save").await;
    browser.says("main", "Edited by").await;
    browser.fill("Note", "Asked the warehouse.").await;
    browser.press("Add note").await;
    browser.says("main", "Asked the warehouse.").await;
}

fn well(wrong: &[String]) {
    assert!(wrong.is_empty(), "{} findings:\n{}", wrong.len(), wrong.join("\n"));
}

/// Looks at every page that a link leads to; answers their shapes.
async fn walk(scene: &Scene, browser: &Browser, wrong: &mut Vec<String>) -> BTreeSet<String> {
    let mut seen = BTreeSet::new();
    let mut waiting = VecDeque::from([scene.url(""), error(scene)]);
    while let Some(url) = waiting.pop_front() {
        let page = shape(&url);
        if !seen.insert(page.clone()) {
            continue;
        }
        assert!(seen.len() < MOST, "there is no end of pages: {seen:?}");
        browser.open(&url).await;
        let heading = browser.find("//h1").await.text().await.expect("text");
        if heading.starts_with("Not ") || heading.contains("wrong") {
            wrong.push(format!("a link leads to {url}: {heading}"));
            continue;
        }
        let name = page.trim_start_matches('/').replace('/', "-").replace("-N", "-one");
        wrong.extend(look(browser, if name.is_empty() { "overview" } else { &name }).await);
        let links = "return [...document.querySelectorAll('a[href]')].map(it => it.href)\
            .filter(it => it.startsWith(origin))";
        let links = browser.run(links).await;
        let links = links.as_array().expect("a list").iter().filter_map(Value::as_str);
        // Files are no pages.
        let links = links.filter(|link| link.contains(BASE) && !link.contains("export"));
        waiting.extend(links.map(str::to_owned));
    }
    seen
}

/// A path without the listener's own, its query, and with `N` for each number.
fn shape(url: &str) -> String {
    let path = url.split_once(BASE).map_or("", |(_, path)| path);
    let path = path.split(['?', '#']).next().unwrap_or_default();
    let is_number = |part: &str| part.starts_with(|letter: char| letter.is_ascii_digit());
    let parts: Vec<&str> = path.split('/').map(|part| if is_number(part) { "N" } else { part }).collect();
    parts.join("/")
}

/// A request that is refused, so that there is one to see.
fn refused(scene: &Scene) {
    let headers = [("content-type".to_owned(), "application/json".to_owned())];
    let answer = tests::post(scene.listener.public, "/sales/contacts", &headers, b"[]").expect("an answer");
    assert_eq!(answer.status, 401);
}

#[test]
fn pages_of_one_shape_are_one() {
    for (url, expected) in [
        ("http://h/listeners/sales/contacts", ""),
        ("http://h/listeners/sales/contacts/errors?state=open", "/errors"),
        ("http://h/listeners/sales/contacts/errors/17#x", "/errors/N"),
        ("http://h/listeners/sales/contacts/records/1042.3", "/records/N"),
    ] {
        assert_eq!(shape(url), expected);
    }
}
