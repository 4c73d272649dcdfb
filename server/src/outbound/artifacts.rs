//! Artifacts: whole outputs, prompts and diffs, kept outside etcd and named by their digest.
//!
//! An artifact lies under the uid of its loop (`{uid}/{digest}`), not under its digest alone: so it goes
//! when its loop goes, without counting who else names it. The price is that two loops with the same
//! output store it twice.

use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use futures::{StreamExt, TryStreamExt};
use object_store::local::LocalFileSystem;
use object_store::{ObjectStore, ObjectStoreExt, PutPayload};
use smith_model::id::Digest;
use uuid::Uuid;

/// The most bytes of one artifact.
pub const MOST_ARTIFACT_BYTES: usize = 32 * 1024 * 1024;
/// The most bytes of artifacts of one loop.
pub const MOST_LOOP_BYTES: u64 = 2 * 1024 * 1024 * 1024;

/// Why an artifact could not be kept or found.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The directory can't be used.
    #[error("can't use {path} for artifacts")]
    Open {
        /// The directory.
        path: String,
        /// Why.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The bytes aren't what the name says.
    #[error("the bytes have the digest {found}, not {named}")]
    Mismatch {
        /// As named.
        named: Digest,
        /// As computed.
        found: Digest,
    },
    /// The store failed.
    #[error("can't {op} the artifact {digest}")]
    Store {
        /// What was tried.
        op: &'static str,
        /// Which.
        digest: String,
        /// Why.
        #[source]
        source: object_store::Error,
    },
}

/// Where artifacts are kept; cheap to clone.
#[derive(Clone, Debug)]
pub struct Artifacts {
    store: Arc<dyn ObjectStore>,
}

impl Artifacts {
    /// Keeps them in a directory, which is made if it isn't there.
    pub fn in_directory(path: &Path) -> Result<Self, Error> {
        let open = |source| Error::Open { path: path.display().to_string(), source };
        std::fs::create_dir_all(path).map_err(|e| open(e.into()))?;
        let store = LocalFileSystem::new_with_prefix(path).map_err(|e| open(e.into()))?;
        Ok(Self { store: Arc::new(store.with_automatic_cleanup(true)) })
    }

    /// Keeps one; it is there when this returns. The same one again is success.
    pub async fn put(&self, uid: Uuid, named: &Digest, bytes: Bytes) -> Result<(), Error> {
        let found = Digest::of(&bytes);
        if found != *named {
            return Err(Error::Mismatch { named: named.clone(), found });
        }
        let put = self.store.put(&path(uid, named), PutPayload::from_bytes(bytes)).await;
        put.map(|_| ()).map_err(|source| error("store", named, source))
    }

    /// The bytes of one; `None`: it isn't there.
    pub async fn get(&self, uid: Uuid, digest: &Digest) -> Result<Option<Bytes>, Error> {
        let found = match self.store.get(&path(uid, digest)).await {
            Ok(found) => found.bytes().await,
            Err(object_store::Error::NotFound { .. }) => return Ok(None),
            Err(source) => Err(source),
        };
        found.map(Some).map_err(|source| error("read", digest, source))
    }

    /// Removes all of a loop that was deleted.
    pub async fn remove_all(&self, uid: Uuid) -> Result<(), Error> {
        let all = self.store.list(Some(&object_store::path::Path::from(uid.to_string())));
        let all = all.map_ok(|object| object.location).boxed();
        let gone = self.store.delete_stream(all).try_collect::<Vec<_>>().await;
        match gone {
            Ok(_) | Err(object_store::Error::NotFound { .. }) => Ok(()),
            Err(source) => {
                let digest = format!("{uid}/*");
                Err(Error::Store { op: "remove", digest, source })
            }
        }
    }
}

fn path(uid: Uuid, digest: &Digest) -> object_store::path::Path {
    object_store::path::Path::from(format!("{uid}/{digest}"))
}

fn error(op: &'static str, digest: &Digest, source: object_store::Error) -> Error {
    Error::Store { op, digest: digest.to_string(), source }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn artifacts_are_kept_under_their_digest_and_go_with_their_loop() {
        let dir = tempfile::tempdir().expect("a directory");
        let artifacts = Artifacts::in_directory(dir.path()).expect("opens");
        let (mine, other) = (Uuid::new_v4(), Uuid::new_v4());
        let bytes = Bytes::from_static(b"output");
        let digest = Digest::of(&bytes);
        for uid in [mine, other] {
            artifacts.put(uid, &digest, bytes.clone()).await.expect("stored");
            artifacts.put(uid, &digest, bytes.clone()).await.expect("stored again");
        }
        artifacts.remove_all(mine).await.expect("removed");
        artifacts.remove_all(mine).await.expect("removed again");
        assert_eq!(artifacts.get(mine, &digest).await.expect("asked"), None);
        assert_eq!(artifacts.get(other, &digest).await.expect("asked"), Some(bytes));
    }

    #[tokio::test]
    async fn bytes_under_another_digest_are_refused() {
        let dir = tempfile::tempdir().expect("a directory");
        let artifacts = Artifacts::in_directory(dir.path()).expect("opens");
        let wrong = artifacts.put(Uuid::nil(), &Digest::of(b"a"), Bytes::from_static(b"b")).await;
        assert!(matches!(wrong, Err(Error::Mismatch { .. })));
    }
}
