//! Hostile files: large, deep, blown up by aliases, and rubbish.

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use proptest::prelude::*;

use super::*;

/// The one mistake that `text` gives, soon.
#[track_caller]
fn refused_soon(text: &str) -> String {
    let begun = Instant::now();
    let manifests = parse(text);
    assert!(begun.elapsed() < Duration::from_secs(20), "{:?}", begun.elapsed());
    let found = lines(&manifests.mistakes);
    assert_eq!(found.len(), 1, "{found:?}");
    found[0].clone()
}

#[test]
fn a_hundred_thousand_brackets_do_not_overflow_the_stack() {
    for piece in ["[", "{a: ", "- ", "? ", "[{", "a: [", "!!seq ["] {
        refused_soon(&piece.repeat(100_000));
    }
    let mut nested = String::new();
    for depth in 0..2_000 {
        writeln!(nested, "{}a:", " ".repeat(depth)).unwrap();
    }
    assert!(refused_soon(&nested).contains("nested more than 64 deep"));
}

#[test]
fn aliases_do_not_blow_up() {
    let mut laughs = "a0: &a0 [lol, lol, lol, lol, lol, lol, lol, lol, lol, lol]\n".to_owned();
    for level in 1..30 {
        let before = format!("*a{}, ", level - 1).repeat(10);
        writeln!(laughs, "a{level}: &a{level} [{}]", before.trim_end_matches(", ")).unwrap();
    }
    assert!(refused_soon(&laughs).contains("larger than 64 MiB"));

    let text = format!("a: &a {}\nb: [{}]", "x".repeat(1_000_000), vec!["*a"; 1_000].join(", "));
    assert!(refused_soon(&text).contains("larger than 64 MiB"));
    refused_soon("a: &a [*a]\n");
    refused_soon("a: *nobody\n");
}

#[test]
fn a_file_over_four_mebibytes_is_refused() {
    let text = format!("{GOOD}# {}", "x".repeat(MAX_FILE_BYTES));
    assert_eq!(
        refused_soon(&text),
        "contacts.yaml:1:1: the file is larger than 4 MiB; split it into several files"
    );
}

#[test]
fn a_mapping_of_very_many_keys_is_read_in_time() {
    let mut text = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: m}\ndata:\n".to_owned();
    for key in 0..200_000 {
        writeln!(text, "  key{key}: ''").unwrap();
    }
    let begun = Instant::now();
    let manifests = parse(&text);
    assert_eq!(lines(&manifests.mistakes), [""; 0]);
    assert_eq!(manifests.config_maps.len(), 200_000);
    assert!(begun.elapsed() < Duration::from_secs(20), "{:?}", begun.elapsed());
}

#[test]
fn files_that_cannot_be_read_are_mistakes_and_the_others_are_read() {
    let directory = tempfile::tempdir().unwrap();
    let good = directory.path().join("good.yaml");
    let latin = directory.path().join("latin.yaml");
    std::fs::write(&good, GOOD).unwrap();
    std::fs::write(&latin, b"a: \xe9\n").unwrap();
    let paths = [directory.path().join("nobody.yaml"), directory.path().to_owned(), latin, good];
    let manifests = read_files(&paths);
    assert_eq!(manifests.listeners.len(), 1);
    let found = lines(&manifests.mistakes);
    assert_eq!(found.len(), 3, "{found:?}");
    assert!(found[0].ends_with("check the name of the file"), "{found:?}");
    assert!(found[1].contains("name the files in the directory"), "{found:?}");
    assert!(found[2].contains("is not UTF-8"), "{found:?}");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, ..ProptestConfig::default() })]

    #[test]
    fn no_text_panics(text in "[-a:\\[\\]{}&*!|>'\"%@`#,?~ \\n\\t0-9<é\\x00\u{feff}]{0,60}") {
        parse(&text);
    }

    #[test]
    fn no_damage_to_a_good_file_panics(at in 0..GOOD.len(), length in 0..40_usize, piece in ".{0,6}") {
        let end = (at + length).min(GOOD.len());
        let mut text = GOOD.to_owned();
        text.replace_range(at..end, &piece);
        for mistake in parse(&text).mistakes {
            prop_assert!(mistake.line >= 1 && mistake.column >= 1);
        }
    }
}
