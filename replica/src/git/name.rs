//! Names git works with, as types that can't be mixed up or smuggle options: [`Sha`], [`Tree`],
//! [`RefName`], [`BranchName`], [`Revision`], [`RemoteUrl`], [`Identity`].

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

/// Why a text is not a name of the wanted kind.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Not 40 or 64 lower-case hex digits.
    #[error("{value:?} is not an object id: 40 (or 64) hex digits are needed")]
    ObjectId {
        /// The text as given.
        value: String,
    },
    /// A ref name that git itself would refuse.
    #[error("{value:?} is not a valid name for a {what}: {rule}")]
    Ref {
        /// The text as given.
        value: String,
        /// Branch, ref, …
        what: &'static str,
        /// The rule that it breaks.
        rule: &'static str,
    },
    /// A remote that can't be used.
    #[error("the repository {value:?} can't be used: {rule}")]
    Remote {
        /// The text as given.
        value: String,
        /// The rule that it breaks.
        rule: &'static str,
    },
    /// A name or mail address that can't stand in a commit.
    #[error("{value:?} can't stand in a commit as its author: {rule}")]
    Identity {
        /// The text as given.
        value: String,
        /// The rule that it breaks.
        rule: &'static str,
    },
}

fn object_id(value: &str) -> Result<String, Error> {
    let hex = value.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte));
    if hex && matches!(value.len(), 40 | 64) {
        Ok(value.to_owned())
    } else {
        Err(Error::ObjectId { value: value.chars().take(80).collect() })
    }
}

macro_rules! text_newtype {
    ($name:ident) => {
        impl $name {
            /// The text of it.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self.0)
            }
        }
    };
}

/// The id of a commit, full length and lower case.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Sha(String);
text_newtype!(Sha);

impl FromStr for Sha {
    type Err = Error;

    fn from_str(value: &str) -> Result<Self, Error> {
        object_id(value).map(Self)
    }
}

/// The id of a tree: what a snapshot is, whoever committed it.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Tree(String);
text_newtype!(Tree);

impl FromStr for Tree {
    type Err = Error;

    fn from_str(value: &str) -> Result<Self, Error> {
        object_id(value).map(Self)
    }
}

/// The id of any object.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Object(String);
text_newtype!(Object);

impl FromStr for Object {
    type Err = Error;

    fn from_str(value: &str) -> Result<Self, Error> {
        object_id(value).map(Self)
    }
}

/// A full ref name, as `refs/heads/main`.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RefName(String);
text_newtype!(RefName);

impl FromStr for RefName {
    type Err = Error;

    fn from_str(value: &str) -> Result<Self, Error> {
        let invalid = |rule| Error::Ref { value: value.to_owned(), what: "ref", rule };
        if !value.starts_with("refs/") {
            return Err(invalid("it must begin with refs/"));
        }
        match broken_rule(value) {
            Some(rule) => Err(invalid(rule)),
            None => Ok(Self(value.to_owned())),
        }
    }
}

/// The short name of a branch, as `main` or `smith/loop-1`.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct BranchName(String);
text_newtype!(BranchName);

impl FromStr for BranchName {
    type Err = Error;

    fn from_str(value: &str) -> Result<Self, Error> {
        let invalid = |rule| Error::Ref { value: value.to_owned(), what: "branch", rule };
        if value.starts_with('-') {
            return Err(invalid("it must not begin with a dash"));
        }
        if value == "HEAD" {
            return Err(invalid("HEAD is git's own name"));
        }
        match broken_rule(value) {
            Some(rule) => Err(invalid(rule)),
            None => Ok(Self(value.to_owned())),
        }
    }
}

impl BranchName {
    /// The full name, under `refs/heads/`.
    pub fn ref_name(&self) -> RefName {
        RefName(format!("refs/heads/{}", self.0))
    }
}

/// The rule of `git check-ref-format` that a name breaks.
fn broken_rule(name: &str) -> Option<&'static str> {
    if name.is_empty() {
        return Some("it must not be empty");
    }
    if name == "@" {
        return Some("a lone @ is git's own name");
    }
    if name.ends_with('.') {
        return Some("it must not end with a dot");
    }
    if name.contains("..") {
        return Some("it must not contain two dots in a row");
    }
    if name.contains("@{") {
        return Some("it must not contain @{");
    }
    if name.bytes().any(|byte| byte <= b' ' || byte == 0x7f || b"~^:?*[\\".contains(&byte)) {
        return Some("spaces, control characters and ~ ^ : ? * [ \\ are not allowed");
    }
    for component in name.split('/') {
        if component.is_empty() {
            return Some("slashes must not begin, end or follow each other");
        }
        if component.starts_with('.') {
            return Some("no part must begin with a dot");
        }
        if component.ends_with(".lock") {
            return Some("no part must end with .lock");
        }
    }
    None
}

/// What a person may name as the place to start from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Revision {
    /// The remote's default branch.
    Head,
    /// One commit, by its full id.
    Commit(Sha),
    /// A full ref name.
    Ref(RefName),
    /// A branch or, where there is none of that name, a tag.
    Short(BranchName),
}

impl FromStr for Revision {
    type Err = Error;

