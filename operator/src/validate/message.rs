//! Messages of conditions, bounded. The API server takes 32,768 characters; nobody reads so many.

/// Characters of a condition's message.
pub const MAX_MESSAGE: usize = 1_024;

/// Room for the words that say how much is left out.
const TAIL: usize = 24;

/// Between two mistakes; after a question its mark is enough.
fn gap(text: &str) -> &'static str {
    if text.ends_with('?') { " " } else { ". " }
}

/// Whole mistakes one after the other, as many as fit; how many are left out is said.
pub(super) fn join(mistakes: impl Iterator<Item = String>) -> String {
    let mut text = String::new();
    let mut length = 0;
    let mut left_out = 0_usize;
    for mistake in mistakes {
        let more = mistake.chars().count();
        if text.is_empty() {
            text = bounded(&mistake, MAX_MESSAGE - TAIL);
            length = text.chars().count();
        } else if left_out > 0 || length + 2 + more > MAX_MESSAGE - TAIL {
            left_out += 1;
        } else {
            text.push_str(gap(&text));
            text.push_str(&mistake);
            length += 2 + more;
        }
    }
    if left_out > 0 {
        text = format!("{text}{}And {left_out} more", gap(&text));
    }
    text
}

/// At most `most` characters. Of a text that is longer, its begin and its end: the begin names the
/// field, the end says what to do.
pub(crate) fn bounded(text: &str, most: usize) -> String {
    let length = text.chars().count();
    if length <= most {
        return text.to_owned();
    }
    let end = (most / 3).min(most.saturating_sub(3));
    let begin = most.saturating_sub(end + 3);
    let head: String = text.chars().take(begin).collect();
    let tail: String = text.chars().skip(length - end).collect();
    format!("{head} … {tail}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_fits_is_said_whole() {
        assert_eq!(join(["a: b; c".to_owned(), "d: e; f".to_owned()].into_iter()), "a: b; c. d: e; f");
    }

    #[test]
    fn what_does_not_fit_is_counted() {
        let mistake = "x".repeat(300);
        let text = join(std::iter::repeat_n(mistake, 10));
        assert!(text.chars().count() <= MAX_MESSAGE, "{}", text.chars().count());
        assert!(text.ends_with(". And 7 more"), "{text}");
    }

    #[test]
    fn a_long_text_keeps_its_begin_and_its_end() {
        let text = bounded(&format!("spec.filter: {}; mend it", "ü".repeat(5_000)), MAX_MESSAGE);
        assert_eq!(text.chars().count(), MAX_MESSAGE);
        assert!(text.starts_with("spec.filter: ") && text.ends_with("; mend it"), "{text}");
    }
}
