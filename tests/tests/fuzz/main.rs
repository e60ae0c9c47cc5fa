//! Fuzzing of everything that a user writes: templates, filters, transforms, manifests.
//!
//! Promised is: no panic, no hang, bounded memory, and what `input.rs` asserts beside. Inputs are
//! run in a process of its own with a bounded address space; this one watches it and, where it
//! dies or stands still, makes the input again from its seed and number.
//!
//! | Variable | Meaning |
//! |---|---|
//! | `FUZZ_SECONDS` | how long; 60 where `CI` is set, 5 elsewhere |
//! | `FUZZ_SEED` | where to begin; another one each time by default, always printed |
//! | `FUZZ_INPUT` | a file that an earlier run wrote: run it alone |
//!
//! `FUZZ_SECONDS=3600 cargo test --locked -p tests --test fuzz -- --nocapture` for an hour.

mod corpus;
mod generate;
mod input;
mod watch;

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use corpus::Corpus;
use input::{Came, Input, Target};
use watch::{CHILD, End, Progress, Task, watch};

#[test]
fn nothing_that_a_user_writes_panics_hangs_or_grows_without_bound() {
    if let Ok(path) = std::env::var("FUZZ_INPUT") {
        let path = std::fs::canonicalize(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
        let seen = watch(&Task::Replay(path));
        assert!(matches!(seen.end, End::Well), "{:?}\n{}", seen.end, seen.log);
        return;
    }
    let by_default = if std::env::var_os("CI").is_some() { 60 } else { 5 };
    let seconds = number("FUZZ_SECONDS").unwrap_or(by_default);
    let seed = number("FUZZ_SEED").unwrap_or_else(|| {
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("after 1970");
        u64::try_from(now.as_millis()).expect("64 bits")
    });
    println!("fuzz: FUZZ_SEED={seed} FUZZ_SECONDS={seconds}");
    let seen = watch(&Task::Chance { seed, seconds });
    if matches!(seen.end, End::Well) {
        let summary = seen.log.lines().filter(|line| line.starts_with("fuzz:")).collect::<Vec<_>>();
        println!("{}\nfuzz: at most {} MiB resident", summary.join("\n"), seen.peak_mib);
        assert!(!summary.is_empty(), "the child did nothing: {}", seen.log);
        return;
    }
    let input = generate::input(&Corpus::read(), seed, seen.number);
    let path = folder().join(format!("{seed}-{}.json", seen.number));
    std::fs::write(&path, input.to_json()).expect("the input is kept");
    panic!(
        "fuzz: {:?} at input {} of FUZZ_SEED={seed}\n{input:?}\nalone: FUZZ_INPUT={} cargo test -p tests --test fuzz\n{}",
        seen.end,
        seen.number,
        path.display(),
        seen.log
    );
}

#[test]
fn the_watch_sees_a_panic_a_hang_a_full_memory_and_a_full_stack() {
    for fault in ["panic", "hang", "memory", "stack", "none"] {
        let input = Input { target: Target::Planted, text: fault.to_owned(), record: String::new() };
        let path = folder().join(format!("planted-{fault}.json"));
        std::fs::write(&path, input.to_json()).expect("the input is kept");
        let seen = watch(&Task::Replay(path));
        match fault {
            "none" => assert!(matches!(seen.end, End::Well), "{:?} {}", seen.end, seen.log),
            "hang" => assert!(matches!(seen.end, End::Hung), "{:?} {}", seen.end, seen.log),
            _ => assert!(matches!(seen.end, End::Died(_)), "{fault}: {:?} {}", seen.end, seen.log),
        }
    }
}

#[test]
fn an_input_is_the_same_each_time_and_comes_back_from_its_file() {
    let corpus = Corpus::read();
    for number in 0..200 {
        let input = generate::input(&corpus, 7, number);
        assert_eq!(input, generate::input(&corpus, 7, number));
        assert_eq!(input, Input::from_json(&input.to_json()));
    }
}

/// The process that runs inputs; started by the others.
#[test]
#[ignore = "started by the other tests in a process of its own"]
fn child() {
    let Ok(task) = std::env::var(CHILD) else { return };
    let progress = Progress::at(Path::new(&task));
    progress.begin();
    if let Ok(path) = std::env::var("FUZZ_INPUT") {
        let input = Input::from_json(&std::fs::read_to_string(path).expect("an input"));
        println!("fuzz: {:?}", input.run());
        return;
    }
    let seed = number("FUZZ_SEED").expect("a seed");
    let length = Duration::from_secs(number("FUZZ_SECONDS").expect("a time"));
    let corpus = Corpus::read();
    let mut tally = Tally::default();
    let began = Instant::now();
    while began.elapsed() < length {
        progress.show(tally.inputs);
        let input = generate::input(&corpus, seed, tally.inputs);
        let start = Instant::now();
        let came = input.run();
        tally.note(input.target, came, start.elapsed());
    }
    tally.print(began.elapsed());
    tally.check();
}

/// What came of the inputs.
#[derive(Default)]
struct Tally {
    inputs: u64,
    /// By target: refused, failed, through; and the longest.
    by_target: [([u64; 3], Duration); 4],
}

impl Tally {
    fn note(&mut self, target: Target, came: Came, took: Duration) {
        self.inputs += 1;
        let at = Target::CHANCE.iter().position(|one| *one == target).expect("made by chance");
        let (counts, longest) = &mut self.by_target[at];
        counts[came as usize] += 1;
        *longest = (*longest).max(took);
    }

    fn print(&self, took: Duration) {
        #[expect(clippy::cast_precision_loss, reason = "a rate for people")]
        let rate = self.inputs as f64 / took.as_secs_f64();
        println!("fuzz: {} inputs in {:.1} s, {rate:.0} a second", self.inputs, took.as_secs_f64());
        for (target, ([refused, failed, through], longest)) in Target::CHANCE.iter().zip(self.by_target) {
            println!(
                "fuzz: {:<9} {refused} refused, {failed} failed, {through} through, the longest {} ms",
                target.name(),
                longest.as_millis()
            );
        }
    }

    /// Inputs that are all refused would show nothing.
    fn check(&self) {
        for (target, ([refused, failed, through], _)) in Target::CHANCE.iter().zip(self.by_target) {
            let all = refused + failed + through;
            assert!(all < 500 || through * 50 > all, "{}: {through} of {all} came through", target.name());
        }
    }
}

fn number(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok()?;
    Some(text.parse().unwrap_or_else(|error| panic!("{name}={text}: {error}")))
}

/// Where failing inputs are kept.
fn folder() -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("../fuzz");
    std::fs::create_dir_all(&folder).expect("a folder");
    folder
}
