//! Where the panes of a tree are.

use ratatui::layout::{Position, Rect};

use super::{Axis, Node, PaneNo, Split, Step, Way};

/// Where everything is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Laid {
    /// The panes, from the left and the top. Some may have no room.
    pub panes: Vec<(PaneNo, Rect)>,
    /// What can be dragged.
    pub dividers: Vec<Divider>,
}

/// A border between two parts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Divider {
    /// How the parts lie.
    pub axis: Axis,
    /// Where it is. Between panes below each other it is the first row of the lower one.
    pub area: Rect,
    /// Both parts and itself.
    pub(super) whole: Rect,
    pub(super) steps: Vec<Step>,
}

impl Laid {
    /// Where a pane is.
    pub fn of(&self, pane: PaneNo) -> Rect {
        let found = self.panes.iter().find(|(other, _)| *other == pane);
        found.map_or(Rect::ZERO, |(_, area)| *area)
    }

    /// The pane at a cell.
    pub fn at(&self, column: u16, row: u16) -> Option<PaneNo> {
        let at = Position { x: column, y: row };
        self.panes.iter().find(|(_, area)| area.contains(at)).map(|(pane, _)| *pane)
    }

    /// The border at a cell.
    pub fn divider(&self, column: u16, row: u16) -> Option<&Divider> {
        let at = Position { x: column, y: row };
        self.dividers.iter().find(|divider| divider.area.contains(at))
    }

    /// The pane that lies nearest along a way: of those that a pane's side looks at, the one beside its middle.
    pub fn neighbour(&self, from: PaneNo, way: Way) -> Option<PaneNo> {
        let area = self.of(from);
        let middle = (area.x + area.width / 2, area.y + area.height / 2);
        let distance = |other: &Rect| {
            let (gap, overlaps, aside) = match way {
                Way::Left => (area.x.checked_sub(other.right()), rows(&area, other), middle.1),
                Way::Right => (other.x.checked_sub(area.right()), rows(&area, other), middle.1),
                Way::Up => (area.y.checked_sub(other.bottom()), columns(&area, other), middle.0),
                Way::Down => (other.y.checked_sub(area.bottom()), columns(&area, other), middle.0),
            };
            let (from, to) = match way {
                Way::Left | Way::Right => (other.y, other.bottom()),
                Way::Up | Way::Down => (other.x, other.right()),
            };
            let off = from.saturating_sub(aside) + aside.saturating_sub(to.saturating_sub(1));
            gap.filter(|_| overlaps && !other.is_empty()).map(|gap| (gap, off))
        };
        let others = self.panes.iter().filter(|(pane, _)| *pane != from);
        let near = others.filter_map(|(pane, area)| Some((distance(area)?, *pane)));
        near.min_by_key(|(distance, _)| *distance).map(|(_, pane)| pane)
    }
}

fn rows(a: &Rect, b: &Rect) -> bool {
    a.y < b.bottom() && b.y < a.bottom()
}

fn columns(a: &Rect, b: &Rect) -> bool {
    a.x < b.right() && b.x < a.right()
}

pub(super) fn lay(node: &Node, area: Rect, steps: &mut Vec<Step>, laid: &mut Laid) {
    let split = match node {
        Node::Pane(pane) => return laid.panes.push((*pane, area)),
        Node::Split(split) => split,
    };
    let (first, divider, second) = cut(split, area);
    if !divider.is_empty() {
        let steps = steps.clone();
        laid.dividers.push(Divider { axis: split.axis, area: divider, whole: area, steps });
    }
    for (step, node, area) in
        [(Step::First, &split.first, first), (Step::Second, &split.second, second)]
    {
        steps.push(step);
        lay(node, area, steps, laid);
        steps.pop();
    }
}

/// The first part, the border, the second part.
fn cut(split: &Split, area: Rect) -> (Rect, Rect, Rect) {
    let Rect { x, y, width, height } = area;
    match split.axis {
        Axis::Right => {
            let between = u16::from(width > 2);
            let room = width - between;
            let first = portion(room, split.share);
            let divider = Rect { x: x + first, width: between, ..area };
            let second = Rect { x: divider.right(), width: room - first, ..area };
            (Rect { width: first, ..area }, divider, second)
        }
        Axis::Below => {
            let first = portion(height, split.share);
            let second = Rect { y: y + first, height: height - first, ..area };
            let divider = Rect { height: second.height.min(1), ..second };
            (Rect { height: first, ..area }, divider, second)
        }
    }
}

/// A share of some cells; each part has one where there are two.
fn portion(room: u16, share: u16) -> u16 {
    let first = u32::from(room) * u32::from(share) / 1000;
    let first = u16::try_from(first).unwrap_or(u16::MAX);
    if room < 2 { room.min(1) } else { first.clamp(1, room - 1) }
}
