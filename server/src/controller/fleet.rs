//! Who is next in line, and what there is room for, over all loops at once.
//!
//! The order is priority, then age. Limits of the fleet, a project and a provider count every attempt
//! that is under way and every worker that still exists. A loop that is stopped by its project's or
//! provider's limit doesn't hold up those behind it. A change costs O(log n).
//!
//! [`Fleet::next`] *grants* a place: it stays taken until the admission shows in an
//! [`Fleet::update`] (another attempt than at the grant) or is called off by [`Fleet::give_back`], so
//! that several admissions under way never go beyond a limit together.

use std::cmp::Reverse;
use std::collections::{BTreeSet, HashMap, HashSet};

use jiff::Timestamp;
use smith_model::id::{AttemptNo, LoopId, ProjectName};

/// How many attempts may be under way at once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// In all.
    pub fleet: u32,
    /// In each project that isn't named below; `None`: as many as the fleet.
    pub each_project: Option<u32>,
    /// In projects by name.
    pub projects: HashMap<ProjectName, u32>,
    /// With each provider that isn't named below; `None`: as many as the fleet.
    pub each_provider: Option<u32>,
    /// With providers by name.
    pub providers: HashMap<String, u32>,
}

impl Limits {
    /// Only the fleet as a whole is limited.
    pub fn of_fleet(fleet: u32) -> Self {
        Self {
            fleet,
            each_project: None,
            projects: HashMap::new(),
            each_provider: None,
            providers: HashMap::new(),
        }
    }

    fn most(&self, group: &Group) -> u32 {
        let most = match group {
            Group::Fleet => None,
            Group::Project(project) => self.projects.get(project).copied().or(self.each_project),
            Group::Provider(provider) => {
                self.providers.get(provider).copied().or(self.each_provider)
            }
        };
        most.unwrap_or(self.fleet)
    }
}

/// What the fleet knows of a loop.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FleetItem {
    /// Its project.
    pub project: ProjectName,
    /// What runs its model.
    pub provider: String,
    /// Higher goes first.
    pub priority: i32,
    /// Older goes first.
    pub created_at: Timestamp,
    /// Its round and the newest attempt in it (0: none yet).
    pub no: AttemptNo,
    /// Places that it takes: its workers that exist, and at least one while it is overwriting.
    pub places: u32,
    /// Whether only room is missing.
    pub standing: Standing,
}

/// Does a loop stand in line?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It could be admitted now.
    Ready,
    /// It runs, has ended, or waits for something else.
    Elsewhere,
}

/// A limit that is reached.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Group {
    /// The whole fleet.
    Fleet,
    /// A project.
    Project(ProjectName),
    /// A provider.
    Provider(String),
}

/// Is there room for a loop?
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Room {
    /// Yes: it has been granted a place.
    Yes,
    /// No.
    Full {
        /// Where.
        group: Group,
        /// Places taken there.
        taken: u32,
        /// Places there are.
        most: u32,
        /// How many of that group stand before it, counted up to [`MOST_AHEAD`].
        ahead: usize,
    },
    /// There is, and others are before it.
    Behind {
        /// How many, counted up to [`MOST_AHEAD`].
        ahead: usize,
    },
    /// The store is nearly full: nothing new is begun.
    StoreFull,
}

/// The line before a loop is counted no further, so that asking stays cheap however long it is.
pub const MOST_AHEAD: usize = 1000;

/// The place in line: priority, then age; the name makes it unique.
type Place = (Reverse<i32>, Timestamp, LoopId);

/// The loops whose limits are the same: one line, of which only the first matters.
type Lane = (ProjectName, String);

/// The whole fleet.
#[derive(Debug)]
pub struct Fleet {
    limits: Limits,
    items: HashMap<LoopId, FleetItem>,
    /// Loops that were granted a place, and the attempt they had then.
    granted: HashMap<LoopId, AttemptNo>,
    taken: HashMap<Group, u32>,
    /// Everyone in line, by group, for counting who is before.
    lines: HashMap<Group, BTreeSet<Place>>,
    lanes: HashMap<Lane, BTreeSet<Place>>,
    /// The lanes of each project and provider that have anyone in them.
    lanes_of: HashMap<Group, HashSet<Lane>>,
    /// The first of every lane that its project and provider have room for.
    firsts: BTreeSet<(Place, Lane)>,
    /// Which first of a lane is in `firsts`.
    shown: HashMap<Lane, Place>,
}

