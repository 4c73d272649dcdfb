//! Covering directories that nothing untrusted has to see, in the mount namespace that a host has of its own.
//!
//! An empty, read-only file system is laid over each, and the workspace, if it lies below, is bound back
//! at its own path, so that no path changes. Who may not mount here (the agent may not, unless it is
//! root) can't take it away: in a namespace of its own the kernel keeps what was covered together.
//! Landlock was rejected: it can only allow, and programs make files anywhere in a home directory.
//!
//! Must not know: what is in the directories, or why they are hidden.

use std::io;
use std::os::fd::AsRawFd;
use std::path::{Path, PathBuf};

use rustix::fs::{Mode, OFlags};
use rustix::mount::{MountFlags, UnmountFlags};
use rustix::thread::{CapabilitySet, CapabilitySets};

use super::wire::Hidden;

/// What an empty file system may take: a few directories lead to the workspace.
const BOUNDS: &std::ffi::CStr = c"mode=0755,size=64k,nr_inodes=128";
const FLAGS: MountFlags = MountFlags::NOSUID.union(MountFlags::NODEV).union(MountFlags::NOEXEC);

/// Hides directories from this process and all that it starts, and gives up what was needed for it.
///
/// Only the first process of a PID namespace has a mount namespace that is its own for sure: anywhere
/// else nothing is covered.
pub(super) fn cover(hidden: &[PathBuf], workspace: &Path) -> io::Result<Hidden> {
    let found = if hidden.is_empty() {
        Hidden::Nothing
    } else if std::process::id() != 1 {
        Hidden::Refused { why: "there is no mount namespace".to_owned() }
    } else {
        // What was opened by its path before would lead behind the cover.
        std::env::set_current_dir("/")?;
        match hidden.iter().try_for_each(|dir| one(dir, workspace)) {
            Ok(()) => Hidden::Covered,
            Err(error) => Hidden::Refused { why: error.to_string() },
        }
    };
    if !rustix::process::geteuid().is_root() {
        shed_capabilities()?;
    }
    Ok(found)
}

fn one(dir: &Path, workspace: &Path) -> io::Result<()> {
    let said = |act: &str, error: io::Error| {
        io::Error::new(error.kind(), format!("can't {act} {}: {error}", dir.display()))
    };
    let dir = match dir.canonicalize() {
        // Not there, or below one that is covered already.
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        found => found.map_err(|error| said("find", error))?,
    };
    let workspace = workspace.canonicalize()?;
    if workspace == dir || dir == Path::new("/") {
        return Err(said("cover", io::ErrorKind::InvalidInput.into()));
    }
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let opened = rustix::fs::open(&workspace, flags, Mode::empty())?;
    rustix::mount::mount("smith", &dir, "tmpfs", FLAGS, BOUNDS)
        .map_err(|errno| said("cover", errno.into()))?;
    let rest = || -> io::Result<()> {
        if workspace.starts_with(&dir) {
            std::fs::create_dir_all(&workspace)?;
            let source = format!("/proc/self/fd/{}", opened.as_raw_fd());
            rustix::mount::mount_bind_recursive(source, &workspace)?;
        }
        Ok(rustix::mount::mount_remount(&dir, FLAGS | MountFlags::RDONLY, "")?)
    };
    rest().map_err(|error| {
        // Half a cover would hide the workspace too.
        let _ = rustix::mount::unmount(&dir, UnmountFlags::DETACH);
        said("cover", error)
    })
}

/// Keeps none of the power that the making of a user namespace gave: what is started inherits none of
/// it, and can't mount.
fn shed_capabilities() -> io::Result<()> {
    let none = CapabilitySet::empty();
    rustix::thread::clear_ambient_capability_set()?;
    let sets = CapabilitySets { effective: none, permitted: none, inheritable: none };
    Ok(rustix::thread::set_capabilities(None, sets)?)
}
