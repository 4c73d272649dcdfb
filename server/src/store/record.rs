//! Records as JSON: read with a version check, written with a size limit.

use etcd_client::KeyValue;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::Error;

/// A record with where it stands in etcd's history.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Versioned<T> {
    /// The record.
    pub value: T,
    /// The revision at which its key was created.
    pub created: i64,
    /// The revision at which it was last written.
    pub revision: i64,
}

#[derive(serde::Deserialize)]
struct Version {
    #[serde(default)]
    schema_version: u32,
}

/// Reads a value.
pub(crate) fn decode<T: DeserializeOwned>(key: &[u8], value: &[u8]) -> Result<T, Error> {
    let name = || String::from_utf8_lossy(key).into_owned();
    serde_json::from_slice(value).map_err(|source| {
        // A newer shape is told apart from a broken one only when reading fails.
        match serde_json::from_slice::<Version>(value) {
            Ok(Version { schema_version }) if schema_version > smith_model::SCHEMA_VERSION => {
                Error::Newer { key: name(), version: schema_version }
            }
            _ => Error::Record { key: name(), source },
        }
    })
}

/// Reads a value with its revisions.
pub(crate) fn versioned<T: DeserializeOwned>(kv: &KeyValue) -> Result<Versioned<T>, Error> {
    let value = decode(kv.key(), kv.value())?;
    Ok(Versioned { value, created: kv.create_revision(), revision: kv.mod_revision() })
}

/// Refuses to rewrite a record of a newer version.
pub(crate) fn writable(key: &str, schema_version: u32) -> Result<(), Error> {
    if schema_version > smith_model::SCHEMA_VERSION {
        return Err(Error::Newer { key: key.to_owned(), version: schema_version });
    }
    Ok(())
}

/// Writes a value.
pub(crate) fn encode<T: Serialize>(value: &T) -> Vec<u8> {
    serde_json::to_vec(value).expect("records are plain data")
}

/// Writes a value of limited size.
pub(crate) fn encode_within<T: Serialize>(
    what: &'static str,
    value: &T,
    most: usize,
) -> Result<Vec<u8>, Error> {
    let bytes = encode(value);
    if bytes.len() > most {
        return Err(Error::TooLarge { what, size: bytes.len(), most });
    }
    Ok(bytes)
}
