//! Frames: how messages stand on a stream of bytes, such as a unix socket.
//!
//! A header of eight bytes (`Sm`, version, kind, length as a big-endian u32), then that many bytes. A
//! WebSocket brings frames of its own: there, [`Frame::Bytes`] is a binary message and [`Frame::Text`] a
//! text message, and the same bounds hold.
//!
//! Pure functions over a buffer, not a codec of an async framework: what reads and writes is its owner's
//! business.

use bytes::{Buf as _, BufMut as _, Bytes, BytesMut};

/// Begins every frame. What speaks something else (HTTP, a shell) is told at its first bytes.
const MAGIC: [u8; 2] = *b"Sm";

/// The version of the header, not of the messages.
const VERSION: u8 = 1;

/// Bytes of the header.
pub const HEADER: usize = 8;

/// The most that a frame of raw bytes holds: what one read of a PTY gives at most, and more than anybody
/// types; a paste is cut.
pub const MAX_BYTES: usize = 64 * 1024;

/// The most that a text from a viewer holds: a ticket, a reason or a note.
pub const MAX_REQUEST: usize = 16 * 1024;

/// The most that a text from a worker holds: a snapshot, in base64; see [`crate::message::MAX_STATE`].
pub const MAX_REPORT: usize = crate::message::MAX_STATE / 3 * 4 + 16 * 1024;

/// One frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Frame {
    /// Raw bytes: keystrokes, or output.
    Bytes(Bytes),
    /// A message as JSON.
    Text(String),
}

/// Who sends: it decides how large a text may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sender {
    /// One who watches or types.
    Viewer,
    /// The worker's terminal server.
    Worker,
}

impl Sender {
    /// The most bytes that a frame of this sender and kind holds.
    fn most(self, kind: u8) -> usize {
        match (self, kind) {
            (_, kind::BYTES) => MAX_BYTES,
            (Self::Viewer, _) => MAX_REQUEST,
            (Self::Worker, _) => MAX_REPORT,
        }
    }
}

mod kind {
    pub(super) const BYTES: u8 = 1;
    pub(super) const TEXT: u8 = 2;
}

/// Bytes that aren't a frame. The stream can't be used any further.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    /// Something else is spoken.
    #[error("the stream speaks something else: a frame begins with 53 6d 01, not with {0:02x?}")]
    Magic([u8; 3]),
    /// Larger than anything that is ever sent.
    #[error("a frame of kind {kind} with {length} bytes: {most} is the most")]
    Length {
        /// The kind.
        kind: u8,
        /// What the header says.
        length: usize,
        /// The bound.
        most: usize,
    },
    /// A text that isn't UTF-8.
    #[error("a text frame isn't UTF-8 from byte {0} on")]
    Text(usize),
}

/// Takes the next frame off the front of `buffer`; `None` when it isn't there whole. Frames of a kind that
/// this version doesn't know are skipped.
pub fn decode(buffer: &mut BytesMut, sender: Sender) -> Result<Option<Frame>, FrameError> {
    while let Some((kind, length)) = header(buffer, sender)? {
        if buffer.len() < HEADER + length {
            buffer.reserve(HEADER + length - buffer.len());
            return Ok(None);
        }
        buffer.advance(HEADER);
        let body = buffer.split_to(length).freeze();
        match kind {
            kind::BYTES => return Ok(Some(Frame::Bytes(body))),
            kind::TEXT => {
                let text = String::from_utf8(body.into())
                    .map_err(|e| FrameError::Text(e.utf8_error().valid_up_to()))?;
                return Ok(Some(Frame::Text(text)));
            }
            _ => {}
        }
    }
    Ok(None)
}

/// Kind and length, once they can be known. A wrong beginning is told at its first wrong byte.
fn header(buffer: &BytesMut, sender: Sender) -> Result<Option<(u8, usize)>, FrameError> {
    let expected = [MAGIC[0], MAGIC[1], VERSION];
    let got = buffer.len().min(expected.len());
    if buffer[..got] != expected[..got] {
        let mut magic = [0; 3];
        magic[..got].copy_from_slice(&buffer[..got]);
        return Err(FrameError::Magic(magic));
    }
    if buffer.len() < HEADER {
        return Ok(None);
    }
    let mut rest = &buffer[expected.len()..HEADER];
    let (kind, length) = (rest.get_u8(), rest.get_u32() as usize);
    let most = sender.most(kind);
    if length > most {
        return Err(FrameError::Length { kind, length, most });
    }
    Ok(Some((kind, length)))
}

