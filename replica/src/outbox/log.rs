//! The outbox's file: groups of items behind each other, each with its length and a checksum.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::Path;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use smith_model::worker::EvidenceItem;

/// Items that must be stored together: they are never sent in two batches.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Group {
    /// The client sequence of the first item.
    pub(super) first: u64,
    pub(super) items: Vec<EvidenceItem>,
}

impl Group {
    /// The client sequence of the last item.
    pub(super) fn last(&self) -> u64 {
        self.first + self.items.len() as u64 - 1
    }
}

/// A group as read, and where the next one begins.
#[derive(Debug)]
pub(super) struct Stored {
    pub(super) group: Group,
    /// Bytes of its JSON form.
    pub(super) size: usize,
    pub(super) next: u64,
}

/// Length and checksum before each group: `u32` little-endian, and four bytes of SHA-256.
const HEAD: u64 = 8;

#[derive(Debug)]
pub(super) struct Log {
    file: File,
    /// Where the next group is written.
    end: u64,
}

impl Log {
    /// Opens the file and forgets what a crash left unfinished at its end; answers the whole groups.
    pub(super) fn open(path: &Path) -> io::Result<(Self, Vec<Group>)> {
        let file =
            File::options().read(true).write(true).create(true).truncate(false).open(path)?;
        let mut log = Self { file, end: u64::MAX };
        let mut groups = vec![];
        let mut at = 0;
        while let Some(stored) = log.read(at)? {
            at = stored.next;
            groups.push(stored.group);
        }
        log.end = at;
        log.file.set_len(at)?;
        Ok((log, groups))
    }

    /// Adds a group; on the answer it is in the file (which outlives this process, not the machine:
    /// after a crash of the machine a new attempt begins anyway).
    pub(super) fn append(&mut self, group: &Group) -> io::Result<()> {
        let json = serde_json::to_vec(group)?;
        let length = u32::try_from(json.len()).map_err(io::Error::other)?;
        let mut bytes = Vec::with_capacity(json.len() + HEAD as usize);
        bytes.extend_from_slice(&length.to_le_bytes());
        bytes.extend_from_slice(&checksum(&json));
        bytes.extend_from_slice(&json);
        self.file.seek(SeekFrom::Start(self.end))?;
        self.file.write_all(&bytes)?;
        self.end += bytes.len() as u64;
        Ok(())
    }

    /// The group at `at`; `None` at the end, or where the rest isn't whole.
    pub(super) fn read(&mut self, at: u64) -> io::Result<Option<Stored>> {
        if at >= self.end {
            return Ok(None);
        }
        self.file.seek(SeekFrom::Start(at))?;
        let mut head = [0; HEAD as usize];
        if !fill(&mut self.file, &mut head)? {
            return Ok(None);
        }
        let [a, b, c, d, sum @ ..] = head;
        let length = u32::from_le_bytes([a, b, c, d]);
        let left = self.file.metadata()?.len().saturating_sub(at + HEAD);
        if u64::from(length) > left {
            return Ok(None);
        }
        let mut json = vec![0; length as usize];
        if !fill(&mut self.file, &mut json)? || checksum(&json) != sum {
            return Ok(None);
        }
        let Ok(group) = serde_json::from_slice(&json) else { return Ok(None) };
        Ok(Some(Stored { group, size: json.len(), next: at + HEAD + u64::from(length) }))
    }

    /// Everything was taken: the file begins again.
    pub(super) fn clear(&mut self) -> io::Result<()> {
        self.file.set_len(0)?;
        self.end = 0;
        Ok(())
    }

    pub(super) fn end(&self) -> u64 {
        self.end
    }
}

fn checksum(bytes: &[u8]) -> [u8; 4] {
    let [a, b, c, d, ..] = Sha256::digest(bytes).0;
    [a, b, c, d]
}

/// Reads exactly as much as fits; false where the file ends before.
fn fill(file: &mut File, buffer: &mut [u8]) -> io::Result<bool> {
    match file.read_exact(buffer) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(false),
        Err(error) => Err(error),
    }
}
