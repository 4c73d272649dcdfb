//! Files an agent could have made: opened beneath the workspace, links never followed, sizes bounded.
//!
//! Every path is walked one component at a time from a descriptor of the root with `O_NOFOLLOW`, so
//! a directory that was swapped for a link (even between two calls) is an error, not a way out.
//! `openat2` would do the same in one call, but old kernels and some seccomp profiles refuse it.
//!
//! All calls block; async callers use `spawn_blocking`. Knows nothing of git.

mod removal;

use std::ffi::{CStr, CString, OsStr, OsString};
use std::fs::File;
use std::io::Read;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Component, Path, PathBuf};

use rustix::fs::{AtFlags, Dir, FileType, Mode, OFlags};
use rustix::io::Errno;

/// How deep [`Workspace::size`] looks; deeper trees are answered as incomplete.
const MAX_DEPTH: usize = 256;

/// Why a file of the workspace could not be used.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The root could not be opened as a directory.
    #[error("cannot open the workspace {}", path.display())]
    Root {
        /// The root as given.
        path: PathBuf,
        /// What the kernel said.
        #[source]
        source: std::io::Error,
    },
    /// Another directory or a link stands where the workspace was opened.
    #[error("the workspace {} was replaced by something else", path.display())]
    Replaced {
        /// The root as given.
        path: PathBuf,
    },
    /// A path that is absolute, empty, or climbs with `..`.
    #[error("{path:?} does not lie beneath the workspace: give a relative path without `..`")]
    Outside {
        /// The path as given.
        path: PathBuf,
    },
    /// Nothing is there.
    #[error("{path:?} does not exist")]
    NotFound {
        /// The path as given.
        path: PathBuf,
    },
    /// The path, or a directory on the way to it, is a symbolic link.
    #[error("{path:?} is, or lies behind, a symbolic link, and links are not followed")]
    Link {
        /// The path as given.
        path: PathBuf,
    },
    /// A directory, fifo, socket or device where a regular file was wanted.
    #[error("{path:?} is a {kind}, not a regular file")]
    NotRegular {
        /// The path as given.
        path: PathBuf,
        /// What it is.
        kind: Kind,
    },
    /// The file has more bytes than the caller wants to hold.
    #[error("{path:?} is larger than {limit} bytes")]
    TooLarge {
        /// The path as given.
        path: PathBuf,
        /// The bound.
        limit: u64,
    },
    /// The file exists and can't be read.
    #[error("cannot read {path:?}")]
    Read {
        /// The path as given.
        path: PathBuf,
        /// What the kernel said.
        #[source]
        source: std::io::Error,
    },
    /// The file or directory can't be written.
    #[error("cannot write {path:?}")]
    Write {
        /// The path as given.
        path: PathBuf,
        /// What the kernel said.
        #[source]
        source: std::io::Error,
    },
    /// Something could not be removed.
    #[error("cannot remove {path:?}")]
    Remove {
        /// The path, as far as it is known.
        path: PathBuf,
        /// What the kernel said.
        #[source]
        source: std::io::Error,
    },
}

/// What a directory entry is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A regular file.
    File,
    /// A directory.
    Directory,
    /// A symbolic link.
    Link,
    /// A named pipe.
    Fifo,
    /// A unix socket.
    Socket,
    /// A block or character device.
    Device,
}

impl Kind {
    fn of(file_type: FileType) -> Self {
        match file_type {
            FileType::Directory => Self::Directory,
            FileType::Symlink => Self::Link,
            FileType::Fifo => Self::Fifo,
            FileType::Socket => Self::Socket,
            FileType::CharacterDevice | FileType::BlockDevice => Self::Device,
            FileType::RegularFile | FileType::Unknown => Self::File,
        }
    }

    /// Neither file, directory nor link: something that can't be part of a tree.
    pub fn is_special(self) -> bool {
        matches!(self, Self::Fifo | Self::Socket | Self::Device)
    }
}

impl std::fmt::Display for Kind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::File => "file",
            Self::Directory => "directory",
            Self::Link => "symbolic link",
            Self::Fifo => "named pipe",
            Self::Socket => "socket",
            Self::Device => "device",
        })
    }
}

/// One entry of a directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its name, bytes as they are on disk.
    pub name: OsString,
    /// What it is; never looked at through a link.
    pub kind: Kind,
}

/// What [`Workspace::size`] counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Size {
    /// Bytes of all regular files.
    pub bytes: u64,
    /// Entries of every kind.
    pub entries: u64,
    /// Whether everything was counted, or a bound (or an unreadable directory) ended it.
    pub complete: bool,
}

/// An opened workspace directory.
#[derive(Debug)]
pub struct Workspace {
    root: PathBuf,
    dir: OwnedFd,
}

