//! Removing and unlocking what an agent left: any depth, any permission, no link followed.

use std::ffi::CString;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, FileType, Mode, OFlags};
use rustix::io::Errno;

use super::{Entry, Error, Kind, Workspace, c_name, entries_of, kind_of};

impl Workspace {
    /// Removes whatever is at `relative`, a whole directory too; nothing there is success.
    pub fn remove_all(&self, relative: &Path) -> Result<(), Error> {
        let (parent, name) = match self.parent(relative) {
            Ok(found) => found,
            Err(Error::NotFound { .. }) => return Ok(()),
            Err(error) => return Err(error),
        };
        let remove =
            |errno: Errno| Error::Remove { path: relative.to_owned(), source: errno.into() };
        match kind_of(parent.as_fd(), &name) {
            None => Ok(()),
            Some(Kind::Directory) => {
                let dir = enter(parent.as_fd(), &name).map_err(remove)?;
                empty(dir.as_fd(), relative)?;
                unlink(parent.as_fd(), &name, AtFlags::REMOVEDIR).map_err(remove)
            }
            Some(_) => unlink(parent.as_fd(), &name, AtFlags::empty()).map_err(remove),
        }
    }

    /// Removes everything in the workspace and leaves the root, empty.
    pub fn clear(&self) -> Result<(), Error> {
        empty(self.dir.as_fd(), Path::new(""))
    }

    /// Gives the owner full access to every directory that lacks it, so that git can change what is
    /// inside.
    pub fn unlock_directories(&self) -> Result<(), Error> {
        let mut pending = vec![PathBuf::new()];
        while let Some(path) = pending.pop() {
            let failed = |source: std::io::Error| Error::Write { path: path.clone(), source };
            let dir = self.directory(&path)?;
            for Entry { name, kind } in
                entries_of(dir.as_fd()).map_err(|errno| failed(errno.into()))?
            {
                if kind == Kind::Directory {
                    enter(dir.as_fd(), &c_name(&name)).map_err(|errno| failed(errno.into()))?;
                    pending.push(path.join(name));
                }
            }
        }
        Ok(())
    }
}

/// Empties a directory of any depth with two descriptors and no recursion: a subdirectory that
/// isn't empty is first moved up into `top`, so that nothing is ever deeper than one level.
fn empty(top: BorrowedFd<'_>, path: &Path) -> Result<(), Error> {
    let at = |name: &Entry, errno: Errno| Error::Remove {
        path: path.join(&name.name),
        source: errno.into(),
    };
    let mut moved = 0_u64;
    unlock(top).map_err(|errno| Error::Remove { path: path.to_owned(), source: errno.into() })?;
    loop {
        let entries = entries_of(top)
            .map_err(|errno| Error::Remove { path: path.to_owned(), source: errno.into() })?;
        if entries.is_empty() {
            return Ok(());
        }
        for entry in entries {
            let name = c_name(&entry.name);
            if entry.kind != Kind::Directory {
                unlink(top, &name, AtFlags::empty()).map_err(|errno| at(&entry, errno))?;
                continue;
            }
            let dir = enter(top, &name).map_err(|errno| at(&entry, errno))?;
            for inner in entries_of(dir.as_fd()).map_err(|errno| at(&entry, errno))? {
                let inner_name = c_name(&inner.name);
                if inner.kind != Kind::Directory {
                    unlink(dir.as_fd(), &inner_name, AtFlags::empty())
                        .map_err(|errno| at(&entry, errno))?;
                } else if unlink(dir.as_fd(), &inner_name, AtFlags::REMOVEDIR).is_err() {
                    move_up(dir.as_fd(), &inner_name, top, &mut moved)
                        .map_err(|errno| at(&entry, errno))?;
                }
            }
            unlink(top, &name, AtFlags::REMOVEDIR).map_err(|errno| at(&entry, errno))?;
        }
    }
}

/// Moves a subdirectory into `top` under a name that is free there.
fn move_up(
    dir: BorrowedFd<'_>,
    name: &CString,
    top: BorrowedFd<'_>,
    moved: &mut u64,
) -> Result<(), Errno> {
    // Moving a directory rewrites its `..`, for which it must be writable itself.
    enter(dir, name)?;
    loop {
        *moved += 1;
        let free = CString::new(format!(".removing-{moved}")).expect("no NUL in a number");
        if kind_of(top, &free).is_none() {
            return rustix::fs::renameat(dir, name, top, &free);
        }
    }
}

/// Opens a directory for its removal, after making it accessible to its owner.
fn enter(parent: BorrowedFd<'_>, name: &CString) -> Result<OwnedFd, Errno> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    match rustix::fs::openat(parent, name, flags, Mode::empty()) {
        Ok(dir) => {
            unlock(dir.as_fd())?;
            Ok(dir)
        }
        Err(Errno::ACCESS) => {
            unlock_unreadable(parent, name)?;
            rustix::fs::openat(parent, name, flags, Mode::empty())
        }
        Err(errno) => Err(errno),
    }
}

fn unlock(dir: BorrowedFd<'_>) -> Result<(), Errno> {
    let stat = rustix::fs::fstat(dir)?;
    if stat.st_mode & 0o700 == 0o700 {
        return Ok(());
    }
    rustix::fs::fchmod(dir, Mode::from_raw_mode(stat.st_mode & 0o777 | 0o700))
}

/// A directory without read permission can only be opened as a path, and such a descriptor can't
/// be given to fchmod; its name under /proc leads to exactly that directory.
#[cfg(target_os = "linux")]
fn unlock_unreadable(parent: BorrowedFd<'_>, name: &CString) -> Result<(), Errno> {
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let dir = rustix::fs::openat(parent, name, flags, Mode::empty())?;
    rustix::fs::chmod(format!("/proc/self/fd/{}", dir.as_raw_fd()), Mode::from_raw_mode(0o700))
}

#[cfg(not(target_os = "linux"))]
fn unlock_unreadable(parent: BorrowedFd<'_>, name: &CString) -> Result<(), Errno> {
    rustix::fs::chmodat(parent, name, Mode::from_raw_mode(0o700), AtFlags::SYMLINK_NOFOLLOW)
}

/// Unlinks one name; gone already is success. A parent that isn't writable is unlocked once.
fn unlink(parent: BorrowedFd<'_>, name: &CString, flags: AtFlags) -> Result<(), Errno> {
    match rustix::fs::unlinkat(parent, name, flags) {
        Ok(()) | Err(Errno::NOENT) => Ok(()),
        Err(Errno::ACCESS) => {
            let stat = rustix::fs::fstat(parent)?;
            if FileType::from_raw_mode(stat.st_mode) != FileType::Directory {
                return Err(Errno::ACCESS);
            }
            unlock(parent)?;
            rustix::fs::unlinkat(parent, name, flags)
        }
        Err(errno) => Err(errno),
    }
}
