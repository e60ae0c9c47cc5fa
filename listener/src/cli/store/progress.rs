//! How far a backup or a copy is, on a terminal.

use indicatif::{ProgressBar, ProgressStyle};

use crate::store::index::backup::{Step, Verified};

/// A bar for what is being done; nothing where standard error is no terminal.
pub(super) struct Bar {
    bar: ProgressBar,
}

impl Bar {
    /// Of bytes.
    pub(super) fn new() -> Self {
        Self::with("{prefix:8} {bar:40} {bytes}/{total_bytes}, {bytes_per_sec}, {eta} left")
    }

    /// Of rows.
    pub(super) fn rows() -> Self {
        Self::with("{prefix:18} {bar:40} {pos}/{len}, {per_sec}, {eta} left")
    }

    fn with(template: &str) -> Self {
        let bar = ProgressBar::new(0);
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        Self { bar }
    }

    pub(super) fn show(&self, step: Step, done: u64, all: u64) {
        let name = match step {
            Step::Journal => "journal",
            Step::Index => "index",
            Step::Verify => "verify",
        };
        self.at(name, done, all);
    }

    pub(super) fn at(&self, what: &str, done: u64, all: u64) {
        if self.bar.prefix() != what {
            self.bar.set_prefix(what.to_owned());
            self.bar.reset();
        }
        self.bar.set_length(all);
        self.bar.set_position(done);
    }

    pub(super) fn end(&self) {
        self.bar.finish_and_clear();
    }
}

/// What was found, for people.
pub(super) fn summary(verified: &Verified) -> String {
    let Verified {
        last_delivery,
        last_indexed,
        segments,
        journal_bytes,
        index_bytes,
        index_sha256: _,
        pending_records,
        open_errors,
        backup: _,
    } = verified;
    let not_indexed = last_delivery.saturating_sub(*last_indexed);
    format!(
        "  deliveries up to {last_delivery}, {not_indexed} of them to be indexed when it is opened\n  \
         journal: {segments} files, {journal_bytes} bytes\n  \
         index: {index_bytes} bytes, {pending_records} records not delivered yet, {open_errors} open errors"
    )
}
