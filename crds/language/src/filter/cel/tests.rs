use std::fmt::Write as _;

use rstest::rstest;
use serde_json::json;

use crate::filter::{Filter, Surroundings};

const EVENT: &str = r#"{
  "eventId": 3000000003, "portalId": 62515, "occurredAt": 1790000000003, "attemptNumber": 0,
  "subscriptionType": "contact.propertyChange", "objectId": 9007199254740993, "huge": 18446744073709551615,
  "propertyName": "first\u006eame", "propertyValue": "Zoë", "changeSource": "CRM_UI", "nothing": null,
  "isSensitive": false, "amount": 19.90, "whole": 2.0, "mergedObjectIds": [138000000138, 138000000139],
  "lone": "\ud800", "odd name": 1, "twice": 1, "twice": 2,
  "data": {"deep": {"list": [{"a": 1}, {"a": 2, "b": "x"}], "text": "t"}, "empty": {}}
}"#;

fn surroundings() -> Surroundings {
    Surroundings::new(
        &json!({"region": "eu", "owners": ["a", "b"], "integration": {"region": "us", "limit": 10}}),
        &json!({"name": "contacts", "namespace": "sales"}),
    )
}

fn answer(filter: &str) -> Result<bool, String> {
    let filter = Filter::compile(filter).map_err(|mistake| panic!("{filter}: {mistake}")).unwrap();
    filter.matches(EVENT.as_bytes(), &surroundings()).map_err(|error| error.reason)
}

#[rstest]
#[case::equal(r#"event.subscriptionType == "contact.propertyChange""#)]
#[case::single_quotes("event.changeSource != 'INTEGRATION'")]
#[case::starts_with(r#"event.subscriptionType.startsWith("contact.")"#)]
#[case::ends_with(r#"event.subscriptionType.endsWith("Change") && event.subscriptionType.contains("prop")"#)]
#[case::matches(r#"event.subscriptionType.matches("^(contact|deal)\\.property")"#)]
#[case::matches_settings(r#"!event.propertyValue.matches("^" + settings.region)"#)]
#[case::in_list(r#"event.propertyName in ["email", "firstname"]"#)]
#[case::in_settings("!(event.changeSource in settings.owners)")]
#[case::in_object(r#"("deep" in event.data) && !("x" in event.data)"#)]
#[case::settings(r#"settings.region == "eu" && settings.integration.region == "us""#)]
#[case::listener(r#"listener.name == "contacts" && listener["namespace"] == "sales""#)]
#[case::has("has(event.objectId) && !has(event.messageId) && has(event.nothing)")]
#[case::has_settings("has(settings.region) && !has(settings.missing) && !has(settings.region.deeper)")]
#[case::has_deep("has(event.data.deep.text) && !has(event.data.deep.other)")]
#[case::null("event.nothing == null && event.objectId != null")]
#[case::exact("event.objectId == 9007199254740993 && event.objectId != 9007199254740992")]
#[case::exact_text(r#"string(event.objectId) == "9007199254740993""#)]
#[case::huge("event.huge == 18446744073709551615u && event.huge > 9223372036854775807")]
#[case::mixed("event.whole == 2 && 2u == event.whole && event.amount < 20 && event.objectId > 1.5")]
#[case::mixed_exact("double(event.objectId) != event.objectId")]
#[case::not_a_number("double('NaN') != double('NaN') && !(1.0 > double('NaN'))")]
#[case::kinds_differ(r#"event.portalId != "62515" && event.isSensitive != 0"#)]
#[case::arithmetic("event.portalId % 2 == 1 && (event.portalId + 1) / 2 * 2 - 1 == event.portalId")]
#[case::negative("-event.portalId < -1 && 3 - -1 == 4")]
#[case::doubles("event.amount * 2.0 > 39.0 && double(event.portalId) / 2.0 == 31257.5")]
#[case::conversions(
    r#"int("5") == 5 && int(2.9) == 2 && uint(3) == 3u && double("1.5") == 1.5 && bool("true")"#
)]
#[case::joined(r#"event.propertyName + "=" + event.propertyValue == "firstname=Zoë""#)]
#[case::size("size(event.propertyValue) == 3 && event.mergedObjectIds.size() == 2 && size(event.data) == 2")]
#[case::lower(r#"event.changeSource.lowerAscii() == "crm_ui" && "ab".upperAscii() == "AB""#)]
#[case::index("event.mergedObjectIds[1] == 138000000139 && event.data.deep.list[1].b == 'x'")]
#[case::name("event['odd name'] == 1 && event[\"twice\"] == 2 && event[settings.region + 'x'] == 1 || true")]
#[case::lone_surrogate("event.lone == '\u{fffd}'")]
#[case::condition("event.isSensitive ? false : event.attemptNumber == 0")]
#[case::all("event.mergedObjectIds.all(id, id > 138000000000)")]
#[case::exists("event.mergedObjectIds.exists(id, id == 138000000139)")]
#[case::exists_one("event.data.deep.list.exists_one(one, has(one.b))")]
#[case::map("event.data.deep.list.map(one, one.a) == [1, 2] && [1, 2, 3].map(x, x > 1, x * 2) == [4, 6]")]
#[case::filter("event.data.deep.list.filter(one, one.a > 1)[0].b == 'x'")]
#[case::nested("[[1], [2, 3]].all(list, list.exists(x, x > 0 && list.size() < 3))")]
#[case::shadowed("[1].all(event, event == 1) && [2].all(x, [3].all(x, x == 3) && x == 2)")]
#[case::names("event.data.all(name, name in ['deep', 'empty'])")]
#[case::deep_equal("event.data.deep.list[0] == event.data.deep.list.filter(x, x.a == 1)[0]")]
#[case::deep_unequal("event.data.deep != event.data.empty && event.data == event.data && event != settings")]
#[case::order_of_text("'b' > 'a' && 'a' < 'aa' && true > false")]
#[case::list_of_texts_first("['a', 'b'].exists(x, x == 'b') && true")]
#[case::double_quotes_first(r#"["a", "b"].exists(x, x == "b")"#)]
#[case::comment("true // always\n && true")]
#[case::raw(r#""a\\d" == r"a\d" && 'it\'s' == "it's""#)]
#[case::one_side_decides("event.missing == 1 || true")]
#[case::other_side_decides("true || event.missing == 1")]
#[case::an_element_decides("[0, 1].exists(x, 1 / x == 1)")]
fn passes(#[case] filter: &str) {
    assert_eq!(answer(filter), Ok(true), "{filter}");
}

