//! Enough of ELF to say, before an exec, whether the kernel could run a file.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

pub(super) const MAGIC: &[u8] = b"\x7fELF";

/// What a file's headers say.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Elf {
    pub(super) machine: u16,
    /// The dynamic loader that it asks for.
    pub(super) loader: Option<PathBuf>,
}

/// Reads the headers; `Err` says what is wrong with them.
/// `at` reads up to a length of bytes at an offset, and fewer only at the end of the file.
pub(super) fn parse(mut at: impl FnMut(u64, usize) -> Vec<u8>) -> Result<Elf, &'static str> {
    let header = Fields::new(at(0, 64)).ok_or("its ELF header is corrupt")?;
    let wide = header.wide;
    let machine = header.u16(18);
    let kind = header.u16(16);
    let (table, entry_size, entries) = if wide {
        (header.u64(32), header.u16(54), header.u16(56))
    } else {
        (header.u32(28).map(u64::from), header.u16(42), header.u16(44))
    };
    let (Some(machine), Some(kind), Some(table), Some(entry_size), Some(entries)) =
        (machine, kind, table, entry_size, entries)
    else {
        return Err("its ELF header is cut off");
    };
    if !matches!(kind, 2 | 3) {
        return Err("it is an ELF object, not a program");
    }
    if entry_size != if wide { 56 } else { 32 } || entries == 0 {
        return Err("its ELF program headers are corrupt");
    }
    let mut loader = None;
    for index in 0..u64::from(entries) {
        let offset = index
            .checked_mul(u64::from(entry_size))
            .and_then(|offset| offset.checked_add(table))
            .ok_or("its ELF program headers are corrupt")?;
        let bytes = at(offset, usize::from(entry_size));
        let entry = Fields { bytes, ..header };
        let (offset, length) = if wide {
            (entry.u64(8), entry.u64(32))
        } else {
            (entry.u32(4).map(u64::from), entry.u32(16).map(u64::from))
        };
        let (Some(kind), Some(offset), Some(length)) = (entry.u32(0), offset, length) else {
            return Err("its ELF program headers are cut off");
        };
        const INTERPRETER: u32 = 3;
        if kind == INTERPRETER {
            // The kernel's own bounds are 2 and PATH_MAX.
            let length = usize::try_from(length).ok().filter(|length| (2..=4096).contains(length));
            let name = at(offset, length.ok_or("its ELF interpreter is corrupt")?);
            let name = name.strip_suffix(b"\0").ok_or("its ELF interpreter is corrupt")?;
            loader = Some(PathBuf::from(OsStr::from_bytes(name)));
        }
    }
    Ok(Elf { machine, loader })
}

/// Numbers at offsets, in the file's width and byte order.
struct Fields {
    bytes: Vec<u8>,
    wide: bool,
    little: bool,
}

impl Fields {
    fn new(bytes: Vec<u8>) -> Option<Self> {
        if !bytes.starts_with(MAGIC) {
            return None;
        }
        let wide = match bytes.get(4)? {
            1 => false,
            2 => true,
            _ => return None,
        };
        let little = match bytes.get(5)? {
            1 => true,
            2 => false,
            _ => return None,
        };
        Some(Self { bytes, wide, little })
    }

    fn array<const N: usize>(&self, offset: usize) -> Option<[u8; N]> {
        let mut bytes: [u8; N] = self.bytes.get(offset..offset + N)?.try_into().ok()?;
        if !self.little {
            bytes.reverse();
        }
        Some(bytes)
    }

    fn u16(&self, offset: usize) -> Option<u16> {
        self.array(offset).map(u16::from_le_bytes)
    }

    fn u32(&self, offset: usize) -> Option<u32> {
        self.array(offset).map(u32::from_le_bytes)
    }

    fn u64(&self, offset: usize) -> Option<u64> {
        self.array(offset).map(u64::from_le_bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn from_bytes(file: &[u8]) -> Result<Elf, &'static str> {
        parse(|offset, length| {
            let start = usize::try_from(offset).unwrap_or(usize::MAX).min(file.len());
            file[start..start.saturating_add(length).min(file.len())].to_vec()
        })
    }

    #[test]
    fn a_real_program_names_its_loader() {
        let file = std::fs::read("/bin/sh").unwrap();
        let elf = from_bytes(&file).unwrap();
        assert!(elf.loader.is_none_or(|loader| loader.is_file()));
        for length in [4, 5, 6, 20, 63, 64, 100, 130] {
            assert!(from_bytes(&file[..length]).is_err(), "cut at {length}");
        }
    }

    proptest! {
        #[test]
        fn noise_is_an_answer_and_never_a_panic(noise in prop::collection::vec(any::<u8>(), 0..300), wide in 0..4u8) {
            let mut file = vec![0x7f, b'E', b'L', b'F', wide, 1];
            file.extend(noise);
            let _ = from_bytes(&file);
        }
    }
}
