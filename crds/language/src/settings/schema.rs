//! `settingsSchema`: a JSON Schema, 2020-12 unless its `$schema` names an older draft.
//!
//! The `jsonschema` crate, with what a person's file must not bring along left out: nothing is
//! fetched, and patterns run on an engine that is linear in the text (no look-around, no
//! back-references). It recurses as deep as the schema leads it, so that it works on a stack of its own.

use crds::check::Refusal;
use jsonschema::PatternOptions;
use serde_json::{Map, Value};

use super::bounds;
use super::defaults::{self, Endless};
use super::tree::Tree;
use super::violation::{Violation, dotted};

/// Bytes that a compiled pattern may take.
pub(super) const PATTERN_BYTES: usize = 256 * 1024;
/// Violations that are told; a person mends these and looks again.
const MAX_VIOLATIONS: usize = 16;
/// Bytes of the stack that a schema is compiled and run on: 4,000 schemas within each other, by
/// [`bounds`], with the 8 KiB that a level takes without optimisation.
const STACK: usize = 64 * 1024 * 1024;
const FIELD: &str = "spec.settingsSchema";

/// A schema that compiles.
#[derive(Debug)]
pub(super) struct Schema {
    schema: Value,
    validator: jsonschema::Validator,
}

impl Schema {
    /// Compiles it, or says what is wrong with it.
    pub(super) fn new(schema: &Map<String, Value>) -> Result<Self, Refusal> {
        let schema = Value::Object(schema.clone());
        bounds::look_over(&schema)?;
        let validator = apart(|| {
            jsonschema::options()
                .offline()
                .should_validate_formats(true)
                .with_pattern_options(
                    PatternOptions::regex().size_limit(PATTERN_BYTES).dfa_size_limit(PATTERN_BYTES),
                )
                .build(&schema)
                .map_err(|error| {
                    let field = format!("{FIELD}{}", dotted(error.instance_path()));
                    let reason = format!("this is no JSON Schema: {}", brief(&error.masked().to_string()));
                    Refusal::new(field, reason, "correct the schema there")
                })
        })??;
        Ok(Self { schema, validator })
    }

    /// Fills its defaults in.
    pub(super) fn fill(&self, settings: &mut Tree) -> Result<(), Refusal> {
        defaults::fill(settings, &self.schema).map_err(|Endless| {
            Refusal::new(
                FIELD,
                "to fill its defaults in has no end, or takes more than 100000 steps",
                "let no $ref lead back to where it stands, and fewer schemas look at one value",
            )
        })
    }

    /// What it does not take: the first violations.
    pub(super) fn judge(&self, settings: &Tree) -> Result<Vec<Violation>, Vec<Refusal>> {
        let settings: Value = serde_json::from_str(&settings.text()).map_err(|error| {
            let reason = format!("with the schema's defaults they cannot be read: {error}");
            vec![Refusal::new("settings", reason, "nest them less deep")]
        })?;
        bounds::weigh(&self.schema, &settings).map_err(|refusal| vec![refusal])?;
        apart(|| {
            if self.validator.is_valid(&settings) {
                return Vec::new();
            }
            let mut errors = self.validator.iter_errors(&settings);
            let mut first: Vec<_> =
                errors.by_ref().take(MAX_VIOLATIONS).map(|error| Violation::new(&error)).collect();
            match errors.count() {
                0 => {}
                more => first.push(Violation::more(more)),
            }
            first
        })
        .map_err(|refusal| vec![refusal])
    }
}

/// Does `work` on a stack that is large enough for it.
fn apart<T: Send>(work: impl FnOnce() -> T + Send) -> Result<T, Refusal> {
    let failed = |reason: String| Refusal::new(FIELD, reason, "report it with the schema");
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().name("schema".to_owned()).stack_size(STACK);
        let thread = thread
            .spawn_scoped(scope, work)
            .map_err(|error| failed(format!("there is no thread to check it on: {error}")))?;
        thread.join().map_err(|_| failed("checking it failed".to_owned()))
    })
}

/// One line, not too long.
pub(super) fn brief(text: &str) -> String {
    const MAX: usize = 300;
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(MAX) {
        Some((at, _)) => format!("{}...", line.get(..at).unwrap_or_default()),
        None => line,
    }
}
