//! The directory in which one `smithd` keeps everything, and the lock that makes it the only one.
//!
//! ```text
//! {state}/                0700, the user's own; by default $XDG_STATE_HOME/smith or ~/.local/state/smith
//!   lock                  flock held for the life of the process; holds its pid, for people
//!   root.key              32 random bytes, 0600, made once; chain, worker and ticket keys derive from it
//!   ports.json            the ports that were chosen (see ports.rs)
//!   admin.token           the admin token, 0600 (see first_token.rs)
//!   certs/{from}_{until}/ PEM files for etcd (see certs.rs)
//!   etcd/                 etcd's data directory
//!   etcd.log, etcd.log.1  what etcd printed, bounded (see etcd/log.rs)
//! ```
//!
//! Other rooms keep theirs beside these (the local runtime its workers, artifacts); none of the names
//! above is theirs. The lock is a flock and not a pid file, because the kernel lets go of it at kill -9.

use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use super::atomic_file;

/// Length of the root key.
const ROOT_KEY_BYTES: usize = 32;

/// Why the state directory can't be used.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It can't be made, read or made private.
    #[error("can't use the state directory {}", path.display())]
    Directory {
        /// The directory.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// It is someone else's.
    #[error("the state directory {} belongs to user id {owner}, not to {user}; choose another directory, or run as its owner", path.display())]
    NotOurs {
        /// The directory.
        path: PathBuf,
        /// Its owner.
        owner: u32,
        /// Who we are.
        user: u32,
    },
    /// Another process holds the lock.
    #[error("the state directory {} is in use by {holder}; stop it, or choose another state directory", path.display())]
    Locked {
        /// The directory.
        path: PathBuf,
        /// The other process: `the process with pid N`, or that it can't be named.
        holder: String,
    },
    /// The lock file can't be opened, locked or written.
    #[error("can't lock {}", path.display())]
    Lock {
        /// The lock file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The root key can't be read or written.
    #[error("can't {act} the root key {}", path.display())]
    RootKey {
        /// `read` or `write`.
        act: &'static str,
        /// Its file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The root key isn't one.
    #[error("the root key {} has {found} bytes and must have {ROOT_KEY_BYTES}; restore it from a backup (with a new key no journal written so far can be verified)", path.display())]
    RootKeyCorrupt {
        /// Its file.
        path: PathBuf,
        /// How long it is.
        found: usize,
    },
    /// There is data of an earlier run, and its key is missing.
    #[error("the root key {} is missing, but {} holds data that was written with it; restore the key from a backup, or choose another state directory", path.display(), data.display())]
    RootKeyLost {
        /// Its file.
        path: PathBuf,
        /// The data.
        data: PathBuf,
    },
    /// Others can read or write the root key.
    #[error("the root key {} has mode {mode:03o}, so that others can use it; run `chmod 600` on it if nobody else has seen it", path.display())]
    RootKeyExposed {
        /// Its file.
        path: PathBuf,
        /// Its mode.
        mode: u32,
    },
}

/// The 32 bytes that every key of this installation is derived from.
#[derive(Clone)]
pub struct RootKey([u8; ROOT_KEY_BYTES]);

impl RootKey {
    /// The bytes, to derive keys from.
    pub fn bytes(&self) -> &[u8; ROOT_KEY_BYTES] {
        &self.0
    }
}

impl std::fmt::Debug for RootKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("RootKey(…)")
    }
}

/// A state directory that this process has to itself until it drops this (or ends).
#[derive(Debug)]
pub struct StateDir {
    path: PathBuf,
    /// Closing it gives up the lock. Opened close-on-exec, so that no child keeps it held.
    lock: File,
}

