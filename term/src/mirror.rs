//! A viewer's copy of a worker's terminal: a snapshot, then output counted from it.

use crate::engine::{Engine, Numbers};
use crate::message::{FromWorker, Position};
use crate::size::Size;

/// The copy.
#[derive(Default)]
pub struct Mirror {
    held: Option<Held>,
    /// What lines of the next engine are numbered from, so that nobody takes them for those of another.
    numbers: Numbers,
}

struct Held {
    engine: Engine,
    at: Position,
}

/// What a message did to the copy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Applied {
    /// It shows something else now.
    Changed,
    /// Nothing: it was about something else.
    Nothing,
    /// It doesn't fit what is held: something is missing in between. The copy is dropped; attach again, with
    /// [`Mirror::position`], which is none now, and a snapshot follows.
    Gap,
}

impl Mirror {
    /// Nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Up to where it has everything: for [`crate::message::Hello::from`] when coming back.
    pub fn position(&self) -> Option<Position> {
        self.held.as_ref().map(|held| held.at)
    }

    /// The terminal, once there was a snapshot. What it answers to the program is dropped: the worker's own
    /// has answered already.
    pub fn engine(&self) -> Option<&Engine> {
        self.held.as_ref().map(|held| &held.engine)
    }

    /// Takes a worker's message.
    pub fn apply(&mut self, message: &FromWorker) -> Applied {
        match message {
            FromWorker::Welcome(welcome) => match welcome.from {
                // Without a position a snapshot follows; until then it shows what it has.
                None => Applied::Nothing,
                from if from == self.position() => Applied::Nothing,
                Some(_) => self.gap(),
            },
            FromWorker::Snapshot(snapshot) => {
                self.hold(snapshot.size, snapshot.at).feed(&snapshot.state);
                Applied::Changed
            }
            FromWorker::Output(bytes) => {
                let Some(Held { engine, at }) = &mut self.held else { return Applied::Gap };
                engine.feed(bytes);
                at.offset += bytes.len() as u64;
                Applied::Changed
            }
            FromWorker::Resize { size, .. } => {
                let Some(Held { engine, .. }) = &mut self.held else { return Applied::Gap };
                engine.resize(*size);
                Applied::Changed
            }
            FromWorker::Began { generation, size, .. } => {
                self.hold(*size, Position { generation: *generation, offset: 0 });
                Applied::Changed
            }
            FromWorker::Lease { .. }
            | FromWorker::Viewers { .. }
            | FromWorker::Notice { .. }
            | FromWorker::Exit { .. }
            | FromWorker::Answer(_)
            | FromWorker::Pong { .. }
            | FromWorker::End { .. }
            | FromWorker::Unknown => Applied::Nothing,
        }
    }

    /// Begins with an empty terminal.
    fn hold(&mut self, size: Size, at: Position) -> &mut Engine {
        self.drop_held();
        let engine = Engine::numbered(size, self.numbers);
        &mut self.held.insert(Held { engine, at }).engine
    }

    fn gap(&mut self) -> Applied {
        self.drop_held();
        Applied::Gap
    }

    fn drop_held(&mut self) {
        if let Some(held) = self.held.take() {
            self.numbers = held.engine.fresh_numbers();
        }
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;
    use crate::message::{Session, ViewerId, Welcome};
    use crate::snapshot;

    const SIZE: Size = Size::DEFAULT;

    fn welcome(from: Option<Position>) -> FromWorker {
        FromWorker::Welcome(Welcome {
            version: 1,
            session: Session::Agent,
            generation: 2,
            you: ViewerId(1),
            viewers: vec![],
            lease: None,
            from,
        })
    }

    fn output(text: &'static str) -> FromWorker {
        FromWorker::Output(Bytes::from_static(text.as_bytes()))
    }

    fn text(mirror: &Mirror) -> String {
        mirror.engine().map(Engine::to_text).unwrap_or_default()
    }

    #[test]
    fn output_is_counted_from_the_snapshot() {
        let mut engine = Engine::new(SIZE);
        engine.feed(b"one \xe6");
        let at = Position { generation: 2, offset: 5 };
        let mut mirror = Mirror::new();
        assert_eq!(mirror.apply(&welcome(None)), Applied::Nothing);
        let snapshot = FromWorker::Snapshot(snapshot::take(&mut engine, at));
        assert_eq!(mirror.apply(&snapshot), Applied::Changed);
        let rest = FromWorker::Output(Bytes::from_static(b"\xbc\xa2 two"));
        assert_eq!(mirror.apply(&rest), Applied::Changed);
        assert_eq!(text(&mirror), "one 漢 two\n");
        assert_eq!(mirror.position(), Some(Position { generation: 2, offset: 11 }));
    }

    #[test]
    fn what_was_accepted_elsewhere_is_a_gap() {
        let mut mirror = Mirror::new();
        let began = FromWorker::Began { generation: 2, size: SIZE, text: String::new() };
        assert_eq!(mirror.apply(&began), Applied::Changed);
        assert_eq!(mirror.apply(&output("abc")), Applied::Changed);
        let here = Position { generation: 2, offset: 3 };
        assert_eq!(mirror.apply(&welcome(Some(here))), Applied::Nothing);
        for elsewhere in [Position { offset: 4, ..here }, Position { generation: 3, ..here }] {
            let mut mirror = Mirror::new();
            mirror.apply(&began);
            mirror.apply(&output("abc"));
            assert_eq!(mirror.apply(&welcome(Some(elsewhere))), Applied::Gap);
            assert_eq!(mirror.position(), None);
            assert_eq!(mirror.apply(&output("d")), Applied::Gap);
        }
    }

    #[test]
    fn another_process_begins_with_an_empty_screen() {
        let mut mirror = Mirror::new();
        mirror.apply(&FromWorker::Began { generation: 1, size: SIZE, text: String::new() });
        mirror.apply(&output("\x1b[?1049hold"));
        mirror.apply(&FromWorker::Began { generation: 2, size: SIZE, text: String::new() });
        mirror.apply(&output("new"));
        assert_eq!(text(&mirror), "new\n");
        assert_eq!(mirror.position(), Some(Position { generation: 2, offset: 3 }));
    }
}
