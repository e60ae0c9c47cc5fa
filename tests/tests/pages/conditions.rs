//! `docs/conditions.md`: every condition and reason, from `crds/src/condition.rs`. Meanings are the
//! comments on the variants, remedies are the texts that the operator puts into messages.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use crds::condition::{Reason, Type};

use crate::{cell, is_current, read};

const PAGE: &str = "docs/conditions.md";

/// The comment above a variant, on one line and without links.
fn meaning(source: &str, variant: &str) -> String {
    let line = format!("    {variant},");
    let lines: Vec<&str> = source.lines().collect();
    let at = lines.iter().position(|candidate| *candidate == line);
    let at = at.unwrap_or_else(|| panic!("crds/src/condition.rs has no variant {variant}"));
    let first = lines[..at].iter().rposition(|line| !line.trim_start().starts_with("///")).unwrap() + 1;
    let comment: Vec<&str> =
        lines[first..at].iter().map(|line| line.trim_start().trim_start_matches("///").trim()).collect();
    assert!(!comment.is_empty(), "{variant} has no comment");
    comment.join(" ")
}

/// The part of the source that defines an enum: both have a variant `Accepted`.
fn definition<'a>(source: &'a str, name: &str) -> &'a str {
    let (_, rest) = source.split_once(&format!("pub enum {name} {{")).unwrap();
    rest.split_once("\n}").unwrap().0
}

/// "Accepted is False" of "Accepted is False: the spec says something that cannot be."
fn state_and_text(meaning: &str) -> (&str, &str) {
    meaning.split_once(": ").unwrap_or((meaning.trim_end_matches('.'), ""))
}

fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

fn page() -> String {
    let source = read("crds/src/condition.rs");
    let mut page = String::from("## Conditions\n\n| Condition | True when |\n|---|---|\n");
    for condition in Type::ALL {
        let meaning = meaning(definition(&source, "Type"), condition.as_str());
        let _ = writeln!(page, "| `{condition}` | {} |", cell(&meaning));
    }
    page.push_str("\n## Reasons\n\n| Reason | Stands where | Meaning | What to do |\n|---|---|---|---|\n");
    for reason in Reason::ALL {
        let meaning = meaning(definition(&source, "Reason"), reason.as_str());
        let (state, text) = state_and_text(&meaning);
        let remedy = reason.remedy().map_or_else(|| "nothing".to_owned(), |remedy| remedy.to_owned() + ".");
        let _ = writeln!(
            page,
            "| `{reason}` | {} | {} | {} |",
            cell(&state.replace('`', "")),
            cell(&sentence(text)),
            cell(&sentence(&remedy))
        );
    }
    page
}

#[test]
fn the_page_of_the_conditions_is_current() {
    is_current(PAGE, &page());
}

#[test]
fn every_reason_names_its_condition_and_what_it_means() {
    let source = read("crds/src/condition.rs");
    for reason in Reason::ALL {
        let meaning = meaning(definition(&source, "Reason"), reason.as_str());
        let (state, text) = state_and_text(&meaning);
        assert!(state.contains(" is "), "{reason}: {meaning}");
        assert_eq!(text.is_empty(), reason.remedy().is_none(), "{reason}: {meaning}");
    }
}

#[test]
fn no_page_names_a_reason_that_there_is_not() {
    let known: BTreeSet<&str> = Reason::ALL.into_iter().map(Reason::as_str).collect();
    let types: BTreeSet<&str> = Type::ALL.into_iter().map(Type::as_str).collect();
    for page in ["docs/failure-modes.md", "docs/first-listener.md", "docs/install.md", "docs/upgrade.md"] {
        for word in
            read(page).split("(`").skip(1).filter_map(|rest| rest.split_once("`)")).map(|(word, _)| word)
        {
            let is_one = word.chars().all(|letter| letter.is_ascii_alphabetic())
                && word.starts_with(|letter: char| letter.is_ascii_uppercase());
            assert!(!is_one || known.contains(word) || types.contains(word), "{page}: {word}");
        }
    }
}
