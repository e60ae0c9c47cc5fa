//! What is different between two payloads, line by line.

use std::time::Duration;

use maud::{Markup, html};
use similar::{ChangeTag, TextDiff};

use crate::desk::pretty;

/// Lines that are shown at most.
const MOST: usize = 1_000;
/// Lines around a change.
const AROUND: usize = 3;
/// After this the difference is as good as it got.
const PATIENCE: Duration = Duration::from_millis(200);

/// The difference; JSON is compared with a line for each value.
pub(super) fn diff(before: &str, after: &str) -> Markup {
    let (before, after) = (laid_out(before), laid_out(after));
    if before == after {
        return html! { p { "Nothing but white space is different." } };
    }
    let diff = TextDiff::configure().timeout(PATIENCE).diff_lines(&before, &after);
    let groups = diff.grouped_ops(AROUND);
    let mut lines: Vec<(ChangeTag, String)> = Vec::new();
    let mut more = 0_usize;
    for change in groups.iter().flatten().flat_map(|op| diff.iter_changes(op)) {
        if lines.len() < MOST {
            lines.push((change.tag(), change.value().trim_end_matches('\n').to_owned()));
        } else {
            more += 1;
        }
    }
    html! {
        div.scroll role="region" aria-label="Difference to the original" tabindex="0" {
            pre.diff {
                @for (tag, line) in &lines {
                    @match tag {
                        ChangeTag::Delete => del { "- " (line) },
                        ChangeTag::Insert => ins { "+ " (line) },
                        ChangeTag::Equal => span { "  " (line) },
                    }
                    "\n"
                }
            }
        }
        @if more > 0 { p { "And " (more) " more lines." } }
    }
}

/// JSON with a line for each value; anything else as it is.
pub(super) fn laid_out(text: &str) -> String {
    let is_json = serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok();
    if is_json { pretty(text) } else { text.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_that_went_and_came_are_marked_and_escaped() {
        let shown = diff(r#"{"a":1,"b":"<script>"}"#, r#"{"a":2,"b":"<script>"}"#).into_string();
        assert!(shown.contains("<del>-   &quot;a&quot;: 1,</del>"), "{shown}");
        assert!(shown.contains("<ins>+   &quot;a&quot;: 2,</ins>"), "{shown}");
        assert!(shown.contains("&lt;script&gt;") && !shown.contains("<script>"), "{shown}");
    }

    #[test]
    fn white_space_alone_is_no_difference() {
        assert!(diff(r#"{"a":1}"#, "{ \"a\" : 1 }").into_string().contains("Nothing but white space"));
    }

    #[test]
    fn many_lines_are_cut() {
        let before: Vec<_> = (0..3_000).collect();
        let after: Vec<_> = (0..3_000).map(|number| number + 10_000).collect();
        let shown = diff(&format!("{before:?}"), &format!("{after:?}")).into_string();
        assert!(shown.contains("more lines"));
    }
}
