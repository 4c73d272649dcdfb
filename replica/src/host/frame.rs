//! Frames of the host's protocol as bytes: length, number of descriptors, payload.
//!
//! Pure: knows neither sockets nor what a payload means. Either side may send anything, so every
//! length is checked before it is believed.

use bytes::{Buf, BufMut, Bytes, BytesMut};

/// The longest payload. A start carries an argument vector and an environment, both far below it.
pub(super) const MAX_PAYLOAD: usize = 1024 * 1024;
/// The most descriptors that one frame may bring: stdin, stdout and stderr of a piped start.
pub(super) const MAX_FDS: usize = 3;
const HEADER: usize = 5;

/// Why bytes are no frame.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub(super) enum FrameError {
    #[error("a frame of {0} bytes is over the limit of {MAX_PAYLOAD}")]
    TooLong(usize),
    #[error("a frame with {0} descriptors is over the limit of {MAX_FDS}")]
    TooManyFds(usize),
}

/// One frame as it came in.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Frame {
    pub(super) payload: Bytes,
    /// How many descriptors its sender says it attached.
    pub(super) fds: usize,
}

/// The bytes of a frame.
pub(super) fn encode(payload: &[u8], fds: usize) -> Result<Bytes, FrameError> {
    let (length, count) = checked(payload.len(), fds)?;
    let mut bytes = BytesMut::with_capacity(HEADER + payload.len());
    bytes.put_u32(length);
    bytes.put_u8(count);
    bytes.put_slice(payload);
    Ok(bytes.freeze())
}

fn checked(length: usize, fds: usize) -> Result<(u32, u8), FrameError> {
    if length > MAX_PAYLOAD {
        return Err(FrameError::TooLong(length));
    }
    if fds > MAX_FDS {
        return Err(FrameError::TooManyFds(fds));
    }
    let length = u32::try_from(length).map_err(|_| FrameError::TooLong(length))?;
    let count = u8::try_from(fds).map_err(|_| FrameError::TooManyFds(fds))?;
    Ok((length, count))
}

/// Puts frames together from pieces of any size.
#[derive(Debug, Default)]
pub(super) struct Decoder {
    buffer: BytesMut,
}

impl Decoder {
    pub(super) fn push(&mut self, bytes: &[u8]) {
        self.buffer.extend_from_slice(bytes);
    }

    /// The next whole frame; `None` when more bytes are needed.
    pub(super) fn next(&mut self) -> Result<Option<Frame>, FrameError> {
        let Some((header, _)) = self.buffer.split_first_chunk::<HEADER>() else {
            return Ok(None);
        };
        let mut header = &header[..];
        let length = header.get_u32() as usize;
        let fds = usize::from(header.get_u8());
        checked(length, fds)?;
        if self.buffer.len() < HEADER + length {
            return Ok(None);
        }
        self.buffer.advance(HEADER);
        let payload = self.buffer.split_to(length).freeze();
        Ok(Some(Frame { payload, fds }))
    }

    /// True when a frame has begun and not ended.
    pub(super) fn is_inside_frame(&self) -> bool {
        !self.buffer.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn drain(decoder: &mut Decoder) -> Vec<(Vec<u8>, usize)> {
        let mut frames = Vec::new();
        while let Some(frame) = decoder.next().unwrap() {
            frames.push((frame.payload.to_vec(), frame.fds));
        }
        frames
    }

    proptest! {
        #[test]
        fn frames_survive_any_cutting(
            frames in prop::collection::vec((prop::collection::vec(any::<u8>(), 0..200), 0..=MAX_FDS), 0..8),
            piece in 1..64usize,
        ) {
            let mut bytes = Vec::new();
            for (payload, fds) in &frames {
                bytes.extend_from_slice(&encode(payload, *fds).unwrap());
            }
            let mut decoder = Decoder::default();
            let mut seen = Vec::new();
            for piece in bytes.chunks(piece) {
                decoder.push(piece);
                seen.extend(drain(&mut decoder));
            }
            prop_assert_eq!(seen, frames);
            prop_assert!(!decoder.is_inside_frame());
        }

        #[test]
        fn noise_is_an_error_or_a_frame_and_never_a_panic(
            pieces in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..40), 0..20),
        ) {
            let mut decoder = Decoder::default();
            'pieces: for piece in pieces {
                decoder.push(&piece);
                loop {
                    match decoder.next() {
                        Ok(Some(frame)) => prop_assert!(frame.payload.len() <= MAX_PAYLOAD),
                        Ok(None) => break,
                        Err(_) => break 'pieces,
                    }
                }
            }
        }
    }

    #[test]
    fn limits_are_checked_on_both_ways() {
        assert_eq!(encode(&vec![0; MAX_PAYLOAD + 1], 0), Err(FrameError::TooLong(MAX_PAYLOAD + 1)));
        assert_eq!(encode(b"", MAX_FDS + 1), Err(FrameError::TooManyFds(MAX_FDS + 1)));
        let mut decoder = Decoder::default();
        decoder.push(&u32::MAX.to_be_bytes());
        decoder.push(&[0]);
        assert_eq!(decoder.next(), Err(FrameError::TooLong(u32::MAX as usize)));
        let mut decoder = Decoder::default();
        decoder.push(&[0, 0, 0, 0, 200]);
        assert_eq!(decoder.next(), Err(FrameError::TooManyFds(200)));
    }
}
