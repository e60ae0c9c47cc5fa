//! A disk that is full soon: a small file system of its own.

use std::path::{Path, PathBuf};
use std::process::Command;

/// A small ext4 on a loop device, or a small tmpfs; gone with the value.
pub struct Mount {
    pub path: PathBuf,
    _folder: tempfile::TempDir,
}

impl Mount {
    /// None, loudly, where it cannot be made outside CI.
    pub fn make(mib: u64) -> Option<Self> {
        let folder = tempfile::tempdir().expect("a directory");
        let image = folder.path().join("image");
        let path = folder.path().join("mount");
        std::fs::create_dir(&path).expect("a directory");
        let file = std::fs::File::create(&image).expect("an image");
        file.set_len(mib * 1024 * 1024).expect("a sparse file");
        let run = |command: &mut Command| command.output().is_ok_and(|output| output.status.success());
        let made = run(Command::new("mkfs.ext4").args(["-q", "-F", "-m", "0"]).arg(&image))
            && run(Command::new("mount").args(["-o", "loop"]).arg(&image).arg(&path));
        // Where there are no loop devices, a small tmpfs is as full as any disk.
        let size = format!("size={mib}m");
        let made = made || run(Command::new("mount").args(["-t", "tmpfs", "-o", &size, "tmpfs"]).arg(&path));
        if !made {
            let why = "a small file system needs root, mount, and mkfs.ext4 (e2fsprogs) with loop devices, or tmpfs";
            assert!(std::env::var_os("CI").is_none(), "{why}");
            eprintln!("SKIPPED: {why}; run the tests as root");
            return None;
        }
        Some(Self { path, _folder: folder })
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.path).status();
    }
}

/// A file of so many MiB, or as many as there is room for.
pub fn fill(path: &Path, mib: usize) {
    let chunk = vec![0x5a; 1024 * 1024];
    let mut file = std::fs::File::create(path).expect("a file");
    for _ in 0..mib {
        std::io::Write::write_all(&mut file, &chunk).expect("room for the ballast");
    }
    file.sync_all().expect("synced");
}
