//! Encodings of text.

use std::borrow::Cow;

use base64::Engine;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use percent_encoding::{percent_decode_str, utf8_percent_encode};

use super::{Helper, Outcome, helper};
use crate::template::render::{Args, COMPONENT};
use crate::template::value::{Doc, Value, Wanted, escape_json, json_text};

#[rustfmt::skip]
pub(super) const HELPERS: &[Helper] = &[
    helper("base64Encode", 1, "text [form=\"utf8\"]", "The text in base64; with \"hex\" its bytes in hex.",
        ["{{{base64Encode a}}}", r#"{"a":"jane@x.test"}"#, "amFuZUB4LnRlc3Q="], base64_encode),
    helper("base64Decode", 1, "text [form=\"utf8\"]", "What base64 stands for, or with \"hex\" its bytes in hex. The letters of URLs are taken and padding may be missing; what is not UTF-8 becomes U+FFFD.",
        ["{{{base64Decode a}}}", r#"{"a":"w6k="}"#, "é"], base64_decode),
    helper("decodeURI", 1, "text", "What a percent-encoded text stands for; text that is not valid comes back as it is.",
        ["{{{decodeURI a}}}", r#"{"a":"a%20b%2Fc"}"#, "a b/c"], decode_uri),
    helper("encodeURI", 1, "text", "The text percent-encoded, as encodeURIComponent does. {{ }} in a URI does the same by itself.",
        ["{{{encodeURI a}}}", r#"{"a":"a b/c"}"#, "a%20b%2Fc"], |args| args.made(utf8_percent_encode(&args.text(0), COMPONENT).to_string())),
    helper("htmlDecode", 1, "text", "The text with the names and numbers of HTML5 replaced by their letters.",
        ["{{{htmlDecode a}}}", r#"{"a":"&lt;p&gt; &eacute; &#39;"}"#, "<p> é '"], |args| args.made(htmlize::unescape(&*args.text(0)).into_owned())),
    helper("htmlEncode", 1, "text", "The text with & < > \" ' escaped.",
        ["{{{htmlEncode a}}}", r#"{"a":"<b>'x'</b>"}"#, "&lt;b&gt;&#39;x&#39;&lt;/b&gt;"], html_encode),
    helper("jsonEncode", 1, "text", "The text escaped for the inside of a JSON string, without quotes around.",
        [r#"{"note":"{{{jsonEncode a}}}"}"#, r#"{"a":"say \"hi\""}"#, r#"{"note":"say \"hi\""}"#], json_encode),
    helper("jsonParse", 1, "text", "The value that JSON text stands for.",
        ["{{#with (jsonParse a)}}{{b.c}}{{/with}}", r#"{"a":"{\"b\":{\"c\":\"v\"}}"}"#, "v"], json_parse),
    helper("jsonSerialize", 1, "value", "The value as compact JSON, keys in their order, integers as written. Nothing for what is missing.",
        ["{{{jsonSerialize a}}}", r#"{"a":{"z":1,"b":[true,null]}}"#, r#"{"z":1,"b":[true,null]}"#], json_serialize),
    helper("jsonStringify", 1, "value", "The same as jsonSerialize.",
        ["{{{jsonStringify a}}}", r#"{"a":[1,"x"]}"#, r#"[1,"x"]"#], json_serialize),
    helper("stripProtocol", 1, "text", "The URL without its scheme: `//host/path`.",
        ["{{stripProtocol a}}", r#"{"a":"https://a.test/x"}"#, "//a.test/x"], strip_protocol),
    helper("stripQuerystring", 1, "text", "The URL up to its first question mark.",
        ["{{stripQuerystring a}}", r#"{"a":"https://a.test/p?x=1"}"#, "https://a.test/p"], |args| args.made(args.text(0).split('?').next().unwrap_or_default().to_owned())),
];

const STANDARD: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_allow_trailing_bits(true)
        .with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// Base64 with padding.
pub(super) fn to_base64(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

/// Base64 as lenient as Node's: other letters are left out, the text ends at its padding.
pub(super) fn from_base64(text: &str) -> Vec<u8> {
    let mut letters: Vec<u8> = text
        .bytes()
        .take_while(|byte| *byte != b'=')
        .filter_map(|byte| match byte {
            b'-' => Some(b'+'),
            b'_' => Some(b'/'),
            byte if byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/') => Some(byte),
            _ => None,
        })
        .collect();
    if letters.len() % 4 == 1 {
        letters.pop();
    }
    STANDARD.decode(letters).unwrap_or_default()
}

fn base64_encode<'a>(args: &Args<'_, 'a>) -> Outcome<'a> {
    let text = args.text(0);
    match &*args.text(1) {
        "hex" => args.made(hex::encode(text.as_bytes())),
        _ => args.made(to_base64(text.as_bytes())),
    }
}

fn base64_decode<'a>(args: &Args<'_, 'a>) -> Outcome<'a> {
    let bytes = from_base64(&args.text(0));
    match &*args.text(1) {
        "hex" => args.made(hex::encode(bytes)),
        _ => args.made(String::from_utf8_lossy(&bytes).into_owned()),
    }
}

fn decode_uri<'a>(args: &Args<'_, 'a>) -> Outcome<'a> {
    let text = args.text(0);
    let valid = text.match_indices('%').all(|(at, _)| {
        text.as_bytes().get(at + 1..at + 3).is_some_and(|hex| hex.iter().all(u8::is_ascii_hexdigit))
    });
    let decoded = valid.then(|| percent_decode_str(&text).decode_utf8().ok()).flatten().map(Cow::into_owned);
    args.made(decoded.unwrap_or_else(|| text.clone().into_owned()))
}

fn html_encode<'a>(args: &Args<'_, 'a>) -> Outcome<'a> {
    let text = args.text(0);
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            other => out.push(other),
        }
    }
    args.made(out)
}

fn json_encode<'a>(args: &Args<'_, 'a>) -> Outcome<'a> {
    let mut out = String::new();
    escape_json(&args.text(0), &mut out);
    args.made(out)
}

fn json_parse<'a>(args: &Args<'_, 'a>) -> Outcome<'a> {
    let value = args.get(0);
    if value.is_blank() {
        return Ok(Value::Missing);
    }
    Doc::read(Cow::Owned(args.text(0).into_owned()), &Wanted::All)
        .map_err(|at| args.error(format_args!("not JSON at byte {at}")))
}

fn json_serialize<'a>(args: &Args<'_, 'a>) -> Outcome<'a> {
    match args.get(0) {
        Value::Missing => Ok(Value::Missing),
        value => args.made(json_text(value)),
    }
}

fn strip_protocol<'a>(args: &Args<'_, 'a>) -> Outcome<'a> {
    let text = args.text(0);
    let stripped = match text.split_once("://") {
        Some((scheme, _)) if is_scheme(scheme) => text.get(scheme.len() + 1..).unwrap_or_default(),
        _ => &text,
    };
    args.made(stripped.to_owned())
}

fn is_scheme(scheme: &str) -> bool {
    scheme.starts_with(|first: char| first.is_ascii_alphabetic())
        && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.'))
}
