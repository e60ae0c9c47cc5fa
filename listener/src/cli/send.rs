//! `listener send`

use std::io::IsTerminal as _;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::{Context, bail};
use crds::listener::SignatureVersion;
use indicatif::{ProgressBar, ProgressStyle};
use tokio_util::sync::CancellationToken;

use super::secrets::SecretArgs;
use super::verify::{parse_version, read};
use crate::send::{Batch, Client, Plan, Report, Signing, Source, Tamper, run as run_plan};
use crate::verify::sign::Signer;
use language::clock::Clock;

/// A run that lasts longer shows its progress.
const QUIET: Duration = Duration::from_secs(1);
/// Between two looks at the progress.
const TICK: Duration = Duration::from_millis(100);

/// Post signed deliveries as HubSpot does, and report the answers.
///
/// Each delivery is a POST with HubSpot's headers and a JSON array of events, signed with the client secret of the
/// app. Each event has an id of its own, so that none is taken for a duplicate. It exits with 0 when every answer was
/// a 2xx, and with 1 otherwise. Ctrl-C ends the run and prints the report so far.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// Where to post to. The path and query go over the wire exactly as written.
    #[arg(value_name = "URL")]
    url: String,

    #[command(flatten)]
    secrets: SecretArgs,

    /// Version of the signature: v3 (with v1 beside it, as HubSpot sends it), v2 (as workflows do) or v1.
    #[arg(long, value_name = "VERSION", default_value = "v3", value_parser = parse_version)]
    signature: SignatureVersion,

    /// Subscription type of the events. An unknown one lists those that are known.
    #[arg(long = "type", value_name = "TYPE", default_value = "contact.creation", conflicts_with = "events")]
    subscription_type: String,

    /// Events to send: a file with a JSON array, or with one object. Without --count and --batch the file is one
    /// delivery, byte for byte; with them its events are sent in turn, each with an id of its own.
    #[arg(long, value_name = "FILE")]
    events: Option<PathBuf>,

    /// Deliveries to send, each a request of its own. [default: 1]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=10_000_000))]
    count: Option<u64>,

    /// Events in each delivery; HubSpot sends up to 100. [default: 1, or as many as --events has]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1000))]
    batch: Option<u16>,

    /// Deliveries in flight at once; HubSpot sends up to 10 for each account.
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u16).range(1..=1024))]
    concurrency: u16,

    /// Spoil each delivery after signing, so that it must be refused.
    #[arg(long, value_name = "WHAT", value_enum)]
    tamper: Option<Tamper>,

    /// Sign with a timestamp so many seconds old, so that a receiver finds it stale; negative = ahead.
    #[arg(long, value_name = "SECONDS", default_value_t = 0, allow_negative_numbers = true)]
    age: i64,

    /// The public URL, which is what is signed, where URL goes around the proxy. Without a query it takes that of
    /// URL.
    #[arg(long, value_name = "URL")]
    public_url: Option<String>,

    /// Seconds to wait for an answer.
    #[arg(long, value_name = "SECONDS", default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..=600))]
    timeout: u64,

    /// Give the events the same ids in each delivery, and in each run of a (UTC) day: all but the first are
    /// duplicates.
    #[arg(long)]
    repeat_ids: bool,

    /// Form of the report.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

/// Form of the report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    /// For people.
    Text,
    /// For programs.
    Json,
}

const EXAMPLES: &str = "\
Examples:
  One new contact, to a listener on this machine:
    listener send http://127.0.0.1:8080/sales/contacts --secret-file secret.txt

  1000 deliveries of 100 events, 32 at once:
    listener send http://127.0.0.1:8080/sales/contacts --secret-file secret.txt \\
      --count 1000 --batch 100 --concurrency 32

  Around the proxy, signed over the public URL:
    listener send http://10.0.0.7:8080/sales/contacts --secret-file secret.txt \\
      --public-url https://hooks.example.com/sales/contacts

  A file as it is, and a delivery that must be refused:
    listener send http://127.0.0.1:8080/sales/contacts --secret-file secret.txt --events batch.json
    listener send http://127.0.0.1:8080/sales/contacts --secret-file secret.txt --tamper body";

