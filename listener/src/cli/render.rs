//! `listener render`

use std::collections::BTreeMap;
use std::io::{self, IsTerminal as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, bail, ensure};
use serde_json::value::{RawValue, to_raw_value};

use super::read;
use crate::deliver;
use language::template::{Json, Place, Scope, Template};

/// Bytes of a template, a record, settings or a context at most.
const MAX_BYTES: usize = 8 * 1024 * 1024;

/// Render one template and print what it gives
///
/// TEMPLATE is the template itself, `@FILE` for one in a file, or `-` for
/// standard input; one line break at the end of a file or of standard input is
/// no part of it. What the template gives is printed byte for byte, nothing
/// added; only on a terminal a line break follows, so that the prompt begins on
/// a line of its own.
///
/// The exit code is 0 when it was rendered. It is 1 when the template is
/// refused, with line, column, piece and remedy, as a manifest with it would be;
/// and 1 when it fails on this record, where a listener gives an empty value,
/// counts it and goes on.
///
/// Examples:
///
///   listener render '{{join "_" portalId objectId}}' --record event.json --trace-key
///   listener sample --type contact.creation | listener render '{{objectId}}' --record -
///   listener render 'https://example.com/{{settings.region}}?q={{name}}' --uri \
///     --settings settings.json --record event.json
///   echo '{"count":3,"request":{"id":"a1"}}' | listener render '{{count}} {{request.id}}' --context -
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
#[expect(clippy::doc_markdown, rustdoc::bare_urls, reason = "help texts for a terminal")]
pub struct Args {
    /// The template, `@FILE`, or `-`; put `--` before one that begins with a dash
    #[arg(value_name = "TEMPLATE")]
    template: String,
    /// The record: a file with its JSON, or `-` for standard input
    #[arg(long, value_name = "FILE")]
    record: Option<PathBuf>,
    /// `settings`: a file with a JSON object, or `-`
    #[arg(long, value_name = "FILE")]
    settings: Option<PathBuf>,
    /// What else there is, a file with a JSON object, or `-`: any of `settings`, `listener`, `records`, `count`,
    /// `request`, `response`, `error`
    #[arg(long, value_name = "FILE")]
    context: Option<PathBuf>,
    /// `listener.name`; NAMESPACE/NAME gives `listener.namespace` too
    #[arg(long, value_name = "NAME")]
    listener_name: Option<String>,
    /// Format as in a URL or the data URI: `{{x}}` is URL-encoded
    #[arg(long, conflicts_with = "trace_key")]
    uri: bool,
    /// Bound the output as a trace key: more than 256 characters are cut in the middle
    #[arg(long)]
    trace_key: bool,
}

