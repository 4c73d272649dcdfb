//! Files and directories that only their owner may read.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::Path;

/// Makes a file that isn't there yet.
pub(super) fn create(path: &Path) -> io::Result<File> {
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)
}

/// Opens a file to write behind what it holds; made, where it isn't there.
pub(super) fn append(path: &Path) -> io::Result<File> {
    make_home(path)?;
    OpenOptions::new().append(true).create(true).mode(0o600).open(path)
}

/// Replaces a file, so that a crash leaves the old one or the new one, and nobody reads half of it.
pub(super) fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    make_home(path)?;
    let mut prepared = path.as_os_str().to_owned();
    prepared.push(format!(".{}", std::process::id()));
    let prepared = Path::new(&prepared);
    // What a crash left may have another mode, or be a link; so it is removed, not opened.
    match fs::remove_file(prepared) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = create(prepared)?;
    let written = file.write_all(bytes).and_then(|()| file.sync_all());
    let replaced = written.and_then(|()| fs::rename(prepared, path));
    if replaced.is_err() {
        let _ = fs::remove_file(prepared);
        return replaced;
    }
    match path.parent() {
        Some(dir) => File::open(dir)?.sync_all(),
        None => Ok(()),
    }
}

/// The directory that a file is to be in.
fn make_home(path: &Path) -> io::Result<()> {
    match path.parent() {
        Some(dir) => DirBuilder::new().recursive(true).mode(0o700).create(dir),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn a_file_is_replaced_whatever_a_crash_left_beside_it() {
        let dir = tempfile::tempdir().unwrap();
        let (path, other) = (dir.path().join("new/kept.json"), dir.path().join("other"));
        replace(&path, b"one").unwrap();
        fs::write(&other, "not ours").unwrap();
        let left = path.with_extension(format!("json.{}", std::process::id()));
        std::os::unix::fs::symlink(&other, left).unwrap();
        replace(&path, b"two").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"two");
        assert_eq!(fs::read(&other).unwrap(), b"not ours");
        assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1);
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!([mode(&path), mode(path.parent().unwrap())], [0o600, 0o700]);
    }
}
