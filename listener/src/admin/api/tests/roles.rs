use std::collections::BTreeMap;

use reqwest::Method;
use serde_json::json;

use super::scene::{ADMIN, OPERATE, Scene, VIEW, wanted};
use crate::admin::api::routes::routes;
use crate::admin::tokens::Role;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_route_is_closed_to_the_roles_below_its_own_and_to_nobody_else() {
    let scene = Scene::start(&[r#"{"a":1}"#], &[]).await;
    let tokens = [(Role::View, VIEW), (Role::Operate, OPERATE), (Role::Admin, ADMIN)];
    let mut judged = 0;
    for route in routes() {
        for path in route.paths() {
            let path = path
                .trim_start_matches("/api/v1")
                .replace("{namespace}", "sales")
                .replace("{name}", "contacts");
            let path = path.replace("{id}", "999").replace("{act}", "resolve");
            let method = Method::from_bytes(route.method.as_str().as_bytes()).unwrap();
            let body = (method == Method::POST).then(|| json!({}));
            let came = scene.send("", method.clone(), &path, body.clone()).await;
            assert_eq!(came.problem(401)["title"], "unauthorized", "{path}");
            scene.send("a-token-of-somebody-else", method.clone(), &path, body.clone()).await.problem(401);
            for (role, token) in tokens {
                let came = scene.send(token, method.clone(), &path, body.clone()).await;
                if role < route.needs {
                    let problem = came.problem(403);
                    assert_eq!(problem["role"], route.needs.as_str(), "{path}");
                    assert!(problem["remedy"].as_str().unwrap().contains(route.needs.as_str()));
                } else {
                    assert!([200, 400, 404, 409].contains(&came.status), "{path}: {came:?}");
                }
                judged += 1;
            }
        }
    }
    assert!(judged > 60, "{judged}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_audit_log_names_whose_token_it_was() {
    let scene = Scene::start(&[r#"{"a":1}"#], &[]).await;
    scene.act(1, "note", json!({"text": "hello"})).await.good();
    scene.post(ADMIN, "/errors/1/resolve", json!({})).await.good();
    let audit = scene.get(ADMIN, "/audit?error=1").await.good();
    let lines: Vec<_> =
        audit["items"].as_array().unwrap().iter().map(|line| (&line["actor"], &line["act"])).collect();
    assert_eq!(lines, [(&json!("ada"), &json!("resolve")), (&json!("olaf"), &json!("note"))]);
    let whole = scene.get(VIEW, "/errors/1").await.good();
    assert_eq!((&whole["state"], &whole["resolution"]["by"]), (&json!("resolved"), &json!("ada")));
    assert_eq!(whole["notes"][0]["text"], "hello");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_that_is_taken_back_counts_no_more_and_a_new_one_does() {
    let scene = Scene::start(&[], &[]).await;
    assert_eq!(scene.get(VIEW, "/errors").await.status, 200);
    let tokens = BTreeMap::from([("view.vera".to_owned(), "another-token-0123456789".into())]);
    scene.shown.set_tokens(&tokens);
    scene.get(VIEW, "/errors").await.problem(401);
    assert_eq!(scene.get("another-token-0123456789", "/errors").await.status, 200);
    // Without any the API is closed, and says what to do.
    scene.shown.set_tokens(&BTreeMap::new());
    let problem = scene.get(VIEW, "/errors").await.problem(403);
    assert!(problem["remedy"].as_str().unwrap().contains("spec.desk.tokens.secretName"), "{problem}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_post_that_any_web_page_could_make_is_refused() {
    let scene = Scene::start(&[r#"{"a":1}"#], &[]).await;
    let problem = scene.send(OPERATE, Method::POST, "/errors/1/resolve", None).await.problem(415);
    assert_eq!(problem["field"], "content-type");
    assert_eq!(scene.get(VIEW, "/errors/1").await.good()["state"], "open");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_makes_no_sense_is_a_problem_with_field_and_remedy() {
    let scene = Scene::start(&[r#"{"a":1}"#], &[]).await;
    for (path, field) in [
        ("/errors?status=open", "status"),
        ("/errors?state=opened", "state"),
        ("/errors?class=odd", "class"),
        ("/errors?from=yesterday", "from"),
        ("/errors?limit=0", "limit"),
        ("/errors?tag=a&tag=b", "tag"),
        ("/errors?cursor=..%2F", "cursor"),
        ("/errors/count?limit=1", "limit"),
        ("/errors/export?format=xls", "format"),
        ("/errors/one", "id"),
        ("/errors/99999999999999999999", "id"),
    ] {
        let problem = scene.get(VIEW, path).await.problem(400);
        assert_eq!(problem["field"], field, "{path}");
        assert!(problem["remedy"].is_string(), "{problem}");
    }
    for (act, body, field) in [
        ("note", json!({}), "text"),
        ("assign", json!({}), "to"),
        ("edit", json!({}), "payload"),
        ("edit", json!({"payload": "{broken"}), "payload"),
        ("retry", json!({"text": "x"}), "text"),
        ("wait", json!({"until": 1}), "body"),
        ("note", json!([]), "body"),
        ("tag", json!({"add": [""]}), "add"),
    ] {
        assert_eq!(scene.act(1, act, body).await.problem(400)["field"], field, "{act}");
    }
    scene.act(1, "explode", json!({})).await.problem(404);
    scene.act(7, "resolve", json!({})).await.problem(404);
    scene.act(1, "reopen", json!({})).await.problem(409);
    scene.get(VIEW, "/errors/7").await.problem(404);
    scene.get(VIEW, "/listeners/sales/other/errors").await.problem(404);
    scene.act(1, "note", json!({"text": "x".repeat(70_000)})).await.problem(413);
    scene
        .post(OPERATE, "/bulk-plans", wanted(&json!({"tagg": "x"}), &json!({"act": "retry"})))
        .await
        .problem(400);
    scene
        .post(OPERATE, "/bulk-plans", wanted(&json!({}), &json!({"act": "edit", "payload": "{}"})))
        .await
        .problem(400);
    scene.send(OPERATE, Method::DELETE, "/errors/1", None).await.problem(405);
}
