//! The way of every copy: what is not there yet goes over, all of it is compared, the target is made whole.

use super::mark::Mark;
use super::value::{Row, Sum, Value};
use super::{Copied, Progress, Rows, Source, TABLES, Table, Target};
use crate::store::StoreError;

/// Rows that go in at once, at most.
const CHUNK_ROWS: usize = 1_000;
/// Bytes after which no more rows go in at once.
const CHUNK_BYTES: usize = 4 * 1024 * 1024;
/// Rows after which it is told how far it is.
const TELL_ROWS: u64 = 500;

/// Copies what is not there yet, compares all of it, ends.
pub(super) fn run(
    source: &mut impl Source,
    mut target: impl Target,
    progress: Progress<'_>,
) -> Result<Copied, StoreError> {
    let name = source.name().to_owned();
    let begun = target.begin(&name)?;
    let resumed = begun != Mark::default();
    for stage in begun.stage..TABLES.len() {
        let after = begun.key.as_deref().filter(|_| stage == begun.stage);
        one(source, &mut target, stage, after, progress)?;
    }
    let counters = source.counters()?;
    let mut tables = Vec::with_capacity(TABLES.len());
    for table in TABLES {
        let all = source.count(table)?;
        let there = sum(&mut target, table, all, progress)?;
        let here = sum(source, table, all, progress)?;
        if here != there {
            return Err(StoreError::Failed(format!(
                "the copy is not like its source: the table {} has {} rows with the sum {} here and {} rows with \
                 the sum {} there. The source was opened after the copy had begun, or the target was changed. \
                 The target is not marked as whole: {} and copy again",
                table.name,
                here.0,
                here.1,
                there.0,
                there.1,
                target.remedy()
            )));
        }
        tables.push((table.name, here.0, here.1));
    }
    progress("finish", 0, 0);
    target.finish(&counters)?;
    Ok(Copied { tables, resumed })
}

fn one(
    source: &mut impl Source,
    target: &mut impl Target,
    stage: usize,
    after: Option<&[Value]>,
    progress: Progress<'_>,
) -> Result<(), StoreError> {
    let Some(table) = TABLES.get(stage) else { return Ok(()) };
    let all = source.count(table)?;
    let (mut rows, mut bytes, mut done): (Vec<Row>, usize, u64) = (Vec::new(), 0, 0);
    let mut put = |rows: &mut Vec<Row>| {
        let Some(last) = rows.last() else { return Ok(()) };
        let key = last.iter().take(table.key).cloned().collect();
        target.put(table, rows, &Mark { stage, key: Some(key) })?;
        done += rows.len() as u64;
        progress(&format!("copy {}", table.name), done, all);
        rows.clear();
        Ok(())
    };
    source.rows(table, after, &mut |row| {
        bytes += row.iter().map(Value::size).sum::<usize>();
        rows.push(row);
        if rows.len() < CHUNK_ROWS && bytes < CHUNK_BYTES {
            return Ok(());
        }
        bytes = 0;
        put(&mut rows)
    })?;
    put(&mut rows)
}

fn sum(
    store: &mut impl Rows,
    table: &Table,
    all: u64,
    progress: Progress<'_>,
) -> Result<(u64, String), StoreError> {
    let mut sum = Sum::default();
    store.rows(table, None, &mut |row| {
        sum.add(&row);
        if sum.rows().is_multiple_of(TELL_ROWS) {
            progress(&format!("verify {}", table.name), sum.rows(), all);
        }
        Ok(())
    })?;
    Ok(sum.end())
}