#[rstest]
#[case("false")]
#[case("event.changeSource == 'INTEGRATION'")]
#[case("event.missing == 1 && false")]
#[case("event.objectId == 9007199254740992")]
#[case("[1, 2].exists(x, x > 2) || [1, 2].all(x, x > 1) || [1, 1].exists_one(x, x == 1)")]
#[case("!true || !(!false)")]
fn does_not_pass(#[case] filter: &str) {
    assert_eq!(answer(filter), Ok(false), "{filter}");
}

#[rstest]
#[case("event.missing == 1", "event has no member `missing`; ask for it with `has` first")]
#[case("settings.missing == 1", "settings has no member `missing`; ask for it with `has` first")]
#[case("event.data.missing == 1", "the object has no member `missing`; ask for it with `has` first")]
#[case("event.changeSource.x == 1", "text has no member `x`")]
#[case("event.nothing.x == 1", "null has no member `x`")]
#[case("has(event.missing.x)", "event has no member `missing`; ask for it with `has` first")]
#[case("event.mergedObjectIds[2] == 1", "the list has no element at that place")]
#[case("event.mergedObjectIds[-1] == 1", "the list has no element at that place")]
#[case("event.data[event.changeSource] == 1", "the object has no such member")]
#[case("event.propertyValue > 5", "text has no order with a number")]
#[case("event.nothing > 5", "null has no order with a number")]
#[case("event.objectId.startsWith('9')", "`startsWith` cannot be used on a number")]
#[case("event.objectId.matches('9')", "`matches` cannot be used on a number")]
#[case("event.propertyValue.matches(event.propertyName + '(')", "`matches` is given a pattern that is none")]
#[case("event.propertyValue && true", "true or false is needed, and text is given")]
#[case("event.objectId", "true or false is needed, and a number is given")]
#[case("!event.propertyValue", "true or false is needed, and text is given")]
#[case("event.portalId / 0 == 1", "a whole number is divided by 0, or grows too large")]
#[case("event.objectId * event.objectId == 1", "a whole number is divided by 0, or grows too large")]
#[case(
    "event.objectId + 1.0 == 1.0",
    "whole numbers and others are not reckoned together: use int() or double()"
)]
#[case("event.propertyValue + 1 == 1", "text and a number are not reckoned together")]
#[case("int(event.propertyValue) == 1", "`int` is given text that writes none")]
#[case("int(event.huge) == 1", "`int` is given a number out of its range")]
#[case("1 in event.propertyValue", "`in` cannot look into text")]
#[case("event.propertyValue.all(x, x == 1)", "text has no elements")]
#[case("event.missing == 1 || false", "event has no member `missing`; ask for it with `has` first")]
#[case("[0, 1].all(x, 1 / x == 1)", "a whole number is divided by 0, or grows too large")]
fn fails_on_the_event(#[case] filter: &str, #[case] reason: &str) {
    assert_eq!(answer(filter), Err(reason.to_owned()), "{filter}");
}

