use std::collections::BTreeMap;
use std::sync::Arc;

use http::HeaderName;
use reqwest::Method;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::browser::{Browser, LISTENER};
use crate::admin::api::tests::scene::{ADMIN, OPERATE, Scene, VIEW};
use crate::admin::{Admin, View, serve};
use crate::metrics::Metrics;
use crate::receive::tests::support::quick;

const SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

fn at(path: &str) -> String {
    format!("{LISTENER}{path}")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_a_known_token_signs_in_and_the_cookie_does_not_hold_it() {
    let scene = Scene::start(&[], &[]).await;
    let mut browser = Browser::at(&scene);
    browser.get("/sign-in").await;
    let guest = browser.cookies.clone();
    for token in ["", "operate-token", "somebody-elses-token-01"] {
        browser.post("/sign-in", &[("token", token)]).await.says(403, "This token is not known.");
    }
    let form = browser.form(&[("token", OPERATE)]);
    let page = browser.send(Method::POST, "/sign-in", Some(form.clone())).await;
    assert_eq!((page.status, page.header("location")), (303, "/"));
    let cookie = page.header("set-cookie");
    for part in ["HttpOnly", "SameSite=Strict", "Path=/", "Max-Age=28800"] {
        assert!(cookie.contains(part), "{cookie}");
    }
    assert!(!cookie.contains("Secure") && !cookie.contains("operate") && browser.cookies != guest);
    // Behind a proxy that ends TLS the cookie never goes over plain http.
    let mut proxied = Browser::at(&scene);
    proxied.headers.push((HeaderName::from_static("x-forwarded-proto"), "https".to_owned()));
    assert!(proxied.get("/sign-in").await.header("set-cookie").contains("Secure"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn too_many_wrong_tokens_close_the_door_for_the_right_one_too() {
    let scene = Scene::start(&[], &[]).await;
    let mut inside = Browser::signed_in(&scene, OPERATE).await;
    let mut browser = Browser::at(&scene);
    browser.get("/sign-in").await;
    let mut last = 0;
    for _ in 0..40 {
        last = browser.post("/sign-in", &[("token", "a-wrong-token-0123")]).await.status;
        if last == 429 {
            break;
        }
    }
    assert_eq!(last, 429);
    browser.post("/sign-in", &[("token", OPERATE)]).await.says(429, "Wait a minute");
    assert_eq!(inside.get(LISTENER).await.status, 200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_form_of_another_site_or_session_does_nothing() {
    let scene = Scene::start(&[r#"{"a":1}"#], &[]).await;
    let mut browser = Browser::signed_in(&scene, OPERATE).await;
    browser.get(&at("/errors/1")).await;
    let own = browser.csrf.clone();
    let mut other = Browser::signed_in(&scene, ADMIN).await;
    other.get(&at("/errors/1")).await;
    for csrf in ["", &other.csrf, &own[1..]] {
        browser.csrf = csrf.to_owned();
        let page = browser.post(&at("/errors/1/resolve"), &[]).await;
        page.says(403, "nothing was done");
        assert_eq!(page.heading(), "Not allowed");
    }
    browser.csrf = own.clone();
    browser.headers.push((SITE, "cross-site".to_owned()));
    browser.post(&at("/errors/1/resolve"), &[]).await.says(403, "Another page made the browser send this");
    browser.headers.clear();
    browser.headers.push((http::header::ORIGIN, "https://evil.example.com".to_owned()));
    browser.post(&at("/errors/1/resolve"), &[]).await.says(403, "nothing was done");
    browser.headers.clear();
    let page = browser.send(Method::POST, &at("/errors/1/resolve"), None).await;
    assert_eq!(page.status, 415);
    browser.get(&at("/errors/1")).await.says(200, "badge open");
    browser.csrf = own;
    browser.headers.push((SITE, "same-origin".to_owned()));
    browser.post(&at("/errors/1/resolve"), &[]).await.says(200, "It is resolved.");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_ends_by_sign_out_and_when_its_token_is_gone() {
    let scene = Scene::start(&[r#"{"a":1}"#], &[]).await;
    let mut browser = Browser::signed_in(&scene, OPERATE).await;
    let copied = browser.cookies.clone();
    browser.post("/sign-out", &[]).await.says(200, "You are signed out.");
    browser.cookies = copied;
    assert_eq!(browser.get(LISTENER).await.heading(), "Sign in");

    let mut browser = Browser::signed_in(&scene, OPERATE).await;
    browser.get(&at("/errors/1")).await;
    let tokens = BTreeMap::from([("view.vera".to_owned(), VIEW.into())]);
    scene.shown.set_tokens(&tokens);
    let page = browser.post(&at("/errors/1/resolve"), &[]).await;
    page.says(200, "what you sent was not done");
    assert_eq!(page.heading(), "Sign in");
    let mut vera = Browser::signed_in(&scene, VIEW).await;
    vera.get(&at("/errors/1")).await.says(200, "badge open");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_replica_knows_the_session_too() {
    let scene = Scene::start(&[], &[]).await;
    let twin = Scene::start(&[], &[]).await;
    let mut browser = Browser::signed_in(&scene, OPERATE).await;
    let mut other = Browser::at(&twin);
    other.cookies = browser.cookies.clone();
    assert_eq!(other.get(LISTENER).await.heading(), "Overview");
    assert_eq!(browser.get(LISTENER).await.heading(), "Overview");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_role_sees_and_does_what_it_may() {
    let scene = Scene::start(&[r#"{"secret":"hush","email":"a@b.c"}"#], &["/email"]).await;
    let mut vera = Browser::signed_in(&scene, VIEW).await;
    let page = vera.get(&at("/errors/1")).await;
    page.says(200, "Your role is view");
    assert!(!page.has("hush") && !page.has("textarea") && !page.has(">Retry<") && !page.has("Audit log"));
    for path in ["/errors/1/resolve", "/errors/1/edit", "/bulk/plan", "/bulk/1/start", "/bulk/1/cancel"] {
        let page = vera.post(&at(path), &[("payload", "{}")]).await;
        page.says(403, "This needs the role operate.");
        assert_eq!(page.heading(), "Not allowed");
    }
    vera.get(&at("/audit")).await.says(403, "This needs the role admin.");
    let mut olaf = Browser::signed_in(&scene, OPERATE).await;
    let page = olaf.get(&at("/errors/1")).await;
    page.says(200, "hush");
    page.says(200, "[masked]");
    assert!(!page.has("a@b.c"));
    olaf.get(&at("/audit")).await.says(403, "This needs the role admin.");
    // A mask that is sent back keeps what is behind it.
    let edited = r#"{"secret":"x","email":"[masked]"}"#;
    let page = olaf.post(&at("/errors/1/edit"), &[("payload", edited), ("then", "retry")]).await;
    assert!(!page.has("a@b.c"), "{}", page.text);
    let sent = scene.world.page(&scene.store, "audit").await;
    assert_eq!(sent.records[0].bytes, r#"{"secret":"x","email":"a@b.c"}"#);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn text_of_others_never_becomes_markup() {
    let nasty = r#"{"a":"</textarea><script>alert(1)</script>","b":"\"onload=alert(2) x=\""}"#;
    let scene = Scene::start(&[nasty], &[]).await;
    let mut browser = Browser::signed_in(&scene, OPERATE).await;
    browser.get(&at("/errors/1")).await;
    browser.post(&at("/errors/1/note"), &[("text", "<script>alert(3)</script>")]).await;
    browser.post(&at("/errors/1/tag"), &[("add", "<img src=x>")]).await;
    browser.post(&at("/errors/1/assign"), &[("to", "\"><script>alert(4)</script>")]).await;
    let edited = r#"{"a":"<script>alert(5)</script>"}"#;
    browser.post(&at("/errors/1/edit"), &[("payload", edited), ("then", "save")]).await;
    for path in ["/errors/1", "/errors", "/errors?text=%22%3E%3Cscript%3E", "/errors?tag=%3Cimg+src=x%3E"] {
        let page = browser.get(&at(path)).await;
        let own = r#"<script src="/assets/page.js" defer></script>"#;
        assert_eq!(
            page.text.matches("<script").count(),
            page.text.matches(own).count(),
            "{path}: {}",
            page.text
        );
        assert_eq!((page.text.matches(own).count(), page.text.matches("<img").count()), (1, 0), "{path}");
        assert_eq!(
            page.text.matches("</textarea>").count(),
            page.text.matches("<textarea").count(),
            "{path}"
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_page_carries_the_headers_that_keep_others_out() {
    let scene = Scene::start(&[r#"{"a":1}"#], &[]).await;
    let mut browser = Browser::signed_in(&scene, ADMIN).await;
    for path in [
        LISTENER,
        &at("/errors"),
        &at("/errors/1"),
        &at("/errors/9"),
        &at("/nothing"),
        "/?all=1",
        "/listeners/a/b",
    ] {
        let page = browser.get(path).await;
        let policy = page.header("content-security-policy");
        assert!(
            policy.starts_with("default-src 'none'; script-src 'self'; style-src 'self';"),
            "{path}: {policy}"
        );
        assert!(!policy.contains("unsafe"));
        assert_eq!(page.header("cache-control"), "no-store", "{path}");
        assert_eq!(page.header("x-content-type-options"), "nosniff");
        assert_eq!(page.header("referrer-policy"), "no-referrer");
        for inline in [" style=\"", "<style", " onclick", " onload", "javascript:", "http://"] {
            assert!(!page.has(inline), "{path}: {inline}");
        }
        page.heading();
    }
    let style = browser.get("/assets/page.css").await;
    assert_eq!((style.status, style.header("content-type")), (200, "text/css; charset=utf-8"));
    browser.headers.push((http::header::IF_NONE_MATCH, style.header("etag").to_owned()));
    assert_eq!(browser.send(Method::GET, "/assets/page.css", None).await.status, 304);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_tokens_the_page_is_closed_or_open_to_loopback_alone() {
    let scene = Scene::start(&[r#"{"a":1}"#], &[]).await;
    scene.shown.set_tokens(&BTreeMap::new());
    let mut browser = Browser::at(&scene);
    let page = browser.get("/").await;
    page.says(403, "spec.desk.tokens.secretName");
    assert_eq!(page.heading(), "Closed");

    let view = View::new();
    view.set_listeners(vec![Arc::clone(&scene.shown)]);
    let socket = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let origin = format!("http://{}", socket.local_addr().unwrap());
    let stop = CancellationToken::new();
    let admin = Admin { view, metrics: Arc::new(Metrics::default()), token: None, open: true };
    let port = tokio::spawn(serve(socket, admin, quick(), stop.clone()));
    let mut browser = Browser::new(origin);
    let page = browser.get("/").await;
    assert_eq!((page.heading(), page.path.as_str()), ("Overview", LISTENER));
    assert!(!page.has("Sign out"));
    browser.get(&at("/errors/1")).await;
    let csrf = std::mem::take(&mut browser.csrf);
    browser.post(&at("/errors/1/resolve"), &[]).await.says(403, "nothing was done");
    browser.csrf = csrf;
    browser.post(&at("/errors/1/resolve"), &[]).await.says(200, "(dev)");
    browser.headers.push((http::header::HOST, "rebound.example.com".to_owned()));
    browser.get(LISTENER).await.says(403, "localhost or a loopback address only");
    stop.cancel();
    port.await.unwrap();
}