impl Fleet {
    /// Without loops.
    pub fn new(limits: Limits) -> Self {
        Self {
            limits,
            items: HashMap::new(),
            granted: HashMap::new(),
            taken: HashMap::new(),
            lines: HashMap::new(),
            lanes: HashMap::new(),
            lanes_of: HashMap::new(),
            firsts: BTreeSet::new(),
            shown: HashMap::new(),
        }
    }

    /// Other limits. Nothing that runs is stopped by them.
    pub fn set_limits(&mut self, limits: Limits) {
        self.limits = limits;
        let lanes: Vec<_> = self.lanes.keys().cloned().collect();
        for lane in lanes {
            self.show(&lane);
        }
    }

    /// What a loop is now; `None`: it was deleted.
    ///
    /// An item from before an admission that is known already is ignored: a view that lags behind must
    /// not put an admitted loop back into line, since its place would be given away twice.
    pub fn update(&mut self, loop_id: &LoopId, item: Option<FleetItem>) {
        if let (Some(item), Some(known)) = (&item, self.items.get(loop_id))
            && item.no < known.no
        {
            return;
        }
        let admitted = self.granted.get(loop_id).copied();
        let item_no = item.as_ref().map(|item| item.no);
        // Another attempt than at the grant: the admission is in the record, which now counts itself.
        let settled = admitted.is_some() && admitted != item_no;
        self.change(loop_id, |fleet| {
            if settled {
                fleet.granted.remove(loop_id);
            }
            match item {
                Some(item) => fleet.items.insert(loop_id.clone(), item),
                None => fleet.items.remove(loop_id),
            };
        });
    }

    /// Grants a place to the next in line that fits all limits.
    // No iterator: what it gives depends on what happens between two calls.
    #[allow(clippy::should_implement_trait)]
    pub fn next(&mut self) -> Option<LoopId> {
        if self.is_full(&Group::Fleet) {
            return None;
        }
        let (_, _, loop_id) = self.firsts.first()?.0.clone();
        let no = self.items.get(&loop_id)?.no;
        self.change(&loop_id, |fleet| {
            fleet.granted.insert(loop_id.clone(), no);
        });
        Some(loop_id)
    }

    /// Calls a grant off: the loop was not admitted. It stands in line again if it still is ready.
    pub fn give_back(&mut self, loop_id: &LoopId) {
        self.change(loop_id, |fleet| {
            fleet.granted.remove(loop_id);
        });
    }

    /// Is there room for this loop, and if not, why?
    pub fn room(&self, loop_id: &LoopId) -> Room {
        if self.granted.contains_key(loop_id) {
            return Room::Yes;
        }
        let Some(item) = self.items.get(loop_id) else { return Room::Behind { ahead: 0 } };
        let place = place(loop_id, item);
        // The narrowest first: it is what a person can do most about.
        let [fleet, project, provider] = groups(item);
        for group in [provider, project, fleet.clone()] {
            // One that is as wide as the fleet is no limit of its own.
            let limits = group == fleet || self.limits.most(&group) < self.limits.fleet;
            if limits && self.is_full(&group) {
                let ahead = self.ahead(&group, &place);
                let (taken, most) = (self.taken(&group), self.limits.most(&group));
                return Room::Full { group, taken, most, ahead };
            }
        }
        Room::Behind { ahead: self.ahead(&fleet, &place) }
    }

    /// How many places are taken.
    pub fn taken(&self, group: &Group) -> u32 {
        self.taken.get(group).copied().unwrap_or(0)
    }

    /// How many loops stand in line.
    pub fn waiting(&self) -> usize {
        self.lines.get(&Group::Fleet).map_or(0, BTreeSet::len)
    }

    fn is_full(&self, group: &Group) -> bool {
        self.taken(group) >= self.limits.most(group)
    }