#[rstest]
#[case("", "line 1, column 1: the filter is empty: ``; leave `filter` out to take every event")]
#[case(
    "evnt.x == 1",
    "line 1, column 1: only `event`, `settings` and `listener` are known: `evnt`; write `event.evnt` for a member of the event, or \"evnt\" for text"
)]
#[case(
    "event.x ==\n  open",
    "line 2, column 3: only `event`, `settings` and `listener` are known: `open`; write `event.open` for a member of the event, or \"open\" for text"
)]
#[case(
    "event.l.all(x, x > 1) && x > 2",
    "line 1, column 26: only `event`, `settings` and `listener` are known: `x`; write `event.x` for a member of the event, or \"x\" for text"
)]
#[case(
    "event.é == 1",
    "line 1, column 7: this character has no meaning here: `é`; take it out, or put it in quotes"
)]
#[case(
    "'é' == “open”",
    "line 1, column 8: this character has no meaning here: `“`; this is a typographic quote, as word processors make them: write a plain \" or '"
)]
#[case("event.x = 1", "line 1, column 9: this character has no meaning here: `=`; write `==` to compare")]
#[case("event.x === 1", "line 1, column 11: this character has no meaning here: `=`; write `==` to compare")]
#[case(
    "event.x == 1 & event.y == 2",
    "line 1, column 14: this character has no meaning here: `&`; write `&&` for both"
)]
#[case("event.x == 'é' and event.y == 2", "line 1, column 16: mismatched input 'and': `and`; write `&&`")]
#[case("event.x == 'open", "line 1, column 12: the text in quotes does not end: `'open`; close the quotes")]
#[case("event.x == ", "line 1, column 12: mismatched input '<EOF>': ``; something is missing at the end")]
#[case(
    "startswith(event.x)",
    "line 1, column 1: no function is called `startswith`: `startswith`; write `startsWith`"
)]
#[case(
    "event.x.starts_with('a')",
    "line 1, column 9: no function is called `starts_with`: `starts_with`; write `startsWith`"
)]
#[case(
    "now() > 1",
    "line 1, column 1: no function is called `now`: `now`; see docs/filters.md for those there are"
)]
#[case(
    "event.x.startsWith()",
    "line 1, column 9: `startsWith` is not called like this: `startsWith`; write `text.startsWith(beginning)`"
)]
#[case(
    "startsWith(event.x, 'a')",
    "line 1, column 1: `startsWith` is not called like this: `startsWith`; write `text.startsWith(beginning)`"
)]
#[case(
    "size(event.x) == 1 && size() == 1",
    "line 1, column 23: `size` is not called like this: `size`; write `size(x)` or `x.size()`"
)]
#[case(
    "has(event)",
    "line 1, column 5: invalid argument to has() macro: `event`; see docs/filters.md for what can be written"
)]
#[case(
    "event.l.all(x)",
    "line 1, column 9: `all` takes a name and what to do with it: `all`; write `event.mergedObjectIds.all(id, id > 5)`"
)]
#[case(
    "event.l.all(1, true)",
    "line 1, column 13: argument must be a simple name: `1`; see docs/filters.md for what can be written"
)]
#[case(
    "'a' == 'b' || event.x.matches('(a')",
    "line 1, column 31: no regular expression: unclosed group: `'(a'`; look-around and back-references are not available; a backslash is written twice"
)]
#[case(
    "'open'",
    "line 1, column 1: true or false is needed where text is given: `'open'`; compare it with something, as in `event.objectId == 5`"
)]
#[case(
    "size(event.x)",
    "line 1, column 1: true or false is needed where a number is given: `size(event.x)`; compare it with something, as in `event.objectId == 5`"
)]
#[case(
    "event.a == 1 && 5",
    "line 1, column 1: true or false is needed where a number is given: `event.a == 1 && 5`; compare it with something, as in `event.objectId == 5`"
)]
#[case(
    "event.l.map(x, x)",
    "line 1, column 1: true or false is needed where a list is given: `event.l.map(x, x)`; compare it with something, as in `event.objectId == 5`"
)]
#[case(
    "!!event.a",
    "line 1, column 2: two signs of negation in a row: `!`; leave both out, or put brackets between them"
)]
#[case(
    "{'a': 1} == event",
    "line 1, column 1: an object in braces cannot be used: `{'a': 1} == event`; use a list in `[` and `]`"
)]
#[case(
    "event.a == b'x'",
    "line 1, column 12: bytes are nothing that an event has: `b'`; write the text without the `b` before it"
)]
#[case(
    "event.a == 99999999999999999999",
    "line 1, column 12: invalid int literal: `99999999999999999999`; see docs/filters.md for what can be written"
)]
fn a_mistake_is_refused_with_its_place(#[case] filter: &str, #[case] said: &str) {
    assert_eq!(Filter::compile(filter).unwrap_err().to_string(), said, "{filter}");
}

