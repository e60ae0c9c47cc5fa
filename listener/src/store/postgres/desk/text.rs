//! Texts as PostgreSQL takes them: it keeps no character U+0000.

use std::borrow::Cow;

/// The same text, with U+FFFD in the place of each U+0000.
pub(super) fn clean(text: &str) -> Cow<'_, str> {
    if text.contains('\0') { Cow::Owned(text.replace('\0', "\u{FFFD}")) } else { Cow::Borrowed(text) }
}

/// The same as a text of its own.
pub(super) fn cleaned(text: &str) -> String {
    clean(text).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_character_that_cannot_be_kept_is_replaced() {
        assert_eq!(clean("größe\u{10FFFF}"), "größe\u{10FFFF}");
        assert_eq!(clean("a\0b"), "a\u{FFFD}b");
    }
}
