use bytes::Bytes;
use serde_json::{Value, json};
use uuid::Uuid;

use super::scene::{ADMIN, OPERATE, Scene, VIEW};
use crate::store::Refused;
use crate::store::suite::BEGIN_MS;

const RECORD: &str = r#"{"objectId":9007199254740993,"p":{ "email":"a@b.c"},"name":"X"}"#;
const HIDDEN: &str = r#"{"objectId":9007199254740993,"p":{ "email":"[masked]"},"name":"X"}"#;

/// Deliveries of `count` records each, all taken by the destination.
async fn scene(deliveries: u64, count: u64) -> Scene {
    let scene = Scene::start(&[], &["/p/email"]).await;
    for delivery in 0..deliveries {
        let records: Vec<String> = (0..count)
            .map(|at| {
                format!(
                    r#"{{"eventId":{},"objectId":{},"subscriptionType":"=1+1"}}"#,
                    delivery * count + at,
                    at % 3
                )
            })
            .collect();
        scene.world.deliver(&scene.store, format!("[{}]", records.join(","))).await;
        scene.world.drain(&scene.store, "audit").await;
        scene.world.pass(1_000);
    }
    scene
}

/// One field of all items, over as many lists as it takes.
async fn all(scene: &Scene, path: &str, field: &str) -> Vec<Value> {
    let (mut seen, mut cursor) = (Vec::new(), String::new());
    loop {
        let list = scene.get(VIEW, &format!("{path}{cursor}")).await.good();
        seen.extend(list["items"].as_array().unwrap().iter().map(|item| item[field].clone()));
        let Some(next) = list["next"].as_str() else { return seen };
        cursor = format!("&cursor={next}");
    }
}

