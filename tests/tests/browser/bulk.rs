//! Many at once: a filter, a plan, a start, and the end; with the page's script and without.

use tests::eventually;

use crate::scene::{OPERATE, Scene};
use tests::browser::{Browser, Script, is_there};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn all_that_match_a_filter_are_sent_again_after_a_plan() {
    all_that_match_are_sent_again("bulk", Script::On).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn all_that_match_are_sent_again_without_the_pages_script() {
    all_that_match_are_sent_again("bulk-off", Script::Off).await;
}

async fn all_that_match_are_sent_again(name: &str, script: Script) {
    if !is_there() {
        return;
    }
    let scene = Scene::start(25);
    let browser = Browser::start(name, script).await;
    scene.sign_in(&browser, OPERATE).await;
    browser.follow("Errors").await;
    browser.heading("Errors").await;
    browser.unfold("More conditions").await;
    // contact_2 and contact_20 to contact_25.
    browser.fill("Trace key begins with", "contact_2").await;
    browser.press("Filter").await;
    browser.says("main", "matches 7 errors").await;
    browser.choose("What to do", "Retry").await;
    browser.press("Make a plan").await;
    browser.heading("Plan").await;
    assert_eq!(browser.fact("Match").await, "7");
    assert_eq!(browser.fact("Would be changed").await, "7");
    browser.says("main", "contact_20").await;
    let before = scene.destination.pages().len();
    assert_eq!(before, 25, "a plan does nothing");

    scene.take();
    browser.press("Start").await;
    browser.find("//h1[starts-with(normalize-space(), 'Bulk act')]").await;
    tokio::task::block_in_place(|| {
        eventually(20, "they are resolved", || {
            let count = scene.get("/api/v1/errors/count?state=resolved");
            (count["total"] == 7).then_some(())
        });
    });
    if script == Script::Off {
        browser.client.refresh().await.expect("the page again");
    }
    browser.says("#progress", "Done: 7 of 7").await;
    assert_eq!(scene.destination.pages().len(), before + 7);
    assert_eq!(scene.get("/api/v1/errors/count?state=open")["total"], 18);

    // With the filter of before nothing is open any more.
    browser.open(&scene.url("/errors?state=open&traceKeyPrefix=contact_2")).await;
    browser.says("main", "No error matches").await;
}