/// Reads a regular file of at most `max` bytes at `relative` beneath `root`, following no link.
pub fn read_bounded(root: &Path, relative: &Path, max: u64) -> Result<Vec<u8>, Error> {
    Workspace::open(root)?.read_bounded(relative, max)
}

/// Removes whatever is at `relative` beneath `root`, following no link; nothing there is success.
pub fn remove_all(root: &Path, relative: &Path) -> Result<(), Error> {
    Workspace::open(root)?.remove_all(relative)
}

impl Workspace {
    /// Opens `root`, which must be a directory and not a link.
    pub fn open(root: &Path) -> Result<Self, Error> {
        let dir = rustix::fs::open(root, DIRECTORY, Mode::empty())
            .map_err(|errno| Error::Root { path: root.to_owned(), source: errno.into() })?;
        Ok(Self { root: root.to_owned(), dir })
    }

    /// The path it was opened at.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Fails unless the path still leads to the directory that was opened: a program that is given
    /// the path (git) must not be sent elsewhere by an agent that swapped the root.
    pub fn verify(&self) -> Result<(), Error> {
        let replaced = || Error::Replaced { path: self.root.clone() };
        let there = rustix::fs::lstat(&self.root).map_err(|_| replaced())?;
        let opened = rustix::fs::fstat(&self.dir).map_err(|_| replaced())?;
        if (there.st_dev, there.st_ino) == (opened.st_dev, opened.st_ino) {
            Ok(())
        } else {
            Err(replaced())
        }
    }

    /// Reads a regular file of at most `max` bytes.
    pub fn read_bounded(&self, relative: &Path, max: u64) -> Result<Vec<u8>, Error> {
        let (parent, name) = self.parent(relative)?;
        // Not blocking, since opening a fifo would wait for its writer.
        let flags =
            OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
        let file = rustix::fs::openat(&parent, &name, flags, Mode::empty()).map_err(|errno| {
            match kind_of(parent.as_fd(), &name) {
                // A socket answers ENXIO, which says nothing to a person.
                Some(kind) if kind.is_special() => {
                    Error::NotRegular { path: relative.to_owned(), kind }
                }
                _ => open_error(relative, errno),
            }
        })?;
        let read = |source: std::io::Error| Error::Read { path: relative.to_owned(), source };
        let stat = rustix::fs::fstat(&file).map_err(|errno| read(errno.into()))?;
        let kind = Kind::of(FileType::from_raw_mode(stat.st_mode));
        if kind != Kind::File {
            return Err(Error::NotRegular { path: relative.to_owned(), kind });
        }
        let mut content = Vec::new();
        File::from(file).take(max.saturating_add(1)).read_to_end(&mut content).map_err(read)?;
        if content.len() as u64 > max {
            return Err(Error::TooLarge { path: relative.to_owned(), limit: max });
        }
        Ok(content)
    }

    /// Makes one new directory; whatever is there already is an error.
    pub fn create_dir(&self, relative: &Path) -> Result<(), Error> {
        let (parent, name) = self.parent(relative)?;
        rustix::fs::mkdirat(&parent, &name, Mode::from_raw_mode(0o777))
            .map_err(|errno| Error::Write { path: relative.to_owned(), source: errno.into() })
    }

    /// Makes a new file for writing; whatever is there already is an error.
    pub fn create_file(&self, relative: &Path) -> Result<File, Error> {
        let (parent, name) = self.parent(relative)?;
        let flags =
            OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        rustix::fs::openat(&parent, &name, flags, Mode::from_raw_mode(0o666))
            .map(File::from)
            .map_err(|errno| Error::Write { path: relative.to_owned(), source: errno.into() })
    }

    /// The entries of a directory; the empty path is the root.
    pub fn entries(&self, relative: &Path) -> Result<Vec<Entry>, Error> {
        let dir = self.directory(relative)?;
        entries_of(dir.as_fd())
            .map_err(|errno| Error::Read { path: relative.to_owned(), source: errno.into() })
    }

    /// What is at `relative`, itself not followed.
    pub fn kind(&self, relative: &Path) -> Result<Kind, Error> {
        let (parent, name) = self.parent(relative)?;
        kind_of(parent.as_fd(), &name).ok_or_else(|| Error::NotFound { path: relative.to_owned() })
    }

    /// The size of a regular file after opening it for reading, so that an unreadable one is found;
    /// `None` for anything else.
    pub fn readable_size(&self, relative: &Path) -> Result<Option<u64>, Error> {
        let (parent, name) = self.parent(relative)?;
        let stat = rustix::fs::statat(&parent, &name, AtFlags::SYMLINK_NOFOLLOW)
            .map_err(|errno| open_error(relative, errno))?;
        if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile {
            return Ok(None);
        }
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        rustix::fs::openat(&parent, &name, flags, Mode::empty())
            .map_err(|errno| open_error(relative, errno))?;
        Ok(Some(u64::try_from(stat.st_size).unwrap_or(0)))
    }

