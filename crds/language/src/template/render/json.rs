//! Whether the output of a template stands within a JSON string.

/// Follows JSON text, as far as its strings go; any text may come.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Within {
    string: bool,
    escape: bool,
}

impl Within {
    pub(super) fn is_string(self) -> bool {
        self.string
    }

    /// Goes on over `text`.
    pub(super) fn pass(&mut self, text: &str) {
        for byte in text.bytes() {
            match byte {
                _ if self.escape => self.escape = false,
                b'\\' => self.escape = self.string,
                b'"' => self.string = !self.string,
                _ => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_string_ends_at_a_quote_that_is_not_escaped() {
        for (text, string) in
            [("", false), ("{\"a", true), ("{\"a\\\"", true), ("{\"a\\\\\"", false), ("\"a\":", false)]
        {
            let mut within = Within::default();
            for piece in text.split_inclusive(|_| true) {
                within.pass(piece);
            }
            assert_eq!(within.is_string(), string, "{text}");
        }
    }
}
