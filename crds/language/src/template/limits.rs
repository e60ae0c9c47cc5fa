//! What a template may cost. Numbers that a user can meet are in `docs/templates.md`.

use std::cell::Cell;

use super::RenderError;

/// Bytes of a template's text.
pub(super) const SOURCE: usize = 256 * 1024;
/// Blocks and subexpressions inside each other.
pub(super) const DEPTH: usize = 64;
/// `else ...` branches of one block.
pub(super) const BRANCHES: usize = 500;
/// Bytes that one rendering may give.
pub(super) const OUTPUT: usize = 1024 * 1024;
/// Bytes of one value on the way, larger than the output: 999,999 characters of four bytes fit.
pub(super) const VALUE: usize = 8 * 1024 * 1024;
/// Steps of one rendering.
pub(super) const STEPS: u32 = 100_000;
/// Characters that `padLeft` and `padRight` fill up to.
pub(super) const PAD: usize = 999_999;
/// Characters that `random` gives.
pub(super) const RANDOM: usize = 1024;
/// Time for one pattern on one text.
pub(super) const PATTERN_TIME: std::time::Duration = std::time::Duration::from_millis(100);

/// The steps that one rendering still has. Every tag, every helper and every round of a loop that
/// writes nothing takes one; long texts and lists take more, so that a step has a largest cost.
#[derive(Debug)]
pub(super) struct Budget(Cell<u32>);

impl Budget {
    pub(super) fn new() -> Self {
        Self(Cell::new(STEPS))
    }

    pub(super) fn take(&self, steps: usize) -> Result<(), RenderError> {
        let left = u32::try_from(steps).ok().and_then(|steps| self.0.get().checked_sub(steps));
        if let Some(left) = left {
            self.0.set(left);
            Ok(())
        } else {
            self.0.set(0);
            Err(RenderError { reason: format!("too many steps: more than {STEPS}") })
        }
    }

    /// Takes what reading or writing `bytes` costs.
    pub(super) fn take_bytes(&self, bytes: usize) -> Result<(), RenderError> {
        if bytes > VALUE {
            return Err(RenderError { reason: format!("value over the limit of {VALUE} bytes") });
        }
        self.take(bytes / 1024)
    }
}
