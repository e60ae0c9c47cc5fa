//! `listener errors`

mod bulk;
mod diff;
mod edit;
mod filter;
mod one;
mod read;
mod several;
mod shape;
mod table;
mod write;

use std::process::ExitCode;

use clap::Subcommand;

use super::remote;
use super::remote::client::Connection;
use super::remote::print::Output;

/// See, mend and send again what destinations did not take
///
/// Speaks to the admin port of a listener: at --url, or in a cluster, through the API
/// server, with
///
///   --kube sales/contacts
///
/// Give a token of the Secret that spec.desk.tokens names, as --token-file or in
/// `LISTENER_TOKEN`, or its key as --token-secret. The role `view` lists and counts, `operate` sees payloads and acts.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    #[command(flatten)]
    connection: Connection,
    /// Tables for people, or the API's JSON for scripts
    #[arg(long, global = true, value_name = "FORMAT", default_value = "table")]
    output: Output,
    #[command(subcommand)]
    command: Command,
}

const EXAMPLES: &str = "\
Examples:
  What waits for somebody?
    listener errors list
    listener errors list --destination warehouse --class value --trace-key 62515_123

  Look at one, mend it, send it again:
    listener errors show 17
    listener errors edit 17
    listener errors retry 17

  Send everything again that failed while the warehouse was down; shows a plan and asks:
    listener errors retry --destination warehouse --class intermittent --from 2026-11-25T08:00:00Z

  For a script:
    listener errors count --state all --output json | jq .total";

#[derive(Debug, Subcommand)]
enum Command {
    /// List errors, newest first
    List(read::ListArgs),
    /// Count errors by state, class and destination
    Count(read::CountArgs),
    /// Write errors to a file, as CSV or JSON lines, without payloads
    Export(read::ExportArgs),
    /// Show one error, with its payload where the token may see it
    Show(one::ShowArgs),
    /// Change the payload that a retry sends
    Edit(edit::EditArgs),
    /// Send errors to the failed step again
    Retry(write::PlainArgs),
    /// Close errors without sending
    Resolve(write::PlainArgs),
    /// Open errors that were closed or wait
    Reopen(write::PlainArgs),
    /// Let errors wait, until a time or until somebody opens them
    Wait(write::WaitArgs),
    /// Give errors to somebody
    Assign(write::AssignArgs),
    /// Add and remove tags
    Tag(write::TagArgs),
    /// Write a note
    Note(write::NoteArgs),
    /// Acts on many errors: those that run and those that ran
    Bulk(bulk::Args),
}

/// Runs the command.
pub fn run(args: Args) -> anyhow::Result<ExitCode> {
    let Args { connection, output, command } = args;
    remote::run(connection, async |client| match command {
        Command::List(args) => read::list(&client, output, args).await,
        Command::Count(args) => read::count(&client, output, args).await,
        Command::Export(args) => read::export(&client, args).await,
        Command::Show(args) => one::show(&client, output, args).await,
        Command::Edit(args) => edit::edit(&client, output, args).await,
        Command::Retry(args) => write::plain(&client, output, "retry", args).await,
        Command::Resolve(args) => write::plain(&client, output, "resolve", args).await,
        Command::Reopen(args) => write::plain(&client, output, "reopen", args).await,
        Command::Wait(args) => write::wait(&client, output, args).await,
        Command::Assign(args) => write::assign(&client, output, args).await,
        Command::Tag(args) => write::tag(&client, output, args).await,
        Command::Note(args) => write::note(&client, output, args).await,
        Command::Bulk(args) => bulk::run(&client, output, args).await,
    })
}
