//! `listener deliveries`, `records`, `refusals` and `replay`

pub mod deliveries;
mod filter;
pub mod records;
pub mod refusals;
pub mod replay;
mod shape;

use std::path::PathBuf;

/// Which part of a list.
#[derive(Debug, clap::Args)]
struct PartArgs {
    /// How many at most, 1 to 1000
    #[arg(long, value_name = "COUNT", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    limit: u32,
    /// Goes on where a list before ended
    #[arg(long, value_name = "CURSOR")]
    cursor: Option<String>,
}

impl PartArgs {
    /// Adds them to a query.
    fn add(self, query: &mut Vec<(&'static str, String)>) {
        query.push(("limit", self.limit.to_string()));
        query.extend(self.cursor.map(|cursor| ("cursor", cursor)));
    }
}

/// Where an export goes.
#[derive(Debug, clap::Args)]
struct FileArgs {
    /// csv or jsonl
    #[arg(long, value_name = "FORMAT", default_value = "csv", value_parser = ["csv", "jsonl"])]
    format: String,
    /// Written to, and replaced where it is there [default: standard output]
    #[arg(long, value_name = "FILE")]
    file: Option<PathBuf>,
}