/// Runs the command.
pub fn run(args: Args) -> anyhow::Result<ExitCode> {
    let Args { template, record, settings, context, listener_name, uri, trace_key } = args;
    let from_stdin = [&record, &settings, &context].into_iter().flatten().filter(|path| read::is_stdin(path));
    ensure!(
        from_stdin.count() + usize::from(template == "-") <= 1,
        "standard input can be only one of TEMPLATE, --record, --settings and --context; put the others into files"
    );
    let text = template_text(template)?;
    let record = record.map(|path| read::bytes(&path, MAX_BYTES)).transpose()?;
    let mut more = context.map(|path| object(&path)).transpose()?.unwrap_or_default();
    if let Some(unknown) = more.keys().find(|name| !ROOTS.contains(&name.as_str())) {
        bail!("--context: there is no `{unknown}` in a template; known are: {}", ROOTS.join(", "));
    }
    let from_context = more.remove("settings");
    let settings = match settings {
        Some(path) => Some(json(&object(&path)?)?),
        None => from_context.as_ref().map(json).transpose()?,
    };
    let listener = match (listener_name, more.remove("listener")) {
        (Some(name), listener) => Some(json(&named(&name, listener.as_deref())?)?),
        (None, listener) => listener.as_ref().map(json).transpose()?,
    };
    let more = json(&more)?;
    let scope = Scope {
        record: record.as_deref(),
        settings: settings.as_ref(),
        listener: listener.as_ref(),
        more: Some(&more),
        ..Scope::default()
    };
    let place = if uri { Place::Uri } else { Place::Raw };
    let rendered = match render(&text, place, &scope) {
        Ok(rendered) if trace_key => deliver::bounded(rendered),
        Ok(rendered) => rendered,
        Err(message) => bail!("{message}"),
    };
    let mut out = io::stdout().lock();
    super::print(&mut out, rendered.as_bytes())?;
    if out.is_terminal() {
        super::print(&mut out, b"\n")?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Names of `--context`.
const ROOTS: [&str; 7] = ["settings", "listener", "records", "count", "request", "response", "error"];

fn render(text: &str, place: Place, scope: &Scope<'_>) -> Result<String, String> {
    let template =
        Template::compile(text, place).map_err(|mistake| format!("the template is refused: {mistake}"))?;
    template.render(scope).map_err(|error| {
        format!("the template failed on this record, a listener gives an empty value: {}", error.reason)
    })
}

fn template_text(argument: String) -> anyhow::Result<String> {
    let path = match argument.strip_prefix('@') {
        Some(path) => Path::new(path),
        None if argument == "-" => Path::new("-"),
        None => return Ok(argument),
    };
    let mut text = String::from_utf8(read::bytes(path, MAX_BYTES)?)
        .map_err(|_| anyhow::anyhow!("the template is not UTF-8; save it as UTF-8"))?;
    if text.ends_with('\n') {
        text.pop();
        if text.ends_with('\r') {
            text.pop();
        }
    }
    Ok(text)
}

/// Members as they are written, so that numbers keep their digits.
type Object = BTreeMap<String, Box<RawValue>>;

fn object(path: &Path) -> anyhow::Result<Object> {
    let bytes = read::bytes(path, MAX_BYTES)?;
    serde_json::from_slice(&bytes)
        .with_context(|| format!("{} holds no JSON object; write {{\"name\": value}}", path.display()))
}

fn json<T: serde::Serialize>(value: &T) -> anyhow::Result<Json> {
    Json::read(serde_json::to_string(value)?).map_err(|at| anyhow::anyhow!("byte {at} is not JSON"))
}

/// `listener`, with a name of the command line over what a file gives.
fn named(name: &str, listener: Option<&RawValue>) -> anyhow::Result<Object> {
    let (namespace, name) = name.split_once('/').map_or((None, name), |(space, name)| (Some(space), name));
    let mut listener: Object =
        listener.and_then(|listener| serde_json::from_str(listener.get()).ok()).unwrap_or_default();
    listener.insert("name".to_owned(), to_raw_value(name)?);
    if let Some(namespace) = namespace {
        listener.insert("namespace".to_owned(), to_raw_value(namespace)?);
    }
    Ok(listener)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rendered(text: &str, place: Place) -> Result<String, String> {
        render(text, place, &Scope { record: Some(br#"{"a":"x y","b":"z"}"#), ..Scope::default() })
    }

    #[test]
    fn a_refused_template_and_a_failed_one_are_told_apart() {
        assert_eq!(rendered("{{a}}", Place::Uri).unwrap(), "x%20y");
        let refused = rendered("x\n{{nosuch a}}", Place::Raw).unwrap_err();
        assert!(refused.starts_with("the template is refused: line 2, column "), "{refused}");
        let failed = rendered("{{add a b}}", Place::Raw).unwrap_err();
        assert!(failed.contains("a listener gives an empty value: "), "{failed}");
    }

    #[test]
    fn one_line_break_at_the_end_of_a_file_is_no_part_of_the_template() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let read = |text: &str| {
            std::fs::write(file.path(), text).unwrap();
            template_text(format!("@{}", file.path().display())).unwrap()
        };
        assert_eq!(read("{{a}}\n"), "{{a}}");
        assert_eq!(read("{{a}}\r\n"), "{{a}}");
        assert_eq!(read("{{a}}\n\n"), "{{a}}\n");
        assert_eq!(template_text("{{a}}\n".to_owned()).unwrap(), "{{a}}\n");
    }

    #[test]
    fn a_listener_can_be_named_with_or_without_its_namespace() {
        let text = |object: Object| serde_json::to_string(&object).unwrap();
        assert_eq!(text(named("a", None).unwrap()), r#"{"name":"a"}"#);
        let given: Box<RawValue> =
            serde_json::from_str(r#"{"url":12345678901234567890123,"name":"b"}"#).unwrap();
        let made = text(named("s/a", Some(&given)).unwrap());
        assert_eq!(made, r#"{"name":"a","namespace":"s","url":12345678901234567890123}"#);
    }
}