    fn ahead(&self, group: &Group, place: &Place) -> usize {
        let line = self.lines.get(group);
        line.map_or(0, |line| line.range(..place.clone()).take(MOST_AHEAD).count())
    }

    /// Takes a loop out of every index, changes it, and puts it back.
    fn change(&mut self, loop_id: &LoopId, change: impl FnOnce(&mut Self)) {
        let mut touched = Touched::default();
        self.index(loop_id, Way::Out, &mut touched);
        change(self);
        self.index(loop_id, Way::In, &mut touched);
        let Touched { groups, mut lanes } = touched;
        for (group, was_full) in groups {
            // Only when a limit is reached or left: its lanes are shown or hidden as a whole.
            if was_full != self.is_full(&group) {
                lanes.extend(self.lanes_of.get(&group).into_iter().flatten().cloned());
            }
        }
        for lane in lanes {
            self.show(&lane);
        }
    }

    fn index(&mut self, loop_id: &LoopId, way: Way, touched: &mut Touched) {
        let Some(item) = self.items.get(loop_id) else { return };
        let granted = self.granted.contains_key(loop_id);
        let places = item.places + u32::from(granted);
        let place = place(loop_id, item);
        let lane = (item.project.clone(), item.provider.clone());
        let in_line = item.standing == Standing::Ready && !granted;
        let groups = groups(item);
        for group in &groups {
            if !touched.groups.iter().any(|(known, _)| known == group) {
                touched.groups.push((group.clone(), self.is_full(group)));
            }
            let taken = self.taken.entry(group.clone()).or_default();
            match way {
                Way::In => *taken += places,
                Way::Out => *taken -= places,
            }
            if *taken == 0 {
                self.taken.remove(group);
            }
        }
        if !in_line {
            return;
        }
        for group in groups {
            let line = self.lines.entry(group.clone()).or_default();
            way.apply(line, &place);
            if line.is_empty() {
                self.lines.remove(&group);
            }
        }
        let line = self.lanes.entry(lane.clone()).or_default();
        way.apply(line, &place);
        let is_empty = line.is_empty();
        for group in [Group::Project(lane.0.clone()), Group::Provider(lane.1.clone())] {
            let lanes = self.lanes_of.entry(group.clone()).or_default();
            if is_empty {
                lanes.remove(&lane);
            } else {
                lanes.insert(lane.clone());
            }
            if lanes.is_empty() {
                self.lanes_of.remove(&group);
            }
        }
        touched.lanes.push(lane);
    }

    /// Puts the lane's first among the firsts, if its project and provider have room.
    fn show(&mut self, lane: &Lane) {
        if let Some(place) = self.shown.remove(lane) {
            self.firsts.remove(&(place, lane.clone()));
        }
        let Some(line) = self.lanes.get(lane) else { return };
        let Some(first) = line.first().cloned() else {
            self.lanes.remove(lane);
            return;
        };
        let full = self.is_full(&Group::Project(lane.0.clone()))
            || self.is_full(&Group::Provider(lane.1.clone()));
        if !full {
            self.firsts.insert((first.clone(), lane.clone()));
            self.shown.insert(lane.clone(), first);
        }
    }
}

/// What a change of one loop may have an effect on.
#[derive(Default)]
struct Touched {
    /// Groups, and whether they were full before.
    groups: Vec<(Group, bool)>,
    lanes: Vec<Lane>,
}

#[derive(Clone, Copy)]
enum Way {
    In,
    Out,
}

impl Way {
    fn apply(self, line: &mut BTreeSet<Place>, place: &Place) {
        match self {
            Self::In => line.insert(place.clone()),
            Self::Out => line.remove(place),
        };
    }
}

fn place(loop_id: &LoopId, item: &FleetItem) -> Place {
    (Reverse(item.priority), item.created_at, loop_id.clone())
}

fn groups(item: &FleetItem) -> [Group; 3] {
    let project = Group::Project(item.project.clone());
    [Group::Fleet, project, Group::Provider(item.provider.clone())]
}

#[cfg(test)]
mod tests;
