//! The name that somebody may have meant.

use crate::template::helpers;

/// The helper whose name is nearest, if any is near.
pub(super) fn nearest(name: &str) -> Option<&'static str> {
    let most = (name.chars().count() / 3).max(1);
    helpers::names()
        .map(|known| (distance(name, known), known))
        .filter(|(distance, _)| *distance <= most.min(3))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, known)| known)
}

/// Letters to add, drop or change, letter case apart.
fn distance(one: &str, two: &str) -> usize {
    let one: Vec<char> = one.chars().take(64).flat_map(char::to_lowercase).collect();
    let mut row: Vec<usize> = (0..=one.len()).collect();
    for (above, letter) in two.chars().flat_map(char::to_lowercase).enumerate() {
        let mut corner = row.first().copied().unwrap_or(0);
        let mut left = above + 1;
        if let Some(first) = row.first_mut() {
            *first = left;
        }
        for (at, other) in one.iter().enumerate() {
            let up = row.get(at + 1).copied().unwrap_or(0);
            let changed = corner + usize::from(*other != letter);
            left = changed.min(left + 1).min(up + 1);
            corner = up;
            if let Some(cell) = row.get_mut(at + 1) {
                *cell = left;
            }
        }
    }
    row.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_of_the_finger_finds_the_helper() {
        assert_eq!(nearest("joinn"), Some("join"));
        assert_eq!(nearest("lowerCase"), Some("lowercase"));
        assert_eq!(nearest("somethingElse"), None);
    }
}
