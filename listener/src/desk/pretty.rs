//! JSON for people's eyes.

/// JSON with a line for each value. Only white space between values changes: numbers and escapes stay as
/// they are written.
pub fn pretty(json: &str) -> String {
    let mut out = String::with_capacity(json.len() * 2);
    let mut depth = 0_usize;
    let mut chars = json.chars().peekable();
    let newline = |out: &mut String, depth: usize| {
        out.push('\n');
        out.extend(std::iter::repeat_n("  ", depth.min(MAX_INDENT)));
    };
    while let Some(c) = chars.next() {
        match c {
            '"' => {
                out.push(c);
                let mut is_escaped = false;
                for c in chars.by_ref() {
                    out.push(c);
                    if c == '"' && !is_escaped {
                        break;
                    }
                    is_escaped = c == '\\' && !is_escaped;
                }
            }
            '{' | '[' => {
                out.push(c);
                while chars.next_if(char::is_ascii_whitespace).is_some() {}
                if let Some(end) = chars.next_if(|c| matches!(c, '}' | ']')) {
                    out.push(end);
                } else {
                    depth += 1;
                    newline(&mut out, depth);
                }
            }
            '}' | ']' => {
                depth = depth.saturating_sub(1);
                newline(&mut out, depth);
                out.push(c);
            }
            ',' => {
                out.push(c);
                newline(&mut out, depth);
            }
            ':' => out.push_str(": "),
            c if c.is_ascii_whitespace() => {}
            c => out.push(c),
        }
    }
    out
}

/// Deeper than this nobody reads, and the white space would be most of it.
const MAX_INDENT: usize = 40;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pretty_changes_white_space_only() {
        let json = r#"{"a":[1.0,{}, []],"b" : "x, {\"y\": 1}","big":90071992547409931}"#;
        let expected = "{\n  \"a\": [\n    1.0,\n    {},\n    []\n  ],\n  \"b\": \"x, {\\\"y\\\": 1}\",\n  \"big\": 90071992547409931\n}";
        assert_eq!(pretty(json), expected);
        assert_eq!(pretty(expected), expected);
    }
}
