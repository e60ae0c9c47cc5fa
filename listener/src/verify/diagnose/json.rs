//! Prints a JSON text in other ways, token by token: numbers stay as they are written, whatever their size, and
//! nothing depends on the depth.

use serde::de::IgnoredAny;

/// A way to print JSON.
#[derive(Debug)]
pub(super) struct Style {
    /// Follows "printed".
    pub(super) name: &'static str,
    comma: &'static str,
    colon: &'static str,
    /// Spaces by depth; 0 = all on one line.
    indent: usize,
    /// Characters beyond ASCII as `\uXXXX`.
    ascii: bool,
    /// `/` as `\/`.
    slashes: bool,
}

const COMPACT: Style =
    Style { name: "without white space", comma: ",", colon: ":", indent: 0, ascii: false, slashes: false };

/// The usual printers.
pub(super) const STYLES: &[Style] = &[
    COMPACT,
    Style { name: "as Python's json.dumps does", comma: ", ", colon: ": ", ascii: true, ..COMPACT },
    Style { name: "with spaces after commas and colons", comma: ", ", colon: ": ", ..COMPACT },
    Style { name: "without white space, in ASCII", ascii: true, ..COMPACT },
    Style { name: "as PHP's json_encode does", ascii: true, slashes: true, ..COMPACT },
    Style { name: "with an indent of two spaces", colon: ": ", indent: 2, ..COMPACT },
    Style { name: "with an indent of four spaces", colon: ": ", indent: 4, ..COMPACT },
    Style { name: "with an indent of four spaces, in ASCII", colon: ": ", indent: 4, ascii: true, ..COMPACT },
];

/// A printed text may be so many times as long as the body, and no longer: deep indents could fill the memory.
const MAX_GROWTH: usize = 4;

/// The body printed in this style. None where it is no JSON, is printed so already, or would grow beyond reason.
pub(super) fn print(body: &[u8], style: &Style) -> Option<Vec<u8>> {
    serde_json::from_slice::<IgnoredAny>(body).ok()?;
    let limit = body.len() * MAX_GROWTH + 1024;
    let mut out = Vec::with_capacity(body.len());
    let mut depth = 0_usize;
    let mut at = 0;
    while let Some(&byte) = body.get(at) {
        match byte {
            b' ' | b'\t' | b'\r' | b'\n' => at += 1,
            b'"' => {
                let end = string_end(body, at)?;
                push_string(&mut out, &body[at..end], style);
                at = end;
            }
            b'[' | b'{' => {
                out.push(byte);
                let next = body[at + 1..].iter().position(|byte| !byte.is_ascii_whitespace())? + at + 1;
                if matches!(body[next], b']' | b'}') {
                    out.push(body[next]);
                    at = next + 1;
                } else {
                    depth += 1;
                    new_line(&mut out, style, depth, limit)?;
                    at += 1;
                }
            }
            b']' | b'}' => {
                depth = depth.checked_sub(1)?;
                new_line(&mut out, style, depth, limit)?;
                out.push(byte);
                at += 1;
            }
            b',' => {
                out.extend_from_slice(style.comma.as_bytes());
                new_line(&mut out, style, depth, limit)?;
                at += 1;
            }
            b':' => {
                out.extend_from_slice(style.colon.as_bytes());
                at += 1;
            }
            _ => {
                out.push(byte);
                at += 1;
            }
        }
        if out.len() > limit {
            return None;
        }
    }
    (out != body).then_some(out)
}

fn new_line(out: &mut Vec<u8>, style: &Style, depth: usize, limit: usize) -> Option<()> {
    if style.indent > 0 {
        let spaces = style.indent * depth;
        if out.len() + spaces > limit {
            return None;
        }
        out.push(b'\n');
        out.resize(out.len() + spaces, b' ');
    }
    Some(())
}

/// Where the string that begins at `start` ends, behind its quote.
fn string_end(body: &[u8], start: usize) -> Option<usize> {
    let mut at = start + 1;
    loop {
        at += memchr::memchr2(b'"', b'\\', body.get(at..)?)?;
        if body[at] == b'"' {
            return Some(at + 1);
        }
        at += 2;
    }
}

fn push_string(out: &mut Vec<u8>, token: &[u8], style: &Style) {
    // A lone surrogate has no text to print anew: it stays as it is written.
    let Ok(printed) = serde_json::from_slice::<String>(token).and_then(|text| serde_json::to_string(&text))
    else {
        out.extend_from_slice(token);
        return;
    };
    let mut units = [0_u16; 2];
    let mut bytes = [0_u8; 4];
    for character in printed.chars() {
        if style.slashes && character == '/' {
            out.extend_from_slice(b"\\/");
        } else if style.ascii && (character as u32) > 0x7E {
            for unit in character.encode_utf16(&mut units) {
                out.extend_from_slice(format!("\\u{unit:04x}").as_bytes());
            }
        } else {
            out.extend_from_slice(character.encode_utf8(&mut bytes).as_bytes());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn printed(body: &str, style: usize) -> String {
        String::from_utf8(print(body.as_bytes(), &STYLES[style]).unwrap()).unwrap()
    }

    #[test]
    fn numbers_of_any_size_and_form_survive() {
        let body = "[ 123456789012345678901234567890 , 1.0, -0, 1e400 ]";
        assert_eq!(printed(body, 0), "[123456789012345678901234567890,1.0,-0,1e400]");
    }

    #[test]
    fn text_is_printed_as_the_usual_printers_do() {
        let body = r#"{"a" : "é/\u00e9 \ud83d\ude00", "b":[ ],"c":{"d":null}}"#;
        assert_eq!(printed(body, 0), r#"{"a":"é/é 😀","b":[],"c":{"d":null}}"#);
        assert_eq!(printed(body, 1), r#"{"a": "\u00e9/\u00e9 \ud83d\ude00", "b": [], "c": {"d": null}}"#);
        assert_eq!(printed(body, 4), r#"{"a":"\u00e9\/\u00e9 \ud83d\ude00","b":[],"c":{"d":null}}"#);
        assert_eq!(printed("{\"a\":[1,{}]}", 5), "{\n  \"a\": [\n    1,\n    {}\n  ]\n}");
    }

    #[test]
    fn a_deep_or_broken_text_is_skipped_without_harm() {
        let deep = format!("{}{}", "[".repeat(200_000), "]".repeat(200_000));
        for style in STYLES {
            let _ = print(deep.as_bytes(), style);
        }
        assert!(print(deep.as_bytes(), &STYLES[5]).is_none());
        assert!(print(b"{'a':1}", &STYLES[0]).is_none());
        assert!(print(b"", &STYLES[0]).is_none());
        assert_eq!(printed(r#"[ "\ud800" ]"#, 0), r#"["\ud800"]"#);
    }

    proptest! {
        #[test]
        fn every_style_keeps_the_value(text in "[a-zé/\"\\\\\n]{0,12}", number: i64) {
            let value = serde_json::json!([{ "a": text, "b": [number, {}, []] }]);
            let body = serde_json::to_vec_pretty(&value).unwrap();
            for style in STYLES {
                if let Some(printed) = print(&body, style) {
                    prop_assert_eq!(&serde_json::from_slice::<serde_json::Value>(&printed).unwrap(), &value);
                }
            }
        }

        #[test]
        fn arbitrary_bytes_are_printed_without_a_panic(body: Vec<u8>) {
            for style in STYLES {
                let _ = print(&body, style);
            }
        }
    }
}