#[test]
fn what_nests_without_bound_is_refused_and_overflows_nothing() {
    for piece in
        ["(", "!", "-", "[", "{", "a.", "a+", "a?", "a?a:", "has(", "!(!(", "a[", "a==", "1 in ", "((1", "'"]
    {
        let text: String = piece.repeat(4096 / piece.len());
        Filter::compile(&text).unwrap_err();
    }
    for (open, close) in
        [("(", ")"), ("!(", ")"), ("[", "]"), ("size(", ")"), ("event.l.all(x,", ")"), ("-(", ")")]
    {
        for count in [20, 30, 31, 32, 33, 200] {
            let text = format!("{}event.x == 1{}", open.repeat(count), close.repeat(count));
            let _ = Filter::compile(&text).map(|filter| filter.matches(EVENT.as_bytes(), &surroundings()));
        }
    }
    let chain = |count: usize, sign: &str| format!("{} > 1", vec!["event.portalId"; count].join(sign));
    Filter::compile(&chain(60, " + ")).unwrap();
    Filter::compile(&chain(70, " + ")).unwrap_err();
    let mut text = "event.portalId == 0".to_owned();
    for number in 1..100 {
        write!(text, " || event.portalId == {number}").unwrap();
    }
    assert_eq!(answer(&text), Ok(false), "many alternatives do not nest");
}

#[test]
fn the_deepest_filter_fits_on_a_small_stack() {
    let sum = format!("{} > 1", vec!["event.portalId"; 60].join(" + "));
    let filter = Filter::compile(&sum).unwrap();
    let work = move || filter.matches(EVENT.as_bytes(), &surroundings());
    let thread = std::thread::Builder::new().stack_size(512 << 10).spawn(work).unwrap();
    assert_eq!(thread.join().unwrap(), Ok(true));
}

