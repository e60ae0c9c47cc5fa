use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::browser::{Browser, LISTENER};
use crate::admin::api::tests::scene::{ADMIN, OPERATE, Scene};
use crate::receive::tests::support::{PATH, Reply, live};

const AT: &str = "/listeners/sales/contacts/settings";

fn map(value: Value) -> Map<String, Value> {
    value.as_object().cloned().unwrap()
}

/// A listener with these settings and this schema; `saves`: the operator saves for the page.
async fn start(settings: Value, schema: Value, saves: bool) -> Scene {
    let scene = Scene::start(&[], &[]).await;
    let mut running = live(PATH, &Reply::default());
    let configuration = &mut Arc::get_mut(&mut running).unwrap().configuration;
    configuration.spec.settings = map(settings);
    configuration.spec.settings_schema = Some(map(schema));
    configuration.saves_settings = saves;
    scene.shown.endpoint().replace(running);
    scene
}

fn schema() -> Value {
    json!({"type": "object", "required": ["region"], "additionalProperties": false, "properties": {
        "region": {"type": "string", "title": "Region", "description": "Where <records> go."},
        "limits": {"type": "object", "title": "Limits", "properties": {"max": {"type": "integer", "maximum": 10}}},
    }})
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_form_is_drawn_checked_and_shown_as_a_command() {
    let scene = start(json!({"region": "eu"}), schema(), false).await;
    let mut browser = Browser::signed_in(&scene, OPERATE).await;
    let page = browser.get(AT).await;
    assert_eq!(page.heading(), "Settings");
    for part in [
        "name=\"s/region\"",
        "value=\"eu\"",
        "Region (required)",
        "Where &lt;records&gt; go.",
        "<legend>Limits</legend>",
    ] {
        page.says(200, part);
    }
    assert!(!page.has(">Save</button>"));
    let generation = page.hidden("generation").unwrap();
    let sent = |region: &'static str, max: &'static str| {
        [
            ("generation", generation.clone()),
            ("then", "check".to_owned()),
            ("s/region", region.to_owned()),
            ("s/limits/max", max.to_owned()),
            ("other", String::new()),
        ]
    };
    for (region, max, status, said) in [
        ("eu", "", 200, "Nothing is different"),
        ("us's", "7", 200, "kubectl -n sales patch"),
        ("eu", "11", 400, "settings.limits.max"),
        ("eu", "x", 400, "is no whole number"),
        ("", "7", 400, "settings.region"),
    ] {
        let fields = sent(region, max);
        let fields: Vec<_> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let page = browser.post(AT, &fields).await;
        page.says(status, said);
        // What was written is still there.
        page.says(status, &format!("value=\"{max}\""));
    }
    let fields = sent("us's", "7");
    let fields: Vec<_> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let page = browser.post(AT, &fields).await;
    page.says(200, "<ins>+   &quot;region&quot;: &quot;us's&quot;,</ins>");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_save_is_handed_to_the_operator_by_an_admin_alone() {
    let scene = start(json!({"region": "eu"}), schema(), true).await;
    let mut olaf = Browser::signed_in(&scene, OPERATE).await;
    let page = olaf.get(AT).await;
    assert!(!page.has(">Save</button>"));
    let generation = page.hidden("generation").unwrap();
    let fields = [("generation", &*generation), ("then", "save"), ("s/region", "us")];
    olaf.post(AT, &fields).await.says(409, "role admin");
    assert!(scene.shown.saving().last().is_none());

    let mut ada = Browser::signed_in(&scene, ADMIN).await;
    ada.get(AT).await.says(200, ">Save</button>");
    ada.post(AT, &[("generation", &*generation), ("then", "save"), ("s/region", "")])
        .await
        .says(400, "settings.region");
    assert!(scene.shown.saving().last().is_none());
    ada.post(AT, &[("then", "save"), ("s/region", "us")]).await.says(400, "Load the page again.");
    let page = ada.post(AT, &fields).await;
    page.says(200, "waits for the operator");
    assert_eq!(page.path, format!("{AT}?done=1"));
    assert_eq!(scene.shown.saving().last().unwrap().actor, "ada");
    ada.get(&format!("{LISTENER}/audit")).await.says(200, "<td>settings</td>");
}
