//! Tables for people, JSON for scripts.

use std::io::{self, Write};

use serde_json::Value;

/// How answers are printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(in crate::cli) enum Output {
    /// For people.
    Table,
    /// As the API gives them.
    Json,
}

/// Prints text that ends with a newline.
pub(in crate::cli) fn text(text: &str) -> io::Result<()> {
    crate::cli::print(&mut io::stdout().lock(), text.as_bytes())
}

/// Prints JSON, with a line for each value.
pub(in crate::cli) fn json(value: &Value) -> io::Result<()> {
    // A value can always be printed.
    text(&format!("{}\n", serde_json::to_string_pretty(value).unwrap_or_default()))
}

/// Prints bytes as they are.
pub(in crate::cli) fn bytes(out: &mut impl Write, bytes: &[u8]) -> io::Result<()> {
    crate::cli::print(out, bytes)
}

/// Rows under a head, columns side by side.
pub(in crate::cli) fn table(head: &[&str], rows: &[Vec<String>]) -> String {
    let width = |at: usize| {
        let cells = rows.iter().filter_map(|row| row.get(at)).map(|cell| cell.chars().count());
        cells.chain([head[at].chars().count()]).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..head.len()).map(width).collect();
    let mut text = String::new();
    let head: Vec<String> = head.iter().map(|&cell| cell.to_owned()).collect();
    for row in std::iter::once(&head).chain(rows) {
        let mut line = String::new();
        for (cell, width) in row.iter().zip(&widths) {
            line.push_str(cell);
            line.extend(std::iter::repeat_n(' ', width.saturating_sub(cell.chars().count()) + 2));
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_stand_under_their_heads() {
        let rows = [
            vec!["1".to_owned(), "é".to_owned(), "x".to_owned()],
            vec!["100".to_owned(), "ab".to_owned(), String::new()],
        ];
        assert_eq!(table(&["ID", "B", "C"], &rows), "ID   B   C\n1    é   x\n100  ab\n");
    }
}
