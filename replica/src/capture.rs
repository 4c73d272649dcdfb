//! An output on its way from a process: redacted, and kept in a capped file.
//!
//! The file keeps the beginning and the end of what was printed; the end is a ring in the same file
//! until it is closed, so that a program that prints for hours costs neither memory nor disk.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};
use smith_model::attempt::ArtifactRef;
use smith_model::id::Digest;
use smith_model::redact::{Secrets, Stream};

/// How much of an output is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cap {
    /// Bytes of the beginning.
    pub head: u64,
    /// Bytes of the end.
    pub tail: u64,
}

impl Default for Cap {
    fn default() -> Self {
        Self { head: 4 * 1024 * 1024, tail: 4 * 1024 * 1024 }
    }
}

/// An output could not be kept.
#[derive(Debug, thiserror::Error)]
#[error("cannot keep the output in {}", path.display())]
pub struct Error {
    path: PathBuf,
    #[source]
    source: io::Error,
}

/// An output being kept.
#[derive(Debug)]
pub struct Capture {
    path: PathBuf,
    file: File,
    cap: Cap,
    stream: Stream,
    /// Bytes so far, after redaction.
    total: u64,
}

/// An output that is complete.
#[derive(Clone, Debug)]
pub struct Captured {
    /// Where the kept bytes are.
    pub path: PathBuf,
    /// What to call them.
    pub artifact: ArtifactRef,
}

impl Capture {
    /// Begins a file at `path`, which must not exist.
    pub fn create(path: &Path, secrets: &Secrets, cap: Cap) -> Result<Self, Error> {
        let failed = |source| Error { path: path.to_owned(), source };
        let file =
            File::options().read(true).write(true).create_new(true).open(path).map_err(failed)?;
        Ok(Self { path: path.to_owned(), file, cap, stream: secrets.stream(), total: 0 })
    }

    /// Keeps bytes that are whole already, such as a prompt.
    pub fn whole(path: &Path, secrets: &Secrets, bytes: &[u8]) -> Result<Captured, Error> {
        let mut capture = Self::create(path, secrets, Cap::default())?;
        capture.push(bytes)?;
        Ok(capture.finish()?.1)
    }

    /// Takes the next bytes; answers them as they may be shown.
    pub fn push(&mut self, chunk: &[u8]) -> Result<Vec<u8>, Error> {
        let clean = self.stream.push(chunk);
        self.keep(&clean)?;
        Ok(clean)
    }

    fn keep(&mut self, clean: &[u8]) -> Result<(), Error> {
        self.write(clean).map_err(|source| Error { path: self.path.clone(), source })
    }

    fn write(&mut self, mut bytes: &[u8]) -> io::Result<()> {
        let Cap { head, tail } = self.cap;
        while !bytes.is_empty() {
            let (at, room) = if self.total < head {
                (self.total, head - self.total)
            } else if tail == 0 {
                self.total += bytes.len() as u64;
                return Ok(());
            } else {
                let offset = (self.total - head) % tail;
                (head + offset, tail - offset)
            };
            let n = usize::try_from(room).unwrap_or(usize::MAX).min(bytes.len());
            self.file.seek(SeekFrom::Start(at))?;
            self.file.write_all(&bytes[..n])?;
            self.total += n as u64;
            bytes = &bytes[n..];
        }
        Ok(())
    }

    /// The output has ended. Answers what was held back, and the whole.
    pub fn finish(mut self) -> Result<(Vec<u8>, Captured), Error> {
        let held = std::mem::replace(&mut self.stream, Secrets::new([""; 0]).stream()).finish();
        self.keep(&held)?;
        let path = self.path.clone();
        let failed = |source| Error { path: path.clone(), source };
        let omitted = self.total.saturating_sub(self.cap.head + self.cap.tail);
        if omitted > 0 {
            self.unroll(omitted).map_err(failed)?;
        }
        let (digest, size) = digest_of(&mut self.file).map_err(failed)?;
        Ok((held, Captured { path, artifact: ArtifactRef { digest, size, omitted } }))
    }

