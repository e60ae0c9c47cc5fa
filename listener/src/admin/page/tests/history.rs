use bytes::Bytes;
use uuid::Uuid;

use super::browser::{Browser, LISTENER};
use crate::admin::api::tests::scene::{OPERATE, Scene, VIEW};
use crate::store::Refused;
use crate::store::suite::BEGIN_MS;

const RECORD: &str = r#"{"eventId":1,"objectId":9007199254740993,"p":{"email":"a@b.c"},"name":"<script>X"}"#;

fn at(path: &str) -> String {
    format!("{LISTENER}{path}")
}

/// A delivery whose record was taken.
async fn scene() -> Scene {
    let scene = Scene::start(&[], &["/p/email"]).await;
    scene.world.deliver(&scene.store, format!("[{RECORD}]")).await;
    scene.world.drain(&scene.store, "audit").await;
    scene
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_delivery_leads_to_its_records_and_a_record_to_its_way() {
    let scene = scene().await;
    let mut browser = Browser::signed_in(&scene, OPERATE).await;
    let page = browser.get(&at("/deliveries")).await;
    assert_eq!(page.heading(), "Deliveries");
    page.says(200, &at("/records?delivery=1"));
    let page = browser.get(&at("/records?delivery=1&objectId=9007199254740993&traceKey=")).await;
    page.says(200, &at("/records/1.0"));
    browser.get(&at("/records?objectId=1")).await.says(200, "No record matches this filter.");
    browser.get(&at("/records?delivery=first")).await.says(400, "is no number");
    let page = browser.get(&at("/records/1.0")).await;
    assert_eq!(page.heading(), "Record 1.0");
    for part in ["Received", "Taken", "[masked]", "&lt;script&gt;X", "9007199254740993"] {
        page.says(200, part);
    }
    assert!(!page.has("a@b.c"));
    browser.get(&at("/records/9.9")).await.says(404, "not there");
    browser.get(&at("/records/one")).await.says(404, "looks like 1042.3");
    let page = Browser::signed_in(&scene, VIEW).await.get(&at("/records/1.0")).await;
    page.says(200, "Payloads are shown to the roles operate and admin");
    assert!(!page.has("9007199254740993&quot;") && !page.has("[masked]"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_replay_is_planned_and_started_like_any_act_on_many() {
    let scene = scene().await;
    let mut browser = Browser::signed_in(&scene, OPERATE).await;
    let page = browser.get(&at("/records?delivery=1")).await;
    page.says(200, "Replay all that match");
    let filter = page.hidden("filter").unwrap();
    let fields = [("selection", "records"), ("filter", &*filter), ("act", "replay"), ("to", "audit")];
    let page = browser.post(&at("/bulk/plan"), &fields).await;
    page.says(200, "<dd><strong>1</strong></dd>");
    page.says(200, &at("/records/1.0"));
    let page = browser.post(&page.action("/start"), &[]).await;
    page.says(200, "Hand them to audit once more");
    let sent = scene.world.page(&scene.store, "audit").await;
    assert_eq!(sent.records[0].bytes, RECORD);
    let fields = [("selection", "records"), ("filter", &*filter), ("act", "replay"), ("to", "nowhere")];
    assert_eq!(browser.post(&at("/bulk/plan"), &fields).await.status, 400);
    let page = Browser::signed_in(&scene, VIEW).await.get(&at("/records")).await;
    assert!(!page.has("Replay all that match"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refused_request_says_why_and_what_to_do() {
    let scene = scene().await;
    let refused = |id, diagnosis: Option<&str>| Refused {
        id: Uuid::from_u128(id),
        at_ms: BEGIN_MS,
        status: 401,
        cause: "bad_signature",
        diagnosis: diagnosis.map(str::to_owned),
        diagnosis_code: diagnosis.map(|_| "scheme"),
        request_line: "POST /sales/contacts HTTP/1.1".to_owned(),
        headers: vec![("x-odd".to_owned(), "<b>".to_owned())],
        body: Bytes::from_static(br#"{"p":{"email":"a@b.c"}}"#),
        body_bytes: 23,
        peer: None,
    };
    scene.store.refuse(refused(1, Some("Signed with http. Register https in HubSpot.")));
    scene.store.refuse(refused(2, None));
    let mut browser = Browser::signed_in(&scene, OPERATE).await;
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(20);
    let page = loop {
        let page = browser.get(&at("/refusals")).await;
        if page.text.matches("<article").count() == 2 {
            break page;
        }
        assert!(std::time::Instant::now() < deadline, "{}", page.text);
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    };
    for part in
        ["The signature did not fit", "Register https in HubSpot.", "client secret", "x-odd: &lt;b&gt;"]
    {
        page.says(200, part);
    }
    assert!(page.has("[masked]") && !page.has("a@b.c"));
    let page = browser.get(&at("/refusals?diagnosis=scheme")).await;
    assert_eq!(page.text.matches("<article").count(), 1);
    browser.get(&at("/refusals?cause=other")).await.says(200, "No refused request matches");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_overview_draws_what_happened_over_time() {
    let scene = scene().await;
    let mut browser = Browser::signed_in(&scene, VIEW).await;
    let page = browser.get(&at("?hours=1")).await;
    assert_eq!(page.heading(), "Overview");
    for part in ["Events that came, last hour", "role=\"img\"", "Events: at most 1", "Show as a table"] {
        page.says(200, part);
    }
    assert!(page.has("aria-current=\"true\">Last hour"));
}
