//! What of a followed list was printed already, so that a list that is sent again isn't.

use std::collections::BTreeMap;

use smith_model::id::LoopId;

/// An event of a followed list.
#[derive(Debug, PartialEq)]
pub(crate) enum Told<T> {
    /// An item is new, or changed.
    Updated(LoopId, T),
    /// An item is gone.
    Removed(LoopId),
    /// Forget everything: the whole list follows.
    Reset,
    /// That was the whole list.
    Ready,
}

/// What is to be printed.
#[derive(Debug, PartialEq)]
pub(crate) struct Changed<T> {
    /// Items that aren't as they were printed last.
    pub(crate) items: Vec<T>,
    /// Items that were printed and are gone.
    pub(crate) removed: Vec<LoopId>,
    /// Whether these are the first of all.
    pub(crate) when: When,
}

/// See [`Changed::when`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum When {
    /// Headers stand before them.
    First,
    /// They stand below others.
    Later,
}

/// See the module's head.
#[derive(Debug)]
pub(crate) struct Seen<T> {
    shown: BTreeMap<LoopId, T>,
    /// The list as it comes in before `ready`.
    coming: Vec<(LoopId, T)>,
    ready: bool,
    begun: bool,
}

impl<T: Clone + PartialEq> Seen<T> {
    /// Nothing was printed.
    pub(crate) fn new() -> Self {
        Self { shown: BTreeMap::new(), coming: vec![], ready: false, begun: false }
    }

    /// Takes the next event.
    pub(crate) fn take(&mut self, told: Told<T>) -> Changed<T> {
        let (mut items, mut removed) = (vec![], vec![]);
        match told {
            Told::Reset => {
                self.ready = false;
                self.coming.clear();
            }
            Told::Updated(id, item) if !self.ready => self.coming.push((id, item)),
            Told::Updated(id, item) => items.extend(self.changed(id, item)),
            Told::Ready => {
                self.ready = true;
                let coming = std::mem::take(&mut self.coming);
                let is_there = |id: &LoopId| coming.iter().any(|(there, _)| there == id);
                removed.extend(self.shown.keys().filter(|id| !is_there(id)).cloned());
                for id in &removed {
                    self.shown.remove(id);
                }
                items.extend(coming.into_iter().filter_map(|(id, item)| self.changed(id, item)));
            }
            Told::Removed(id) => {
                self.coming.retain(|(coming, _)| *coming != id);
                removed.extend(self.shown.remove(&id).map(|_| id));
            }
        }
        let when = if self.ready && !self.begun { When::First } else { When::Later };
        self.begun |= self.ready;
        Changed { items, removed, when }
    }

    /// The item, if it isn't as it was printed last.
    fn changed(&mut self, id: LoopId, item: T) -> Option<T> {
        let before = self.shown.insert(id, item.clone());
        (before.as_ref() != Some(&item)).then_some(item)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(name: &str) -> LoopId {
        name.parse().unwrap()
    }

    #[test]
    fn a_list_that_is_sent_again_is_not_printed_again() {
        let mut seen = Seen::new();
        let nothing = || Changed { items: vec![], removed: vec![], when: When::Later };
        assert_eq!(seen.take(Told::Reset), nothing());
        assert_eq!(seen.take(Told::Updated(id("a"), 1)), nothing(), "not before it is whole");
        let first = seen.take(Told::Ready);
        assert_eq!((first.items, first.when), (vec![1], When::First));
        assert_eq!(seen.take(Told::Updated(id("a"), 2)), Changed { items: vec![2], ..nothing() });
        seen.take(Told::Reset);
        seen.take(Told::Updated(id("a"), 2));
        assert_eq!(seen.take(Told::Ready), nothing());
        let gone = Changed { removed: vec![id("a")], ..nothing() };
        assert_eq!(seen.take(Told::Removed(id("a"))), gone);
        assert_eq!(seen.take(Told::Removed(id("a"))), nothing());
    }

    #[test]
    fn what_went_while_nobody_listened_is_told() {
        let mut seen = Seen::new();
        seen.take(Told::Updated(id("a"), 1));
        seen.take(Told::Updated(id("b"), 1));
        seen.take(Told::Ready);
        seen.take(Told::Reset);
        seen.take(Told::Updated(id("b"), 1));
        let changed = seen.take(Told::Ready);
        assert_eq!((changed.items, changed.removed), (vec![], vec![id("a")]));
    }
}
