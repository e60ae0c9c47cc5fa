//! Every page: accessible in light and dark, wide and at 390 pixels; and a picture of each.
//!
//! Pages are found as a person finds them, by their links, from the overview on; pages of one shape
//! (`/errors/1`, `/errors/2`) are looked at once. Beside them those that no link leads to.

use std::collections::{BTreeSet, VecDeque};

use serde_json::Value;

use crate::axe::look;
use crate::browser::Browser;
use crate::driver::{Script, is_there};
use crate::scene::{ADMIN, BASE, OPERATE, Scene, VIEW};

/// Pages that are looked at, at most.
const MOST: usize = 60;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_page_is_accessible_in_light_and_dark_and_at_390_pixels() {
    if !is_there() {
        return;
    }
    let scene = Scene::start(30);
    scene.listener.deliver(b"no JSON").expect("an answer");
    refused(&scene);
    let browser = Browser::start("pages", Script::On).await;
    let mut wrong = Vec::new();

    browser.open(&format!("http://{}/", scene.listener.admin)).await;
    browser.heading("Sign in").await;
    wrong.extend(look(&browser, "sign-in").await);
    browser.fill("Token", "a-token-of-somebody-else").await;
    browser.press("Sign in").await;
    browser.says("[role=alert]", "token").await;
    wrong.extend(look(&browser, "sign-in-refused").await);
    scene.sign_in(&browser, ADMIN).await;

    // A plan, a bulk act and an edited error, so that their pages show something.
    browser.open(&scene.url("/errors?traceKeyPrefix=contact_1")).await;
    browser.choose("What to do", "Retry").await;
    browser.press("Make a plan").await;
    browser.heading("Plan").await;
    wrong.extend(look(&browser, "plan").await);
    browser.press("Start").await;
    browser.says("#progress", "Done").await;
    browser.open(&scene.url("/errors/2")).await;
    browser.fill("Payload", "{\"objectId\": 2, \"propertyValue\": \"customer\"}").await;
    browser.press("Save").await;
    browser.says("main", "Edited by ada").await;
    browser.fill("Note", "Asked the warehouse.").await;
    browser.press("Add note").await;
    browser.says("main", "Asked the warehouse.").await;
    wrong.extend(look(&browser, "error-edited").await);
    browser.fill("Payload", "{\"objectId\": 2,").await;
    browser.press("Save").await;
    browser.says("[role=alert]", "line").await;
    wrong.extend(look(&browser, "error-not-json").await);

    let seen = walk(&scene, &browser, &mut wrong).await;
    for page in ["", "/errors", "/errors/N", "/bulk", "/bulk/N", "/audit"] {
        assert!(seen.contains(page), "no link leads to {page}: {seen:?}");
    }
    for (path, heading, name) in [
        ("/errors/999999", "Not found", "not-found"),
        ("/errors?class=nosuch", "Errors", "errors-refused"),
        ("/errors?traceKey=nobody", "Errors", "errors-none"),
    ] {
        browser.open(&scene.url(path)).await;
        browser.heading(heading).await;
        wrong.extend(look(&browser, name).await);
    }
    browser.press("Sign out").await;
    browser.heading("Sign in").await;

    // Who may only look sees another page of an error, and not the audit log.
    scene.sign_in(&browser, VIEW).await;
    browser.open(&scene.url("/errors/2")).await;
    browser.says("main", "Your role is view").await;
    wrong.extend(look(&browser, "error-view").await);
    browser.open(&scene.url("/audit")).await;
    browser.heading("Not allowed").await;
    wrong.extend(look(&browser, "not-allowed").await);
    assert!(wrong.is_empty(), "{} findings:\n{}", wrong.len(), wrong.join("\n"));
}

/// Looks at every page that a link leads to; answers their shapes.
async fn walk(scene: &Scene, browser: &Browser, wrong: &mut Vec<String>) -> BTreeSet<String> {
    let mut seen = BTreeSet::new();
    let mut waiting = VecDeque::from([scene.url(""), scene.url("/errors/2")]);
    while let Some(url) = waiting.pop_front() {
        let page = shape(&url);
        if seen.contains(&page) {
            continue;
        }
        assert!(seen.len() < MOST, "there is no end of pages: {seen:?}");
        browser.open(&url).await;
        let heading = browser.find("//h1").await.text().await.expect("text");
        assert!(!heading.starts_with("Not ") && !heading.contains("wrong"), "{url}: {heading}");
        let name = page.trim_start_matches('/').replace('/', "-").replace("-N", "-one");
        wrong.extend(look(browser, if name.is_empty() { "overview" } else { &name }).await);
        seen.insert(page);
        // Files are no pages.
        let links = "return [...document.querySelectorAll('a[href]')].map(it => it.href).filter(it => it.startsWith(origin))";
        let links = browser.run(links).await;
        let links = links.as_array().expect("a list").iter().filter_map(Value::as_str);
        let links =
            links.filter(|link| link.contains(BASE) && !link.contains("export") && !link.contains('#'));
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
    assert_ne!(OPERATE, VIEW);
}
