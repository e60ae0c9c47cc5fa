//! The harness itself: it must see what is wrong.

use tests::browser::{self, Browser, Script, is_there};
use tests::{Receiver, Reply};

const BAD: &str = "<!doctype html><html lang=en><title>Bad</title><main><h1>Bad</h1>\
    <div style='width:900px'>wide</div><img src='/x.png'><p style='color:#ccc;background:#fff'>pale</p>\
    <p id=script>off</p><script>document.getElementById('script').textContent='on'</script></main>";

fn site() -> Receiver {
    Receiver::with(|_| Reply::status(200).header("content-type", "text/html; charset=utf-8").body(BAD))
}

#[tokio::test]
async fn what_is_wrong_with_a_page_is_seen() {
    if !is_there() {
        return;
    }
    let site = site();
    let browser = Browser::start("harness", Script::On).await;
    browser.open(&site.url("/")).await;
    browser.says("#script", "on").await;
    let wrong = browser::look(&browser, "harness").await.join("\n");
    for part in ["image-alt", "color-contrast", "narrow, dark", "narrow: 9"] {
        assert!(wrong.contains(part), "{part}: {wrong}");
    }
    assert!(!wrong.contains("wide: "), "{wrong}");
}

#[tokio::test]
async fn script_is_off_where_it_is_switched_off() {
    if !is_there() {
        return;
    }
    let site = site();
    let browser = Browser::start("harness-off", Script::Off).await;
    browser.open(&site.url("/")).await;
    browser.heading("Bad").await;
    browser.says("#script", "off").await;
}
