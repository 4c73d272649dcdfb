//! The fleet against a naive model.

use proptest::prelude::*;

use super::*;

fn id(n: u8) -> LoopId {
    format!("l{n}").parse().unwrap()
}

fn item(
    project: u8,
    provider: u8,
    priority: i32,
    age: i64,
    places: u32,
    attempt: u32,
) -> FleetItem {
    FleetItem {
        project: format!("p{project}").parse().unwrap(),
        provider: format!("v{provider}"),
        priority,
        created_at: Timestamp::from_second(age).unwrap(),
        no: AttemptNo { round: 1, attempt },
        places,
        standing: if places == 0 { Standing::Ready } else { Standing::Elsewhere },
    }
}

#[test]
fn a_full_project_does_not_hold_up_others() {
    let mut fleet = Fleet::new(Limits { each_project: Some(1), ..Limits::of_fleet(3) });
    for n in 0..3 {
        fleet.update(&id(n), Some(item(0, 0, 10, i64::from(n), 0, 0)));
    }
    fleet.update(&id(9), Some(item(1, 0, 0, 0, 0, 0)));
    assert_eq!(fleet.next(), Some(id(0)));
    assert_eq!(fleet.next(), Some(id(9)));
    assert_eq!(fleet.next(), None);
    let group = Group::Project("p0".parse().unwrap());
    assert_eq!(fleet.room(&id(0)), Room::Yes);
    assert_eq!(fleet.room(&id(2)), Room::Full { group, taken: 1, most: 1, ahead: 1 });
    // An update that the admission isn't in keeps the place; the admission then counts itself, once.
    fleet.update(&id(0), Some(item(0, 0, 10, 0, 0, 0)));
    assert_eq!((fleet.taken(&Group::Fleet), fleet.next()), (2, None));
    fleet.update(&id(0), Some(item(0, 0, 10, 0, 1, 1)));
    assert_eq!((fleet.taken(&Group::Fleet), fleet.next()), (2, None));
    fleet.give_back(&id(9));
    assert_eq!(fleet.next(), Some(id(9)));
    fleet.update(&id(0), None);
    assert_eq!(fleet.next(), Some(id(1)));
    assert_eq!(fleet.waiting(), 1);
}

#[test]
fn an_attempt_that_came_and_went_unseen_frees_its_place() {
    let mut fleet = Fleet::new(Limits::of_fleet(1));
    fleet.update(&id(0), Some(item(0, 0, 0, 0, 0, 0)));
    assert_eq!(fleet.next(), Some(id(0)));
    fleet.update(&id(0), Some(item(0, 0, 0, 0, 0, 1)));
    assert_eq!(fleet.taken(&Group::Fleet), 0);
    assert_eq!(fleet.next(), Some(id(0)));
}

#[test]
fn a_view_that_lags_behind_frees_no_place() {
    let mut fleet = Fleet::new(Limits::of_fleet(1));
    fleet.update(&id(0), Some(item(0, 0, 0, 0, 0, 0)));
    fleet.update(&id(1), Some(item(0, 0, 0, 1, 0, 0)));
    assert_eq!(fleet.next(), Some(id(0)));
    fleet.update(&id(0), Some(item(0, 0, 0, 0, 1, 1)));
    fleet.update(&id(0), Some(item(0, 0, 0, 0, 0, 0)));
    assert_eq!((fleet.next(), fleet.taken(&Group::Fleet)), (None, 1));
}

#[test]
fn ten_thousand_loops_are_cheap() {
    let mut fleet = Fleet::new(Limits { each_project: Some(1), ..Limits::of_fleet(20_000) });
    let name = |n: u32| format!("l{n}").parse::<LoopId>().unwrap();
    let start = std::time::Instant::now();
    for n in 0..10_000u32 {
        let mut item = item(0, 0, 0, 0, 0, 0);
        item.project = format!("p{}", n % 5_000).parse().unwrap();
        fleet.update(&name(n), Some(item));
    }
    let granted = std::iter::from_fn(|| fleet.next()).count();
    assert_eq!(granted, 5_000);
    for n in 0..10_000 {
        fleet.room(&name(n));
    }
    // Generous: debug builds on a busy machine. What it must show is that nothing is quadratic.
    assert!(start.elapsed().as_secs() < 20, "{:?}", start.elapsed());
    eprintln!("10,000 loops through the fleet: {:?}", start.elapsed());
}

