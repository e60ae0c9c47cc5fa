//! The main flow with the keyboard alone.

use fantoccini::Locator;
use fantoccini::actions::{InputSource, KeyAction, KeyActions};
use serde_json::Value;

use crate::mend::resolved;
use crate::scene::{OPERATE, Scene};
use tests::browser::{Browser, Script, is_there};

const TAB: char = '\u{e004}';
const ENTER: char = '\u{e007}';
const CONTROL: char = '\u{e009}';
/// Stops on one page at most.
const STOPS: usize = 120;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_error_is_mended_with_the_keyboard_alone() {
    if !is_there() {
        return;
    }
    let scene = Scene::start(3);
    scene.take();
    let browser = Browser::start("keyboard", Script::On).await;
    browser.open(&format!("http://{}/", scene.listener.admin)).await;
    browser.heading("Sign in").await;
    go_to(&browser, "Token").await;
    type_in(&browser, OPERATE).await;
    press(&browser, &[ENTER]).await;
    browser.heading("Overview").await;

    // The first stop leads past what is on every page.
    press(&browser, &[TAB]).await;
    assert_eq!(focused(&browser).await["name"], "Skip to content");
    press(&browser, &[ENTER]).await;
    assert!(browser.url().await.as_str().ends_with("#content"));

    browser.open(&scene.url("")).await;
    browser.heading("Overview").await;
    go_to(&browser, "Errors").await;
    press(&browser, &[ENTER]).await;
    browser.heading("Errors").await;
    go_to(&browser, "Trace key").await;
    type_in(&browser, "contact_2").await;
    press(&browser, &[ENTER]).await;
    browser.says("main", "contact_2").await;
    go_to(&browser, "contact_2").await;
    press(&browser, &[ENTER]).await;
    let id = scene.error_of("contact_2");
    browser.heading(&format!("Error {id}")).await;
    go_to(&browser, "Payload").await;
    press_together(&browser, CONTROL, 'a').await;
    type_in(&browser, "{\"objectId\": 2, \"propertyValue\": \"customer\"}").await;
    go_to(&browser, "Save and retry").await;
    press(&browser, &[ENTER]).await;
    browser.find("//h1").await;
    resolved(&browser, &scene, id).await;
    let sent = scene.destination.records();
    assert!(sent.last().is_some_and(|record| record.contains("customer")), "{sent:?}");
}

/// Goes on from stop to stop until the one with this name, each of which must show that it has the focus.
async fn go_to(browser: &Browser, name: &str) {
    let mut passed = Vec::new();
    for _ in 0..STOPS {
        press(browser, &[TAB]).await;
        let stop = focused(browser).await;
        if stop["name"] == name && stop["kind"] != "section" {
            assert_eq!(stop["shown"], true, "{stop} does not show that it has the focus");
            return;
        }
        assert!(
            stop["kind"] == "body" || stop["shown"] == true,
            "{stop} does not show that it has the focus"
        );
        passed.push(stop["name"].as_str().unwrap_or_default().to_owned());
    }
    panic!("no stop is called {name:?}: {passed:?}");
}

/// The name of what has the focus, and whether one sees that.
async fn focused(browser: &Browser) -> Value {
    let script = "const it = document.activeElement; \
        const label = it.labels && it.labels.length ? it.labels[0].innerText : (it.getAttribute('aria-label') || it.innerText || ''); \
        const style = getComputedStyle(it); \
        const shown = (style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) > 0) || style.boxShadow !== 'none'; \
        return {kind: it.getAttribute('role') === 'region' ? 'section' : it.localName, name: label.trim(), shown};";
    browser.run(script).await
}

async fn press(browser: &Browser, keys: &[char]) {
    let mut actions = KeyActions::new("keyboard".to_owned());
    for &value in keys {
        actions = actions.then(KeyAction::Down { value }).then(KeyAction::Up { value });
    }
    browser.client.perform_actions(actions).await.expect("keys");
}

async fn press_together(browser: &Browser, held: char, key: char) {
    let actions = KeyActions::new("keyboard".to_owned())
        .then(KeyAction::Down { value: held })
        .then(KeyAction::Down { value: key })
        .then(KeyAction::Up { value: key })
        .then(KeyAction::Up { value: held });
    browser.client.perform_actions(actions).await.expect("keys");
}

/// Into what has the focus.
async fn type_in(browser: &Browser, text: &str) {
    press(browser, &text.chars().collect::<Vec<_>>()).await;
    let field = browser.client.find(Locator::Css(":focus")).await.expect("something has the focus");
    assert_eq!(field.prop("value").await.expect("an answer").as_deref(), Some(text));
}
