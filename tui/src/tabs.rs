//! Tabs: each shows a place, and knows where it was before. Pure.

use crate::place::Place;

/// The most places that a tab remembers each way.
const MOST_HISTORY: usize = 50;

/// A tab.
#[derive(Debug)]
pub struct Tab {
    /// Its number, which is never used again.
    pub id: u64,
    /// What it shows.
    pub place: Place,
    /// What a person calls it.
    pub name: Option<String>,
    back: Vec<Place>,
    forward: Vec<Place>,
}

impl Tab {
    fn new(id: u64, place: Place) -> Self {
        Self { id, place, name: None, back: vec![], forward: vec![] }
    }

    /// Shows something else; what was shown can be gone back to.
    pub fn go(&mut self, place: Place) {
        self.back.push(std::mem::replace(&mut self.place, place));
        if self.back.len() > MOST_HISTORY {
            self.back.remove(0);
        }
        self.forward.clear();
    }

    /// Shows what was shown before; answers whether there was anything.
    pub fn back(&mut self) -> bool {
        let Some(place) = self.back.pop() else { return false };
        self.forward.push(std::mem::replace(&mut self.place, place));
        true
    }

    /// Takes the last step back again; answers whether there was one.
    pub fn forward(&mut self) -> bool {
        let Some(place) = self.forward.pop() else { return false };
        self.back.push(std::mem::replace(&mut self.place, place));
        true
    }
}

/// All tabs; there is always one.
#[derive(Debug)]
pub struct Tabs {
    tabs: Vec<Tab>,
    shown: usize,
    next_id: u64,
}

impl Tabs {
    /// One tab.
    pub fn new(place: Place) -> Self {
        Self { tabs: vec![Tab::new(1, place)], shown: 0, next_id: 2 }
    }

    /// Forgets all tabs for a new one. Its number isn't that of an earlier one.
    pub fn reset(&mut self, place: Place) {
        self.tabs = vec![Tab::new(self.next_id, place)];
        self.next_id += 1;
        self.shown = 0;
    }

    /// The one that is shown.
    pub fn current(&self) -> &Tab {
        &self.tabs[self.shown]
    }

    /// The same, to be changed.
    pub fn current_mut(&mut self) -> &mut Tab {
        &mut self.tabs[self.shown]
    }

    /// All, in their order.
    pub fn all(&self) -> &[Tab] {
        &self.tabs
    }

    /// All, to be changed.
    pub fn all_mut(&mut self) -> &mut [Tab] {
        &mut self.tabs
    }

    /// Which is shown, counted from 0.
    pub fn shown(&self) -> usize {
        self.shown
    }

    /// Opens another one behind the one that is shown, and shows it.
    pub fn open(&mut self, place: Place) {
        self.shown += 1;
        self.tabs.insert(self.shown, Tab::new(self.next_id, place));
        self.next_id += 1;
    }

    /// Closes the one that is shown, unless it is the only one; answers whether it was closed.
    pub fn close(&mut self) -> bool {
        if self.tabs.len() == 1 {
            return false;
        }
        self.tabs.remove(self.shown);
        self.shown = self.shown.min(self.tabs.len() - 1);
        true
    }

    /// Shows another one, counted from 0; answers whether it is there.
    pub fn show(&mut self, at: usize) -> bool {
        let is_there = at < self.tabs.len();
        if is_there {
            self.shown = at;
        }
        is_there
    }

    /// Shows the one so many further on, round and round.
    pub fn step(&mut self, by: isize) {
        let count = isize::try_from(self.tabs.len()).expect("few tabs");
        let shown = isize::try_from(self.shown).expect("few tabs");
        self.shown = usize::try_from((shown + by).rem_euclid(count)).expect("not negative");
    }
}
