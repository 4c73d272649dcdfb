//! Certificates for smithd's own etcd, so that nobody else on the machine can use or join it: loopback
//! alone doesn't keep other users out.
//!
//! One set is made at once and replaced at once: an authority, a server certificate (also for the peer
//! port) and a client certificate. The authority's key is forgotten after it signed the two, so there is
//! nothing with which a third could be made. A set lies in a directory named after its validity
//! (`certs/2026-11-22_2031-11-23`), which gets that name only when it is complete; so nothing needs to
//! parse a certificate, and etcd's arguments tell which set it runs with.
//!
//! A set is replaced at start when less than [`RENEW_WITHIN_DAYS`] are left; it is valid for so long that
//! no smithd runs past that.

use std::fs::{self, DirBuilder};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use jiff::civil::Date;
use jiff::{Timestamp, ToSpan, tz::TimeZone};
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa,
    KeyPair, KeyUsagePurpose,
};

use super::atomic_file;

/// How long a set is valid.
const VALID_YEARS: i64 = 5;
/// How long before its end a set is replaced.
pub const RENEW_WITHIN_DAYS: i64 = 30;

const CA: &str = "ca.pem";
const SERVER: &str = "server.pem";
const SERVER_KEY: &str = "server.key";
const CLIENT: &str = "client.pem";
const CLIENT_KEY: &str = "client.key";

/// Why there are no certificates.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// They can't be signed.
    #[error("can't make the certificates for etcd")]
    Sign(#[source] rcgen::Error),
    /// They can't be read, written or removed.
    #[error("can't {act} {}", path.display())]
    File {
        /// `read`, `write` or `remove`.
        act: &'static str,
        /// The file or directory.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
}

/// A set of certificates: files for etcd, texts for its client.
#[derive(Clone)]
pub struct Certs {
    directory: PathBuf,
    ca: String,
    client: String,
    client_key: String,
}

impl std::fmt::Debug for Certs {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Certs({})", self.directory.display())
    }
}

impl Certs {
    /// The set in `directory` (the state directory's `certs`) that is valid at `now` and for a while
    /// longer; made where there is none. Other sets are removed.
    pub fn open(directory: &Path, now: Timestamp) -> Result<Self, Error> {
        let today = now.to_zoned(TimeZone::UTC).date();
        let mut kept = None;
        for (path, validity) in sets(directory)? {
            let usable = validity.is_some_and(|validity| validity.covers(today));
            match usable.then(|| Self::read(&path)) {
                Some(Ok(set)) if kept.is_none() => kept = Some(set),
                // Expired, a second one, one with a file missing, or what a crash left half-made.
                _ => remove(&path)?,
            }
        }
        match kept {
            Some(set) => Ok(set),
            None => Self::make(directory, today),
        }
    }

    /// The authority's certificate, PEM.
    pub fn ca(&self) -> &str {
        &self.ca
    }

    /// The client's certificate, PEM.
    pub fn client(&self) -> &str {
        &self.client
    }

    /// The client's key, PEM.
    pub fn client_key(&self) -> &str {
        &self.client_key
    }

    /// The file of the authority's certificate.
    pub fn ca_file(&self) -> PathBuf {
        self.directory.join(CA)
    }

    /// The file of the server's certificate, good for the peer port too.
    pub fn server_file(&self) -> PathBuf {
        self.directory.join(SERVER)
    }

    /// The file of the server's key.
    pub fn server_key_file(&self) -> PathBuf {
        self.directory.join(SERVER_KEY)
    }

    fn read(directory: &Path) -> Result<Self, Error> {
        let text = |name: &str| {
            let path = directory.join(name);
            match fs::read_to_string(&path) {
                Ok(text) if text.is_empty() => Err(io::ErrorKind::UnexpectedEof.into()),
                other => other,
            }
            .map_err(|source| Error::File { act: "read", path, source })
        };
        // etcd reads these two itself; that they are there is all that matters here.
        text(SERVER)?;
        text(SERVER_KEY)?;
        Ok(Self {
            ca: text(CA)?,
            client: text(CLIENT)?,
            client_key: text(CLIENT_KEY)?,
            directory: directory.to_path_buf(),
        })
    }

    fn make(directory: &Path, today: Date) -> Result<Self, Error> {
        let validity = Validity::starting(today);
        let ca = authority(validity).map_err(Error::Sign)?;
        let (server, server_key) = leaf(&ca, validity, Leaf::Server).map_err(Error::Sign)?;
        let (client, client_key) = leaf(&ca, validity, Leaf::Client).map_err(Error::Sign)?;

        let prepared = directory.join("new");
        let write = |path: &Path| {
            let path = path.to_path_buf();
            move |source| Error::File { act: "write", path, source }
        };
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&prepared)
            .map_err(write(&prepared))?;
        let ca = ca.pem();
        for (name, text) in [
            (CA, &ca),
            (SERVER, &server),
            (SERVER_KEY, &server_key),
            (CLIENT, &client),
            (CLIENT_KEY, &client_key),
        ] {
            let path = prepared.join(name);
            private_file(&path, text).map_err(write(&path))?;
        }
        let directory = directory.join(validity.to_string());
        fs::rename(&prepared, &directory)
            .and_then(|()| atomic_file::sync_parent(&directory))
            .map_err(write(&directory))?;
        Ok(Self { directory, ca, client, client_key })
    }
}

