//! `listener sample`

use std::io;
use std::process::ExitCode;

use crate::sample::{self, Sample};

/// Print an example event for each subscription type
///
/// Prints a JSON array with one event for each of HubSpot's 48 subscription
/// types, an event on each line, or with --type that event alone. The events are
/// invented; their fields are those that HubSpot documents or was seen to send.
///
/// Examples:
///
///   listener sample --list
///   listener sample --type contact.propertyChange
///   listener sample | listener preview docs/examples/contacts.yaml --events -
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub struct Args {
    /// Only the event of this subscription type, as one JSON object
    #[arg(long = "type", value_name = "TYPE", conflicts_with = "list")]
    subscription_type: Option<String>,
    /// Only the names of the subscription types, one on each line
    #[arg(long)]
    list: bool,
}

/// Runs the command.
pub fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let Args { subscription_type, list } = args;
    let text = match subscription_type {
        Some(name) => format!("{}\n", sample::of(name)?.event.get()),
        None if *list => names(&sample::all()?),
        None => array(&sample::all()?),
    };
    super::print(&mut io::stdout().lock(), text.as_bytes())?;
    Ok(ExitCode::SUCCESS)
}

fn names(samples: &[Sample<'_>]) -> String {
    samples.iter().flat_map(|sample| [sample.subscription_type, "\n"]).collect()
}

fn array(samples: &[Sample<'_>]) -> String {
    let events: Vec<&str> = samples.iter().map(|sample| sample.event.get()).collect();
    format!("[\n{}\n]\n", events.join(",\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_array_holds_every_event_byte_for_byte() {
        let samples = sample::all().unwrap();
        let text = array(&samples);
        let events: Vec<&serde_json::value::RawValue> = serde_json::from_str(&text).unwrap();
        assert_eq!(events.len(), samples.len());
        assert!(events.iter().zip(&samples).all(|(event, sample)| event.get() == sample.event.get()));
        assert_eq!(names(&samples).lines().count(), 48);
    }
}