impl StateDir {
    /// Makes the directory where it is missing, makes sure it is private, and takes its lock.
    pub fn open(path: &Path) -> Result<Self, Error> {
        let in_directory = |source| Error::Directory { path: path.to_path_buf(), source };
        // The mode is also that of the parents that are missing, as the XDG specification asks for.
        DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(in_directory)?;
        // Absolute and without links: the path is in etcd's arguments, by which an orphan is recognised.
        let path = path.canonicalize().map_err(in_directory)?;
        let in_directory = |source| Error::Directory { path: path.clone(), source };
        let metadata = fs::metadata(&path).map_err(in_directory)?;
        let user = rustix::process::geteuid().as_raw();
        if metadata.uid() != user {
            return Err(Error::NotOurs { owner: metadata.uid(), user, path });
        }
        if metadata.mode() & 0o077 != 0 {
            fs::set_permissions(&path, fs::Permissions::from_mode(0o700)).map_err(in_directory)?;
        }
        let lock = lock(&path)?;
        Ok(Self { path, lock })
    }

    /// The directory itself: absolute, without links.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What no other living process can say of itself: the lock, named as this run of the machine knows it.
    /// A copy of the directory has another one. `None`: the machine doesn't tell.
    pub fn seat(&self) -> Option<String> {
        let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
        let lock = self.lock.metadata().ok()?;
        Some(format!("{}:{}:{}", boot.trim(), lock.dev(), lock.ino()))
    }

    /// Where etcd keeps its data.
    pub fn etcd_data(&self) -> PathBuf {
        self.path.join("etcd")
    }

    /// Where etcd's output goes.
    pub fn etcd_log(&self) -> PathBuf {
        self.path.join("etcd.log")
    }

    /// Where the sets of certificates lie.
    pub fn certs(&self) -> PathBuf {
        self.path.join("certs")
    }

    /// The file of the ports.
    pub fn ports_file(&self) -> PathBuf {
        self.path.join("ports.json")
    }

    /// The file of the admin token.
    pub fn admin_token(&self) -> PathBuf {
        self.path.join("admin.token")
    }

    /// The root key; made at the first call in a new directory, and never again.
    pub fn root_key(&self) -> Result<RootKey, Error> {
        let path = self.path.join("root.key");
        let read = |source| Error::RootKey { act: "read", path: path.clone(), source };
        let bytes = match fs::read(&path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return self.make_root_key(path);
            }
            Err(error) => return Err(read(error)),
        };
        let mode = fs::metadata(&path).map_err(read)?.mode() & 0o777;
        if mode & 0o077 != 0 {
            return Err(Error::RootKeyExposed { path, mode });
        }
        match bytes.as_slice().try_into() {
            Ok(key) => Ok(RootKey(key)),
            Err(_) => Err(Error::RootKeyCorrupt { path, found: bytes.len() }),
        }
    }

    fn make_root_key(&self, path: PathBuf) -> Result<RootKey, Error> {
        // The key is made before etcd first starts, so data without a key means that the key was lost.
        let data = self.etcd_data();
        if data.join("member").exists() {
            return Err(Error::RootKeyLost { path, data });
        }
        let key: [u8; ROOT_KEY_BYTES] = rand::random();
        atomic_file::replace(&path, &key).map_err(|source| Error::RootKey {
            act: "write",
            path,
            source,
        })?;
        Ok(RootKey(key))
    }
}

fn lock(directory: &Path) -> Result<File, Error> {
    let path = directory.join("lock");
    let failed = |source| Error::Lock { path: path.clone(), source };
    let mut file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(&path)
        .map_err(failed)?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            let mut text = String::new();
            // The pid is told to people and never acted on, so an unreadable one is no error of its own.
            let holder = match file.read_to_string(&mut text).map(|_| text.trim().parse::<u32>()) {
                Ok(Ok(pid)) => format!("the process with pid {pid}"),
                _ => "another process that hasn't written its pid yet".to_owned(),
            };
            return Err(Error::Locked { path: directory.to_path_buf(), holder });
        }
        Err(TryLockError::Error(source)) => return Err(failed(source)),
    }
    file.set_len(0).map_err(failed)?;
    file.rewind().map_err(failed)?;
    writeln!(file, "{}", std::process::id()).map_err(failed)?;
    Ok(file)
}