fn refused(id: u128, cause: &'static str) -> Refused {
    Refused {
        id: Uuid::from_u128(id),
        at_ms: BEGIN_MS,
        status: 401,
        cause,
        diagnosis: Some("-the secret of another app".to_owned()),
        diagnosis_code: Some("other_secret"),
        request_line: "POST /sales/contacts HTTP/1.1".to_owned(),
        headers: Vec::new(),
        body: Bytes::from_static(br#"{"p":{"email":"a@b.c"}}"#),
        body_bytes: 23,
        peer: None,
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cursors_lead_through_deliveries_and_records_once_newest_first() {
    let scene = scene(7, 5).await;
    let numbers = all(&scene, "/deliveries?limit=3", "delivery").await;
    assert_eq!(numbers, (1..=7).rev().map(|number| json!(number)).collect::<Vec<_>>());
    let one = scene.get(VIEW, "/deliveries/3").await.good();
    assert_eq!((&one["records"], &one["receivedAtMs"]), (&json!(5), &json!(BEGIN_MS + 2_000)));
    let until = BEGIN_MS + 2_000;
    assert_eq!(all(&scene, &format!("/deliveries?until={until}"), "delivery").await, [json!(2), json!(1)]);
    assert_eq!(all(&scene, "/records?limit=4", "record").await.len(), 35);
    let found = all(&scene, "/records?limit=2&objectId=2&delivery=4&deliveredTo=audit", "record").await;
    assert_eq!(found, [json!("4.2")]);
    let list = scene.get(VIEW, "/records?objectId=2").await.good();
    assert_eq!(list["items"].as_array().unwrap().len(), 7);
    assert!(list["behind"].is_u64(), "{list}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_record_shows_its_way_and_its_payload_from_operate_on() {
    let scene = Scene::start(&[], &["/p/email"]).await;
    scene.world.deliver(&scene.store, format!("[{RECORD}]")).await;
    scene.world.drain(&scene.store, "audit").await;
    let came = scene.get(VIEW, "/records/1.0").await;
    assert!(!came.text.contains("a@b.c") && !came.text.contains("email"), "{}", came.text);
    let whole = came.good();
    assert!(whole["payload"].is_null() && whole["withheld"].is_string(), "{whole}");
    assert_eq!(whole["objectId"], "9007199254740993");
    let kinds: Vec<_> = whole["way"].as_array().unwrap().iter().map(|step| step["what"].clone()).collect();
    assert_eq!(kinds, ["received", "paged", "attempted", "delivered"]);
    let whole = scene.get(OPERATE, "/records/1.0").await.good();
    assert_eq!((&whole["payload"]["text"], &whole["withheld"]), (&json!(HIDDEN), &Value::Null));
    assert!(!scene.get(ADMIN, "/records").await.text.contains("a@b.c"));
    scene.get(VIEW, "/records/1.1").await.problem(404);
    scene.get(VIEW, "/deliveries/2").await.problem(404);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn refused_requests_are_filtered_and_shown_with_their_diagnosis() {
    let scene = Scene::start(&[], &[]).await;
    for (id, cause) in [(1, "signature"), (2, "stale"), (3, "signature")] {
        scene.store.refuse(refused(id, cause));
    }
    while scene.store.status().await.unwrap().refused_kept < 3 {
        tokio::time::sleep(std::time::Duration::from_millis(2)).await;
    }
    let id = |id: u128| json!(Uuid::from_u128(id));
    assert_eq!(all(&scene, "/refusals?limit=1", "id").await, [id(3), id(2), id(1)]);
    assert_eq!(all(&scene, "/refusals?cause=signature&diagnosis=other_secret", "id").await, [id(3), id(1)]);
    let path = format!("/refusals/{}", Uuid::from_u128(2));
    let whole = scene.get(VIEW, &path).await.good();
    assert_eq!((&whole["cause"], &whole["body"]), (&json!("stale"), &Value::Null));
    let whole = scene.get(OPERATE, &path).await.good();
    assert!(whole["body"]["text"].as_str().unwrap().contains("a@b.c"), "{whole}");
    scene.get(VIEW, &format!("/refusals/{}", Uuid::nil())).await.problem(404);
    let old = scene.get(VIEW, "/refused").await.good();
    assert_eq!(old["items"].as_array().unwrap().len(), 3);
    let csv = scene.get(VIEW, "/refusals/export").await;
    assert!(csv.text.contains("'-the secret of another app") && !csv.text.contains("a@b.c"), "{}", csv.text);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_export_has_every_delivery_and_every_record_and_no_formula() {
    let scene = scene(30, 9).await;
    let deliveries = scene.get(VIEW, "/deliveries/export").await;
    assert_eq!(deliveries.text.split_terminator("\r\n").count(), 31);
    assert!(deliveries.text.starts_with("delivery,receivedAt,requestId,bytes,records\r\n30,"));
    let records = scene.get(VIEW, "/records/export").await;
    let rows: Vec<&str> = records.text.split_terminator("\r\n").collect();
    assert_eq!(rows.len(), 271);
    assert!(rows[1].starts_with("30.8,") && rows[1].contains(",'=1+1,2,"), "{}", rows[1]);
    let lines = scene.get(VIEW, "/records/export?format=jsonl&objectId=1").await;
    assert_eq!((lines.text.lines().count(), &lines.kind[..]), (90, "application/x-ndjson"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_replay_is_planned_and_run_with_the_role_operate() {
    let scene = scene(2, 5).await;
    let wanted = |to: &str| json!({"selection": {"records": {"delivery": 2, "deliveredTo": "audit"}}, "act": {"act": "replay", "to": to}});
    scene.post(VIEW, "/bulk-plans", wanted("audit")).await.problem(403);
    let problem = scene.post(OPERATE, "/bulk-plans", wanted("nowhere")).await.problem(400);
    assert_eq!(problem["field"], "to");
    assert!(problem["remedy"].is_string());
    let plan = scene.post(OPERATE, "/bulk-plans", wanted("audit")).await.good();
    assert_eq!((&plan["effect"]["changed"], &plan["records"][0]["record"]), (&json!(5), &json!("2.4")));
    let id = &plan["id"];
    let bulk = scene.post(OPERATE, &format!("/bulk-plans/{id}/start"), json!({})).await.good();
    assert_eq!((&bulk["act"]["act"], &bulk["total"]), (&json!("replay"), &json!(5)));
    let taken = scene.world.drain(&scene.store, "audit").await;
    assert_eq!(taken.len(), 5);
    let bulk = scene.get(VIEW, &format!("/bulk/{id}")).await.good();
    assert_eq!((&bulk["state"], &bulk["done"]), (&json!("done"), &json!(5)));
    let way = scene.get(VIEW, "/records/2.0").await.good()["way"].clone();
    assert!(
        way.as_array().unwrap().iter().any(|step| step["what"] == "replayed" && step["bulk"] == *id),
        "{way}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_series_has_a_point_for_each_step() {
    let scene = scene(2, 5).await;
    let series = scene
        .get(VIEW, &format!("/series?from={BEGIN_MS}&until={}&stepSeconds=60", BEGIN_MS + 120_000))
        .await;
    let series = series.good();
    assert_eq!(series["stepMs"], 60_000);
    let events: u64 =
        series["points"].as_array().unwrap().iter().map(|point| point["events"].as_u64().unwrap()).sum();
    assert_eq!(events, 10);
    let usual = scene.get(VIEW, "/series").await.good();
    assert_eq!((&usual["stepMs"], usual["points"].as_array().unwrap().len() >= 288), (&json!(300_000), true));
    for (path, field) in [
        ("/series?stepSeconds=0", "stepSeconds"),
        ("/series?from=now", "from"),
        ("/records?delivery=x", "delivery"),
        ("/records?traceKeyPrefix=a", "traceKeyPrefix"),
        ("/records?cursor=1", "cursor"),
        ("/records/1", "id"),
        ("/deliveries/x", "id"),
        ("/refusals/x", "id"),
        ("/refusals?limit=0", "limit"),
        ("/refusals/export?format=xls", "format"),
    ] {
        assert_eq!(scene.get(VIEW, path).await.problem(400)["field"], field, "{path}");
    }
}
