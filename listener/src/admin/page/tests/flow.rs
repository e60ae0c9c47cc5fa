use super::browser::{Browser, LISTENER};
use crate::admin::api::tests::scene::{ADMIN, OPERATE, Scene};
use crate::store::Outcome;

fn at(path: &str) -> String {
    format!("{LISTENER}{path}")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn somebody_signs_in_finds_an_error_edits_it_and_sends_it_again_without_script() {
    let scene = Scene::start(&[r#"{"email":"a@b","id":9007199254740993}"#], &[]).await;
    let mut browser = Browser::at(&scene);
    let page = browser.get(&at("/errors?state=open")).await;
    assert_eq!((page.status, page.heading()), (200, "Sign in"));
    let next = page.hidden("next").unwrap();
    let page = browser.post("/sign-in", &[("token", OPERATE), ("next", &next)]).await;
    assert_eq!((page.heading(), page.path.as_str()), ("Errors", &*at("/errors?state=open")));
    page.says(200, &format!("href=\"{}\"", at("/errors/1")));

    let page = browser.get(&at("/errors/1")).await;
    assert_eq!(page.heading(), "Error 1");
    page.says(200, "&quot;id&quot;: 9007199254740993");
    let broken = "{\"email\":\n \"a@b.com\",}";
    let page = browser.post(&at("/errors/1/edit"), &[("payload", broken), ("then", "save")]).await;
    page.says(400, "line 2 column 12");
    page.says(400, "&quot;a@b.com&quot;,}");
    let edited = r#"{"email":"a@b.com","id":9007199254740993}"#;
    let page = browser.post(&at("/errors/1/edit"), &[("payload", edited), ("then", "compare")]).await;
    page.says(200, "Difference to the original");
    page.says(200, "<ins>+   &quot;email&quot;: &quot;a@b.com&quot;,</ins>");
    assert!(!browser.get(&at("/errors/1")).await.has("Edited by"));

    let page = browser.post(&at("/errors/1/edit"), &[("payload", edited), ("then", "retry")]).await;
    page.says(200, "It is on its way again.");
    page.says(200, "Edited by olaf");
    let sent = scene.world.page(&scene.store, "audit").await;
    assert_eq!(sent.records[0].bytes, edited);
    let taken = Outcome::Done { errors: Vec::new(), again: Vec::new(), again_at_ms: 0 };
    scene.world.settle(&scene.store, &sent, 200, taken).await;
    let page = browser.get(&at("/errors/1")).await;
    page.says(200, "by a retry");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_edit_that_changes_nothing_but_white_space_is_none() {
    let scene = Scene::start(&[r#"{"a":1,"b":[1,2]}"#], &[]).await;
    let mut browser = Browser::signed_in(&scene, OPERATE).await;
    let laid_out = "{\r\n  \"a\": 1,\r\n  \"b\": [\r\n 1,\r\n 2\r\n ]\r\n}";
    let page = browser.post(&at("/errors/1/edit"), &[("payload", laid_out), ("then", "save")]).await;
    page.says(200, "Nothing was changed");
    assert!(!page.has("Edited by"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_act_has_a_form_and_stands_in_the_history_with_a_name() {
    let scene = Scene::start(&[r#"{"a":1}"#], &[]).await;
    let mut browser = Browser::signed_in(&scene, ADMIN).await;
    browser.get(&at("/errors/1")).await;
    for (act, fields, said) in [
        ("wait", &[("until", "2126-11-25T08:00")][..], "2126-11-25 08:00:00"),
        ("reopen", &[], "It is open again."),
        ("assign", &[("to", "bob")], "bob"),
        ("tag", &[("add", "vip, later"), ("remove", "")], "later"),
        ("note", &[("text", "ask <b>sales</b>")], "ask &lt;b&gt;sales&lt;/b&gt;"),
        ("resolve", &[], "by hand"),
        ("reopen", &[], "Open"),
    ] {
        browser.post(&at(&format!("/errors/1/{act}")), fields).await.says(200, said);
    }
    browser.post(&at("/errors/1/reopen"), &[]).await.says(409, "The error is open already.");
    browser.post(&at("/errors/1/wait"), &[("until", "soon")]).await.says(400, "is no time");
    browser.post(&at("/errors/1/explode"), &[]).await.says(404, "There is no act");
    let audit = browser.get(&at("/audit?error=1")).await;
    assert_eq!(audit.heading(), "Audit log");
    assert_eq!(audit.text.matches("<td>ada</td>").count(), 7, "{}", audit.text);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_list_takes_every_condition_and_pages_on() {
    let records: Vec<_> = (0..60).map(|number| format!("{{\"a\":{number}}}")).collect();
    let records: Vec<_> = records.iter().map(String::as_str).collect();
    let scene = Scene::start(&[], &[]).await;
    // A page of the destination holds 20 of them.
    for part in records.chunks(20) {
        scene.fail(part).await;
    }
    let mut browser = Browser::signed_in(&scene, OPERATE).await;
    // Those to an error; the files of the list are beside them.
    let links = |text: &str| {
        let link = format!("href=\"{}", at("/errors/"));
        text.split(&link)
            .skip(1)
            .filter(|rest| rest.starts_with(|first: char| first.is_ascii_digit()))
            .count()
    };
    let page = browser.get(&at("/errors?state=open&class=&tag=")).await;
    assert_eq!(links(&page.text), 50);
    let older = page.text.split("rel=\"next\" href=\"").nth(1).unwrap().split('"').next().unwrap();
    let page = browser.get(&older.replace("&amp;", "&")).await;
    assert_eq!(links(&page.text), 10);
    assert!(!page.has("rel=\"next\""));
    browser.get(&at("/errors?destination=(none)")).await.says(200, "No error matches this filter.");
    browser.get(&at("/errors?state=odd")).await.says(400, "is no state");
    browser.get(&at("/errors?from=tomorrow")).await.says(400, "is no time");
    browser.get(&at("/errors?none=1")).await.says(400, "no such parameter");
    let file = browser.get(&at("/errors/export?format=csv&state=open&destination=audit")).await;
    assert_eq!((file.status, file.header("content-type")), (200, "text/csv; charset=utf-8"));
    assert_eq!(file.text.lines().count(), 61);
    browser.get(&at("/errors/export?format=xls")).await.says(400, "is no format");
    let all = "/errors?state=open&state=waiting&destination=audit&class=value&traceKeyPrefix=x&tag=a&assignee=b&text=c\
               &from=2026-11-25T08:00&until=2026-11-25T09:00";
    browser.get(&at(all)).await.says(200, "value=\"2026-11-25T08:00:00\"");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bulk_act_is_planned_shown_started_and_followed() {
    let scene = Scene::start(&[r#"{"a":1}"#, r#"{"a":2}"#, r#"{"a":3}"#], &[]).await;
    let mut browser = Browser::signed_in(&scene, OPERATE).await;
    browser.get(&at("/errors/2")).await;
    browser.post(&at("/errors/2/tag"), &[("add", "later")]).await;
    let page = browser.get(&at("/errors?state=open&tag=later")).await;
    let filter = page.hidden("filter").unwrap();
    let fields =
        [("selection", "errors"), ("filter", &*filter), ("act", "resolve"), ("to", ""), ("until", "")];
    let page = browser.post(&page.action("/bulk/plan"), &fields).await;
    assert_eq!(page.heading(), "Plan");
    page.says(200, "<dd><strong>1</strong></dd>");
    let start = page.action("/start");
    let page = browser.post(&start, &[]).await;
    assert!(page.heading().starts_with("Bulk act "), "{}", page.text);
    let path = page.path.clone();
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(20);
    while !browser.get(&path).await.has("Done: 1 of 1 done") {
        assert!(std::time::Instant::now() < deadline);
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    browser.get(&at("/errors/2")).await.says(200, "by hand");
    browser.get(&at("/errors/1")).await.says(200, "badge open");
    browser.get(&at("/bulk")).await.says(200, "Resolve");
    // A plan that is started is no plan any more, and what is done cannot be cancelled.
    assert!([404, 409].contains(&browser.post(&start, &[]).await.status));
    assert!([404, 409].contains(&browser.post(&format!("{path}/cancel"), &[]).await.status));
    let none = [("selection", "errors"), ("filter", "tag=nobody"), ("act", "retry")];
    browser.post(&at("/bulk/plan"), &none).await.says(200, "There is nothing to do");
    for fields in [
        &[("selection", "errors"), ("filter", ""), ("act", "edit")][..],
        &[("selection", "errors"), ("filter", "odd=1"), ("act", "retry")],
        &[("selection", "all"), ("filter", ""), ("act", "retry")],
    ] {
        assert_eq!(browser.post(&at("/bulk/plan"), fields).await.status, 400);
    }
}
