//! The known name that somebody may have meant.

/// The one of `known` that is nearest to `written`, if one is near enough to be meant.
pub fn nearest<'a>(written: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    // Longer than any name: nobody meant one, and the comparison is quadratic.
    if written.chars().count() > 64 {
        return None;
    }
    let lower = written.to_lowercase();
    let allowed = (lower.chars().count() / 3).clamp(1, 3);
    known
        .into_iter()
        .map(|name| (distance(&lower, &name.to_lowercase()), name))
        .filter(|(distance, _)| *distance <= allowed)
        .min()
        .map(|(_, name)| name)
}

/// Letters to insert, remove or change to make `right` of `left` (Levenshtein).
fn distance(left: &str, right: &str) -> usize {
    let right: Vec<char> = right.chars().collect();
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (i, a) in left.chars().enumerate() {
        let mut diagonal = i;
        let mut before = i + 1;
        for (cell, b) in row.iter_mut().skip(1).zip(&right) {
            let changed = diagonal + usize::from(a != *b);
            diagonal = *cell;
            *cell = changed.min(before + 1).min(diagonal + 1);
            before = *cell;
        }
        if let Some(first) = row.first_mut() {
            *first = i + 1;
        }
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_finds_the_name_that_was_meant() {
        let known = ["displayName", "description", "destinations", "dataUriTemplate"];
        assert_eq!(nearest("destination", known), Some("destinations"));
        assert_eq!(nearest("displayname", known), Some("displayName"));
        assert_eq!(nearest("dataURITemplate", known), Some("dataUriTemplate"));
        assert_eq!(nearest("discription", known), Some("description"));
    }

    #[test]
    fn a_name_of_its_own_finds_none() {
        assert_eq!(nearest("webhook", ["displayName", "description"]), None);
        assert_eq!(nearest(&"d".repeat(100_000), ["displayName"]), None);
    }
}
