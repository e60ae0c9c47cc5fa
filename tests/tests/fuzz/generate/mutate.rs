//! A text that somebody wrote, changed here and there.

use tests::Random;

/// Bytes that a changed text may have.
const MOST: usize = 200_000;

/// One of `texts`, changed a few times.
pub(crate) fn mutate(random: &mut Random, texts: &[String], dictionary: &[&str]) -> String {
    let mut text = random.of_list(texts).clone();
    if random.one_in(8) {
        return text;
    }
    for _ in 0..1 + random.below(3) {
        change(random, &mut text, texts, dictionary);
    }
    text
}

fn change(random: &mut Random, text: &mut String, texts: &[String], dictionary: &[&str]) {
    let (from, to) = range(random, text);
    match random.below(8) {
        0 => text.replace_range(from..to, ""),
        1 => text.insert_str(from, random.word(dictionary)),
        2 => text.replace_range(from..to, random.word(dictionary)),
        3 => {
            let piece = text[from..to].to_owned();
            text.insert_str(to, &piece);
        }
        4 => {
            let other = random.of_list(texts);
            let (start, end) = range(random, other);
            text.replace_range(from..to, &other[start..end]);
        }
        5 => {
            let letter =
                char::from_u32(u32::try_from(random.below(0x300)).unwrap_or(0)).unwrap_or('\u{fffd}');
            text.insert(from, letter);
        }
        6 => text.truncate(from),
        _ => {
            let piece = if random.one_in(2) {
                text[from..to].to_owned()
            } else {
                (*random.of_list(dictionary)).to_owned()
            };
            let times = random.count();
            if piece.len() * times + text.len() < MOST {
                text.insert_str(from, &piece.repeat(times));
            }
        }
    }
}

/// A short range, between characters.
fn range(random: &mut Random, text: &str) -> (usize, usize) {
    let from = boundary(text, random.below(text.len() + 1));
    let length = if random.one_in(8) { random.below(text.len() + 1) } else { random.below(12) };
    (from, boundary(text, (from + length).min(text.len())).max(from))
}

fn boundary(text: &str, at: usize) -> usize {
    (0..=at).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0)
}