/// The days from and until which a set can be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Validity {
    from: Date,
    until: Date,
}

impl Validity {
    /// A day earlier than today, so that a clock that is set back a little ends nothing.
    fn starting(today: Date) -> Self {
        Self {
            from: today.saturating_sub(1.day()),
            until: today.saturating_add(VALID_YEARS.years()),
        }
    }

    fn covers(self, today: Date) -> bool {
        self.from <= today && today < self.until.saturating_sub(RENEW_WITHIN_DAYS.days())
    }

    fn parse(name: &str) -> Option<Self> {
        let (from, until) = name.split_once('_')?;
        Some(Self { from: from.parse().ok()?, until: until.parse().ok()? })
    }
}

impl std::fmt::Display for Validity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}_{}", self.from, self.until)
    }
}

fn sets(directory: &Path) -> Result<Vec<(PathBuf, Option<Validity>)>, Error> {
    let read = |source| Error::File { act: "read", path: directory.to_path_buf(), source };
    let entries = match fs::read_dir(directory) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(read(error)),
    };
    let mut sets = Vec::new();
    for entry in entries {
        let entry = entry.map_err(read)?;
        let validity = entry.file_name().to_str().and_then(Validity::parse);
        sets.push((entry.path(), validity));
    }
    // The one that is valid longest comes first.
    sets.sort_by_key(|(_, validity)| std::cmp::Reverse(validity.map(|validity| validity.until)));
    Ok(sets)
}

fn remove(path: &Path) -> Result<(), Error> {
    let removed = if path.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) };
    removed.map_err(|source| Error::File { act: "remove", path: path.to_path_buf(), source })
}

fn private_file(path: &Path, text: &str) -> io::Result<()> {
    let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

fn parameters(validity: Validity, name: &str) -> CertificateParams {
    let time = |date: Date| {
        // A jiff date has a month and a day that are never negative.
        rcgen::date_time_ymd(
            date.year().into(),
            date.month().unsigned_abs(),
            date.day().unsigned_abs(),
        )
    };
    let mut parameters = CertificateParams::default();
    parameters.distinguished_name.push(DnType::CommonName, name);
    parameters.not_before = time(validity.from);
    parameters.not_after = time(validity.until);
    parameters
}

fn authority(validity: Validity) -> Result<CertifiedIssuer<'static, KeyPair>, rcgen::Error> {
    let mut parameters = parameters(validity, "smithd etcd authority");
    parameters.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    parameters.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    CertifiedIssuer::self_signed(parameters, KeyPair::generate()?)
}

#[derive(Clone, Copy)]
enum Leaf {
    Server,
    Client,
}

fn leaf(
    ca: &CertifiedIssuer<'_, KeyPair>,
    validity: Validity,
    leaf: Leaf,
) -> Result<(String, String), rcgen::Error> {
    let mut parameters = match leaf {
        Leaf::Server => parameters(validity, "smithd etcd"),
        Leaf::Client => parameters(validity, "smithd"),
    };
    parameters.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    parameters.use_authority_key_identifier_extension = true;
    parameters.extended_key_usages = match leaf {
        // As a peer, etcd shows this one as a client too.
        Leaf::Server => {
            vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth]
        }
        Leaf::Client => vec![ExtendedKeyUsagePurpose::ClientAuth],
    };
    if let Leaf::Server = leaf {
        let names = CertificateParams::new(["localhost".to_owned(), "127.0.0.1".to_owned()])?;
        parameters.subject_alt_names = names.subject_alt_names;
    }
    let key = KeyPair::generate()?;
    let certificate = parameters.signed_by(&key, ca)?;
    Ok((certificate.pem(), key.serialize_pem()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(day: &str) -> Timestamp {
        format!("{day}T12:00:00Z").parse().unwrap()
    }

    #[test]
    fn a_set_is_kept_until_it_nears_its_end() {
        let temporary = tempfile::tempdir().unwrap();
        let directory = temporary.path().join("certs");
        let first = Certs::open(&directory, at("2026-11-23")).unwrap();
        assert!(first.directory.ends_with("2026-11-22_2031-11-23"));
        assert_eq!(Certs::open(&directory, at("2031-10-20")).unwrap().ca, first.ca);

        let second = Certs::open(&directory, at("2031-10-25")).unwrap();
        assert_ne!(second.ca, first.ca);
        assert_eq!(fs::read_dir(&directory).unwrap().count(), 1, "the old set is gone");
        // A clock that was far ahead when the set was made.
        assert_ne!(Certs::open(&directory, at("2026-11-23")).unwrap().ca, second.ca);
    }

    #[test]
    fn an_incomplete_set_is_replaced() {
        let temporary = tempfile::tempdir().unwrap();
        let directory = temporary.path().join("certs");
        let first = Certs::open(&directory, at("2026-11-23")).unwrap();
        fs::write(first.server_key_file(), "").unwrap();
        fs::create_dir(directory.join("new")).unwrap();
        fs::write(directory.join("new").join(CA), "half").unwrap();
        let second = Certs::open(&directory, at("2026-11-23")).unwrap();
        assert_ne!(second.ca, first.ca);
        assert!(fs::read_to_string(second.server_key_file()).unwrap().contains("PRIVATE KEY"));
    }
}