/// Runs the command.
pub fn run(args: Args) -> anyhow::Result<ExitCode> {
    let format = args.format;
    let clock = Clock::System;
    let plan = plan(args, &clock)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("cannot start the runtime")?;
    let report = runtime.block_on(watched(plan, clock));
    match format {
        Format::Text => print!("{report}"),
        Format::Json => println!("{}", report.to_json()?),
    }
    Ok(if report.is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Turns arguments into a plan, or says what is wrong with them.
fn plan(args: Args, clock: &Clock) -> anyhow::Result<Plan> {
    let Args {
        url,
        secrets,
        signature,
        subscription_type,
        events,
        count,
        batch,
        concurrency,
        tamper,
        age,
        public_url,
        timeout,
        repeat_ids,
        format: _,
    } = args;
    let secrets = secrets.read()?;
    let [secret] = secrets.as_slice() else {
        bail!("give one client secret to sign with: --secret-file FILE (or --secret SECRET)");
    };
    if let Some(objection) = tamper.and_then(|tamper| tamper.objection(signature)) {
        bail!("{objection}");
    }
    if age != 0 && signature != SignatureVersion::V3 {
        bail!("only v3 signs the timestamp: use --signature v3 with --age");
    }
    let start_ms = clock.now_ms();
    let batch = match (events, count, batch) {
        (Some(path), None, None) => Batch::Fixed(read(&path)?),
        (Some(path), _, batch) => {
            let source = Source::parse(&read(&path)?, repeat_ids, start_ms)
                .with_context(|| path.display().to_string())?;
            let size = batch.map_or(source.len(), usize::from);
            Batch::Made { source, size }
        }
        (None, _, batch) => {
            let source = Source::sample(&subscription_type, repeat_ids, start_ms)?;
            Batch::Made { source, size: batch.map_or(1, usize::from) }
        }
    };
    let concurrency = usize::from(concurrency);
    Ok(Plan {
        client: Client::new(&url, concurrency, Duration::from_secs(timeout))?,
        signing: Signing {
            signer: Signer::new(secret),
            version: signature,
            url: signed_url(&url, public_url),
            age_seconds: age,
            tamper,
        },
        batch,
        count: count.unwrap_or(1),
        concurrency,
    })
}

/// What is signed: the public URL, with the query that goes over the wire.
fn signed_url(url: &str, public_url: Option<String>) -> String {
    match public_url {
        None => url.to_owned(),
        Some(public) if public.contains('?') => public,
        Some(public) => format!("{public}{}", url.find('?').map_or("", |at| &url[at..])),
    }
}

/// Runs the plan, with a progress bar when it lasts, and ends it on Ctrl-C.
async fn watched(plan: Plan, clock: Clock) -> Report {
    let stop = CancellationToken::new();
    let done = Arc::new(AtomicU64::new(0));
    let on_interrupt = stop.clone();
    let interrupt = tokio::spawn(async move {
        if tokio::signal::ctrl_c().await.is_ok() {
            on_interrupt.cancel();
        }
    });
    let progress = tokio::spawn(show_progress(plan.count, done.clone(), stop.clone()));
    let report = run_plan(plan, clock, done, stop.clone()).await;
    stop.cancel();
    // It takes the bar away; that it ended is all that matters.
    let _ = progress.await;
    interrupt.abort();
    report
}

async fn show_progress(count: u64, done: Arc<AtomicU64>, stop: CancellationToken) {
    if !std::io::stderr().is_terminal() {
        return;
    }
    tokio::select! {
        () = tokio::time::sleep(QUIET) => {}
        () = stop.cancelled() => return,
    }
    let bar = ProgressBar::new(count);
    if let Ok(style) = ProgressStyle::with_template("{bar:40} {pos}/{len} deliveries, {per_sec}, {eta} left")
    {
        bar.set_style(style);
    }
    loop {
        bar.set_position(done.load(Ordering::Relaxed));
        tokio::select! {
            () = tokio::time::sleep(TICK) => {}
            () = stop.cancelled() => break,
        }
    }
    bar.finish_and_clear();
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Debug, Parser)]
    struct Command {
        #[command(flatten)]
        args: Args,
    }

    fn planned(arguments: &[&str]) -> anyhow::Result<Plan> {
        let always = ["send", "http://127.0.0.1:1/h?a=%3A", "--secret", "hush-hush"];
        let command = Command::try_parse_from([&always, arguments].concat())?;
        assert!(!format!("{command:?}").contains("hush"), "{command:?}");
        plan(command.args, &Clock::manual(1_790_000_000_000))
    }

    #[test]
    fn a_file_is_sent_as_it_is_unless_count_or_batch_are_given() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("events.json");
        std::fs::write(&path, b"[ {\"eventId\":1}, {\"eventId\":2} ]\n").unwrap();
        let path = path.to_str().unwrap();
        assert!(
            matches!(planned(&["--events", path]).unwrap().batch, Batch::Fixed(body) if body.ends_with(b"]\n"))
        );
        let many = planned(&["--events", path, "--count", "3"]).unwrap();
        assert_eq!((many.count, many.batch.size()), (3, Some(2)));
        assert_eq!(planned(&["--events", path, "--batch", "5"]).unwrap().batch.size(), Some(5));
        assert_eq!(planned(&[]).unwrap().batch.size(), Some(1));
    }

    #[test]
    fn the_public_url_is_what_is_signed_with_the_query_that_goes_over_the_wire() {
        let signed = |arguments: &[&str]| planned(arguments).unwrap().signing.url;
        assert_eq!(signed(&[]), "http://127.0.0.1:1/h?a=%3A");
        assert_eq!(signed(&["--public-url", "https://p.example/h"]), "https://p.example/h?a=%3A");
        assert_eq!(signed(&["--public-url", "https://p.example/h?b"]), "https://p.example/h?b");
    }

    #[test]
    fn what_makes_no_sense_is_refused_with_a_remedy() {
        for (arguments, said) in [
            (&["--type", "contact.creatoin"][..], "contact.creation"),
            (&["--tamper", "timestamp", "--signature", "v1"], "--signature v3"),
            (&["--tamper", "url", "--signature", "v1"], "--signature v3 or v2"),
            (&["--age", "600", "--signature", "v2"], "--signature v3"),
            (&["--secret", "another"], "one client secret"),
            (&["--count", "0"], "1..=10000000"),
            (&["--concurrency", "5000"], "1..=1024"),
            (&["--batch", "0"], "1..=1000"),
            (&["--events", "/nonexistent/events.json"], "cannot read /nonexistent/events.json"),
        ] {
            let error = format!("{:#}", planned(arguments).unwrap_err());
            assert!(error.contains(said), "{arguments:?}: {error}");
            assert!(!error.contains("hush"), "{error}");
        }
    }
}
