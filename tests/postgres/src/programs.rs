//! Where the server's programs are, and as whom they run.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

/// The directory that holds `postgres` and `initdb`: `POSTGRES_BIN`, `PATH`, what `pg_config` says,
/// the newest of `/usr/lib/postgresql/*/bin`.
pub(crate) fn directory() -> &'static Path {
    static DIRECTORY: OnceLock<PathBuf> = OnceLock::new();
    DIRECTORY.get_or_init(|| {
        find().expect(
            "no PostgreSQL server: install it (apt-get install postgresql), or name the directory of \
             `postgres` and `initdb` in POSTGRES_BIN",
        )
    })
}

fn find() -> Option<PathBuf> {
    if let Some(named) = std::env::var_os("POSTGRES_BIN") {
        return Some(PathBuf::from(named));
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut places: Vec<PathBuf> = std::env::split_paths(&path).collect();
    if let Ok(said) = Command::new("pg_config").arg("--bindir").output() {
        places.push(PathBuf::from(String::from_utf8_lossy(&said.stdout).trim()));
    }
    let mut installed: Vec<PathBuf> = std::fs::read_dir("/usr/lib/postgresql")
        .map(|versions| versions.flatten().map(|version| version.path().join("bin")).collect())
        .unwrap_or_default();
    let version = |path: &PathBuf| {
        let name = path.parent()?.file_name()?.to_str()?;
        name.parse::<f64>().ok().map(|version| (version * 10.0) as i64)
    };
    installed.sort_by_key(|path| std::cmp::Reverse(version(path)));
    places.extend(installed);
    let place =
        places.into_iter().find(|place| place.join("postgres").exists() && place.join("initdb").exists())?;
    // Where a link leads, the other programs are too.
    place.join("postgres").canonicalize().ok()?.parent().map(Path::to_owned)
}

/// A user that the server may run as: it refuses root. None: we are not root.
pub(crate) fn user() -> Option<(u32, u32)> {
    if !rustix::process::geteuid().is_root() {
        return None;
    }
    let number = |option: &str| {
        let said = Command::new("id").args([option, "postgres"]).output().expect("id runs");
        let text = String::from_utf8_lossy(&said.stdout).trim().to_owned();
        text.parse().expect("root needs a user `postgres` to run the server as: adduser --system postgres")
    };
    Some((number("-u"), number("-g")))
}

/// A program of the server, as that user.
pub(crate) fn command(name: &str) -> Command {
    let program = directory().join(name);
    let mut command = match user() {
        None => Command::new(program),
        Some((user, group)) => {
            let mut command = Command::new("setpriv");
            command.arg(format!("--reuid={user}")).arg(format!("--regid={group}")).arg("--clear-groups");
            command.arg(program);
            command
        }
    };
    command.current_dir("/").stdin(Stdio::null()).env_remove("PGDATA").env("LC_ALL", "C");
    command
}
