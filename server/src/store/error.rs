//! What can go wrong between this process and etcd, told apart by what the caller can do.

/// An error of the store.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Nothing was written; trying again may help.
    #[error("etcd can't be reached to {op}")]
    Unavailable {
        /// What was tried.
        op: &'static str,
        /// What the client said.
        #[source]
        source: Box<etcd_client::Error>,
    },
    /// Whether it was written could not be found out in time.
    #[error("the outcome of {op} is unknown: etcd did not answer")]
    Unknown {
        /// What was tried.
        op: &'static str,
        /// What the client said.
        #[source]
        source: Box<etcd_client::Error>,
    },
    /// The quota is used up; nothing was written.
    #[error(
        "etcd is full (its space quota is reached): nothing can be written until space is made"
    )]
    Full,
    /// etcd refuses the request itself.
    #[error("etcd refuses to {op}")]
    Refused {
        /// What was tried.
        op: &'static str,
        /// What the client said.
        #[source]
        source: Box<etcd_client::Error>,
    },
    /// The revision's history is gone.
    #[error("the history before revision {compacted} is gone")]
    Compacted {
        /// The oldest revision that is left.
        compacted: i64,
    },
    /// Others kept changing the same loop until the time was up.
    #[error("others kept changing it; nothing was written")]
    Contended,
    /// A worker holds the lock that must not be there; nothing was written.
    #[error("a worker holds the lock of loop {0}")]
    Locked(smith_model::id::LoopId),
    /// There is no lock that could be held on to; nothing was written.
    #[error("no worker holds the lock of loop {0}")]
    NotLocked(smith_model::id::LoopId),
    /// This core was deposed; nothing was written.
    #[error("this core doesn't lead any more")]
    NotLeading,
    /// A change that evidence doesn't bear out, which is a mistake in this program; nothing was written.
    #[error("a change of loop {loop_id} was refused: {rule}")]
    Unfounded {
        /// The loop.
        loop_id: smith_model::id::LoopId,
        /// What is wrong with it.
        rule: &'static str,
    },
    /// A value isn't what this code writes.
    #[error("the record at {key} can't be read")]
    Record {
        /// Its key.
        key: String,
        /// Why.
        #[source]
        source: serde_json::Error,
    },
    /// A value was written by a newer version.
    #[error("the record at {key} has the schema version {version}, newer than this program's {ours}", ours = smith_model::SCHEMA_VERSION)]
    Newer {
        /// Its key.
        key: String,
        /// Its version.
        version: u32,
    },
    /// What was to be written is too large.
    #[error("{what} is {size} bytes, more than the {most} that one may have")]
    TooLarge {
        /// What it is.
        what: &'static str,
        /// Its size as encoded.
        size: usize,
        /// The limit.
        most: usize,
    },
    /// There is no such loop.
    #[error("there is no loop {0}")]
    NoSuchLoop(smith_model::id::LoopId),
    /// The lease is gone.
    #[error("the lease is gone")]
    LeaseGone,
    /// etcd is another cluster, or went back in time.
    #[error(
        "this is another etcd than before (cluster id or revision went back): the process must start anew"
    )]
    OtherCluster,
}

/// What an error of the client says about the outcome of a write.
enum Kind {
    /// Certainly not written.
    Refused,
    /// Certainly not written, for want of space.
    Full,
    /// A lease that isn't there.
    LeaseGone,
    /// Maybe written.
    Unknown,
}

/// gRPC status codes by number, because the client doesn't re-export the type.
const INVALID_ARGUMENT: i32 = 3;
const NOT_FOUND: i32 = 5;
const PERMISSION_DENIED: i32 = 7;
const RESOURCE_EXHAUSTED: i32 = 8;
const FAILED_PRECONDITION: i32 = 9;
const OUT_OF_RANGE: i32 = 11;
const UNAUTHENTICATED: i32 = 16;

fn kind(error: &etcd_client::Error) -> Kind {
    let etcd_client::Error::GRpcStatus(status) = error else { return Kind::Unknown };
    match i32::from(status.code()) {
        RESOURCE_EXHAUSTED if status.message().contains("space exceeded") => Kind::Full,
        // It never reached etcd; the same again would fare no better.
        RESOURCE_EXHAUSTED if status.message().contains("larger than max") => Kind::Refused,
        NOT_FOUND if status.message().contains("lease not found") => Kind::LeaseGone,
        INVALID_ARGUMENT | NOT_FOUND | PERMISSION_DENIED | FAILED_PRECONDITION | OUT_OF_RANGE
        | UNAUTHENTICATED => Kind::Refused,
        _ => Kind::Unknown,
    }
}

impl Error {
    /// An error of a read, or of a connection: nothing can have been written.
    pub(crate) fn unavailable(op: &'static str, source: etcd_client::Error) -> Self {
        if let etcd_client::Error::GRpcStatus(status) = &source
            && i32::from(status.code()) == OUT_OF_RANGE
            && status.message().contains("compacted")
        {
            return Self::Compacted { compacted: 0 };
        }
        match kind(&source) {
            Kind::Refused => Self::Refused { op, source: Box::new(source) },
            Kind::Full => Self::Full,
            Kind::LeaseGone => Self::LeaseGone,
            Kind::Unknown => Self::Unavailable { op, source: Box::new(source) },
        }
    }

    /// An error of a write: it may have been written unless etcd said that it wasn't.
    pub(crate) fn write(op: &'static str, source: etcd_client::Error) -> Self {
        match Self::unavailable(op, source) {
            Self::Unavailable { op, source } => Self::Unknown { op, source },
            other => other,
        }
    }

    /// May the same be tried again?
    pub fn is_transient(&self) -> bool {
        matches!(
            self,
            Self::Unavailable { .. }
                | Self::Unknown { .. }
                | Self::Contended
                | Self::Locked(_)
                | Self::NotLocked(_)
        )
    }
}
