//! A clock that is stepped while a replica runs, by libfaketime: the process reads another time
//! from one moment to the next, its database and the senders do not.

use std::path::{Path, PathBuf};

use postgres_server::Server;

use super::fleet::Fleet;
use super::story::{goes_on, pause, tell};

#[test]
fn a_clock_that_is_stepped_forwards_and_back_loses_nothing() {
    let Some(library) = library() else { return };
    let server = Server::start();
    let mut fleet = Fleet::start(1, &server.database());
    let folder = tempfile::tempdir().expect("a directory");
    let offset = folder.path().join("offset");
    step(&offset, 0);
    fleet.add(|mut setup| {
        setup.wrapper = vec![
            "env".to_owned(),
            format!("LD_PRELOAD={}", library.display()),
            format!("FAKETIME_TIMESTAMP_FILE={}", offset.display()),
            "FAKETIME_NO_CACHE=1".to_owned(),
            // Waits go by the monotonic clock, which nobody steps.
            "DONT_FAKE_MONOTONIC=1".to_owned(),
        ];
        setup
    });
    tell("clock stepped", &mut fleet, |_, load| {
        // Within what a signature may differ: nothing is refused. Then far beyond: 401 at that
        // replica, and the other one takes everything.
        for seconds in [240, -50, 86_400, -86_400, 0] {
            step(&offset, seconds);
            goes_on(load, &format!("with a clock that is {seconds} s off"));
            pause(300);
        }
    });
}

fn step(offset: &Path, seconds: i64) {
    // In one piece: the library reads it at each call.
    let next = offset.with_extension("next");
    std::fs::write(&next, format!("{seconds:+}")).expect("a file");
    std::fs::rename(&next, offset).expect("a file");
}

/// libfaketime, as Debian and Fedora put it; none is an error in CI.
fn library() -> Option<PathBuf> {
    let found = ["/usr/lib/x86_64-linux-gnu", "/usr/lib/aarch64-linux-gnu", "/usr/lib64"]
        .into_iter()
        .map(|folder| Path::new(folder).join("faketime/libfaketimeMT.so.1"))
        .find(|path| path.exists());
    if found.is_none() {
        let remedy = "install libfaketime: apt-get install faketime";
        assert!(std::env::var_os("CI").is_none(), "{remedy}");
        eprintln!("SKIPPED, the clock is not stepped: {remedy}");
    }
    found
}
