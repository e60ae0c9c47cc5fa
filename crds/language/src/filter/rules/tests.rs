use rstest::rstest;
use serde_json::json;

use crate::filter::{Filter, Surroundings};

const EVENT: &str = r#"{
  "status": "open", "objectId": 9007199254740993, "amount": "100", "price": 19.90, "negative": -2.5,
  "blank": "", "nothing": null, "removed": false, "list": ["a", 2], "none": [], "obj": {}, "occurredAt": 1790000000003,
  "when": "2026-09-21T14:13:20.003Z", "day": "2026-09-21", "props": {"email": "Ada@Example.com", "tags": [{"n": "x"}]}
}"#;

fn answer(filter: &str) -> Result<bool, String> {
    let filter = Filter::compile(filter).map_err(|mistake| panic!("{filter}: {mistake}")).unwrap();
    let settings = json!({"flow": {"x": "open", "limit": 5}, "on": true});
    let surroundings = Surroundings::new(&settings, &json!({}));
    filter.matches(EVENT.as_bytes(), &surroundings).map_err(|error| error.reason)
}

#[rstest]
#[case(r#"["equals",["string",["extract","status"]],"open"]"#)]
#[case(r#" ["equals", ["extract", "status"], ["settings", "flow.x"]] "#)]
#[case(r#"["notequals",["extract","status"],"closed"]"#)]
#[case(
    r#"["and",["notempty",["extract","status"]],["or",["empty",["extract","blank"]],["settings","off"]]]"#
)]
#[case(r#"["not",["extract","removed"]]"#)]
#[case(r#"["settings","on"]"#)]
#[case(r#"["equals",["extract","objectId"],9007199254740993]"#)]
#[case(r#"["notequals",["extract","objectId"],9007199254740992]"#)]
#[case(r#"["equals",["string",["extract","objectId"]],"9007199254740993"]"#)]
#[case(r#"["equals",["extract","objectId"],"9007199254740993"]"#)]
#[case(r#"["greaterthan",["number",["extract","amount"]],99]"#)]
#[case(r#"["lessthan",["extract","amount"],"99"]"#)]
#[case(r#"["greaterthanequals",["extract","price"],19.9]"#)]
#[case(r#"["lessthanequals",["settings","flow.limit"],["extract","price"]]"#)]
#[case(r#"["contains",["lowercase",["extract","props.email"]],"@example"]"#)]
#[case(r#"["doesnotcontain",["extract","props.email"],"@example"]"#)]
#[case(r#"["contains",["extract","list"],2]"#)]
#[case(r#"["startswith",["uppercase",["extract","props.email"]],"ADA"]"#)]
#[case(r#"["endswith",["extract","props.email"],".com"]"#)]
#[case(r#"["matches",["extract","props.email"],"^\\w+@.*\\.com$"]"#)]
#[case(r#"["equals",["extract","props.tags[0].n"],"x"]"#)]
#[case(r#"["equals",["extract","props.tags.0.n"],"x"]"#)]
#[case(r#"["equals",["floor",["extract","negative"]],-3]"#)]
#[case(r#"["equals",["ceiling",["extract","negative"]],-2]"#)]
#[case(r#"["equals",["abs",["extract","negative"]],2.5]"#)]
#[case(r#"["equals",["epochtime",["extract","when"]],["extract","occurredAt"]]"#)]
#[case(r#"["lessthan",["epochtime",["extract","day"]],["epochtime",["extract","occurredAt"]]]"#)]
#[case(r#"["and",["empty",["extract","nothing"]],["empty",["extract","missing"]],["empty",["extract","none"]],["empty",["extract","obj"]]]"#)]
#[case(r#"["equals",["extract","missing"],""]"#)]
#[case(r#"["equals",["extract","missing"],["extract","nothing"]]"#)]
#[case(r#"["notequals",["extract","missing"],0]"#)]
#[case(r#"["notequals",["number",["extract","status"]],5]"#)]
#[case(r#"["Equals",["extract","removed"],"false"]"#)]
#[case(r#"["notempty",["extract","list"]]"#)]
fn passes(#[case] filter: &str) {
    assert_eq!(answer(filter), Ok(true), "{filter}");
}

#[rstest]
#[case(r#"["lessthan",["extract","missing"],5]"#)]
#[case(r#"["greaterthanequals",["extract","missing"],["extract","nothing"]]"#)]
#[case(r#"["lessthan",["number",["extract","status"]],5]"#)]
#[case(r#"["extract","status"]"#)]
#[case(r#"["contains",["extract","status"],["extract","missing"]]"#)]
#[case(r#"["equals",["epochtime","yesterday"],["epochtime",["extract","when"]]]"#)]
#[case(r#"["boolean",["extract","blank"]]"#)]
#[case(r#"["extract","status.deeper"]"#)]
#[case(r#"["extract","list.9"]"#)]
fn does_not_pass(#[case] filter: &str) {
    assert_eq!(answer(filter), Ok(false), "{filter}");
}

