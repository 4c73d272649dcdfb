//! What is done with panes and their terminals.

use smith_model::terminal::Session;
use smith_term::message::LeaseRequest;
use smith_term::view::Direction;

use super::pane::Pane;
use super::{Asks, MOST_PANES, View};
use crate::action::{Action, Destination, Motion, TabAction};
use crate::effect::Effect;
use crate::host::MOST_COPIED;
use crate::panes::{
    Asked, Axis, Find, Order, PaneAction, PaneNo, Player, Subject, TerminalAction, Way,
};
use crate::place::Handled;
use crate::world::World;
use crate::world::terminals::Link;

impl View {
    pub(in crate::place) fn act(&mut self, world: &World, action: &Action) -> Handled {
        if let Some(why) = self.stays(world, action) {
            return Handled::Refused(why);
        }
        match action {
            Action::Move(motion) => {
                self.pane_mut().go(*motion);
                Handled::done()
            }
            Action::Open => self.open(world),
            // Among others it comes to the pane of the focus; alone, it is another place.
            Action::Go(Destination::Terminal(subject)) if self.panes.len() > 1 => {
                self.show(subject.clone());
                Handled::done()
            }
            Action::Dismiss if self.pane_mut().let_go() => Handled::done(),
            Action::Terminal(action) => self.terminal_act(world, action),
            _ => Handled::No,
        }
    }

    /// Why this isn't left just so: with it a keyboard would be lost, and no note given.
    fn stays(&self, world: &World, action: &Action) -> Option<String> {
        let is_mine = |subject: &Subject| {
            world.terminals.get(subject).is_some_and(|terminal| terminal.lease.is_mine())
        };
        let mine = match action {
            Action::Go(Destination::Terminal(_)) if self.panes.len() > 1 => {
                Some(self.subject()).filter(|subject| is_mine(subject))
            }
            Action::Back | Action::Forward | Action::Go(_) | Action::Tab(TabAction::Close) => {
                self.panes.values().map(|pane| &pane.subject).find(|subject| is_mine(subject))
            }
            _ => None,
        };
        let mine = mine?;
        Some(format!(
            "you have the keyboard of {mine}: `hand-back` first, or drop it by `pane close`"
        ))
    }

    fn terminal_act(&mut self, world: &World, action: &TerminalAction) -> Handled {
        match action {
            TerminalAction::Attach(..) | TerminalAction::Recordings(_) | TerminalAction::Ask(_) => {
                Handled::No
            }
            TerminalAction::Show(subject) => {
                self.show(subject.clone());
                Handled::done()
            }
            TerminalAction::Split(axis, session) => self.split(*axis, *session),
            TerminalAction::Pane(action) => self.pane_act(*action),
            TerminalAction::Take => self.take(world),
            TerminalAction::Steal(reason) => self.steal(world, reason.as_deref()),
            TerminalAction::HandBack(note) => self.hand_back(world, note.as_deref()),
            TerminalAction::Aside => {
                self.is_aside = self.is_typing;
                Handled::done()
            }
            TerminalAction::Send(chord) if self.is_typing => {
                Handled::Yes(self.type_key(world, *chord))
            }
            TerminalAction::Paste(text) if self.is_typing => {
                Handled::Yes(self.type_paste(world, text, Asks::Nobody).unwrap_or_default())
            }
            TerminalAction::Send(_) | TerminalAction::Paste(_) => Handled::Refused(
                "you only watch, so that went nowhere: `take` takes the keyboard".to_owned(),
            ),
            TerminalAction::Find(find) => {
                let pane = self.pane_mut();
                let found = match find {
                    Find::Text(text) => pane.look_for(world, text),
                    Find::Up => pane.find(world, Direction::Up),
                    Find::Down => pane.find(world, Direction::Down),
                };
                found.map_or_else(Handled::Refused, |()| Handled::done())
            }
            TerminalAction::Copy => match self.copied(world) {
                Some(text) => Handled::Yes(vec![Effect::Copy(text)]),
                None => Handled::Refused(
                    "nothing is selected: drag the mouse over it, with shift while you type"
                        .to_owned(),
                ),
            },
            TerminalAction::Again => Handled::No,
            TerminalAction::Play(play) => self.play(*play),
        }
    }

    fn open(&mut self, world: &World) -> Handled {
        let terminal = self.terminal(world);
        match self.subject() {
            Subject::Recordings(id) => {
                let tapes = terminal.and_then(|terminal| terminal.tapes.as_ref());
                let Some(tape) = tapes.and_then(|tapes| tapes.get(self.pane().row)) else {
                    return Handled::Refused("there is no recording here".to_owned());
                };
                self.show(Subject::Recording(id.clone(), tape.number));
                Handled::done()
            }
            Subject::Agent(_) | Subject::Shell(_) | Subject::Recording(..) => {
                match terminal.map(|terminal| &terminal.link) {
                    Some(Link::Over(_)) => {
                        Handled::Instead(Action::Terminal(TerminalAction::Again))
                    }
                    _ => Handled::No,
                }
            }
        }
    }

    /// Shows something in the pane of the focus.
    pub(super) fn show(&mut self, subject: Subject) {
        *self.pane_mut() = Pane::new(subject);
    }

    fn split(&mut self, axis: Axis, session: Option<Session>) -> Handled {
        if self.panes.len() >= MOST_PANES {
            return Handled::Refused(format!("a tab has at most {MOST_PANES} panes"));
        }
        let of = self.subject();
        let subject = session.map(|session| Subject::of(of.loop_id().clone(), session));
        let subject = subject.unwrap_or_else(|| of.clone());
        let new = PaneNo(self.next);
        self.next += 1;
        self.tree.split(self.focus, axis, new);
        self.panes.insert(new, Pane::new(subject));
        self.is_zoomed = false;
        self.focus_on(new);
        Handled::done()
    }

