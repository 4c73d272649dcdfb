//! The end of a host, and how sure it is that nothing of it is left.

/// A host is gone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Loss {
    /// One sentence: what happened.
    pub reason: String,
    /// Whether any process that it started can still be there.
    pub gone: Gone,
}

impl std::fmt::Display for Loss {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}; {}", self.reason, self.gone)
    }
}

impl std::error::Error for Loss {}

/// Whether the processes of a lost host are gone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Gone {
    /// None is left: the kernel or the host's last word says so.
    Verified,
    /// Nobody could say so.
    Unverified {
        /// Why not.
        why: String,
    },
}

impl std::fmt::Display for Gone {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Verified => f.write_str("none of its processes is left"),
            Self::Unverified { why } => {
                write!(f, "whether any of its processes is left is unknown: {why}")
            }
        }
    }
}