#[derive(Clone, Debug)]
enum Act {
    Update(u8, Option<FleetItem>),
    Next,
    GiveBack(u8),
    /// The admission of a granted loop is in the store.
    Admitted(u8),
    Limit(u32, Option<u32>, Option<u32>),
}

fn act() -> impl Strategy<Value = Act> {
    let items = (0u8..3, 0u8..2, 0i32..3, 0i64..4, 0u32..3).prop_map(
        |(project, provider, priority, age, places)| {
            let mut item = item(project, provider, priority, age, places, 0);
            // Old workers may exist beside any standing.
            if age % 2 == 0 {
                item.standing = Standing::Ready;
            }
            item
        },
    );
    let limit = prop::option::of(0u32..3);
    prop_oneof![
        4 => (0u8..8, prop::option::weighted(0.8, items)).prop_map(|(n, item)| Act::Update(n, item)),
        4 => Just(Act::Next),
        1 => (0u8..8).prop_map(Act::GiveBack),
        2 => (0u8..8).prop_map(Act::Admitted),
        1 => (0u32..6, limit.clone(), limit).prop_map(|(a, b, c)| Act::Limit(a, b, c)),
    ]
}

/// The same without any index.
struct Naive {
    limits: Limits,
    items: HashMap<LoopId, FleetItem>,
    granted: HashMap<LoopId, AttemptNo>,
}

impl Naive {
    fn taken(&self, group: &Group) -> u32 {
        let of = |item: &&FleetItem| groups(item).contains(group);
        let running: u32 = self.items.values().filter(of).map(|item| item.places).sum();
        let granted = self.granted.keys().filter_map(|id| self.items.get(id)).filter(of).count();
        running + granted as u32
    }

    fn next(&mut self) -> Option<LoopId> {
        let fits = |item: &FleetItem| {
            groups(item).iter().all(|group| self.taken(group) < self.limits.most(group))
        };
        let ready = self.items.iter().filter(|(id, item)| {
            item.standing == Standing::Ready && !self.granted.contains_key(id) && fits(item)
        });
        let next = ready.min_by_key(|(id, item)| place(id, item))?.0.clone();
        self.granted.insert(next.clone(), self.items[&next].no);
        Some(next)
    }
}

proptest! {
    #[test]
    fn it_does_what_the_naive_one_does(acts in prop::collection::vec(act(), 0..120)) {
        let limits = Limits::of_fleet(3);
        let mut fleet = Fleet::new(limits.clone());
        let mut naive = Naive { limits, items: HashMap::new(), granted: HashMap::new() };
        for act in acts {
            match act {
                Act::Update(n, item) => {
                    let mut item = item;
                    if let (Some(item), Some(known)) = (&mut item, naive.items.get(&id(n))) {
                        item.no = known.no;
                    }
                    fleet.update(&id(n), item.clone());
                    match item {
                        Some(item) => { naive.items.insert(id(n), item); }
                        None => { naive.items.remove(&id(n)); naive.granted.remove(&id(n)); }
                    }
                }
                Act::Next => {
                    let before = fleet.taken(&Group::Fleet);
                    let next = fleet.next();
                    prop_assert_eq!(&next, &naive.next());
                    if let Some(next) = next {
                        prop_assert!(before < naive.limits.fleet);
                        prop_assert_eq!(fleet.room(&next), Room::Yes);
                        for group in groups(&naive.items[&next]) {
                            prop_assert!(fleet.taken(&group) <= naive.limits.most(&group));
                        }
                    }
                }
                Act::GiveBack(n) => { fleet.give_back(&id(n)); naive.granted.remove(&id(n)); }
                Act::Admitted(n) => {
                    if naive.granted.remove(&id(n)).is_some() {
                        let item = naive.items.get_mut(&id(n)).unwrap();
                        item.no.attempt += 1;
                        (item.places, item.standing) = (1, Standing::Elsewhere);
                        fleet.update(&id(n), Some(item.clone()));
                    }
                }
                Act::Limit(all, project, provider) => {
                    let limits = Limits {
                        each_project: project,
                        each_provider: provider,
                        ..Limits::of_fleet(all)
                    };
                    fleet.set_limits(limits.clone());
                    naive.limits = limits;
                }
            }
            let all = groups(&item(0, 0, 0, 0, 0, 0)).into_iter().chain(groups(&item(1, 1, 0, 0, 0, 0)));
            for group in all {
                prop_assert_eq!(fleet.taken(&group), naive.taken(&group));
            }
            prop_assert_eq!(fleet.firsts.len(), fleet.shown.len());
        }
    }
}
