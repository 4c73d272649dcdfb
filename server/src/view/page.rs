//! Where a page of a list begins.
//!
//! A cursor is the place of the last loop that was shown (time of creation and id) and the revision of
//! the first page. It holds no state of a process, so that any API process answers it, and it is never
//! outdated: a loop that was created since stands before the first page (newest first), one that was
//! deleted is missing. Each page says the revision of the *first* one, so that a stream from there on
//! also tells what changed while the pages were read.

use data_encoding::BASE64URL_NOPAD;
use jiff::Timestamp;
use smith_model::id::Revision;

use super::table::Place;

/// A text that isn't a cursor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a cursor: give the one of the page before as it is, or none to begin")]
pub struct BadCursor;

/// See the module's head.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Cursor {
    pub(super) revision: Revision,
    pub(super) place: Place,
}

impl Cursor {
    pub(super) fn write(&self) -> String {
        let Self { revision, place } = self;
        let nanos = place.created_at.as_nanosecond();
        BASE64URL_NOPAD.encode(format!("1 {revision} {nanos} {}", place.loop_id).as_bytes())
    }

    pub(super) fn read(text: &str) -> Result<Self, BadCursor> {
        let bytes = BASE64URL_NOPAD.decode(text.as_bytes()).map_err(|_| BadCursor)?;
        let text = String::from_utf8(bytes).map_err(|_| BadCursor)?;
        let parts: Vec<&str> = text.split(' ').collect();
        let ["1", revision, nanos, id] = parts.as_slice() else { return Err(BadCursor) };
        let revision = Revision(revision.parse().map_err(|_| BadCursor)?);
        let nanos = nanos.parse().map_err(|_| BadCursor)?;
        let created_at = Timestamp::from_nanosecond(nanos).map_err(|_| BadCursor)?;
        let loop_id = id.parse().map_err(|_| BadCursor)?;
        Ok(Self { revision, place: Place { created_at, loop_id } })
    }
}

/// The revision of the list that a cursor belongs to: a process whose view is behind it waits first.
pub fn cursor_revision(cursor: &str) -> Result<Revision, BadCursor> {
    Ok(Cursor::read(cursor)?.revision)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_cursor_is_read_back(revision in 0i64.., nanos in 0i64.., id in "[a-z0-9]{1,40}") {
            let created_at = Timestamp::from_nanosecond(nanos.into()).unwrap();
            let place = Place { created_at, loop_id: id.parse().unwrap() };
            let cursor = Cursor { revision: Revision(revision), place };
            prop_assert_eq!(Cursor::read(&cursor.write()), Ok(cursor));
        }

        #[test]
        fn any_text_gets_an_answer(text in ".*") {
            let _ = Cursor::read(&text);
        }
    }
}
