//! Deleting a tree that an agent filled: no link is followed, and read-only directories don't stop it.

use std::fs::Permissions;
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

/// Deletes `path` and everything beneath it; nothing there is success.
pub(super) fn delete_tree(path: &Path) -> io::Result<()> {
    match remove(path) {
        // Tools make directories read-only (module caches do); their owner may take that back.
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
            open_up(path)?;
            remove(path)
        }
        result => result,
    }
}

/// The standard library's removal opens each directory relative to its parent and refuses links.
fn remove(path: &Path) -> io::Result<()> {
    match std::fs::remove_dir_all(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::NotADirectory => std::fs::remove_file(path),
        result => result,
    }
}

/// Makes every directory of the tree writable. All its processes are dead: nobody swaps a link in.
fn open_up(path: &Path) -> io::Result<()> {
    let mut left = vec![path.to_owned()];
    while let Some(dir) = left.pop() {
        std::fs::set_permissions(&dir, Permissions::from_mode(0o700))?;
        for entry in std::fs::read_dir(&dir)? {
            let entry = entry?;
            // The entry's own type, not that of what a link points to.
            if entry.file_type()?.is_dir() {
                left.push(entry.path());
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_are_deleted_and_their_targets_stay() {
        let dir = tempfile::tempdir().unwrap();
        let outside = dir.path().join("outside");
        std::fs::create_dir(&outside).unwrap();
        std::fs::write(outside.join("kept"), "x").unwrap();
        let tree = dir.path().join("tree");
        std::fs::create_dir_all(tree.join("a/b")).unwrap();
        std::os::unix::fs::symlink(&outside, tree.join("a/link")).unwrap();
        std::fs::set_permissions(tree.join("a/b"), Permissions::from_mode(0o500)).unwrap();
        std::fs::set_permissions(tree.join("a"), Permissions::from_mode(0o000)).unwrap();
        open_up(&tree).unwrap();
        delete_tree(&tree).unwrap();
        assert!(!tree.exists());
        assert!(outside.join("kept").exists());
        delete_tree(&tree).unwrap();
    }

    #[test]
    fn a_link_in_place_of_the_tree_is_deleted_itself() {
        let dir = tempfile::tempdir().unwrap();
        let outside = dir.path().join("outside");
        std::fs::create_dir(&outside).unwrap();
        let link = dir.path().join("link");
        std::os::unix::fs::symlink(&outside, &link).unwrap();
        delete_tree(&link).unwrap();
        assert!(link.symlink_metadata().is_err());
        assert!(outside.exists());
    }
}
