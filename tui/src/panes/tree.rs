//! How panes share an area: a tree of splits. Pure.
//!
//! Panes beside each other have a column between them; of panes below each other the lower one's title is the border.
//! Panes and those columns together are the area, whatever its size: where there is too little room for all, some have
//! none.

mod layout;
#[cfg(test)]
mod tests;

use ratatui::layout::Rect;
use serde::{Deserialize, Serialize};

pub use layout::{Divider, Laid};

/// A pane of a tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PaneNo(pub u32);

/// How two parts lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Axis {
    /// The second is to the right of the first.
    Right,
    /// The second is below the first.
    Below,
}

/// A direction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Way {
    /// To the left.
    Left,
    /// To the right.
    Right,
    /// Up.
    Up,
    /// Down.
    Down,
}

/// A way from the root to a split.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// Its first part.
    First,
    /// Its second part.
    Second,
}

/// The tree. There is always a pane.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tree {
    root: Node,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Node {
    Pane(PaneNo),
    Split(Box<Split>),
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Split {
    axis: Axis,
    /// What the first part has, in thousandths.
    share: u16,
    first: Node,
    second: Node,
}

/// No part of a split is smaller by anybody's wish.
const LEAST: u16 = 50;
/// What one step of a resize moves, in thousandths.
const STEP: u16 = 50;

impl Tree {
    /// One pane.
    pub fn new(pane: PaneNo) -> Self {
        Self { root: Node::Pane(pane) }
    }

    /// Its panes, from the left and the top.
    pub fn panes(&self) -> Vec<PaneNo> {
        let mut panes = vec![];
        self.root.each(&mut |pane| panes.push(pane));
        panes
    }

    /// Gives half of a pane's room to a new one; answers whether that pane is there.
    pub fn split(&mut self, at: PaneNo, axis: Axis, new: PaneNo) -> bool {
        let Some(node) = self.root.find(at) else { return false };
        let second = Node::Pane(new);
        *node = Node::Split(Box::new(Split { axis, share: 500, first: Node::Pane(at), second }));
        true
    }

    /// Takes a pane away, unless it is the only one; answers which one has its room now.
    pub fn close(&mut self, at: PaneNo) -> Option<PaneNo> {
        self.root.close(at)
    }

    /// Two panes change places.
    pub fn swap(&mut self, a: PaneNo, b: PaneNo) {
        self.root.rename(&|pane| match pane {
            pane if pane == a => b,
            pane if pane == b => a,
            pane => pane,
        });
    }

    /// Moves the nearest border of a pane along a way; answers whether there is one.
    pub fn resize(&mut self, at: PaneNo, way: Way) -> bool {
        let axis = match way {
            Way::Left | Way::Right => Axis::Right,
            Way::Up | Way::Down => Axis::Below,
        };
        let Some(split) = self.root.around(at, axis) else { return false };
        split.share = match way {
            Way::Left | Way::Up => split.share.saturating_sub(STEP).max(LEAST),
            Way::Right | Way::Down => (split.share + STEP).min(1000 - LEAST),
        };
        true
    }

    /// Moves a border to where the mouse is.
    pub fn drag(&mut self, divider: &Divider, column: u16, row: u16) {
        let Some(split) = self.root.at(&divider.steps) else { return };
        let (from, to, whole) = match divider.axis {
            Axis::Right => {
                let room = divider.whole.width.saturating_sub(divider.area.width);
                (divider.whole.x, column, room)
            }
            Axis::Below => (divider.whole.y, row, divider.whole.height),
        };
        // Half a cell more, so that it comes to lie where it was dragged to.
        let share = (u32::from(to.saturating_sub(from)) * 2 + 1) * 500 / u32::from(whole.max(1));
        split.share = u16::try_from(share).unwrap_or(1000).clamp(LEAST, 1000 - LEAST);
    }

    /// Where everything is in an area.
    pub fn lay(&self, area: Rect) -> Laid {
        let mut laid = Laid::default();
        layout::lay(&self.root, area, &mut vec![], &mut laid);
        laid
    }
}

impl Node {
    fn each(&self, see: &mut impl FnMut(PaneNo)) {
        match self {
            Self::Pane(pane) => see(*pane),
            Self::Split(split) => {
                split.first.each(see);
                split.second.each(see);
            }
        }
    }

    fn holds(&self, at: PaneNo) -> bool {
        match self {
            Self::Pane(pane) => *pane == at,
            Self::Split(split) => split.first.holds(at) || split.second.holds(at),
        }
    }

    fn find(&mut self, at: PaneNo) -> Option<&mut Self> {
        match self {
            Self::Pane(pane) => (*pane == at).then_some(self),
            Self::Split(split) => {
                let Split { first, second, .. } = split.as_mut();
                first.find(at).or_else(|| second.find(at))
            }
        }
    }

    fn at(&mut self, steps: &[Step]) -> Option<&mut Split> {
        let Self::Split(split) = self else { return None };
        match steps.split_first() {
            None => Some(split),
            Some((Step::First, rest)) => split.first.at(rest),
            Some((Step::Second, rest)) => split.second.at(rest),
        }
    }

    /// The innermost split along an axis that a pane is part of.
    fn around(&mut self, at: PaneNo, axis: Axis) -> Option<&mut Split> {
        let Self::Split(split) = self else { return None };
        let is_first = split.first.holds(at);
        let inner = if is_first { &split.first } else { &split.second };
        if inner.has_around(at, axis) {
            let inner = if is_first { &mut split.first } else { &mut split.second };
            return inner.around(at, axis);
        }
        (split.axis == axis && (is_first || split.second.holds(at))).then_some(split)
    }

    fn has_around(&self, at: PaneNo, axis: Axis) -> bool {
        let Self::Split(split) = self else { return false };
        let is_within = split.first.holds(at) || split.second.holds(at);
        is_within && split.axis == axis
            || split.first.has_around(at, axis)
            || split.second.has_around(at, axis)
    }

    fn close(&mut self, at: PaneNo) -> Option<PaneNo> {
        let Self::Split(split) = self else { return None };
        let stays = match (&split.first, &split.second) {
            (Self::Pane(pane), other) | (other, Self::Pane(pane)) if *pane == at => other.clone(),
            _ => return split.first.close(at).or_else(|| split.second.close(at)),
        };
        *self = stays;
        let mut first = None;
        self.each(&mut |pane| first = first.or(Some(pane)));
        first
    }

    fn rename(&mut self, name: &impl Fn(PaneNo) -> PaneNo) {
        match self {
            Self::Pane(pane) => *pane = name(*pane),
            Self::Split(split) => {
                split.first.rename(name);
                split.second.rename(name);
            }
        }
    }
}
