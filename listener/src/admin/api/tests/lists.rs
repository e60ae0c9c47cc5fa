use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::scene::{OPERATE, Scene, VIEW, wanted};

fn records(count: usize) -> Vec<String> {
    (0..count).map(|at| format!(r#"{{"eventId":{at}}}"#)).collect()
}

async fn scene(count: usize) -> Scene {
    let records = records(count);
    let records: Vec<&str> = records.iter().map(String::as_str).collect();
    let scene = Scene::start(&[], &[]).await;
    // A page has 20 records at most.
    for records in records.chunks(20) {
        scene.fail(records).await;
    }
    scene
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cursors_lead_through_all_errors_once_newest_first() {
    let scene = scene(45).await;
    let (mut seen, mut query) = (Vec::new(), String::new());
    loop {
        let list = scene.get(VIEW, &format!("/errors?limit=10{query}")).await.good();
        seen.extend(list["items"].as_array().unwrap().iter().map(|item| item["id"].as_i64().unwrap()));
        // What comes meanwhile is newer, and moves nothing.
        scene.fail(&[&format!(r#"{{"eventId":{}}}"#, 1_000 + seen.len())]).await;
        let Some(next) = list["next"].as_str() else { break };
        query = format!("&cursor={next}");
    }
    assert_eq!(seen, (1..=45).rev().collect::<Vec<i64>>());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_filter_narrows_the_list_the_count_and_the_export_alike() {
    let scene = scene(5).await;
    scene.act(2, "tag", json!({"add": ["vip"]})).await.good();
    scene.act(3, "assign", json!({"to": "bob"})).await.good();
    scene.act(4, "resolve", json!({})).await.good();
    scene.act(5, "wait", json!({"untilMs": null})).await.good();
    for (query, expected) in [
        ("?tag=vip", &[2][..]),
        ("?assignee=bob", &[3]),
        ("?state=resolved", &[4]),
        ("?state=waiting,resolved", &[5, 4]),
        ("?traceKey=62515_1.1", &[2]),
        ("?traceKeyPrefix=62515_&state=open", &[3, 2, 1]),
        ("?traceKeyPrefix=62516", &[]),
        ("?destination=audit&class=value&text=NO+SUCH&limit=2", &[5, 4]),
        ("?destination=", &[]),
        ("?class=parse", &[]),
        ("?from=2100-01-01T00:00:00Z", &[]),
        ("?until=1", &[]),
        ("?from=1&until=2100-01-01T00:00:00Z", &[5, 4, 3, 2, 1]),
    ] {
        assert_eq!(scene.ids(query).await, expected, "{query}");
        if !query.contains("limit") {
            let count = scene.get(VIEW, &format!("/errors/count{query}")).await.good();
            assert_eq!(count["total"], expected.len(), "{query}");
            let lines = scene.get(VIEW, &format!("/errors/export{query}&format=jsonl")).await;
            assert_eq!(
                (lines.text.lines().count(), &lines.kind[..]),
                (expected.len(), "application/x-ndjson")
            );
        }
    }
    assert_eq!(
        scene.get(VIEW, "/listeners/sales/contacts/errors").await.good()["items"].as_array().unwrap().len(),
        5
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_export_has_every_error_and_no_formula() {
    let scene = scene(450).await;
    let tag = json!({"add": ["=1+1", "a,\"b\""]});
    scene.act(1, "tag", tag).await.good();
    let came = scene.get(VIEW, "/errors/export").await;
    assert_eq!((came.status, &came.kind[..]), (200, "text/csv; charset=utf-8"));
    let rows: Vec<&str> = came.text.split_terminator("\r\n").collect();
    assert_eq!(rows.len(), 451);
    assert!(rows[0].starts_with("id,state,traceKey,"));
    assert!(rows[1].starts_with("450,open,62515_"), "{}", rows[1]);
    assert!(rows[450].contains(r#","'=1+1 a,""b""","#), "{}", rows[450]);
    let lines = scene.get(VIEW, "/errors/export?format=jsonl").await;
    let ids: Vec<i64> = lines
        .text
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap()["id"].as_i64().unwrap())
        .collect();
    assert_eq!(ids, (1..=450).rev().collect::<Vec<i64>>());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bulk_act_does_what_its_plan_says() {
    let scene = scene(30).await;
    scene.act(7, "tag", json!({"add": ["keep"]})).await.good();
    scene.act(9, "resolve", json!({})).await.good();
    let plan = scene
        .post(OPERATE, "/bulk-plans", wanted(&json!({"destination": "audit"}), &json!({"act": "resolve"})))
        .await;
    let plan = plan.good();
    assert_eq!(
        (&plan["effect"]["matched"], &plan["effect"]["changed"], &plan["effect"]["left"]),
        (&json!(30), &json!(29), &json!(1))
    );
    assert_eq!(scene.ids("?state=open").await.len(), 29, "a plan changes nothing");
    let id = plan["id"].as_i64().unwrap();
    let bulk = scene.post(OPERATE, &format!("/bulk-plans/{id}/start"), json!({})).await.good();
    assert_eq!((&bulk["actor"], &bulk["total"]), (&json!("olaf"), &plan["effect"]["matched"]));
    let begin = Instant::now();
    let done = loop {
        let bulk = scene.get(VIEW, &format!("/bulk/{id}")).await.good();
        if bulk["state"] != "running" {
            break bulk;
        }
        assert!(begin.elapsed() < Duration::from_secs(20), "{bulk}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    };
    assert_eq!((&done["state"], &done["done"], &done["left"]), (&json!("done"), &json!(29), &json!(1)));
    assert!(scene.ids("?state=open").await.is_empty());
    assert_eq!(scene.get(VIEW, "/bulk").await.good()["items"][0]["id"], id);
    // It is at its end: there is nothing to stop.
    scene.post(OPERATE, &format!("/bulk/{id}/cancel"), json!({})).await.problem(409);
}
