//! What a person is told about a mistake.

use super::render;
use crate::template::{Place, Template};

fn mistake(template: &str) -> String {
    Template::compile(template, Place::Raw).unwrap_err().to_string()
}

#[test]
fn a_mistake_says_where_what_and_what_to_do() {
    for (template, message) in [
        (
            "{{portalId}}\n  {{joinn \"_\" a b}}",
            "line 2, column 3: unknown helper joinn: `{{joinn \"_\" a b}}`; did you mean join?",
        ),
        (
            "ok {{join “_” a}}",
            "line 1, column 11: typographic quotes “ ”: `“`; write straight quotes: \" or '",
        ),
        (
            "{{#eq a b}}x{{/eq}}",
            "line 1, column 1: eq is not a block: `{{#eq a b}}`; write {{#if (eq ...)}} or {{eq ...}}",
        ),
        (
            "{{contains a b}}",
            "line 1, column 1: contains is a block: `{{contains a b}}`; write {{#contains ...}}...{{/contains}}",
        ),
        (
            "é{{padLeft a}}",
            "line 1, column 2: padLeft needs a length: `{{padLeft a}}`; write {{padLeft text length [pad=\" \"]}}",
        ),
        (
            "{{#some a isBig}}x{{/some}}",
            "line 1, column 11: unknown condition isBig: `isBig`; write one of isFalsy isTruthy isArray isString \
             isObject isNumber isBoolean",
        ),
        (
            "{{hash \"sha3\" \"hex\" a}}",
            "line 1, column 8: unknown algorithm sha3: `\"sha3\"`; write md5, sha1, sha224, sha256, sha384 or sha512",
        ),
        (
            "{{dateFormat \"YYYY\" a \"\" \"Berlin\"}}",
            "line 1, column 26: unknown time zone Berlin: `\"Berlin\"`; write an IANA zone, as Europe/Berlin",
        ),
        (
            "{{#compare a == b}}x{{/compare}}",
            "line 1, column 14: unexpected =: `=`; write names, \"text\", numbers, name=value or (helper value)",
        ),
    ] {
        assert_eq!(mistake(template), message);
    }
}

#[test]
fn what_handlebars_js_refuses_is_refused() {
    for template in [
        "{{a",
        "{{a}",
        "{{{a}}",
        "{{}}",
        "{{a b=}}",
        "{{join a=1 b}}",
        "{{a..b}}",
        "{{a.}}",
        "{{a/../b}}",
        "{{join \"_\" (a}}",
        "{{join \"_\" a)}}",
        "{{join \"_\" ()}}",
        "{{(a)}}",
        "{{#if a}}{{else}}{{else}}{{/if}}",
        "{{#if a}}{{else}}{{else if b}}{{/if}}",
        "{{#each a as |x}}{{/each}}",
        "{{#each a as ||}}{{/each}}",
        "{{a as |x|}}",
        "{{#if a}}{{/if b}}",
        "{{{{raw}}}}x",
        "{{{{raw}}}}x{{{{/row}}}}",
        "{{!-- x",
        "{{> a}}",
        "{{#> a}}{{/a}}",
        "{{* a}}",
        "{{&}}",
        "{{#}}{{/}}",
        "{{/if}}",
        "{{else}}",
        "{{#if a b}}{{/if}}",
        "{{a b}}",
        "{{a.b c}}",
        "{{! x",
    ] {
        assert!(Template::compile(template, Place::Raw).is_err(), "{template}");
    }
}

#[test]
fn oddities_of_white_space_are_those_of_handlebars_js() {
    for (template, expect) in [
        ("{{#if a}}\n1\n  {{else if b}}\n2\n  {{/if}}\nx", "1\nx"),
        ("{{#if n}}\n1\n  {{else if a}}\n2\n  {{/if}}\nx", "2\n  x"),
        ("  {{! c }}\nx", "x"),
        ("x\n  {{! c }}\n", "x\n"),
        ("x {{! c }}\ny", "x \ny"),
        ("{{#if a}} \n y{{/if}} \n", " y \n"),
        ("a\r\n{{#if a}}\r\nb\r\n{{/if}}\r\nc", "a\r\nb\r\nc"),
        ("{{#if n}}\nx\n{{^}}\ny\n{{/if}}\n", "y\n"),
        (" {{{{raw}}}}\n x {{{{/raw}}}} ", " \n x  "),
    ] {
        assert_eq!(render(template, r#"{"a":1}"#).as_deref(), Ok(expect), "{template:?}");
    }
}
