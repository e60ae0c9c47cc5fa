//! Text within a width, for terminals: no control character of a record reaches one.

/// Characters of the widest line.
pub(super) const WIDTH: usize = 120;

/// The text with control characters, and those that turn the direction of writing, made visible.
pub(super) fn visible(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for letter in text.chars() {
        let turns =
            matches!(letter, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
        if letter.is_control() || turns {
            shown.extend(letter.escape_default());
        } else {
            shown.push(letter);
        }
    }
    shown
}

/// At most `width` characters; what was cut is `…`.
pub(super) fn fit(text: &str, width: usize) -> String {
    if text.chars().count() <= width {
        return text.to_owned();
    }
    text.chars().take(width.saturating_sub(1)).chain(['…']).collect()
}

/// The text with as many spaces behind it as make it `width` characters.
pub(super) fn pad(text: &str, width: usize) -> String {
    let missing = width.saturating_sub(text.chars().count());
    format!("{text}{}", " ".repeat(missing))
}

/// Lines of at most `width` characters, broken at spaces where there are any, at most `most` of them.
pub(super) fn wrap(text: &str, width: usize, most: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    let mut used = 0;
    for word in text.split(' ') {
        let mut word = word;
        let mut length = word.chars().count();
        let gap = usize::from(used > 0);
        if used > 0 && used + gap + length > width {
            lines.push(String::new());
            used = 0;
        } else if used > 0 {
            push(&mut lines, " ");
            used += 1;
        }
        while length > width {
            let at = word.char_indices().nth(width).map_or(word.len(), |(at, _)| at);
            let (head, tail) = word.split_at(at);
            push(&mut lines, head);
            lines.push(String::new());
            word = tail;
            length -= width;
        }
        push(&mut lines, word);
        used += length;
        if lines.len() > most {
            break;
        }
    }
    if lines.len() > most {
        lines.truncate(most);
        if let Some(last) = lines.last_mut() {
            *last = fit(&format!("{last} …"), width);
        }
    }
    lines
}

fn push(lines: &mut [String], text: &str) {
    if let Some(last) = lines.last_mut() {
        last.push_str(text);
    }
}

/// Places as ranges: `0-3, 5`.
pub(super) fn ranges(places: &[usize]) -> String {
    let mut found: Vec<(usize, usize)> = Vec::new();
    for &place in places {
        match found.last_mut() {
            Some((_, last)) if *last + 1 == place => *last = place,
            _ => found.push((place, place)),
        }
    }
    let shown = found.into_iter().map(|(first, last)| match last - first {
        0 => first.to_string(),
        1 => format!("{first}, {last}"),
        _ => format!("{first}-{last}"),
    });
    shown.collect::<Vec<_>>().join(", ")
}

/// `1 record`, `2 records`.
pub(super) fn count(number: usize, what: &str) -> String {
    if number == 1 { format!("1 {what}") } else { format!("{number} {what}s") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_are_made_visible() {
        assert_eq!(visible("a\u{1b}[31m\nü\u{202e}"), "a\\u{1b}[31m\\nü\\u{202e}");
    }

    #[test]
    fn lines_are_no_wider_than_told_and_no_more() {
        assert_eq!(wrap("aa bb cc", 5, 9), ["aa bb", "cc"]);
        assert_eq!(wrap("abcdefgh ij", 3, 9), ["abc", "def", "gh", "ij"]);
        assert_eq!(wrap("a b c d e", 1, 2), ["a", "…"]);
        assert_eq!(wrap("", 5, 2), [""]);
        for line in wrap(&"wörter und ".repeat(90), 40, 4) {
            assert!(line.chars().count() <= 40, "{line}");
        }
    }

    #[test]
    fn places_are_told_in_ranges() {
        assert_eq!(ranges(&[0, 1, 2, 5, 7, 8]), "0-2, 5, 7, 8");
        assert_eq!(ranges(&[]), "");
    }
}
