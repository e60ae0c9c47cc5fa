//! Nothing that a user or a record brings may take the pod down.

use std::time::{Duration, Instant};

use super::render;

fn numbers(count: usize) -> String {
    (0..count).map(|number| number.to_string()).collect::<Vec<_>>().join(",")
}

fn fails_soon(template: &str, record: &str, reason: &str) {
    let start = Instant::now();
    let error = render(template, record).unwrap_err();
    assert!(error.contains(reason), "{error}");
    assert!(start.elapsed() < Duration::from_mins(1), "{:?}", start.elapsed());
}

#[test]
fn a_record_nested_a_million_deep_is_printed_and_dug_through() {
    let deep = format!("{}1{}", "[".repeat(1_000_000), "]".repeat(1_000_000));
    let record = format!(r#"{{"a":{deep},"b":2}}"#);
    assert_eq!(render("{{b}}", &record).as_deref(), Ok("2"));
    assert_eq!(render("{{#each a}}{{@index}}{{/each}}", &record).as_deref(), Ok("0"));
    assert_eq!(render("{{a.0.0.0.length}}", &record).as_deref(), Ok("1"));
    assert_eq!(render("{{a}}", &record).as_deref(), Ok("1"));
    fails_soon("{{{jsonSerialize a}}}", &record, "output over the limit");
    let objects = format!("{}1{}", r#"{"k":"#.repeat(50_000), "}".repeat(50_000));
    assert_eq!(render("{{{a}}}", &format!(r#"{{"a":{objects}}}"#)), Ok(objects));
}

#[test]
fn a_template_as_deep_as_allowed_compiles_and_renders() {
    let blocks = format!("{}x{}", "{{#with this}}".repeat(64), "{{/with}}".repeat(64));
    assert_eq!(render(&blocks, r#"{"a":1}"#).as_deref(), Ok("x"));
    let calls = format!("{{{{trim {}a{}}}}}", "(trim ".repeat(63), ")".repeat(63));
    assert_eq!(render(&calls, r#"{"a":"x"}"#).as_deref(), Ok("x"));
    let over = format!("{}x{}", "{{#if a}}".repeat(65), "{{/if}}".repeat(65));
    assert!(render(&over, "{}").unwrap_err().contains("nested too deep"));
}

#[test]
fn long_chains_and_many_blocks_do_not_overflow_the_stack() {
    let chain =
        (0..500).map(|at| format!("{{{{else compare a \"==\" {at}}}}}{at}")).collect::<Vec<_>>().concat();
    let template = format!("{{{{#if b}}}}b{chain}{{{{/if}}}}");
    assert_eq!(render(&template, r#"{"a":499}"#).as_deref(), Ok("499"));
    let chain: String = "{{else if b}}".repeat(5_000);
    assert!(render(&format!("{{{{#if b}}}}{chain}{{{{/if}}}}"), "{}").unwrap_err().contains("branches"));
    let flat = "{{#if a}}{{/if}}".repeat(5_000);
    assert_eq!(render(&flat, "{}").as_deref(), Ok(""));
    for piece in
        ["{{#if a}}", "{{", "{{{{a}}}}", "(", "{{a (", "\\{{", "{{else}}", "{{/if}}", "{{!", "{{[", "{{\""]
    {
        let _ = render(&piece.repeat(10_000), "{}");
    }
    assert!(render(&"x".repeat(300_000), "{}").unwrap_err().contains("bytes"));
}

#[test]
fn what_grows_is_stopped() {
    let list = numbers(100);
    let record = format!(r#"{{"a":[{}],"t":"{}"}}"#, list, "x".repeat(1_000_000));
    fails_soon("{{#each a}}{{../t}}{{/each}}", &record, "output over the limit");
    fails_soon(
        "{{#each a}}{{#if (replace ../t \"x\" \"yyyyyyyyyyyyyyyy\")}}{{/if}}{{/each}}",
        &record,
        "limit",
    );
    fails_soon("{{join t t t t t t t t t t t}}", &record, "limit");
    fails_soon(
        "{{#each a}}{{#each ../a}}{{#if (padLeft \"x\" 999999)}}{{/if}}{{/each}}{{/each}}",
        &record,
        "steps",
    );
    fails_soon(
        "{{#each a}}{{#each ../a}}{{#if (regexMatch ../../t \"(x+x+)+y\")}}{{/if}}{{/each}}{{/each}}",
        &record,
        "",
    );
    fails_soon(
        "{{#each a}}{{#each ../a}}{{#if (sort ../../a)}}{{#if (jsonSerialize ../../../t)}}{{/if}}{{/if}}{{/each}}{{/each}}",
        &record,
        "steps",
    );
}

#[test]
fn patterns_in_a_loop_cannot_add_up() {
    let list = numbers(1000);
    let record = format!(r#"{{"a":[{}],"t":"{}"}}"#, list, "a".repeat(24));
    // Each takes less than its 100 ms.
    fails_soon("{{#each a}}{{regexMatch ../t \"^(a+)+\\1b$\"}}{{/each}}", &record, "");
}

#[test]
fn the_longest_template_compiles_in_time_that_grows_with_its_length() {
    for piece in ["{{a}}", "{{#if a}}{{/if}}", "x{{a}}\n", "{{join a b c d e f g h}}"] {
        let start = Instant::now();
        let text = piece.repeat(250 * 1024 / piece.len());
        assert!(render(&text, "{}").is_ok(), "{piece}");
        // Without optimisation it takes one second; the square of the length took two minutes.
        assert!(start.elapsed() < Duration::from_secs(20), "{piece} took {:?}", start.elapsed());
    }
}
