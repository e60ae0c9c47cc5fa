//! Links between the pages lead somewhere: to a file, and to a heading in it.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use crate::root;

/// Every page that people read.
fn pages() -> Vec<PathBuf> {
    let mut pages: Vec<PathBuf> = ["README.md", "CHANGELOG.md"].map(|name| root().join(name)).into();
    for folder in ["docs", "docs/design", "charts/hubspot-listener", "charts/hubspot-listener-crds"] {
        let entries = std::fs::read_dir(root().join(folder)).unwrap();
        let files = entries.map(|entry| entry.unwrap().path());
        pages.extend(files.filter(|path| path.extension().is_some_and(|extension| extension == "md")));
    }
    pages
}

/// The lines that are not in a block of code.
fn prose(text: &str) -> impl Iterator<Item = &str> {
    let mut in_code = false;
    text.lines().filter(move |line| {
        let fence = line.trim_start().starts_with("```");
        in_code ^= fence;
        !in_code && !fence
    })
}

/// A heading's anchor, as GitHub makes it.
fn anchors(text: &str) -> BTreeSet<String> {
    let headings = prose(text).filter(|line| line.starts_with('#'));
    headings
        .map(|line| line.trim_start_matches('#').trim().to_lowercase())
        .map(|heading| {
            let kept = heading.chars().filter(|letter| letter.is_alphanumeric() || " -_".contains(*letter));
            kept.map(|letter| if letter == ' ' { '-' } else { letter }).collect()
        })
        .collect()
}

/// Why a link leads nowhere.
fn broken(page: &Path, text: &str, link: &str) -> Option<&'static str> {
    let (file, anchor) = link.split_once('#').unwrap_or((link, ""));
    let target = page.parent().unwrap().join(file);
    let there = if file.is_empty() {
        text.to_owned()
    } else if target.is_dir() {
        return None;
    } else {
        let Ok(there) = std::fs::read_to_string(target) else { return Some("no such file") };
        there
    };
    (!anchor.is_empty() && !anchors(&there).contains(anchor)).then_some("no such heading")
}

#[test]
fn every_link_between_pages_leads_somewhere() {
    let mut links = 0;
    let mut wrong = Vec::new();
    for page in pages() {
        let text = std::fs::read_to_string(&page).unwrap();
        for line in prose(&text) {
            for link in line.split("](").skip(1).filter_map(|rest| rest.split_once(')')).map(|(link, _)| link)
            {
                if link.contains("://") {
                    continue;
                }
                links += 1;
                if let Some(reason) = broken(&page, &text, link) {
                    wrong.push(format!("{}: {link}: {reason}", page.display()));
                }
            }
        }
    }
    assert!(links > 50, "only {links} links were found");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