    fn pane_act(&mut self, action: PaneAction) -> Handled {
        let panes = self.tree.panes();
        let at = panes.iter().position(|pane| *pane == self.focus).unwrap_or_default();
        let next = panes[(at + 1) % panes.len()];
        match action {
            PaneAction::Close => match self.tree.close(self.focus) {
                Some(heir) => {
                    self.panes.remove(&self.focus);
                    self.is_zoomed = false;
                    self.focus_on(heir);
                }
                None => return Handled::Instead(Action::Back),
            },
            PaneAction::Zoom if panes.len() > 1 => self.is_zoomed = !self.is_zoomed,
            PaneAction::Zoom | PaneAction::Swap | PaneAction::Next if panes.len() == 1 => {
                return Handled::Refused("there is no other pane: `split` makes one".to_owned());
            }
            PaneAction::Zoom => {}
            PaneAction::Swap => self.tree.swap(self.focus, next),
            PaneAction::Next => self.focus_on(next),
            PaneAction::Focus(way) => {
                let laid = self.tree.lay(self.area);
                let Some(pane) = laid.neighbour(self.focus, way) else {
                    return self.beyond(way);
                };
                self.focus_on(pane);
            }
            PaneAction::Resize(way) => {
                if !self.tree.resize(self.focus, way) {
                    return Handled::Refused("there is no border to move that way".to_owned());
                }
            }
        }
        Handled::done()
    }

    /// There is no pane that way. Up and down of a lone pane scroll it, as everywhere.
    fn beyond(&mut self, way: Way) -> Handled {
        match way {
            Way::Up if self.panes.len() == 1 => self.pane_mut().go(Motion::Rows(-1)),
            Way::Down if self.panes.len() == 1 => {
                self.pane_mut().go(Motion::Rows(1));
            }
            _ => return Handled::Refused("there is no pane that way".to_owned()),
        }
        Handled::done()
    }

    /// The focus goes to a pane. Keys for a program stop where it leaves one, and the keyboard stays.
    pub(super) fn focus_on(&mut self, pane: PaneNo) {
        if self.focus != pane {
            self.focus = pane;
            self.is_aside = false;
        }
    }

    fn take(&mut self, world: &World) -> Handled {
        let Some(terminal) = self.terminal(world) else { return Handled::No };
        if let Err(why) = may_type(world, self.subject()) {
            return Handled::Refused(why);
        }
        if terminal.lease.is_mine() {
            self.is_aside = false;
            return Handled::done();
        }
        if terminal.link != Link::Live {
            return Handled::Refused("it isn't attached at the moment".to_owned());
        }
        if let Some(other) = terminal.lease.other() {
            let asked = Asked::Reason(other.name.clone());
            return Handled::Instead(Action::Terminal(TerminalAction::Ask(asked)));
        }
        self.order(Order::Lease(LeaseRequest::Take))
    }

    fn steal(&mut self, world: &World, reason: Option<&str>) -> Handled {
        let Some(terminal) = self.terminal(world) else { return Handled::No };
        if let Err(why) = may_type(world, self.subject()) {
            return Handled::Refused(why);
        }
        match (terminal.lease.other(), reason) {
            (None, _) => self.take(world),
            (Some(_), Some(reason)) => {
                let reason = reason.to_owned();
                self.order(Order::Lease(LeaseRequest::Steal { reason }))
            }
            (Some(other), None) => {
                let asked = Asked::Reason(other.name.clone());
                Handled::Instead(Action::Terminal(TerminalAction::Ask(asked)))
            }
        }
    }

    fn hand_back(&mut self, world: &World, note: Option<&str>) -> Handled {
        if !self.terminal(world).is_some_and(|terminal| terminal.lease.is_mine()) {
            return Handled::Refused("you don't have this keyboard".to_owned());
        }
        let Some(note) = note else {
            return Handled::Instead(Action::Terminal(TerminalAction::Ask(Asked::Note)));
        };
        let note = Some(note.to_owned()).filter(|note| !note.is_empty());
        self.order(Order::Lease(LeaseRequest::Release { note }))
    }

    fn play(&mut self, play: Player) -> Handled {
        if !matches!(self.subject(), Subject::Recording(..)) {
            return Handled::Refused("this isn't a recording: `recordings` lists them".to_owned());
        }
        self.order(match play {
            Player::PauseOrGo => Order::PauseOrGo,
            Player::Faster => Order::Faster,
            Player::Slower => Order::Slower,
            Player::Seek(seek) => Order::Seek(seek),
        })
    }

    fn order(&self, order: Order) -> Handled {
        Handled::Yes(vec![Effect::Terminal(self.subject().clone(), order)])
    }

    /// The text that is selected in the pane of the focus.
    pub(super) fn copied(&self, world: &World) -> Option<String> {
        let selection = self.pane().look.selection()?;
        let stage = &self.terminal(world)?.stage;
        let copied = stage.look(|engine| selection.text(engine, MOST_COPIED))?;
        Some(copied.text).filter(|text| !text.is_empty())
    }
}

/// May anything be typed there? Else why not.
fn may_type(world: &World, subject: &Subject) -> Result<(), String> {
    if subject.session().is_none() {
        return Err("nothing can be typed into a recording".to_owned());
    }
    world.session.may_act()
}