#[test]
fn a_filter_that_runs_away_is_an_error_of_the_record() {
    let list = format!(r#"{{"l":[{}1]}}"#, "1,".repeat(3000));
    let exhausted = "the filter takes too many steps on this event";
    for filter in [
        "event.l.all(x, event.l.all(y, event.l.all(z, z == 1)))",
        "event.l.map(x, event.l.map(y, y)).size() > 1",
        "true || event.l.all(x, event.l.all(y, y == 1))",
        "event.l.all(x, event.l.all(y, y == 1)) || true",
        "event.l.exists(x, 'a'.matches('b' + 'c'))",
        "event.l.filter(x, event.l == event.l).size() == 1",
    ] {
        let answer = Filter::compile(filter).unwrap().matches(list.as_bytes(), &surroundings());
        if filter.starts_with("true") {
            assert_eq!(answer, Ok(true));
        } else {
            assert_eq!(answer.unwrap_err().reason, exhausted, "{filter}");
        }
    }
}

#[test]
fn a_large_event_is_filtered_at_little_cost_where_little_is_asked() {
    let body = format!(r#"{{"html":"{}","objectId":7}}"#, "x\\n".repeat(1 << 20));
    let ask = |filter: &str| {
        Filter::compile(filter)
            .unwrap()
            .matches(body.as_bytes(), &surroundings())
            .map_err(|error| error.reason)
    };
    assert_eq!(ask("event.objectId == 7"), Ok(true));
    assert_eq!(ask("event.html.size() > 5"), Ok(true));
    let doubled = "event.html + event.html + event.html + event.html + event.html + event.html == ''";
    assert_eq!(ask(doubled), Err("the filter takes too many steps on this event".to_owned()));
}

#[test]
fn depth_in_an_event_overflows_nothing() {
    let deep = format!(r#"{{"a":{}1{},"b":1}}"#, "[".repeat(200_000), "]".repeat(200_000));
    let ask = |filter: &str| {
        Filter::compile(filter)
            .unwrap()
            .matches(deep.as_bytes(), &surroundings())
            .map_err(|error| error.reason)
    };
    assert_eq!(ask("event.b == 1 && event.a != null"), Ok(true));
    assert_eq!(ask("event.a == event.a"), Err("the filter takes too many steps on this event".to_owned()));
    let deep = deep.replace(&"[".repeat(199_000), "").replace(&"]".repeat(199_000), "");
    let ask = |filter: &str| {
        Filter::compile(filter)
            .unwrap()
            .matches(deep.as_bytes(), &surroundings())
            .map_err(|error| error.reason)
    };
    assert_eq!(ask("event.a == event.a"), Err("objects are compared that are nested too deep".to_owned()));
}

#[test]
fn no_value_of_the_event_stands_in_an_error() {
    for filter in
        ["event.propertyValue > 5", "int(event.propertyValue) > 5", "event.data[event.propertyValue] == 1"]
    {
        let reason = answer(filter).unwrap_err();
        assert!(!reason.contains("Zoë"), "{reason}");
    }
}

#[test]
fn an_event_that_is_no_object_is_an_error() {
    let filter = Filter::compile("event.x == 1").unwrap();
    for event in ["", "[]", "5", "{\"x\":", "{\"x\" 1}"] {
        let error = filter.matches(event.as_bytes(), &Surroundings::default()).unwrap_err();
        assert_eq!(error.reason, "the event is no JSON object");
    }
}

/// When these fail, the crate is mended: see docs/design on why filters are evaluated here.
#[test]
fn the_crate_still_reads_and_evaluates_these_wrongly() {
    let says = |text: &str| {
        let value = cel::Program::compile(text).unwrap().execute(&cel::Context::default()).unwrap();
        value == cel::Value::Bool(true)
    };
    assert!(says("!!false"), "read as `!false`");
    assert!(!says("1 == 1.0"));
    assert!(!says("'text'.member"), "a boolean, where it should fail");
}
