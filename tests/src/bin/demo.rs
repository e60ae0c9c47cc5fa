//! `make demo`: the main job on this machine, shown step by step.
//!
//! Starts `listener dev` with a manifest and a receiving server, sends good,
//! repeated, tampered and stale deliveries with `listener send`, and shows what
//! was answered and what arrived where. Exits 0 when all went as it should.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::process::{Command, ExitCode};

use tests::{Receiver, Reply, Setup, eventually, free_port, get_json};

/// Where `docs/examples/contacts.yaml` sends its pages.
const DESTINATION: (Ipv4Addr, u16) = (Ipv4Addr::LOCALHOST, 9400);
const SECRET: &str = "0b9f3c52-6d1e-4a77-9c1b-3f5a2d8e7c41";
const MANIFEST: &str = "docs/examples/contacts.yaml";
const EVENTS: &str = "docs/examples/events.json";

fn main() -> ExitCode {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..");
    if let Err(error) = std::env::set_current_dir(&root) {
        println!("cannot enter {}: {error}", root.display());
        return ExitCode::FAILURE;
    }
    let receiver = match Receiver::at(SocketAddr::from(DESTINATION), |_| Reply::status(200)) {
        Ok(receiver) => receiver,
        Err(error) => {
            println!("The demo's receiving server needs port {}: {error}", DESTINATION.1);
            println!(
                "End what listens there (`ss -ltnp sport = :{}` names it) and try again.",
                DESTINATION.1
            );
            return ExitCode::FAILURE;
        }
    };
    match run(&receiver) {
        Ok(()) => ExitCode::SUCCESS,
        Err(wrong) => {
            println!("\nNot as it should be: {wrong}");
            ExitCode::FAILURE
        }
    }
}

fn run(receiver: &Receiver) -> Result<(), String> {
    let manifest = std::fs::read_to_string(MANIFEST).map_err(|error| format!("{MANIFEST}: {error}"))?;
    let mut setup = Setup::manifest(&manifest);
    let listener = setup.program.display().to_string();
    let port = free_port();
    setup.public_url = format!("http://127.0.0.1:{port}");
    title("A listener from a manifest, without a cluster");
    println!("$ listener dev {MANIFEST} --listen 127.0.0.1:{port} …");
    let mut process = setup.listen_on(port).start();
    let url = format!("{}/sales/contacts", process.setup.public_url);
    println!("  listens on {url}; the receiving server on {}", receiver.url("/"));

    title(
        "1. A good delivery: eight events, one of them an echo of our own integration, signed as HubSpot signs",
    );
    send(&listener, &url, &["--events", EVENTS], true)?;
    title("2. The same delivery again, as HubSpot does when it missed an answer");
    send(&listener, &url, &["--events", EVENTS], true)?;
    title("3. A body that was changed on the way");
    send(&listener, &url, &["--events", EVENTS, "--tamper", "body"], false)?;
    title("4. A delivery that was recorded and played back later");
    send(&listener, &url, &["--events", EVENTS, "--age", "600"], false)?;
    title("5. Forty-five new contacts in deliveries of fifteen");
    send(&listener, &url, &["--type", "contact.creation", "--count", "3", "--batch", "15"], true)?;

    title("What arrived");
    let expected = 7 + 45;
    let arrived = eventually(20, "52 records at the destinations", || {
        let records: usize = receiver.pages().iter().map(records_of).sum();
        (records >= expected).then_some(records)
    });
    for page in receiver.pages() {
        println!(
            "  POST {:<11} page {:<22} {:>2} records  {}",
            page.path,
            page.header("x-hubspot-listener-page-id"),
            records_of(&page),
            page.header("content-type")
        );
    }
    let first =
        receiver.pages().into_iter().find(|page| page.path == "/warehouse").ok_or("nothing at /warehouse")?;
    println!("  the first record at /warehouse, byte for byte as it came:\n    {}", first.records()[0]);

    title("What the listener says (GET /api/v1/status and /api/v1/refused on its admin port)");
    let status = process.status();
    let store = &status["store"];
    for name in ["deliveries", "events", "records", "duplicates", "ignored", "pendingRecords", "openErrors"] {
        println!("  {name:<16} {}", store[name]);
    }
    let refused = get_json(process.admin, "/api/v1/refused");
    for request in refused["items"].as_array().into_iter().flatten() {
        println!("  refused: {} ({})", text(&request["cause"]), text(&request["diagnosis"]));
    }

    check("records at the destinations", arrived, expected)?;
    check("duplicates", store["duplicates"].as_u64(), Some(7))?;
    check("events that the filter left out", store["ignored"].as_u64(), Some(2))?;
    check("refused requests", refused["items"].as_array().map(Vec::len), Some(2))?;
    check("open errors", store["openErrors"].as_u64(), Some(0))?;
    let source = std::fs::read_to_string(EVENTS).map_err(|error| error.to_string())?;
    for record in first.records() {
        if !record.contains("\"contact.creation\"") && !source.contains(&record) {
            return Err(format!("this record is not in {EVENTS} byte for byte: {record}"));
        }
    }
    check("the listener's exit on SIGTERM", process.stop().success(), true)?;

    title("All as it should be. Go on by hand:");
    println!("  {listener} dev {MANIFEST}");
    println!(
        "  {listener} send http://127.0.0.1:8080/sales/contacts --secret {SECRET} --type deal.creation --count 5"
    );
    println!("  {listener} check {MANIFEST}");
    println!("  {listener} verify --help");
    Ok(())
}

/// Runs `listener send`, shows what it prints, and holds its verdict against what should be.
fn send(listener: &str, url: &str, arguments: &[&str], good: bool) -> Result<(), String> {
    println!("$ listener send {url} --secret … {}", arguments.join(" "));
    let output = Command::new(listener)
        .args(["send", url, "--secret", SECRET])
        .args(arguments)
        .output()
        .map_err(|error| format!("{listener}: {error}"))?;
    for line in
        String::from_utf8_lossy(&output.stdout).lines().chain(String::from_utf8_lossy(&output.stderr).lines())
    {
        println!("  {line}");
    }
    if output.status.success() == good {
        return Ok(());
    }
    Err(format!("the delivery should have been {}", if good { "taken" } else { "refused" }))
}

/// `json` and `cloudevents` pages are arrays alike.
fn records_of(page: &tests::Page) -> usize {
    serde_json::from_slice::<Vec<serde_json::Value>>(&page.body).map_or(0, |records| records.len())
}

fn check<T: PartialEq + std::fmt::Debug>(what: &str, found: T, expected: T) -> Result<(), String> {
    (found == expected).then_some(()).ok_or_else(|| format!("{what}: {found:?}, not {expected:?}"))
}

fn text(value: &serde_json::Value) -> &str {
    value.as_str().unwrap_or("no diagnosis")
}

fn title(text: &str) {
    println!("\n{text}");
}
