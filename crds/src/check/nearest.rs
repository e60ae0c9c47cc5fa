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

/// Letters to insert, remove, change or swap with a neighbour to make `right` of `left`
/// (optimal string alignment).
fn distance(left: &str, right: &str) -> usize {
    let (left, right): (Vec<char>, Vec<char>) = (left.chars().collect(), right.chars().collect());
    let mut rows: Vec<Vec<usize>> = vec![(0..=right.len()).collect()];
    for (i, a) in left.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, b) in right.iter().enumerate() {
            let at = |row: usize, column: usize| rows.get(row).and_then(|row| row.get(column)).copied();
            let changed = at(i, j).map(|before| before + usize::from(a != b));
            let removed = at(i, j + 1).map(|before| before + 1);
            let inserted = row.last().map(|before| before + 1);
            let swapped = (i > 0 && j > 0 && left.get(i - 1) == Some(b) && right.get(j - 1) == Some(a))
                .then(|| at(i - 1, j - 1).map(|before| before + 1))
                .flatten();
            row.push([changed, removed, inserted, swapped].into_iter().flatten().min().unwrap_or(usize::MAX));
        }
        rows.push(row);
    }
    rows.last().and_then(|row| row.last()).copied().unwrap_or(usize::MAX)
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
        assert_eq!(nearest("spce", ["spec", "status"]), Some("spec"));
    }

    #[test]
    fn a_name_of_its_own_finds_none() {
        assert_eq!(nearest("webhook", ["displayName", "description"]), None);
        assert_eq!(nearest(&"d".repeat(100_000), ["displayName"]), None);
    }
}
