//! What was delivered goes to the destination once more: a filter, a plan, a start, and the end; with the page's
//! script and without.

use tests::browser::{Browser, Script, is_there};
use tests::eventually;

use crate::scene::{OPERATE, Scene, contact};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn delivered_records_go_to_the_destination_once_more() {
    delivered_records_are_replayed("replay", Script::On).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn delivered_records_are_replayed_without_the_pages_script() {
    delivered_records_are_replayed("replay-off", Script::Off).await;
}

async fn delivered_records_are_replayed(name: &str, script: Script) {
    if !is_there() {
        return;
    }
    let scene = Scene::start(1);
    let browser = Browser::start(name, script).await;
    scene.take();
    scene.deliver(&[contact(11, 7), contact(12, 8), contact(13, 7), contact(14, 7)]);
    let delivered = came(&scene, 5);
    scene.sign_in(&browser, OPERATE).await;
    browser.follow("Records").await;
    browser.heading("Records").await;
    browser.fill("Object id", "7").await;
    browser.press("Filter").await;
    browser.says("main", "contact_7").await;
    browser.choose("To destination", "warehouse").await;
    browser.press("Make a plan").await;
    browser.heading("Plan").await;
    assert_eq!(browser.fact("Match").await, "3");
    assert_eq!(browser.fact("Would be changed").await, "3");
    assert_eq!(scene.destination.pages().len(), 5, "a plan does nothing");

    browser.press("Start").await;
    browser.find("//h1[starts-with(normalize-space(), 'Bulk act')]").await;
    tokio::task::block_in_place(|| {
        eventually(20, "the replay ends", || {
            let acts = scene.get("/api/v1/bulk");
            (acts["items"][0]["state"] == "done").then_some(())
        });
    });
    if script == Script::Off {
        browser.client.refresh().await.expect("the page again");
    }
    browser.says("#progress", "Done: 3 of 3").await;
    let records = |pages: &[tests::Page]| {
        let mut records: Vec<String> = pages.iter().flat_map(tests::Page::records).collect();
        records.retain(|record| record.contains("\"objectId\":7,"));
        records.sort();
        records
    };
    let pages = came(&scene, 8);
    assert_eq!(records(&pages[5..]), records(&delivered), "the same bytes, once more");
    assert_eq!(records(&pages[5..]).len(), 3);
}

/// The pages of the destination, once they are so many.
fn came(scene: &Scene, count: usize) -> Vec<tests::Page> {
    tokio::task::block_in_place(|| {
        eventually(20, "the pages come", || {
            let pages = scene.destination.pages();
            (pages.len() >= count).then_some(pages)
        })
    })
}
