//! Reads files and standard input, bounded.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use crds::check::Refusal;

use super::mistake::{ManifestMistake, Severity};
use super::yaml::Place;
use super::{MAX_FILE_BYTES, Manifests};

/// A text and the name that mistakes call it by.
#[derive(Clone, Debug)]
pub struct Source {
    /// The file, as the user named it.
    pub file: String,
    /// Its text.
    pub text: String,
}

/// Reads manifests from files; `-` is standard input. A file that cannot be read is a mistake
/// like others, so that all files are looked at.
pub fn read_files(paths: &[PathBuf]) -> Manifests {
    let mut sources = Vec::new();
    let mut unread = Vec::new();
    for path in paths {
        let file = if path == Path::new("-") { "<stdin>".to_owned() } else { path.display().to_string() };
        match read(path) {
            Ok(text) => sources.push(Source { file, text }),
            Err((reason, remedy)) => unread.push(ManifestMistake::at(
                &file,
                Place::START,
                Refusal::new("", reason, remedy),
                Severity::Mistake,
            )),
        }
    }
    let mut manifests = Manifests::parse(&sources);
    manifests.mistakes.splice(0..0, unread);
    manifests
}

type ReasonAndRemedy = (String, &'static str);

fn read(path: &Path) -> Result<String, ReasonAndRemedy> {
    let failed = |error: io::Error| {
        let remedy = match error.kind() {
            io::ErrorKind::NotFound => "check the name of the file",
            io::ErrorKind::IsADirectory => "name the files in the directory, such as DIRECTORY/*.yaml",
            _ => "see that it is a file that you may read",
        };
        (format!("the file cannot be read: {error}"), remedy)
    };
    let bytes = if path == Path::new("-") {
        read_bounded(io::stdin().lock())
    } else {
        File::open(path).and_then(read_bounded)
    };
    let bytes = bytes.map_err(failed)?;
    if bytes.len() > MAX_FILE_BYTES {
        return Err(("the file is larger than 4 MiB".to_owned(), "split it into several files"));
    }
    String::from_utf8(bytes)
        .map_err(|_| ("the file is not UTF-8".to_owned(), "save it as UTF-8, without another encoding"))
}

/// At most one byte more than a file may have.
fn read_bounded(input: impl Read) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    input.take(MAX_FILE_BYTES as u64 + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}
