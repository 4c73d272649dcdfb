//! Where a page of the inbox begins: behind the place of the last item that was shown.
//!
//! It holds no state of a process, so that any API process answers it. What became worse or better
//! while pages were read may be shown twice or not at all; a stream from the pages' revision tells it.

use data_encoding::BASE64URL_NOPAD;
use jiff::Timestamp;
use smith_model::id::Revision;
use smith_model::inbox::Place;

use super::super::page::BadCursor;

/// See the module's head.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Cursor {
    pub(super) revision: Revision,
    pub(super) place: Place,
}

impl Cursor {
    pub(super) fn write(&self) -> String {
        let Self { revision, place: Place { severity, since, loop_id } } = self;
        let nanos = since.as_nanosecond();
        BASE64URL_NOPAD.encode(format!("i1 {revision} {severity} {nanos} {loop_id}").as_bytes())
    }

    pub(super) fn read(text: &str) -> Result<Self, BadCursor> {
        let bytes = BASE64URL_NOPAD.decode(text.as_bytes()).map_err(|_| BadCursor)?;
        let text = String::from_utf8(bytes).map_err(|_| BadCursor)?;
        let parts: Vec<&str> = text.split(' ').collect();
        let ["i1", revision, severity, nanos, id] = parts.as_slice() else {
            return Err(BadCursor);
        };
        let revision = Revision(revision.parse().map_err(|_| BadCursor)?);
        let severity = severity.parse().map_err(|_| BadCursor)?;
        let nanos = nanos.parse().map_err(|_| BadCursor)?;
        let since = Timestamp::from_nanosecond(nanos).map_err(|_| BadCursor)?;
        let loop_id = id.parse().map_err(|_| BadCursor)?;
        Ok(Self { revision, place: Place { severity, since, loop_id } })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use smith_model::inbox::Severity;

    proptest! {
        #[test]
        fn a_cursor_is_read_back(
            revision in 0i64.., nanos in 0i64.., severity in 0usize..3, id in "[a-z0-9]{1,40}",
        ) {
            let since = Timestamp::from_nanosecond(nanos.into()).unwrap();
            let severity = Severity::ALL[severity];
            let place = Place { severity, since, loop_id: id.parse().unwrap() };
            let cursor = Cursor { revision: Revision(revision), place };
            prop_assert_eq!(Cursor::read(&cursor.write()), Ok(cursor));
        }

        #[test]
        fn any_text_gets_an_answer(text in ".*") {
            let _ = Cursor::read(&text);
        }
    }
}
