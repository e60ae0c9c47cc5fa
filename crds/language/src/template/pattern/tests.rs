use std::time::{Duration, Instant};

use super::*;

fn find(pattern: &str, flags: &str, text: &str) -> Option<String> {
    let pattern = Pattern::new(pattern, flags).unwrap();
    let found = Matcher::new(&pattern, text).find(0).unwrap()?;
    Some(text[found.group(0).unwrap()].to_owned())
}

#[test]
fn patterns_match_as_in_javascript() {
    for (pattern, flags, text, expect) in [
        ("a|ab", "", "ab", Some("a")),
        ("(a*)*", "", "b", Some("")),
        ("(?:a|b)+?c", "", "abac", Some("abac")),
        ("^.$", "", "\n", None),
        ("^.$", "s", "\n", Some("\n")),
        ("[^]", "", "\n", Some("\n")),
        ("[]", "", "a", None),
        ("a{2,3}", "", "aaaa", Some("aaa")),
        ("a{,3}", "", "a{,3}", Some("a{,3}")),
        ("x{", "", "x{", Some("x{")),
        (r"\bfoo\b", "", "a foo b", Some("foo")),
        (r"\Bo", "", "foo", Some("o")),
        (r"[\w-]+", "", "a-b c", Some("a-b")),
        (r"(?<!a)b", "", "abcb", Some("b")),
        (r"(?<=(\d+))x", "", "12x", Some("x")),
        (r"\u{1F600}", "u", "😀", Some("😀")),
        (r"\ud83d\ude00", "", "😀", Some("😀")),
        (r"\cJ", "", "\n", Some("\n")),
        (r"\101", "", "A", Some("A")),
        (r"(z)((a+)?(b+)?(c))*", "", "zaacbbbcac", Some("zaacbbbcac")),
        ("straße", "i", "STRAßE", Some("STRAßE")),
        ("É", "i", "é", Some("é")),
        (r"\p{Script=Greek}+", "u", "abγδ", Some("γδ")),
        (r"(?<y>\d{4})-\k<y>", "", "2024-2024", Some("2024-2024")),
        ("b", "y", "ab", None),
        ("^b", "m", "a\nb", Some("b")),
    ] {
        assert_eq!(find(pattern, flags, text).as_deref(), expect, "/{pattern}/{flags} on {text:?}");
    }
}

#[test]
fn a_group_forgets_in_each_round() {
    let pattern = Pattern::new("(z)((a+)?(b+)?(c))*", "").unwrap();
    let found = Matcher::new(&pattern, "zaacbbbcac").find(0).unwrap().unwrap();
    let groups: Vec<_> = (0..6).map(|number| found.group(number)).collect();
    assert_eq!(groups, [Some(0..10), Some(0..1), Some(8..10), Some(8..9), None, Some(9..10)]);
}

#[test]
fn bad_patterns_and_flags_are_refused() {
    for (pattern, flags) in [
        ("([", ""),
        ("(", ""),
        (")", ""),
        ("*", ""),
        ("a**", ""),
        ("a{3,2}", ""),
        ("[b-a]", ""),
        ("\\", ""),
        ("(?<a>x)(?<a>y)", ""),
        ("(?a)", ""),
        (r"\k<b>(?<a>)", ""),
        (r"\p{Nope}", "u"),
        ("a", "gg"),
        ("a", "z"),
        ("((((a{99}){99}){99}){99}){99}", ""),
    ] {
        assert!(Pattern::new(pattern, flags).is_err(), "/{pattern}/{flags}");
    }
    assert!(Pattern::new(&"(".repeat(100_000), "").is_err());
    assert!(Pattern::new(&"(?:a".repeat(1_000), "").is_err());
}

#[test]
fn a_pattern_that_runs_away_is_stopped() {
    let text = format!("{}!", "a".repeat(60));
    let long = "a".repeat(200_000);
    for (pattern, text) in [("^(a+)+\\1b$", &text), ("(a|a)*b", &text), ("a*a*a*a*b", &long)] {
        let start = Instant::now();
        let pattern = Pattern::new(pattern, "").unwrap();
        assert_eq!(Matcher::new(&pattern, text).find(0), Err(Stopped));
        assert!(start.elapsed() < Duration::from_secs(1));
    }
}
