//! The index: what became of each delivery, in SQLite.
