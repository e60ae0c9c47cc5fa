use serde_json::json;

use super::scene::{OPERATE, Scene, VIEW};

const RECORD: &str = r#"{"objectId":9007199254740993,"p":{ "email":"a@b.c"},"name":"X"}"#;
const HIDDEN: &str = r#"{"objectId":9007199254740993,"p":{ "email":"[masked]"},"name":"X"}"#;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_payload_is_shown_from_operate_on_and_masked_fields_to_nobody() {
    let scene = Scene::start(&[RECORD], &["/p/email"]).await;
    let came = scene.get(VIEW, "/errors/1").await;
    assert!(!came.text.contains("a@b.c") && !came.text.contains("objectId"), "{}", came.text);
    let whole = came.good();
    assert!(
        whole["payload"].is_null() && whole["response"].is_null() && whole["withheld"].is_string(),
        "{whole}"
    );
    let whole = scene.get(OPERATE, "/errors/1").await.good();
    assert_eq!((&whole["payload"]["text"], &whole["response"]), (&json!(HIDDEN), &json!("bad")));
    assert_eq!((&whole["status"], &whole["record"]), (&json!(400), &json!("1.0")));
    for token in [VIEW, OPERATE] {
        for path in ["/errors", "/errors/export", "/errors/export?format=jsonl", "/errors/count"] {
            assert!(!scene.get(token, path).await.text.contains("a@b.c"), "{path}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_edit_is_masked_likewise_and_keeps_what_it_was_not_shown() {
    let scene = Scene::start(&[RECORD], &["/p/email"]).await;
    scene.act(1, "edit", json!({"payload": HIDDEN.replace("\"X\"", "\"Y\"")})).await.good();
    let whole = scene.get(OPERATE, "/errors/1").await.good();
    assert_eq!(whole["editedPayload"]["text"], HIDDEN.replace("\"X\"", "\"Y\""));
    assert_eq!((&whole["editedPayload"]["by"], &whole["edited"]), (&json!("olaf"), &json!(true)));
    let detail = scene.shown.desk().unwrap().error(1).await.unwrap();
    assert_eq!(detail.edited.unwrap().0, RECORD.replace("\"X\"", "\"Y\""), "the value itself is stored");
    assert_eq!(detail.payload.unwrap(), RECORD, "the original is untouched");
    // The retry sends what was stored, not the mask.
    scene.act(1, "retry", json!({})).await.good();
    let page = scene.world.page(&scene.store, "audit").await;
    assert_eq!(page.records[0].bytes, RECORD.replace("\"X\"", "\"Y\""));
    scene.world.done(&scene.store, &page).await;
    let whole = scene.get(VIEW, "/errors/1").await.good();
    assert_eq!((&whole["state"], &whole["resolution"]["how"]), (&json!("resolved"), &json!("retried")));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_mask_without_a_value_behind_it_is_refused() {
    let scene = Scene::start(&[r#"{"name":"X"}"#], &["/email"]).await;
    let problem = scene.act(1, "edit", json!({"payload": r#"{"email":"[masked]"}"#})).await.problem(400);
    assert!(problem["detail"].as_str().unwrap().contains("/email"), "{problem}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_no_json_object_is_not_shown_where_fields_are_masked() {
    let body = "[{\"email\":\"a@b.c\"},";
    for (masked, is_shown) in [(&[][..], true), (&["/email"][..], false)] {
        let scene = Scene::start(&[], masked).await;
        scene.world.deliver(&scene.store, body).await;
        let came = scene.get(OPERATE, "/errors/1").await;
        assert_eq!(came.text.contains("a@b.c"), is_shown, "{}", came.text);
        assert_eq!(came.good()["withheld"].is_string(), !is_shown);
    }
}
