//! Fields that nobody is shown.
//!
//! A field is named by a JSON pointer (RFC 6901). Its value is replaced where it stands in the bytes;
//! every other byte stays as it is. Where a member stands twice in an object, both are replaced. What
//! is no JSON object cannot be searched for fields, so it is not shown at all where fields are masked.

use std::fmt;
use std::ops::Range;

use bytes::Bytes;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

/// What stands in the place of a masked value: a JSON string.
pub(super) const MASK: &str = "\"[masked]\"";
/// Values shorter than this are not searched for in other texts: `no` stands everywhere.
const MIN_SCRUBBED: usize = 4;

/// The pointers of one listener.
#[derive(Debug)]
pub(super) struct Masks(Vec<Vec<String>>);

impl Masks {
    pub(super) fn new(pointers: &[String]) -> Self {
        let tokens = |pointer: &String| {
            let tokens = pointer.strip_prefix('/').unwrap_or(pointer).split('/');
            tokens.map(|token| token.replace("~1", "/").replace("~0", "~")).collect()
        };
        Self(pointers.iter().map(tokens).collect())
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The payload as it may be shown; none: it cannot be searched, so it may not.
    pub(super) fn hide(&self, payload: &Bytes) -> Option<Bytes> {
        if self.is_empty() {
            return Some(payload.clone());
        }
        let text = std::str::from_utf8(payload).ok()?;
        let spans = self.spans(text)?;
        Some(Bytes::from(replace(text, spans.into_iter().map(|span| (span, MASK)))))
    }

    /// `text` without the masked values of `payload`, as a destination may send them back.
    pub(super) fn scrub(&self, payload: &[u8], text: &str) -> String {
        let whole = std::str::from_utf8(payload).unwrap_or_default();
        let mut scrubbed = text.to_owned();
        for span in self.spans(whole).unwrap_or_default() {
            let raw = &whole[span];
            let inner = raw.trim_matches('"');
            let decoded = serde_json::from_str::<String>(raw).unwrap_or_default();
            for value in [inner, &decoded] {
                if value.len() >= MIN_SCRUBBED {
                    scrubbed = scrubbed.replace(value, "[masked]");
                }
            }
        }
        scrubbed
    }

    /// An edited payload with the values of `original` again where its masks were left as they were
    /// shown; the pointer of a mask that stands for nothing otherwise.
    pub(super) fn restore(&self, edited: &str, original: &[u8]) -> Result<String, String> {
        let original = std::str::from_utf8(original).unwrap_or_default();
        let mut places = Vec::new();
        for tokens in &self.0 {
            // What is not JSON is refused by the desk, with the place of the mistake.
            let Ok(shown) = find(edited, tokens) else { return Ok(edited.to_owned()) };
            let hidden = find(original, tokens).unwrap_or_default();
            for (at, span) in shown.into_iter().enumerate() {
                if &edited[span.clone()] == MASK {
                    let Some(value) = hidden.get(at) else {
                        return Err(format!("/{}", tokens.join("/")));
                    };
                    places.push((span, &original[value.clone()]));
                }
            }
        }
        places.sort_by_key(|(span, _)| span.start);
        places.dedup_by_key(|(span, _)| span.start);
        Ok(replace(edited, places.into_iter()))
    }

    /// Where the masked values stand, in order, none inside another; none: this is no JSON object.
    fn spans(&self, text: &str) -> Option<Vec<Range<usize>>> {
        if !text.trim_start().starts_with('{') || serde_json::from_str::<&RawValue>(text).is_err() {
            return None;
        }
        let mut spans = Vec::new();
        for tokens in &self.0 {
            spans.extend(find(text, tokens).ok()?);
        }
        spans.sort_by_key(|span: &Range<usize>| (span.start, std::cmp::Reverse(span.end)));
        let mut end = 0;
        spans.retain(|span| {
            let is_outside = span.start >= end;
            end = end.max(span.end);
            is_outside
        });
        Some(spans)
    }
}

fn replace<'a>(text: &str, places: impl Iterator<Item = (Range<usize>, &'a str)>) -> String {
    let mut replaced = String::with_capacity(text.len());
    let mut end = 0;
    for (span, value) in places {
        replaced.push_str(&text[end..span.start]);
        replaced.push_str(value);
        end = span.end;
    }
    replaced.push_str(&text[end..]);
    replaced
}

