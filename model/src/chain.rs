//! The keyed chain over a journal: who can write the store but lacks the key can't forge an entry.
//!
//! `hash = HMAC-SHA256(key, entry as JSON with an empty hash)`. The entry holds the hash of the one
//! before, and the first one the loop's uid, so that entries can't be moved, removed from the middle or
//! taken from another loop. The end of a chain is kept by the head record and, after a delete, by the
//! system journal.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use uuid::Uuid;

use crate::journal::Entry;

/// A secret that chains, worker tokens or tickets are made with, derived from the root key.
#[derive(Clone)]
pub struct Key {
    id: String,
    secret: [u8; 32],
}

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Key({})", self.id)
    }
}

fn mac(secret: &[u8], parts: &[&[u8]]) -> [u8; 32] {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret).expect("HMAC takes keys of any length");
    for part in parts {
        mac.update(part);
    }
    mac.finalize().into_bytes().into()
}

impl Key {
    /// The key for one `purpose`, from the root key.
    pub fn derive(root: &[u8], purpose: &str) -> Self {
        let secret = mac(root, &[b"smith/", purpose.as_bytes()]);
        // The id tells keys apart without telling anything of the secret.
        let id = hex::encode(&mac(&secret, &[b"id"])[..4]);
        Self { id, secret }
    }

    /// Tells this key from others; not secret.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The MAC of `parts`, each preceded by its length, in hex.
    pub fn sign(&self, parts: &[&[u8]]) -> String {
        let lengths: Vec<[u8; 8]> = parts.iter().map(|p| (p.len() as u64).to_be_bytes()).collect();
        let framed: Vec<&[u8]> =
            lengths.iter().zip(parts).flat_map(|(len, part)| [&len[..], part]).collect();
        hex::encode(mac(&self.secret, &framed))
    }

    /// Is `signature` the MAC of `parts`? In constant time.
    pub fn verify(&self, parts: &[&[u8]], signature: &str) -> bool {
        use subtle::ConstantTimeEq;
        self.sign(parts).as_bytes().ct_eq(signature.as_bytes()).into()
    }
}

/// The `prev_hash` of a loop's first entry.
pub fn genesis(uid: Uuid) -> String {
    uid.to_string()
}

/// Puts key id and hash into an entry whose other fields are final.
pub fn seal(key: &Key, mut entry: Entry) -> Entry {
    entry.key_id = key.id().to_owned();
    entry.hash = String::new();
    entry.hash = hash(key, &entry);
    entry
}

fn hash(key: &Key, unhashed: &Entry) -> String {
    let json = serde_json::to_vec(unhashed).expect("plain data serializes");
    key.sign(&[&json])
}

/// What is wrong with a chain, and where.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Broken {
    /// The numbers don't go on.
    #[error("entry {found} stands where entry {expected} should")]
    Gap {
        /// The number that should stand there.
        expected: u64,
        /// The number that does.
        found: u64,
    },
    /// It doesn't follow the entry before.
    #[error("entry {0} doesn't follow the entry before it")]
    Link(u64),
    /// It was made with another key.
    #[error("entry {seq} was made with the key {key_id}, which isn't known here")]
    Key {
        /// The entry.
        seq: u64,
        /// Its key.
        key_id: String,
    },
    /// It was changed, or forged.
    #[error("entry {0} isn't what was written: its hash is wrong")]
    Hash(u64),
}

/// Checks that `entries` follow `prev_hash`, from the number `first` on; answers the last hash.
pub fn verify(key: &Key, prev: &str, first: u64, entries: &[Entry]) -> Result<String, Broken> {
    let mut prev = prev.to_owned();
    for (expected, entry) in (first..).zip(entries) {
        if entry.seq != expected {
            return Err(Broken::Gap { expected, found: entry.seq });
        }
        if entry.prev_hash != prev {
            return Err(Broken::Link(entry.seq));
        }
        if entry.key_id != key.id() {
            return Err(Broken::Key { seq: entry.seq, key_id: entry.key_id.clone() });
        }
        let unhashed = Entry { hash: String::new(), ..entry.clone() };
        if hash(key, &unhashed) != entry.hash {
            return Err(Broken::Hash(entry.seq));
        }
        prev.clone_from(&entry.hash);
    }
    Ok(prev)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::{Actor, ActorKind, Draft, Phase};
    use proptest::prelude::*;

    fn chain(key: &Key, messages: &[String]) -> Vec<Entry> {
        let mut prev = genesis(Uuid::nil());
        let mut entries = vec![];
        for (i, message) in messages.iter().enumerate() {
            let entry = seal(
                key,
                Entry {
                    schema_version: 1,
                    seq: i as u64 + 1,
                    tx: Uuid::nil(),
                    at: jiff::Timestamp::UNIX_EPOCH,
                    attempt: None,
                    actor: Actor { kind: ActorKind::Core, id: "c".into() },
                    draft: Draft::info(Phase::Core, message.clone()),
                    prev_hash: prev,
                    key_id: String::new(),
                    hash: String::new(),
                },
            );
            prev = entry.hash.clone();
            entries.push(entry);
        }
        entries
    }

    proptest! {
        #[test]
        fn a_chain_verifies_and_any_change_breaks_it(
            messages in prop::collection::vec(".{0,12}", 1..8),
            at in any::<prop::sample::Index>(),
            change in 0..4,
        ) {
            let key = Key::derive(b"root", "chain");
            let start = genesis(Uuid::nil());
            let entries = chain(&key, &messages);
            let stored: Vec<Entry> = entries
                .iter()
                .map(|e| serde_json::from_slice(&serde_json::to_vec(e).unwrap()).unwrap())
                .collect();
            prop_assert!(verify(&key, &start, 1, &stored).is_ok());
            let i = at.index(stored.len());
            let mut forged = stored.clone();
            match change {
                0 => forged[i].draft.message.push('x'),
                1 => forged[i].hash = "0".repeat(64),
                2 if i + 1 < forged.len() => { forged.remove(i); }
                _ => forged[i].key_id = "other".into(),
            }
            prop_assert!(verify(&key, &start, 1, &forged).is_err());
            let other = Key::derive(b"another root", "chain");
            prop_assert!(verify(&other, &start, 1, &stored).is_err());
        }
    }

    #[test]
    fn signatures_depend_on_where_parts_end() {
        let key = Key::derive(b"root", "t");
        assert_ne!(key.sign(&[b"ab", b"c"]), key.sign(&[b"a", b"bc"]));
        assert!(key.verify(&[b"ab"], &key.sign(&[b"ab"])));
        assert!(!key.verify(&[b"ab"], ""));
    }
}