/// Writes a frame to the end of `buffer`; nothing when it is larger than the other side would take.
pub fn encode(frame: &Frame, sender: Sender, buffer: &mut BytesMut) -> Result<(), FrameError> {
    let (kind, body): (u8, &[u8]) = match frame {
        Frame::Bytes(bytes) => (kind::BYTES, bytes),
        Frame::Text(text) => (kind::TEXT, text.as_bytes()),
    };
    let (length, most) = (body.len(), sender.most(kind));
    if length > most {
        return Err(FrameError::Length { kind, length, most });
    }
    buffer.reserve(HEADER + length);
    buffer.put_slice(&MAGIC);
    buffer.put_u8(VERSION);
    buffer.put_u8(kind);
    buffer.put_u32(u32::try_from(length).expect("the bounds fit"));
    buffer.put_slice(body);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn frames() -> impl Strategy<Value = Vec<Frame>> {
        let frame = prop_oneof![
            prop::collection::vec(any::<u8>(), 0..300).prop_map(|b| Frame::Bytes(b.into())),
            ".{0,100}".prop_map(Frame::Text),
        ];
        prop::collection::vec(frame, 0..6)
    }

    fn wire(frames: &[Frame]) -> BytesMut {
        let mut wire = BytesMut::new();
        for frame in frames {
            encode(frame, Sender::Worker, &mut wire).unwrap();
        }
        wire
    }

    proptest! {
        #[test]
        fn cuts_change_nothing(frames in frames(), cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..8)) {
            let wire = wire(&frames);
            let mut cuts: Vec<usize> = cuts.iter().map(|c| c.index(wire.len() + 1)).collect();
            cuts.extend([0, wire.len()]);
            cuts.sort();
            let (mut buffer, mut read) = (BytesMut::new(), vec![]);
            for pair in cuts.windows(2) {
                buffer.extend_from_slice(&wire[pair[0]..pair[1]]);
                while let Some(frame) = decode(&mut buffer, Sender::Worker).unwrap() {
                    read.push(frame);
                }
            }
            prop_assert_eq!(read, frames);
            prop_assert!(buffer.is_empty());
        }

        #[test]
        fn anything_is_a_frame_an_error_or_not_whole(bytes in prop::collection::vec(any::<u8>(), 0..40), valid in 0usize..4) {
            let mut buffer = BytesMut::from(&[&b"Sm\x01"[..valid], &bytes[..]].concat()[..]);
            while let Ok(Some(_)) = decode(&mut buffer, Sender::Viewer) {}
        }
    }

    #[test]
    fn bounds_hold_both_ways_and_differ_by_sender() {
        let text = Frame::Text("x".repeat(MAX_REQUEST + 1));
        let mut buffer = BytesMut::new();
        let refused = encode(&text, Sender::Viewer, &mut buffer).unwrap_err();
        assert!(matches!(refused, FrameError::Length { kind: 2, most: MAX_REQUEST, .. }));
        assert!(buffer.is_empty());
        encode(&text, Sender::Worker, &mut buffer).unwrap();
        assert_eq!(decode(&mut buffer.clone(), Sender::Viewer), Err(refused));
        assert_eq!(decode(&mut buffer, Sender::Worker), Ok(Some(text)));
    }

    #[test]
    fn another_protocol_is_told_at_once() {
        let refused = decode(&mut BytesMut::from("G"), Sender::Viewer).unwrap_err();
        assert_eq!(
            refused.to_string(),
            "the stream speaks something else: a frame begins with 53 6d 01, not with [47, 00, 00]"
        );
        assert_eq!(decode(&mut BytesMut::from("Sm"), Sender::Viewer), Ok(None));
    }

    #[test]
    fn an_unknown_kind_is_skipped() {
        let mut buffer = BytesMut::from(&b"Sm\x01\x09\0\0\0\x03abc"[..]);
        let known = Frame::Bytes(Bytes::from_static(b"x"));
        encode(&known, Sender::Viewer, &mut buffer).unwrap();
        assert_eq!(decode(&mut buffer, Sender::Viewer), Ok(Some(known)));
    }

    #[test]
    fn a_text_is_utf8() {
        let mut buffer = BytesMut::from(&b"Sm\x01\x02\0\0\0\x02a\xff"[..]);
        assert_eq!(decode(&mut buffer, Sender::Viewer), Err(FrameError::Text(1)));
    }
}