    /// Counts a directory's files, stopping after `max_entries`.
    pub fn size(&self, relative: &Path, max_entries: u64) -> Result<Size, Error> {
        let mut size = Size { complete: true, ..Size::default() };
        let mut pending = vec![relative.to_owned()];
        while let Some(path) = pending.pop() {
            let dir = match self.directory(&path) {
                Ok(dir) => dir,
                Err(error) if path == relative => return Err(error),
                Err(_) => {
                    size.complete = false;
                    continue;
                }
            };
            let Ok(entries) = entries_of(dir.as_fd()) else {
                size.complete = false;
                continue;
            };
            for Entry { name, kind } in entries {
                if size.entries == max_entries {
                    size.complete = false;
                    return Ok(size);
                }
                size.entries += 1;
                match kind {
                    Kind::File => {
                        let name = c_name(&name);
                        if let Ok(stat) = rustix::fs::statat(&dir, &name, AtFlags::SYMLINK_NOFOLLOW)
                        {
                            size.bytes += u64::try_from(stat.st_size).unwrap_or(0);
                        }
                    }
                    Kind::Directory if path.components().count() < MAX_DEPTH => {
                        pending.push(path.join(name));
                    }
                    Kind::Directory => size.complete = false,
                    Kind::Link | Kind::Fifo | Kind::Socket | Kind::Device => {}
                }
            }
        }
        Ok(size)
    }

    /// Opens a directory beneath the root, every component without following links.
    fn directory(&self, relative: &Path) -> Result<OwnedFd, Error> {
        let mut dir = reopen(self.dir.as_fd()).map_err(|errno| open_error(relative, errno))?;
        for component in components(relative)? {
            dir = rustix::fs::openat(&dir, &component, DIRECTORY, Mode::empty()).map_err(
                |errno| match errno {
                    // O_DIRECTORY|O_NOFOLLOW answers ENOTDIR for a link too.
                    Errno::NOTDIR if kind_of(dir.as_fd(), &component) == Some(Kind::Link) => {
                        Error::Link { path: relative.to_owned() }
                    }
                    errno => open_error(relative, errno),
                },
            )?;
        }
        Ok(dir)
    }

    /// The opened parent of a path, and the path's last component.
    fn parent(&self, relative: &Path) -> Result<(OwnedFd, CString), Error> {
        let name = components(relative)?
            .pop()
            .ok_or_else(|| Error::Outside { path: relative.to_owned() })?;
        let parent = relative.parent().unwrap_or(Path::new(""));
        Ok((self.directory(parent)?, name))
    }
}

/// How a directory is opened everywhere here.
const DIRECTORY: OFlags =
    OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);

fn components(relative: &Path) -> Result<Vec<CString>, Error> {
    let outside = || Error::Outside { path: relative.to_owned() };
    relative
        .components()
        .map(|component| match component {
            Component::Normal(name) => CString::new(name.as_bytes()).map_err(|_| outside()),
            Component::CurDir
            | Component::ParentDir
            | Component::RootDir
            | Component::Prefix(_) => Err(outside()),
        })
        .collect()
}

fn open_error(path: &Path, errno: Errno) -> Error {
    let path = path.to_owned();
    match errno {
        // A file where a directory would be: nothing can be behind it.
        Errno::NOENT | Errno::NOTDIR => Error::NotFound { path },
        Errno::LOOP => Error::Link { path },
        errno => Error::Read { path, source: errno.into() },
    }
}

/// A second descriptor with a read position of its own (a duplicate would share it).
fn reopen(dir: BorrowedFd<'_>) -> Result<OwnedFd, Errno> {
    rustix::fs::openat(dir, c".", DIRECTORY, Mode::empty())
}

fn kind_of(dir: BorrowedFd<'_>, name: &CStr) -> Option<Kind> {
    rustix::fs::statat(dir, name, AtFlags::SYMLINK_NOFOLLOW)
        .ok()
        .map(|stat| Kind::of(FileType::from_raw_mode(stat.st_mode)))
}

fn entries_of(dir: BorrowedFd<'_>) -> Result<Vec<Entry>, Errno> {
    let mut entries = Vec::new();
    for entry in Dir::new(reopen(dir)?)? {
        let entry = entry?;
        let name = entry.file_name();
        if name == c"." || name == c".." {
            continue;
        }
        let kind = match entry.file_type() {
            // Some file systems don't say.
            FileType::Unknown => kind_of(dir, name).unwrap_or(Kind::File),
            known => Kind::of(known),
        };
        entries.push(Entry { name: OsString::from_vec(name.to_bytes().to_vec()), kind });
    }
    Ok(entries)
}

fn c_name(name: &OsStr) -> CString {
    CString::new(name.as_bytes()).expect("a name that the kernel gave has no NUL")
}

#[cfg(test)]
mod tests;
