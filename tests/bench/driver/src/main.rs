//! The load driver: N keep-alive connections, each in a closed loop (or paced
//! with `--rate`), posting HubSpot-shaped batches with unique event ids and a
//! fresh signature on every request. Prints one JSON object.
//!
//! It speaks HTTP/1.1 by hand on one thread, to leave the cores to the server.

mod client;
mod options;
mod payload;
mod report;
mod sign;

use std::cell::RefCell;
use std::io::Write;
use std::rc::Rc;
use std::time::{Duration, Instant};

use client::Connection;
use options::Options;
use payload::Payload;
use report::Tally;

fn main() {
    let options = Rc::new(options::parse());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("runtime");
    let tasks = tokio::task::LocalSet::new();
    let ok = tasks.block_on(&runtime, async move {
        if options.once {
            once(&options).await
        } else {
            load(options).await;
            true
        }
    });
    std::process::exit(if ok { 0 } else { 1 });
}

/// One request, its answer printed: to see that a server takes (or refuses) it.
async fn once(options: &Options) -> bool {
    let mut payload = Payload::new(options);
    let mut connection = match Connection::open(&options.address).await {
        Ok(connection) => connection,
        Err(error) => {
            say(&format!("cannot connect to {}: {error}", options.address));
            return false;
        }
    };
    match connection.exchange(payload.next_request()).await {
        Ok(status) => {
            say(&format!("{status} {}", String::from_utf8_lossy(connection.last_answer())));
            (200..300).contains(&status)
        }
        Err(error) => {
            say(&format!("failed: {error}"));
            false
        }
    }
}

/// A reader that has seen enough (`| head -1`) is no reason to fail.
fn say(text: &str) {
    let _ = writeln!(std::io::stdout(), "{text}");
}

async fn load(options: Rc<Options>) {
    let tally = Rc::new(RefCell::new(Tally::default()));
    let begin = Instant::now();
    let window =
        Window { begin, from: begin + options.warmup, until: begin + options.warmup + options.seconds };

    let loops: Vec<_> = (0..options.connections)
        .map(|index| {
            let work = connection_loop(index, options.clone(), window, tally.clone());
            tokio::task::spawn_local(work)
        })
        .collect();

    tokio::time::sleep_until(window.from.into()).await;
    let cpu_from = report::cpu_seconds();
    tokio::time::sleep_until(window.until.into()).await;
    let cpu = report::cpu_seconds() - cpu_from;

    // Requests on the way may still answer; what does not is counted, not hidden.
    let give_up = window.until + options.grace;
    for task in loops {
        let abort = task.abort_handle();
        if tokio::time::timeout_at(give_up.into(), task).await.is_err() {
            abort.abort();
            tally.borrow_mut().unfinished += 1;
        }
    }
    say(&tally.borrow().json(&options, cpu));
}

#[derive(Clone, Copy)]
struct Window {
    begin: Instant,
    from: Instant,
    until: Instant,
}

async fn connection_loop(index: usize, options: Rc<Options>, window: Window, tally: Rc<RefCell<Tally>>) {
    let mut payload = Payload::new(&options);
    let mut connection = None;
    let mut pace = Pace::new(index, &options, window.begin);

    loop {
        let started = pace.wait().await;
        if Instant::now() >= window.until {
            return;
        }
        if connection.is_none() {
            match Connection::open(&options.address).await {
                Ok(open) => connection = Some(open),
                Err(error) => {
                    tally.borrow_mut().io_error(&error);
                    tokio::time::sleep(Duration::from_millis(20)).await;
                    continue;
                }
            }
        }
        let open = connection.as_mut().expect("opened above");

        let result = open.exchange(payload.next_request()).await;
        let done = Instant::now();
        let mut tally = tally.borrow_mut();
        match result {
            Ok(status) => {
                let inside = done >= window.from && done < window.until;
                let latency = (started >= window.from).then(|| done - started);
                tally.answer(status, inside, latency);
                if open.must_close() {
                    connection = None;
                }
            }
            Err(error) => {
                tally.io_error(&error);
                connection = None;
            }
        }
    }
}

/// Closed loop without `--rate`; with it, a fixed timetable, and the latency
/// counts from the planned time, so a stalled server cannot hide the wait.
struct Pace {
    next: Instant,
    step: Option<Duration>,
}

impl Pace {
    fn new(index: usize, options: &Options, begin: Instant) -> Self {
        match options.rate {
            None => Self { next: begin, step: None },
            Some(rate) => Self {
                next: begin + Duration::from_secs_f64(index as f64 / rate),
                step: Some(Duration::from_secs_f64(options.connections as f64 / rate)),
            },
        }
    }

    async fn wait(&mut self) -> Instant {
        let Some(step) = self.step else {
            return Instant::now();
        };
        let planned = self.next;
        self.next += step;
        if planned > Instant::now() {
            tokio::time::sleep_until(planned.into()).await;
        }
        planned
    }
}