    /// Puts the ring in order behind the beginning, with a line that says what is missing.
    fn unroll(&mut self, omitted: u64) -> io::Result<()> {
        let Cap { head, tail } = self.cap;
        let start = (self.total - head).checked_rem(tail).unwrap_or(0);
        let ordered = self.path.with_extension("ordered");
        let mut out =
            File::options().read(true).write(true).create(true).truncate(true).open(&ordered)?;
        self.copy(&mut out, 0, head)?;
        writeln!(out, "\n[{omitted} bytes left out]")?;
        self.copy(&mut out, head + start, tail - start)?;
        self.copy(&mut out, head, start)?;
        std::fs::rename(&ordered, &self.path)?;
        self.file = out;
        Ok(())
    }

    fn copy(&mut self, out: &mut File, from: u64, n: u64) -> io::Result<()> {
        self.file.seek(SeekFrom::Start(from))?;
        io::copy(&mut Read::by_ref(&mut self.file).take(n), out).map(drop)
    }
}

/// The digest and size of a whole file.
pub fn digest_of(file: &mut File) -> io::Result<(Digest, u64)> {
    file.seek(SeekFrom::Start(0))?;
    let mut hash = Sha256::new();
    let mut buffer = vec![0; 64 * 1024];
    let mut size = 0;
    loop {
        let n = file.read(&mut buffer)?;
        if n == 0 {
            break;
        }
        hash.update(&buffer[..n]);
        size += n as u64;
    }
    let digest = hex::encode(hash.finalize()).try_into().expect("64 hex digits are a digest");
    Ok((digest, size))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn run(chunks: &[Vec<u8>], cap: Cap, secrets: &Secrets) -> (Vec<u8>, Vec<u8>, Captured) {
        let dir = tempfile::tempdir().expect("a directory");
        let mut capture = Capture::create(&dir.path().join("out"), secrets, cap).expect("begins");
        let mut shown = vec![];
        for chunk in chunks {
            shown.extend(capture.push(chunk).expect("is kept"));
        }
        let (held, captured) = capture.finish().expect("ends");
        shown.extend(held);
        let file = std::fs::read(&captured.path).expect("is there");
        assert_eq!(captured.artifact.digest, Digest::of(&file));
        assert_eq!(captured.artifact.size, file.len() as u64);
        (shown, file, captured)
    }

    #[test]
    fn the_beginning_and_the_end_are_kept() {
        let none = Secrets::new([""; 0]);
        let (_, file, captured) = run(&[b"0123456789".to_vec()], Cap { head: 3, tail: 4 }, &none);
        assert_eq!(file, b"012\n[3 bytes left out]\n6789");
        assert_eq!(captured.artifact.omitted, 3);
    }

    #[test]
    fn a_secret_split_across_chunks_is_nowhere() {
        let secrets = Secrets::new(["hunter2hunter2"]);
        let chunks = [b"key=hunter2".to_vec(), b"hunter2\n".to_vec()];
        let (shown, file, _) = run(&chunks, Cap::default(), &secrets);
        assert_eq!(shown, b"key=[redacted]\n");
        assert_eq!(file, shown);
    }

    proptest! {
        #[test]
        fn what_is_kept_is_head_and_tail(
            chunks in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..50), 0..12),
            head in 0u64..80, tail in 0u64..80,
        ) {
            let whole = chunks.concat();
            let (shown, file, captured) = run(&chunks, Cap { head, tail }, &Secrets::new([""; 0]));
            prop_assert_eq!(&shown, &whole);
            let omitted = (whole.len() as u64).saturating_sub(head + tail);
            prop_assert_eq!(captured.artifact.omitted, omitted);
            let expected = if omitted == 0 { whole } else {
                let mark = format!("\n[{omitted} bytes left out]\n");
                let end = whole.len() - tail as usize;
                [&whole[..head as usize], mark.as_bytes(), &whole[end..]].concat()
            };
            prop_assert_eq!(file, expected);
        }
    }
}