/// The places in `text` that a pointer leads to. It descends one level for each token, and values
/// beside the way are skipped, so that depth costs nothing.
fn find(text: &str, tokens: &[String]) -> Result<Vec<Range<usize>>, serde_json::Error> {
    let mut values = vec![serde_json::from_str::<&RawValue>(text)?];
    for token in tokens {
        let mut next = Vec::new();
        for value in values {
            match value.get().as_bytes().first() {
                Some(b'{') => {
                    let Members(members) = serde_json::from_str(value.get())?;
                    next.extend(
                        members.into_iter().filter(|(name, _)| name == token).map(|(_, value)| value),
                    );
                }
                Some(b'[') => {
                    let elements: Vec<&RawValue> = serde_json::from_str(value.get())?;
                    let is_index = token == "0" || !token.starts_with(['0', '+']);
                    let at = token.parse::<usize>().ok().filter(|_| is_index);
                    next.extend(at.and_then(|at| elements.get(at)));
                }
                _ => {}
            }
        }
        values = next;
    }
    let begin = text.as_ptr().addr();
    let span = |value: &RawValue| {
        let start = value.get().as_ptr().addr() - begin;
        start..start + value.get().len()
    };
    Ok(values.into_iter().map(span).collect())
}

/// The members of an object in order, repeated ones, too.
struct Members<'a>(Vec<(String, &'a RawValue)>);

impl<'de> serde::Deserialize<'de> for Members<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reads;
        impl<'de> Visitor<'de> for Reads {
            type Value = Members<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(Reads)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn masks(pointers: &[&str]) -> Masks {
        Masks::new(&pointers.iter().map(|&pointer| pointer.to_owned()).collect::<Vec<_>>())
    }

    fn hidden(pointers: &[&str], payload: &'static str) -> Option<String> {
        let hidden = masks(pointers).hide(&Bytes::from_static(payload.as_bytes()))?;
        Some(String::from_utf8(hidden.to_vec()).unwrap())
    }

    #[test]
    fn only_the_bytes_of_masked_values_change() {
        let payload = r#" {"a" : 1e2, "p":{"email": "a@b.c" ,"n":[1,{"x":2}]}, "email":"kept", "big":90071992547409931} "#;
        assert_eq!(
            hidden(&["/p/email", "/p/n/1/x", "/none", "/p/n/7", "/p/n/01"], payload).unwrap(),
            r#" {"a" : 1e2, "p":{"email": "[masked]" ,"n":[1,{"x":"[masked]"}]}, "email":"kept", "big":90071992547409931} "#
        );
        assert_eq!(hidden(&[], payload).unwrap(), payload);
    }

    #[test]
    fn escaped_repeated_and_nested_members_are_found() {
        assert_eq!(
            hidden(&["/email"], r#"{"\u0065mail":1,"email":2}"#).unwrap(),
            r#"{"\u0065mail":"[masked]","email":"[masked]"}"#
        );
        assert_eq!(
            hidden(&["/a~1b/~0"], r#"{"a/b":{"~":{"deep":1}}}"#).unwrap(),
            r#"{"a/b":{"~":"[masked]"}}"#
        );
        assert_eq!(hidden(&["/a/b", "/a"], r#"{"a":{"b":1},"c":2}"#).unwrap(), r#"{"a":"[masked]","c":2}"#);
    }

    #[test]
    fn what_cannot_be_searched_is_not_shown() {
        for payload in ["{\"email\":\"a@b.c\"", "[{\"email\":1}]", "", "{} {}", "nonsense"] {
            assert_eq!(hidden(&["/email"], payload), None, "{payload}");
        }
        assert_eq!(masks(&["/a"]).hide(&Bytes::from_static(b"{\"a\":\"\xff\"}")), None);
    }

    #[test]
    fn depth_costs_nothing() {
        let deep = format!("{{\"a\":{}1{},\"b\":2}}", "[".repeat(200_000), "]".repeat(200_000));
        let hidden = masks(&["/b"]).hide(&Bytes::from(deep)).unwrap();
        assert!(hidden.ends_with(b",\"b\":\"[masked]\"}"));
    }

    #[test]
    fn an_edit_keeps_what_it_did_not_show() {
        let masks = masks(&["/email", "/card/number"]);
        let original = br#"{"email":"a@b.c","card":{"number":9007199254740993},"name":"X"}"#;
        let edited = r#"{"name":"Y", "email":"[masked]", "card":{"number":"[masked]"}}"#;
        let restored = r#"{"name":"Y", "email":"a@b.c", "card":{"number":9007199254740993}}"#;
        assert_eq!(masks.restore(edited, original).unwrap(), restored);
        let replaced = r#"{"email":"new@b.c"}"#;
        assert_eq!(masks.restore(replaced, original).unwrap(), replaced);
        assert_eq!(masks.restore(edited, b"{}").unwrap_err(), "/email");
        assert_eq!(masks.restore("{broken", original).unwrap(), "{broken");
    }

    #[test]
    fn an_answer_that_repeats_a_masked_value_is_scrubbed() {
        let payload = br#"{"email":"a\u0040b.c","age":7}"#;
        let text = r#"{"error":"a@b.c is taken","sent":"a\u0040b.c","code":7}"#;
        let expected = r#"{"error":"[masked] is taken","sent":"[masked]","code":7}"#;
        assert_eq!(masks(&["/email", "/age"]).scrub(payload, text), expected);
    }
}
