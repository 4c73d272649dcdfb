//! Whatever is done to a tree, its panes are an area.

use proptest::prelude::*;

use super::*;

#[derive(Clone, Debug)]
enum Act {
    Split(usize, Axis),
    Close(usize),
    Swap(usize, usize),
    Resize(usize, Way),
    Drag(usize, u16, u16),
}

fn way() -> impl Strategy<Value = Way> {
    prop_oneof![Just(Way::Left), Just(Way::Right), Just(Way::Up), Just(Way::Down)]
}

fn act() -> impl Strategy<Value = Act> {
    let n = 0..20_usize;
    prop_oneof![
        3 => (n.clone(), prop_oneof![Just(Axis::Right), Just(Axis::Below)])
            .prop_map(|(at, axis)| Act::Split(at, axis)),
        1 => n.clone().prop_map(Act::Close),
        1 => (n.clone(), n.clone()).prop_map(|(a, b)| Act::Swap(a, b)),
        2 => (n.clone(), way()).prop_map(|(at, way)| Act::Resize(at, way)),
        2 => (n, 0..320_u16, 0..90_u16).prop_map(|(at, x, y)| Act::Drag(at, x, y)),
    ]
}

fn done(tree: &mut Tree, next: &mut u32, area: Rect, act: &Act) {
    let panes = tree.panes();
    let pane = |at: usize| panes[at % panes.len()];
    match *act {
        Act::Split(at, axis) => {
            assert!(tree.split(pane(at), axis, PaneNo(*next)));
            *next += 1;
        }
        Act::Close(at) => {
            let heir = tree.close(pane(at));
            assert_eq!(heir.is_some(), panes.len() > 1);
            assert!(heir.is_none_or(|heir| tree.panes().contains(&heir) && heir != pane(at)));
        }
        Act::Swap(a, b) => tree.swap(pane(a), pane(b)),
        Act::Resize(at, way) => drop(tree.resize(pane(at), way)),
        Act::Drag(at, x, y) => {
            let dividers = tree.lay(area).dividers;
            if let Some(divider) = dividers.get(at % dividers.len().max(1)) {
                tree.drag(divider, x, y);
            }
        }
    }
}

proptest! {
    #[test]
    fn panes_and_the_columns_between_them_are_the_area(
        acts in prop::collection::vec(act(), 0..30),
        (x, y, width, height) in (0..5_u16, 0..5_u16, 0..300_u16, 0..80_u16),
    ) {
        let area = Rect { x, y, width, height };
        let (mut tree, mut next) = (Tree::new(PaneNo(0)), 1);
        for act in &acts {
            done(&mut tree, &mut next, area, act);
        }
        let laid = tree.lay(area);
        let beside = laid.dividers.iter().filter(|d| d.axis == Axis::Right).map(|d| d.area);
        let mut seen = vec![0_u8; usize::from(width) * usize::from(height)];
        for part in laid.panes.iter().map(|(_, area)| *area).chain(beside) {
            for at in part.positions() {
                seen[usize::from(at.y - y) * usize::from(width) + usize::from(at.x - x)] += 1;
            }
        }
        prop_assert!(seen.iter().all(|times| *times == 1));
        let mut panes = tree.panes();
        panes.sort_unstable();
        panes.dedup();
        prop_assert_eq!(panes.len(), laid.panes.len());
    }

    #[test]
    fn who_goes_one_way_can_come_back_to_a_pane_that_looks_there(
        acts in prop::collection::vec(act(), 0..20), way in way(),
    ) {
        let area = Rect::new(0, 0, 200, 60);
        let (mut tree, mut next) = (Tree::new(PaneNo(0)), 1);
        for act in &acts {
            done(&mut tree, &mut next, area, act);
        }
        let laid = tree.lay(area);
        let back = match way {
            Way::Left => Way::Right,
            Way::Right => Way::Left,
            Way::Up => Way::Down,
            Way::Down => Way::Up,
        };
        for (pane, _) in laid.panes.iter().filter(|(_, area)| !area.is_empty()) {
            if let Some(other) = laid.neighbour(*pane, way) {
                prop_assert_ne!(other, *pane);
                prop_assert!(laid.neighbour(other, back).is_some());
            }
        }
    }
}

#[test]
fn a_border_comes_to_lie_where_it_is_dragged_to() {
    let area = Rect::new(0, 1, 120, 38);
    let mut tree = Tree::new(PaneNo(1));
    tree.split(PaneNo(1), Axis::Right, PaneNo(2));
    tree.split(PaneNo(2), Axis::Below, PaneNo(3));
    for to in [30, 59, 60, 90] {
        let dividers = tree.lay(area).dividers;
        tree.drag(&dividers[0], to, 5);
        assert_eq!(tree.lay(area).dividers[0].area.x.abs_diff(to), 0, "to {to}");
    }
    let laid = tree.lay(area);
    assert_eq!(laid.neighbour(PaneNo(1), Way::Right), Some(PaneNo(3)));
    assert_eq!(laid.neighbour(PaneNo(3), Way::Up), Some(PaneNo(2)));
    assert_eq!(laid.neighbour(PaneNo(3), Way::Left), Some(PaneNo(1)));
    assert_eq!(laid.neighbour(PaneNo(1), Way::Left), None);
    let before = laid.of(PaneNo(3)).height;
    assert!(tree.resize(PaneNo(3), Way::Up) && tree.lay(area).of(PaneNo(3)).height > before);
}
