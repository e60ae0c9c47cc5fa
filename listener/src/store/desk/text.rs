//! Texts that begin alike.

/// From which text on, and before which, a text begins with `prefix`: the end has the next scalar
/// value in the place of the last one. None where there is no end. UTF-8 sorts as scalar values do.
pub(in crate::store) fn prefix_range(prefix: &str) -> (String, Option<String>) {
    let mut end = prefix.to_owned();
    while let Some(last) = end.pop() {
        // `nth(1)` knows that surrogates are no scalar values.
        if let Some(next) = (last..=char::MAX).nth(1) {
            end.push(next);
            return (prefix.to_owned(), Some(end));
        }
    }
    (prefix.to_owned(), None)
}
