//! What a command said.

use std::process::Output;

/// Standard output of a command that must have gone well.
///
/// # Panics
///
/// Where it did not, with what it said.
#[track_caller]
pub fn good(output: &Output) -> String {
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    String::from_utf8(output.stdout.clone()).expect("UTF-8")
}

/// Standard error of a command that must have failed.
///
/// # Panics
///
/// Where it went well.
#[track_caller]
pub fn bad(output: &Output) -> String {
    assert!(!output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    String::from_utf8(output.stderr.clone()).expect("UTF-8")
}
