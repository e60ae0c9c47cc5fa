//! Pages, and parts of pages, that are made from the sources. Each is committed and never edited by
//! hand: what stands after the mark is made. With `UPDATE_DOCS=1` the tests write it.

mod conditions;
mod links;
mod permissions;
mod values;

use std::path::{Path, PathBuf};

/// Ends what people write.
const MARK: &str = "<!-- From here on made from the sources: make docs -->\n";

/// Root of the repository.
fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn read(name: &str) -> String {
    std::fs::read_to_string(root().join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// Compares what stands after the mark, or with `UPDATE_DOCS=1` writes it.
fn is_current(name: &str, made: &str) {
    let page = read(name);
    let (intro, _) = page.split_once(MARK).unwrap_or_else(|| panic!("{name} has lost its mark"));
    let made = format!("{intro}{MARK}\n{made}");
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(root().join(name), made).unwrap();
        return;
    }
    let different = page.lines().zip(made.lines()).position(|(old, new)| old != new);
    assert!(
        page == made,
        "{name} is not current, from line {}. Run\n  make docs\n  git diff {name}",
        different.unwrap_or_else(|| page.lines().count().min(made.lines().count())) + 1
    );
}

/// For a cell of a table.
fn cell(text: &str) -> String {
    text.replace('|', "\\|")
}
