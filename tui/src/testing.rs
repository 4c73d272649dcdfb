//! What tests of the workstation have in common: a fleet, keys, and what is seen.

use jiff::Timestamp;
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use smith_model::id::Revision;
use smith_model::state::{Reason, State as LoopState};
use smith_model::worker::WorkerPhase;

use crate::draw;
use crate::effect::Effect;
use crate::fleet::Row;
use crate::keys::Chord;
use crate::look::Look;
use crate::msg::{FleetChange, Msg, Stream};
use crate::state::State;
use crate::update::update;
use crate::world::Session;

/// A loop.
pub(crate) fn row(id: &str, state: LoopState) -> Row {
    let is_running = state == LoopState::Overwriting;
    Row {
        id: id.parse().unwrap(),
        uid: uuid::Uuid::nil(),
        revision: Revision(7),
        project: "web".parse().unwrap(),
        title: format!("the title of {id}").into(),
        provider: "command".into(),
        source: id.into(),
        repository: "file:///srv/repo".into(),
        priority: 0,
        labels: [].into(),
        depends_on: [].into(),
        state,
        reason: Reason::Created,
        message: "says why".into(),
        round: 1,
        attempt: u32::from(state != LoopState::Unresolved),
        used: 0,
        allowed: 3,
        not_before: None,
        branch: (state == LoopState::Synced).then(|| format!("smith/{id}").into()),
        commit: None,
        hold: None,
        claimed: is_running,
        phase: is_running.then_some(WorkerPhase::Iterating),
        iteration: u32::from(is_running) * 3,
        story: None,
        stories: None,
        usage: Default::default(),
        suspect: false,
        created_at: Timestamp::UNIX_EPOCH,
        updated_at: Timestamp::UNIX_EPOCH,
    }
}

/// Tells a state what happened, and finds orders at once; answers what else has to be done.
pub(crate) fn send(state: &mut State, msg: Msg) -> Vec<Effect> {
    let mut others = vec![];
    let mut effects = update(state, Timestamp::UNIX_EPOCH, msg);
    while let Some(effect) = effects.pop() {
        match effect {
            Effect::Order(job) => {
                effects.extend(update(state, Timestamp::UNIX_EPOCH, Msg::Ordered(job.run())));
            }
            other => others.push(other),
        }
    }
    others
}

/// A loop of the fleet changes.
pub(crate) fn change(state: &mut State, row: Row) {
    send(state, Msg::Fleet(Stream::Changes(vec![FleetChange::Updated(Box::new(row))])));
}

/// A workstation whose fleet is live.
pub(crate) fn workstation(rows: impl IntoIterator<Item = Row>) -> State {
    let session = Session { server: "http://smith".into(), ..Session::default() };
    let mut state = State::new(Timestamp::UNIX_EPOCH, session, Look::default(), (80, 24));
    send(&mut state, Msg::Fleet(Stream::Reset));
    let changes = rows.into_iter().map(|row| FleetChange::Updated(Box::new(row))).collect();
    send(&mut state, Msg::Fleet(Stream::Changes(changes)));
    send(&mut state, Msg::Fleet(Stream::Ready));
    state
}

/// Presses keys, one after the other.
pub(crate) fn press(state: &mut State, keys: &str) -> Vec<Effect> {
    let mut effects = vec![];
    for chord in Chord::sequence(keys).unwrap() {
        effects.extend(send(state, Msg::Key(chord)));
    }
    effects
}

/// Types characters.
pub(crate) fn type_text(state: &mut State, text: &str) {
    for c in text.chars() {
        send(state, Msg::Key(Chord::plain(crate::keys::Key::Char(c))));
    }
}

/// What stands at the bottom.
pub(crate) fn said(state: &State) -> &str {
    state.said.as_ref().map_or("", |said| &said.text)
}

/// What is seen.
pub(crate) fn screen(state: &State, columns: u16, rows: u16) -> String {
    let mut terminal = Terminal::new(TestBackend::new(columns, rows)).unwrap();
    terminal.draw(|frame| drop(draw::frame(state, frame))).unwrap();
    let lines: Vec<String> = (0..rows)
        .map(|y| (0..columns).map(|x| terminal.backend().buffer()[(x, y)].symbol()).collect())
        .collect();
    lines.iter().map(|line: &String| line.trim_end()).collect::<Vec<_>>().join("\n")
}
