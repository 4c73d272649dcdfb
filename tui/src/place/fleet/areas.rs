//! Where the parts of the place are.

use ratatui::layout::Rect;

use super::View;
use crate::fleet::Link;
use crate::world::World;

/// The width of the facets beside the table.
const FACETS: u16 = 32;
/// The least that the table is left with.
const LEAST: u16 = 40;

/// The parts; one that isn't there has no height or no width.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Areas {
    /// That what is shown isn't how it is.
    pub(super) banner: Rect,
    /// How much is shown of what.
    pub(super) status: Rect,
    /// The columns' titles.
    pub(super) titles: Rect,
    /// The lines.
    pub(super) rows: Rect,
    /// What there is how often.
    pub(super) facets: Rect,
}

impl Areas {
    pub(super) fn new(view: &View, world: &World, area: Rect) -> Self {
        let has_banner = match world.fleet.link() {
            Link::Lost { .. } | Link::Refused { .. } => true,
            Link::Connecting | Link::Loading | Link::Live => world.fleet.stale().is_some(),
        };
        let mut rest = area;
        let mut take = |is_there: bool| {
            let height = u16::from(is_there && rest.height > 0);
            let line = Rect { height, ..rest };
            rest = Rect { y: rest.y + height, height: rest.height - height, ..rest };
            line
        };
        // What says that something is wrong goes last when there is no room.
        let banner = take(has_banner && area.height > 1);
        let status = take(area.height > 4);
        let facets = match view.facets.is_open() {
            true if rest.width >= LEAST + FACETS => FACETS,
            // No room for both: the facets, as long as the keys go to them.
            true if view.facets.has_keys() => rest.width,
            _ => 0,
        };
        let facets = Rect { x: rest.right() - facets, width: facets, ..rest };
        let table = Rect { width: rest.width - facets.width, ..rest };
        let has_titles = table.height > 2;
        let titles = Rect { height: u16::from(has_titles), ..table };
        let rows =
            Rect { y: table.y + titles.height, height: table.height - titles.height, ..table };
        Self { banner, status, titles, rows, facets }
    }
}