#[rstest]
#[case(
    r#"["equals",["extract","a"],"b""#,
    "line 1, column 30: the text ends within an object or array: ``; a filter that begins with `[` has to be JSON"
)]
#[case(
    "[\"equals\",\n  [“extract”,\"a\"],\"b\"]",
    "line 2, column 4: a JSON value is expected: `“`; write a plain \""
)]
#[case(
    r#"["equals",1,1] true"#,
    "line 1, column 16: something follows the rule: `t`; a filter that begins with `[` has to be JSON"
)]
#[case(
    r#"["equals",["extract","a"]]"#,
    "line 1, column 2: this operator takes 2 values, and 1 stand here: `\"equals\"`; write 2 after it"
)]
#[case(
    "[\"and\",\n [\"string\",\"x\"]]",
    "line 2, column 2: a rule that gives true or false is expected: `[\"string\",\"x\"]`; put a comparison around it, or `boolean`"
)]
#[case(
    r#"["and"]"#,
    "line 1, column 2: nothing follows this operator: `\"and\"`; write a rule after it, or more"
)]
#[case(
    r#"["matches",["extract","a"],"(é"]"#,
    "line 1, column 28: no regular expression: unclosed group: `\"(é\"`; look-around and back-references are not available; a backslash is written twice"
)]
#[case(
    r#"["matches",["extract","a"],["extract","b"]]"#,
    "line 1, column 28: a pattern is expected: `[\"extract\",\"b\"]`; write the pattern in quotes, as in `[\"matches\", [\"extract\", \"email\"], \"@example\\\\.com$\"]`"
)]
#[case(
    r#"["empty",["extract",5]]"#,
    "line 1, column 21: the name of a member is expected: `5`; write its name in quotes, as in `[\"extract\", \"objectId\"]`"
)]
#[case(
    r#"["empty",["extract",""]]"#,
    "line 1, column 21: the name is empty: `\"\"`; write the name of a member, as in `[\"extract\", \"objectId\"]`"
)]
#[case(
    r#"["equals",["extract","a"],{"b":1}]"#,
    "line 1, column 27: an object cannot be used: `{\"b\":1}`; write text, a number, true, false, null, or a rule in `[` and `]`"
)]
#[case(
    r#"["string",["extract","a"]]"#,
    "line 1, column 1: the rule gives neither true nor false: `[\"string\",[\"extract\",\"a\"]]`; put a comparison around it, as in `[\"equals\", [\"extract\", \"status\"], \"open\"]`"
)]
fn a_mistake_is_refused_with_its_place(#[case] filter: &str, #[case] said: &str) {
    assert_eq!(Filter::compile(filter).unwrap_err().to_string(), said, "{filter}");
}

#[test]
fn an_unknown_operator_is_refused_with_those_there_are() {
    let mistake = Filter::compile(r#"["equals",["extrakt","a"],"b"]"#).unwrap_err();
    assert_eq!((mistake.line, mistake.column, mistake.piece.as_str()), (1, 12, "\"extrakt\""));
    assert_eq!(mistake.reason, "no operator is called like this");
    assert!(mistake.remedy.contains("extract, settings"));
    Filter::compile("[]").unwrap_err();
    Filter::compile("[[\"extract\",\"a\"]]").unwrap_err();
}

#[test]
fn nesting_is_bounded() {
    let nested = |count: usize| format!("{}true{}", "[\"not\",".repeat(count), "]".repeat(count));
    assert_eq!(answer(&nested(64)), Ok(true));
    let mistake = Filter::compile(&nested(65)).unwrap_err();
    assert_eq!(mistake.reason, "the rules nest more than 64 deep");
    Filter::compile(&"[".repeat(4096)).unwrap_err();
    Filter::compile(&"[\"not\",".repeat(585)).unwrap_err();
}

#[test]
fn a_rule_that_runs_away_is_an_error_of_the_record() {
    let text = format!(r#"["or",{}["equals",["extract","a.b"],1]]"#, r#"["extract","a.c"],"#.repeat(200));
    let event = format!(r#"{{"a":{{"x":"{}"}}}}"#, "x".repeat(4 << 20));
    let answer = Filter::compile(&text).unwrap().matches(event.as_bytes(), &Surroundings::default());
    assert_eq!(answer.unwrap_err().reason, "the filter takes too many steps on this event");
}
