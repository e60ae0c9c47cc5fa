//! `listener store copy`

use std::convert::Infallible;
use std::process::ExitCode;

use anyhow::Context;
use secrecy::SecretString;

use super::progress::Bar;
use crate::store::copy;
use language::clock::Clock;

/// Copy a store that no listener has open into one of the other kind
///
/// From the embedded store into a schema of a PostgreSQL database, or back, with everything:
/// deliveries, what waits to be delivered, the error desk, the history. Stop the listener first. A
/// copy that was cut short goes on where it was when the same command is run again. At the end all of
/// it is read again and compared, and only then can a listener open the copy.
///
/// The URL holds a password: better give it by the environment, as the options say, where no list
/// of processes shows it.
///
/// Examples, with the operator, without a lost event: see docs/moving.md.
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub(super) struct Args {
    /// The store: DATA/NAMESPACE/NAME of one listener, or the URL of a PostgreSQL database, as in the Secret
    /// of storage.postgres
    #[arg(long, value_name = "DIR_OR_URL", env = "LISTENER_COPY_FROM", hide_env_values = true, value_parser = secret)]
    from: SecretString,
    /// Where it goes: the other of the two. A directory must be empty or not there
    #[arg(long, value_name = "DIR_OR_URL", env = "LISTENER_COPY_TO", hide_env_values = true, value_parser = secret)]
    to: SecretString,
    /// Whose store it is; names the schema
    #[arg(long, value_name = "NAMESPACE/NAME")]
    listener: String,
}

#[expect(clippy::unnecessary_wraps, reason = "a value parser can fail")]
fn secret(text: &str) -> Result<SecretString, Infallible> {
    Ok(SecretString::from(text.to_owned()))
}

/// Runs the command.
pub(super) fn run(args: Args) -> anyhow::Result<ExitCode> {
    let Args { from, to, listener } = args;
    let (namespace, name) = listener
        .split_once('/')
        .filter(|(namespace, name)| !namespace.is_empty() && !name.is_empty() && !name.contains('/'))
        .context("--listener is not NAMESPACE/NAME: give for example --listener sales/contacts")?;
    let runtime = crate::cli::runtime()?;
    let _entered = runtime.enter();
    let bar = Bar::rows();
    let copied = copy::copy(&from, &to, (namespace, name), &Clock::System, &mut |what, done, all| {
        bar.at(what, done, all);
    });
    bar.end();
    let copied = copied?;
    let how = if copied.resumed { ", which an earlier run had begun" } else { "" };
    println!("a whole copy of the store of {listener}{how}; rows, and the SHA-256 of both sides:");
    for (table, rows, sum) in &copied.tables {
        println!("  {table:<12} {rows:>12}  {sum}");
    }
    println!("let no listener open the store it was copied from any more: move it away, or drop its schema");
    Ok(ExitCode::SUCCESS)
}
