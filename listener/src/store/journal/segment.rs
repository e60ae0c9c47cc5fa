//! Segment files: their names, and what is done to them as a whole.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use super::format::{FIRST_GROUP, SegmentHeader};

/// Zeros that are written ahead of the groups.
///
/// A sync of bytes that lie within the written length of a file has no new length
/// and no new blocks to record: on ext4 it took a third less time for groups of
/// 6 to 600 kB. `fallocate` gains nothing there, since its blocks still have to
/// be marked as written. So zeros are written, a little at a time.
pub(super) const ROOM: u64 = 1024 * 1024;

/// Zeros that a segment made after a failure begins with: proof that there is space for more than a header.
pub(super) const PROVEN_ROOM: u64 = 256 * 1024;

static ZEROS: [u8; 64 * 1024] = [0; 64 * 1024];

/// Path of a segment.
pub fn path(directory: &Path, number: u64) -> PathBuf {
    directory.join(format!("segment-{number:020}.journal"))
}

fn number(name: &str) -> Option<u64> {
    let digits = name.strip_prefix("segment-")?.strip_suffix(".journal")?;
    let number = (digits.len() == 20).then(|| digits.parse().ok()).flatten()?;
    (number > 0).then_some(number)
}

/// Numbers of the segments in a directory, ascending. Other files are not ours.
pub fn list(directory: &Path) -> io::Result<Vec<u64>> {
    let mut numbers = Vec::new();
    for entry in fs::read_dir(directory)? {
        if let Some(number) = entry?.file_name().to_str().and_then(number) {
            numbers.push(number);
        }
    }
    numbers.sort_unstable();
    Ok(numbers)
}

/// Opens a segment for reading.
pub(super) fn open(directory: &Path, number: u64) -> io::Result<File> {
    File::open(path(directory, number))
}

/// Opens a segment for reading and writing.
pub(super) fn open_to_write(directory: &Path, number: u64) -> io::Result<File> {
    OpenOptions::new().read(true).write(true).open(path(directory, number))
}

/// Makes a segment with `room` zeros after its header and syncs it and the
/// directory. Where that fails the file is removed again; where even that fails,
/// the next attempt or the next opening removes it.
pub(super) fn create(directory: &Path, header: &SegmentHeader, room: u64) -> io::Result<File> {
    let path = path(directory, header.segment);
    let made = make(&path, header, room).and_then(|file| sync_directory(directory).map(|()| file));
    if made.is_err() {
        let _ = fs::remove_file(&path);
    }
    made
}

fn make(path: &Path, header: &SegmentHeader, room: u64) -> io::Result<File> {
    // Only a half-made one of ours can be here: opening saw that no later segment exists.
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let file = OpenOptions::new().read(true).write(true).create_new(true).open(path)?;
    file.write_all_at(&header.encode(), 0)?;
    // Synced before anything follows it: a file longer than a header had a good header once.
    file.sync_all()?;
    if room > 0 {
        write_zeros(&file, FIRST_GROUP, room)?;
        file.sync_all()?;
    }
    Ok(file)
}

/// Writes zeros.
pub(super) fn write_zeros(file: &File, mut from: u64, mut length: u64) -> io::Result<()> {
    while length > 0 {
        let piece = length.min(ZEROS.len() as u64);
        file.write_all_at(&ZEROS[..usize::try_from(piece).unwrap_or(0)], from)?;
        from += piece;
        length -= piece;
    }
    Ok(())
}

/// Makes names that were added or removed survive a power cut.
pub fn sync_directory(directory: &Path) -> io::Result<()> {
    File::open(directory)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_exact_names_are_segments() {
        assert_eq!(number("segment-00000000000000000012.journal"), Some(12));
        for other in [
            "segment-12.journal",
            "segment-00000000000000000000.journal",
            "segment-00000000000000000012.journal.bak",
            "segment-99999999999999999999.journal",
            "segment-0000000000000000001x.journal",
            "store.db",
        ] {
            assert_eq!(number(other), None, "{other}");
        }
    }

    #[test]
    fn a_segment_that_cannot_be_made_leaves_nothing() {
        let directory = tempfile::tempdir().unwrap();
        let header = SegmentHeader {
            store: "s".into(),
            segment: 1,
            first_group: 1,
            first_delivery: 1,
            previous_length: 0,
        };
        let gone = directory.path().join("gone");
        assert!(create(&gone, &header, 0).is_err());
        create(directory.path(), &header, 1000).unwrap();
        assert_eq!(list(directory.path()).unwrap(), [1]);
        assert_eq!(fs::metadata(path(directory.path(), 1)).unwrap().len(), FIRST_GROUP + 1000);
    }
}
