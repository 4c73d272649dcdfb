//! A CSI sequence, as far as the engine itself has to understand it.

/// `ESC [ marker params intermediates final`.
pub(super) struct Csi<'a> {
    params: &'a [u8],
    /// The marker and the final byte, where there are no intermediates; else nothing fits.
    pub(super) kind: (Option<u8>, u8),
}

impl<'a> Csi<'a> {
    /// Reads a whole sequence.
    pub(super) fn read(bytes: &'a [u8]) -> Self {
        let body = bytes.get(2..).unwrap_or_default();
        let (&last, body) = body.split_last().unwrap_or((&0, &[]));
        let (marker, params) = match body.split_first() {
            Some((marker @ b'<'..=b'?', rest)) => (Some(*marker), rest),
            _ => (None, body),
        };
        // A marker in another place, and intermediates, make it something else.
        let is_plain = params.iter().all(|b| matches!(b, b'0'..=b';'));
        Self { params, kind: if is_plain { (marker, last) } else { (None, 0) } }
    }

    /// The parameters; 0 where one is left out, `u16::MAX` at most.
    pub(super) fn params(&self) -> impl Iterator<Item = u16> + use<'a> {
        self.params.split(|b| *b == b';').map(|param| {
            let digits = param.iter().take_while(|b| b.is_ascii_digit());
            digits.fold(0, |n: u16, b| n.saturating_mul(10).saturating_add(u16::from(b - b'0')))
        })
    }

    /// The parameter at a place; `default` where it is left out or 0.
    pub(super) fn param_or(&self, at: usize, default: u16) -> u16 {
        self.params().nth(at).filter(|n| *n != 0).unwrap_or(default)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sequence_is_read() {
        let read = |bytes: &'static [u8]| {
            let csi = Csi::read(bytes);
            (csi.kind, csi.params().collect::<Vec<_>>())
        };
        assert_eq!(read(b"\x1b[m"), ((None, b'm'), vec![0]));
        assert_eq!(read(b"\x1b[?1;2026h"), ((Some(b'?'), b'h'), vec![1, 2026]));
        assert_eq!(read(b"\x1b[;99999b"), ((None, b'b'), vec![0, u16::MAX]));
        assert_eq!(read(b"\x1b[4:3m"), ((None, b'm'), vec![4]));
        assert_eq!(read(b"\x1b[0?1P").0, (None, 0));
        assert_eq!(read(b"\x1b[1 q").0, (None, 0));
        assert_eq!(Csi::read(b"\x1b[0;5r").param_or(0, 1), 1);
        assert_eq!(Csi::read(b"\x1b[0;5r").param_or(1, 1), 5);
        assert_eq!(Csi::read(b"\x1b[5r").param_or(1, 24), 24);
    }
}