    fn from_str(value: &str) -> Result<Self, Error> {
        if value == "HEAD" {
            return Ok(Self::Head);
        }
        if let Ok(sha) = value.to_ascii_lowercase().parse() {
            return Ok(Self::Commit(sha));
        }
        if value.starts_with("refs/") {
            return value.parse().map(Self::Ref);
        }
        value.parse().map(Self::Short)
    }
}

impl fmt::Display for Revision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Head => f.write_str("HEAD"),
            Self::Commit(sha) => sha.fmt(f),
            Self::Ref(name) => name.fmt(f),
            Self::Short(name) => name.fmt(f),
        }
    }
}

/// A repository on this machine: an absolute path, or a `file://` URL of one.
#[derive(Clone, PartialEq, Eq)]
pub struct RemoteUrl {
    path: PathBuf,
}

impl FromStr for RemoteUrl {
    type Err = Error;

    fn from_str(value: &str) -> Result<Self, Error> {
        let invalid = |rule| Error::Remote {
            // Whatever stands before an @ may be a password.
            value: match (value.find("://"), value.rfind('@')) {
                (Some(scheme), Some(at)) if at > scheme => {
                    format!("{}…{}", &value[..scheme + 3], &value[at..])
                }
                _ => value.to_owned(),
            },
            rule,
        };
        if value.chars().any(char::is_control) {
            return Err(invalid("control characters are not allowed"));
        }
        let path = match value.strip_prefix("file://") {
            Some(path) => path,
            None if value.contains("://") => {
                return Err(invalid("only file:// URLs and absolute paths are supported here"));
            }
            None => value,
        };
        if !path.starts_with('/') {
            return Err(invalid("its path must be absolute"));
        }
        Ok(Self { path: path.into() })
    }
}

impl RemoteUrl {
    /// Where the repository lies.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl fmt::Display for RemoteUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.path.display().fmt(f)
    }
}

impl fmt::Debug for RemoteUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RemoteUrl({self})")
    }
}

/// Name and mail address of an author or committer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    name: String,
    email: String,
}

impl Identity {
    /// Checks what git would otherwise silently drop.
    pub fn new(name: &str, email: &str) -> Result<Self, Error> {
        let check = |value: &str| {
            let invalid = |rule| Error::Identity { value: value.to_owned(), rule };
            if value.chars().any(|c| c.is_control() || matches!(c, '<' | '>')) {
                return Err(invalid("control characters and < > are not allowed"));
            }
            // Git strips these from both ends and refuses what is left empty.
            let crud = |c: char| c <= ' ' || ".,:;<>\"\\'".contains(c);
            match value.trim_matches(crud) {
                "" => Err(invalid("a letter or digit is needed")),
                trimmed => Ok(trimmed.to_owned()),
            }
        };
        Ok(Self { name: check(name)?, email: check(email)? })
    }

    /// The name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The mail address.
    pub fn email(&self) -> &str {
        &self.email
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn object_ids_are_full_and_lower_case() {
        assert!("0123456789abcdef0123456789abcdef01234567".parse::<Sha>().is_ok());
        assert!("a".repeat(64).parse::<Tree>().is_ok());
        for bad in ["", "HEAD", "abc", &"A".repeat(40), &"g".repeat(40), &"a".repeat(41)] {
            assert!(bad.parse::<Sha>().is_err(), "{bad}");
        }
    }

    #[test]
    fn a_revision_is_read_as_people_write_it() {
        assert_eq!("HEAD".parse(), Ok(Revision::Head));
        assert!(matches!("A".repeat(40).parse(), Ok(Revision::Commit(_))));
        assert!(matches!("refs/tags/v1".parse(), Ok(Revision::Ref(_))));
        assert!(matches!("v1".parse(), Ok(Revision::Short(_))));
        assert!("--upload-pack=x".parse::<Revision>().is_err());
    }

    #[test]
    fn a_remote_is_local_and_absolute() {
        let url = |text: &str| text.parse::<RemoteUrl>();
        assert_eq!(url("file:///a/b").unwrap(), url("/a/b").unwrap());
        for bad in ["", "a/b", "-x", "ext::sh -c id", "git@h:x", "file://host/x", "/a\nb"] {
            assert!(url(bad).is_err(), "{bad}");
        }
        let error = url("https://me:hunter2@h/x").unwrap_err().to_string();
        assert!(!error.contains("hunter2"), "{error}");
    }

    #[test]
    fn an_identity_is_what_git_keeps() {
        assert!(Identity::new("Smith", "smith@localhost").is_ok());
        for bad in ["", "  ", "a\nb", "a<b", "..."] {
            assert!(Identity::new(bad, "a@b").is_err(), "{bad}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]
        #[test]
        fn ref_names_are_judged_as_git_judges_them(name in "([a-b./@{~ -]|\\.lock|é|\\PC){1,8}") {
            let full = format!("refs/{name}");
            let git = std::process::Command::new("git")
                .args(["check-ref-format", &full])
                .status()
                .unwrap()
                .success();
            prop_assert_eq!(full.parse::<RefName>().is_ok(), git, "{}", full);
        }
    }
}
