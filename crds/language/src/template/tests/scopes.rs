//! Roots, contexts and what a template mentions.

use serde_json::json;

use super::render;
use crate::template::{Json, Place, Scope, Template};

#[test]
fn roots_are_seen_where_they_are_given() {
    let template = "{{count}} {{request.id}} {{records.1.objectId}} {{listener.name}} {{settings.region}}";
    let template = Template::compile(template, Place::Raw).unwrap();
    let more = Json::from(
        json!({"count": 2, "request": {"id": "r1"}, "records": [{"objectId": 1}, {"objectId": 18_446_744_073_709_551_615_u64}]}),
    );
    let (settings, listener) = (json!({"region": "eu"}).into(), json!({"name": "contacts"}).into());
    let scope =
        Scope { settings: Some(&settings), listener: Some(&listener), more: Some(&more), ..Scope::default() };
    assert_eq!(template.render(&scope).as_deref(), Ok("2 r1 18446744073709551615 contacts eu"));
    // Without them the same names are fields of the record.
    let scope = Scope {
        record: Some(br#"{"count":7,"listener":{"name":"x"},"settings":{"region":"no"}}"#),
        ..Scope::default()
    };
    assert_eq!(template.render(&scope).as_deref(), Ok("7   x "));
}

#[test]
fn a_template_knows_its_text_and_its_roots() {
    let literal = Template::compile("a \\{{b}} {{! c }}", Place::Raw).unwrap();
    assert_eq!(literal.literal(), Some("a {{b}} "));
    let template =
        Template::compile("{{#each records}}{{a}}{{/each}}{{getValue \"request.id\"}}", Place::Raw).unwrap();
    assert_eq!(template.literal(), None);
    assert!(template.mentions("records") && template.mentions("request") && template.mentions("a"));
    assert!(!template.mentions("response") && !template.mentions("quest"));
    assert!(Template::compile("{{getValue a}}", Place::Raw).unwrap().mentions("records"));
}

#[test]
fn only_the_members_that_are_named_are_read_and_they_are_all_found() {
    let record = r#"{"x":{"y":[1,{"z":"]}"}]},"\u0061":1,"b":{"c":[2]},"b":{"c":[3]},"e":"\"{"}"#;
    assert_eq!(render("{{a}} {{b.c}} {{record.b.c.0}} {{e}}", record).as_deref(), Ok("1 3 3 \"{"));
    assert_eq!(render("{{#with b}}{{../a}}{{c}}{{@root.record.e}}{{/with}}", record).as_deref(), Ok("13\"{"));
    assert_eq!(
        render("{{lookup this \"a\"}}{{lookup record \"e\"}}{{getValue (join \"\" \"a\")}}", record)
            .as_deref(),
        Ok("1\"{1")
    );
    assert_eq!(render("{{#each this}}{{@key}} {{/each}}", r#"{"a":1,"b":2}"#).as_deref(), Ok("a b "));
}

#[test]
fn a_record_that_is_no_json_is_an_error_and_no_panic() {
    for record in [
        "",
        "{",
        "{\"a\":}",
        "[1,]",
        "{\"a\":1,}",
        "nul",
        "01",
        "1.",
        "\"\\u12\"",
        "\"\u{1}\"",
        "{} {}",
        "{\"a\" 1}",
    ] {
        assert!(render("{{record}}", record).is_err(), "{record:?}");
    }
    let scope = Scope { record: Some(b"\xff"), ..Scope::default() };
    assert!(Template::compile("{{a}}", Place::Raw).unwrap().render(&scope).is_err());
    for (record, text) in [("1", "1"), ("\"x\"", "x"), ("[1,2]", "1,2"), ("null", ""), (" {} ", "{}")] {
        assert_eq!(render("{{record}}", record).as_deref(), Ok(text));
    }
}

#[test]
fn block_parameters_are_names_in_their_block_only() {
    let record = r#"{"o":{"k":{"n":1}},"v":"field","list":[1,2]}"#;
    assert_eq!(
        render("{{#each o as |v k|}}{{k}}{{v.n}}{{this.v}}{{#each ../list as |v|}}{{v}}{{k}}{{/each}}{{/each}}{{v}}", record).as_deref(),
        Ok("k11k2kfield")
    );
    assert_eq!(
        render("{{#with o.k as |join|}}{{join.n}}{{#join}}{{n}}{{/join}}{{/with}}", record).as_deref(),
        Ok("11")
    );
    assert_eq!(render("{{#if v as |x|}}[{{x}}]{{/if}}", record).as_deref(), Ok("[]"));
}

#[test]
fn inverted_blocks_take_what_the_block_leaves() {
    let record = r#"{"a":[],"b":[1],"z":0}"#;
    assert_eq!(
        render(
            "{{^a}}1{{/a}}{{^b}}2{{else}}3{{/b}}{{^if z}}4{{/if}}{{^each a}}5{{/each}}{{^z}}6{{/z}}",
            record
        )
        .as_deref(),
        Ok("1345")
    );
    assert_eq!(render("{{^if b}}x{{else if z}}y{{else}}w{{/if}}", record).as_deref(), Ok("w"));
}

#[test]
fn numbers_keep_their_digits_in_lists_and_comparisons() {
    let record = r#"{"a":[9007199254740993,9007199254740992,9007199254740993],"n":-0,"h":1e999}"#;
    assert_eq!(
        render("{{unique a}} {{sort a}} {{n}} {{h}}", record).as_deref(),
        Ok("9007199254740993,9007199254740992 9007199254740992,9007199254740993,9007199254740993 0 1e999")
    );
    assert_eq!(
        render("{{#inArray a 9007199254740992}}in{{/inArray}}{{eq a.0 a.1}}", record).as_deref(),
        Ok("infalse")
    );
    assert!(render("{{add h 1}}", record).unwrap_err().contains("not finite"));
}

#[test]
fn a_template_can_be_shared_between_threads() {
    fn shared<T: Send + Sync>(_: &T) {}
    let template = Template::compile("{{regexMatch a \"x\"}}", Place::Raw).unwrap();
    shared(&template);
}

#[test]
fn integers_print_as_they_were_written_whatever_root_they_stand_in() {
    let text =
        r#"{"big":123456789012345678901234567890,"list":[18446744073709551616,{"a":-9223372036854775809}]}"#;
    let json = || Json::read(text).unwrap();
    let (settings, listener) = (json(), json());
    let more = Json::read(format!(r#"{{"records":[{text}],"request":{text}}}"#)).unwrap();
    let scope =
        Scope { settings: Some(&settings), listener: Some(&listener), more: Some(&more), ..Scope::default() };
    for root in ["settings", "listener", "request", "records.0"] {
        let template = format!(
            "{{{{{root}.big}}}} {{{{{{jsonSerialize {root}}}}}}} {{{{#each {root}.list}}}}{{{{{{this}}}}}} {{{{/each}}}}"
        );
        let template = Template::compile(&template, Place::Raw).unwrap();
        let expect = format!(
            r#"123456789012345678901234567890 {text} 18446744073709551616 {{"a":-9223372036854775809}} "#
        );
        assert_eq!(template.render(&scope).as_deref(), Ok(expect.as_str()), "{root}");
    }
    assert_eq!(serde_json::to_string(&[&settings]).unwrap(), format!("[{text}]"));
}

#[test]
fn the_clock_is_the_scopes() {
    let clock = crate::clock::Clock::manual(1_790_000_000_123);
    let scope = Scope { clock: Some(&clock), ..Scope::default() };
    let template = Template::compile("{{timestamp}}", Place::Raw).unwrap();
    assert_eq!(template.render(&scope).as_deref(), Ok("2026-09-21T14:13:20.123Z"));
    clock.set_ms(0);
    assert_eq!(template.render(&scope).as_deref(), Ok("1970-01-01T00:00:00.000Z"));
}
