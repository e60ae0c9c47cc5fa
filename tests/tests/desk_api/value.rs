//! JSON that fits a schema, and JSON that does not.

use serde_json::{Map, Value, json};
use tests::Random;

/// Words that stand in the store, and some that do not.
const WORDS: &[&str] = &[
    "contact_7",
    "contact_",
    "warehouse",
    "olaf",
    "no such property",
    "urgent",
    "a note",
    "",
    "{\"objectId\":7,\"name\":\"Ann\"}",
    "{broken",
    "2026-11-25T08:00:00Z",
    "1790000000000",
];

/// Text that trips programs up.
pub(crate) const ODD_WORDS: &[&str] = &[
    "\0",
    "é",
    "漢字",
    "🙂",
    "\u{202e}abc",
    "\u{feff}",
    "e\u{301}",
    "\u{fffd}",
    "%",
    "_",
    "%%_\\",
    "'",
    "\"",
    "' OR 1=1 --",
    "\\u0000",
    "../../etc/passwd",
    "a,b",
    "null",
    "NaN",
    "-1",
    "1e999",
    " ",
    "\r\n",
    "\t",
    "9223372036854775807",
    "9223372036854775808",
    "-9223372036854775808",
    "99999999999999999999999999",
    "0x10",
    "+9999-12-31T23:59:59Z",
    "-009999-01-01T00:00:00Z",
    "[",
    "*",
    "\u{7f}",
    "ＡＢＣ",
    "ß",
    "İ",
];

const DEEP: usize = 8;

/// A value that fits `schema`.
pub(crate) fn good(random: &mut Random, schema: &Value, components: &Value) -> Value {
    fitting(random, schema, components, 0)
}

fn fitting(random: &mut Random, schema: &Value, components: &Value, depth: usize) -> Value {
    let made = |random: &mut Random, schema: &Value| fitting(random, schema, components, depth + 1);
    if let Some(name) = schema["$ref"].as_str() {
        let (_, name) = name.rsplit_once('/').expect("a path");
        return made(random, &components["schemas"][name]);
    }
    if let Some(value) = schema.get("const") {
        return value.clone();
    }
    if let Some(values) = schema["enum"].as_array() {
        return random.of_list(values).clone();
    }
    if let Some(examples) = schema["examples"].as_array() {
        return random.of_list(examples).clone();
    }
    let mut object = Map::new();
    for key in ["oneOf", "anyOf", "allOf"] {
        let Some(ways) = schema[key].as_array() else { continue };
        let some = if key == "allOf" { &ways[..] } else { std::slice::from_ref(random.of_list(ways)) };
        for way in some {
            match made(random, way) {
                Value::Object(fields) => object.extend(fields),
                other => return other,
            }
        }
    }
    let types: Vec<&str> = match &schema["type"] {
        Value::Array(all) => all.iter().filter_map(Value::as_str).collect(),
        Value::String(one) => vec![one],
        _ => vec!["object"],
    };
    match random.word(&types) {
        "null" => Value::Null,
        "boolean" => json!(random.one_in(2)),
        "integer" => integer(random, schema),
        "number" => json!(0.5),
        "string" => json!(text(random)),
        "array" => (0..random.below(4)).map(|_| made(random, &schema["items"])).collect(),
        _ => {
            let required = |name: &str| {
                schema["required"].as_array().is_some_and(|all| all.iter().any(|one| one == name))
            };
            for (name, schema) in schema["properties"].as_object().into_iter().flatten() {
                if required(name) || (depth < DEEP && random.one_in(3)) {
                    object.insert(name.clone(), made(random, schema));
                }
            }
            Value::Object(object)
        }
    }
}

fn integer(random: &mut Random, schema: &Value) -> Value {
    let least = schema["minimum"].as_i64().unwrap_or(0);
    let most = schema["maximum"].as_i64().unwrap_or(i64::MAX);
    let small = i64::try_from(random.below(100)).expect("64 bits");
    let time = 1_790_000_000_000 + small;
    let number = if random.one_in(4) { time } else { small };
    json!(number.clamp(least, most))
}

/// Mostly a word of the store.
pub(crate) fn text(random: &mut Random) -> String {
    match random.below(12) {
        0 => random.word(ODD_WORDS).to_owned(),
        1 => format!("{}{}", random.word(WORDS), random.word(ODD_WORDS)),
        _ => random.word(WORDS).to_owned(),
    }
}

/// Anything at all.
pub(crate) fn odd(random: &mut Random) -> Value {
    match random.below(14) {
        0 => Value::Null,
        1 => json!(random.one_in(2)),
        2 => json!(-1),
        3 => json!(i64::MAX),
        4 => json!(i64::MIN),
        5 => json!(u64::MAX),
        6 => json!(1e308),
        7 => json!(1.5),
        8 => json!([]),
        9 => json!({}),
        10 => (0..40).fold(json!(1), |inner, _| json!([inner])),
        11 => json!("x".repeat(random.below(9_000))),
        12 => (0..random.below(100)).map(|_| json!("urgent")).collect(),
        _ => json!(random.word(ODD_WORDS)),
    }
}

/// Breaks a value somewhere.
pub(crate) fn spoil(random: &mut Random, value: &mut Value) {
    match value {
        Value::Object(fields) if !fields.is_empty() && !random.one_in(4) => match random.below(6) {
            0 => {
                fields.insert(
                    random.word(&["limit", "state", "Act", "__proto__", "", "selection"]).to_owned(),
                    odd(random),
                );
            }
            1 => {
                let name = random.of_list(&fields.keys().cloned().collect::<Vec<_>>()).clone();
                fields.remove(&name);
            }
            _ => {
                let at = random.below(fields.len());
                let inner = fields.values_mut().nth(at).expect("it is there");
                spoil(random, inner);
            }
        },
        Value::Array(items) if !items.is_empty() && !random.one_in(4) => {
            let at = random.below(items.len());
            spoil(random, &mut items[at]);
        }
        other => *other = odd(random),
    }
}

/// The bytes of a value, now and then broken as text.
pub(crate) fn bytes(random: &mut Random, value: &Value, broken: bool) -> Vec<u8> {
    let mut text = value.to_string().into_bytes();
    if !broken {
        return text;
    }
    match random.below(10) {
        0 => text.truncate(random.below(text.len())),
        1 => text.extend_from_slice(b" {}"),
        2 => text.splice(..0, *b"\xef\xbb\xbf").for_each(drop),
        3 => return [b"[".repeat(20_000), b"]".repeat(20_000)].concat(),
        4 => return br#"{"text":"a","text":"b"}"#.to_vec(),
        5 => return b"{\"text\":\"\xff\xfe\xc3\"}".to_vec(),
        6 => return br#"{"text":"\ud800"}"#.to_vec(),
        7 => return [&b"{\"untilMs\":"[..], &b"9".repeat(400), b"}"].concat(),
        8 => return [&b"{\"text\":\""[..], &b"x".repeat(66_000), b"\"}"].concat(),
        _ => return [&b"{\"payload\":\""[..], &b"x".repeat(8_500_000), b"\"}"].concat(),
    }
    text
}
