//! The recordings of a loop, numbered by process in the order in which they began. The journal only grows, so numbers
//! stay.

use smith_model::api::RecordingItem;
use smith_model::id::AttemptNo;
use smith_model::terminal::Session;

/// The parts of all recordings of a loop, as they were listed.
#[derive(Clone, Debug, Default)]
pub struct Catalog {
    /// Parts with the numbers of their processes, from 1.
    pub parts: Vec<(usize, RecordingItem)>,
}

impl Catalog {
    /// Numbers them.
    pub fn new(items: Vec<RecordingItem>) -> Self {
        let mut known: Vec<(AttemptNo, Session, u64)> = vec![];
        let number = |item: RecordingItem| {
            let process = (item.no, item.recording.session, item.recording.generation);
            let at = known.iter().position(|k| *k == process).unwrap_or_else(|| {
                known.push(process);
                known.len() - 1
            });
            (at + 1, item)
        };
        Self { parts: items.into_iter().map(number).collect() }
    }

    /// The parts of a process in their order; without a number those of the newest agent, or, where none was
    /// recorded, of the newest shell.
    pub fn process(&self, number: Option<usize>) -> Option<Vec<RecordingItem>> {
        let newest = |session| {
            let of = self.parts.iter().filter(|(_, item)| item.recording.session == session);
            of.map(|(n, _)| *n).max()
        };
        let number =
            number.or_else(|| newest(Session::Agent)).or_else(|| newest(Session::Shell))?;
        let parts = self.parts.iter().filter(|(n, _)| *n == number);
        let mut parts: Vec<RecordingItem> = parts.map(|(_, item)| item.clone()).collect();
        parts.sort_by_key(|item| item.recording.segment);
        parts.dedup_by_key(|item| item.recording.segment);
        (!parts.is_empty()).then_some(parts)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::playback::samples::part;

    #[test]
    fn a_process_is_all_its_parts_and_the_newest_agent_s_by_itself() {
        use Session::{Agent, Shell};
        let items = vec![
            part(Agent, 1, 1, 0),
            part(Agent, 1, 3, 2),
            part(Agent, 1, 2, 1),
            part(Agent, 2, 1, 3),
            part(Shell, 1, 1, 4),
        ];
        let catalog = Catalog::new(items);
        let numbers: Vec<_> = catalog.parts.iter().map(|(n, _)| *n).collect();
        assert_eq!(numbers, [1, 1, 1, 2, 3]);
        let segments = |number| {
            let parts = catalog.process(number)?;
            Some(parts.iter().map(|p| (p.recording.session, p.recording.segment)).collect())
        };
        assert_eq!(segments(Some(1)), Some(vec![(Agent, 1), (Agent, 2), (Agent, 3)]));
        assert_eq!(segments(None), Some(vec![(Agent, 1)]));
        assert_eq!(segments(Some(3)), Some(vec![(Shell, 1)]));
        assert_eq!(segments(Some(4)), None);
        assert!(Catalog::default().process(None).is_none());
        assert!(Catalog::new(vec![part(Shell, 1, 1, 0)]).process(None).is_some());
    }
}
