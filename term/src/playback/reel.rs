//! The recording of one process, made whole of its parts.

use std::time::Duration;

use crate::engine::Engine;
use crate::recording::{Event, Header, Kind, Recorder, Recording};
use crate::size::Size;
use smith_model::api::RecordingItem;

/// A whole recording. Times count from its beginning.
#[derive(Clone, Debug)]
pub struct Reel {
    /// What it is called, printable.
    pub name: String,
    header: Header,
    /// What happened, in order.
    pub events: Vec<Event>,
    /// Where the parts begin.
    parts: Vec<Part>,
}

#[derive(Clone, Copy, Debug)]
struct Part {
    /// Its first event.
    first: usize,
    /// Does it begin with a whole screen, or with none?
    is_whole: bool,
    /// Is it right behind the part before?
    follows: bool,
}

impl Reel {
    /// Joins the parts of a process, which are in their order; `None` where there are none. A part that isn't there is
    /// a time in which nothing happens.
    pub fn join(parts: Vec<(RecordingItem, Recording)>) -> Option<Self> {
        let (first, cast) = parts.first()?;
        let began = first.recording.started_at;
        let (no, session) = (first.no, first.recording.session);
        let name = match first.recording.iteration {
            0 => format!("{session} {no}"),
            n => format!("{session} {no} #{n}"),
        };
        let mut reel = Self { name, header: cast.header.clone(), events: vec![], parts: vec![] };
        reel.header.title = Some(reel.name.clone());
        let (mut end, mut last) = (Duration::ZERO, 0);
        for (RecordingItem { recording, .. }, cast) in parts {
            let apart = recording.started_at.duration_since(began);
            let from = Duration::try_from(apart).unwrap_or_default().max(end);
            let screen = cast.events.iter().find(|event| matches!(event.kind, Kind::Output(_)));
            let is_reset = screen.is_some_and(|e| is_reset(&e.kind));
            reel.parts.push(Part {
                first: reel.events.len(),
                is_whole: recording.segment == 1 || is_reset,
                follows: recording.segment == last + 1,
            });
            let size = Event { at: from, kind: Kind::Resize(cast.header.size) };
            end = from.saturating_add(Duration::from_millis(recording.millis));
            reel.events.push(size);
            for event in cast.events {
                let at = from.saturating_add(event.at);
                end = end.max(at);
                reel.events.push(Event { at, ..event });
            }
            last = recording.segment;
        }
        Some(reel)
    }

    /// The same, but nothing takes longer than `limit`.
    pub fn without_idle(mut self, limit: Duration) -> Self {
        let (mut was, mut is) = (Duration::ZERO, Duration::ZERO);
        for event in &mut self.events {
            is = is.saturating_add(event.at.saturating_sub(was).min(limit));
            was = event.at;
            event.at = is;
        }
        self
    }

    /// The size at the beginning.
    pub fn size(&self) -> Size {
        self.header.size
    }

    /// How long it is.
    pub fn duration(&self) -> Duration {
        self.events.last().map_or(Duration::ZERO, |event| event.at)
    }

    /// The nearest event at or before `event` at which an empty terminal can begin.
    pub fn screen_before(&self, event: usize) -> usize {
        let before = self.parts.iter().rev().find(|part| part.is_whole && part.first <= event);
        before.map_or(0, |part| part.first)
    }

    /// As one asciicast.
    pub fn cast(&self) -> String {
        let (mut recorder, mut text) = Recorder::begin(&self.header);
        for Event { at, kind } in &self.events {
            text.push_str(&match kind {
                Kind::Output(output) => recorder.output(*at, output.as_bytes()),
                Kind::Input(input) => recorder.input(*at, input.as_bytes()),
                Kind::Marker(label) => recorder.marker(*at, label),
                Kind::Resize(size) => recorder.resize(*at, *size),
                Kind::Exit(status) => recorder.exit(*at, *status),
                // Of another program's making; a worker writes none.
                Kind::Other(..) => String::new(),
            });
        }
        text.push_str(&recorder.finish(self.duration()));
        text
    }

    /// What the terminal showed at last, and above it what had gone out at its top, as far as an engine keeps that.
    pub fn text(&self) -> String {
        let mut engine = Engine::new(self.size());
        let mut text = String::new();
        for (n, part) in self.parts.iter().enumerate() {
            let end = self.parts.get(n + 1).map_or(self.events.len(), |next| next.first);
            if !part.follows {
                if n > 0 {
                    text.push_str(&engine.to_text());
                    engine = Engine::new(self.size());
                }
                text.push_str("(a part of the recording is missing here)\n");
            }
            // A screen for those who begin here would take away what scrolled out before.
            let mut skips = n > 0 && part.follows && part.is_whole;
            for event in &self.events[part.first..end] {
                if skips && is_reset(&event.kind) {
                    skips = false;
                    continue;
                }
                feed(&mut engine, &event.kind);
            }
        }
        text.push_str(&engine.to_text());
        text
    }
}

/// Lets a terminal see an event. What it would answer to a program is dropped: the program isn't there.
pub fn feed(engine: &mut Engine, kind: &Kind) {
    match kind {
        Kind::Output(output) => drop(engine.feed(output.as_bytes())),
        Kind::Resize(size) if *size != engine.size() => drop(engine.resize(*size)),
        Kind::Resize(_) | Kind::Input(_) | Kind::Marker(_) | Kind::Exit(_) | Kind::Other(..) => {}
    }
}

fn is_reset(kind: &Kind) -> bool {
    matches!(kind, Kind::Output(output) if output.starts_with("\x1bc"))
}

#[cfg(test)]
mod tests;
