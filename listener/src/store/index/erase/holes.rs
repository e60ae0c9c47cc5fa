//! Where in the journal the bytes stand that are to go.

use super::rows::Candidate;
use crate::store::index::trouble::Trouble;
use crate::store::journal::{Hole, Journal, Location, Rewrite};
use crate::store::packed::spans::Span;

/// Holes of an element's span: the whole, or what is left of it without the records that lie
/// within it where it is none itself.
pub(super) fn of(location: Location, span: Span, records: &[Span]) -> Vec<Hole> {
    let mut holes = Vec::new();
    let mut push = |from: u32, to: u32| {
        let (from, to) = (from.min(location.length), to.min(location.length));
        if from < to {
            holes.push(Hole { offset: location.offset + u64::from(from), length: to - from });
        }
    };
    let mut at = span.start;
    let inside = |other: &&Span| other.start < span.end() && other.end() > span.start;
    for record in records.iter().filter(inside).filter(|record| record.element != span.element) {
        push(at, record.start);
        at = at.max(record.end());
    }
    push(at, span.end());
    holes
}

/// What is to be written for them; a segment that is gone needs nothing.
pub(super) fn rewrites(journal: &Journal, candidates: &[Candidate]) -> Result<Vec<Rewrite>, Trouble> {
    let mut all = Vec::new();
    // By delivery, so by segment.
    for candidates in candidates.chunk_by(|left, right| left.segment == right.segment) {
        let Some(segment) = candidates.first().and_then(|first| first.segment) else { continue };
        let mut holes: Vec<Hole> =
            candidates.iter().flat_map(|candidate| candidate.holes.iter().copied()).collect();
        holes.sort_unstable();
        // Two elements of one place: the body's, and one within it.
        let mut end = 0;
        holes.retain(|hole| {
            let apart = hole.offset >= end;
            end = end.max(hole.offset + u64::from(hole.length));
            apart
        });
        match journal.rewrites(segment, &holes) {
            Ok(found) => all.extend(found),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    const BODY: Location = Location { segment: 1, offset: 1_000, length: 100 };

    fn span(element: u32, start: u32, length: u32) -> Span {
        Span { element, start, length }
    }

    fn ends(holes: &[Hole]) -> Vec<(u64, u64)> {
        holes.iter().map(|hole| (hole.offset - 1_000, hole.offset - 1_000 + u64::from(hole.length))).collect()
    }

    #[test]
    fn a_record_goes_whole_and_its_neighbours_stay() {
        let records = [span(0, 1, 9), span(1, 11, 20), span(2, 32, 5)];
        assert_eq!(ends(&of(BODY, records[1], &records)), [(11, 31)]);
    }

    #[test]
    fn an_element_that_is_the_whole_body_leaves_the_records_in_it() {
        let records = [span(0, 10, 20), span(2, 40, 10)];
        assert_eq!(ends(&of(BODY, span(1, 0, 100), &records)), [(0, 10), (30, 40), (50, 100)]);
        assert_eq!(ends(&of(BODY, span(1, 0, 500), &[])), [(0, 100)]);
        assert_eq!(ends(&of(BODY, span(1, 30, 0), &[])), []);
    }
}
