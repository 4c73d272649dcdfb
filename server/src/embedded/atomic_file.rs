//! Writing a small private file so that a crash leaves the old one or the new one, never a part.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

/// Replaces `path` by `contents`, mode 0600, on disk when this returns.
///
/// The file beside it in which it is prepared has a fixed name: callers hold the state directory's lock,
/// or are the only ones who write that file.
pub(super) fn replace(path: &Path, contents: &[u8]) -> io::Result<()> {
    let mut prepared = path.as_os_str().to_owned();
    prepared.push(".new");
    let prepared = Path::new(&prepared);
    // A left-over of a crash may have another mode, or be a link; so it is removed, not opened.
    match fs::remove_file(prepared) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(prepared)?;
    file.write_all(contents)?;
    file.sync_all()?;
    fs::rename(prepared, path)?;
    sync_parent(path)
}

/// Makes a rename or a new name in `path`'s directory last.
pub(super) fn sync_parent(path: &Path) -> io::Result<()> {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => File::open(parent)?.sync_all(),
        _ => File::open(".")?.sync_all(),
    }
}
