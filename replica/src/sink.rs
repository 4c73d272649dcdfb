//! Where a run's output goes: whole into a file, in excerpts into the journal, its end into memory, and to who watches.

use smith_model::attempt::Exit;
use smith_model::journal::{Draft, Level, Payload, Phase};
use smith_model::redact::Secrets;

use crate::capture::{Cap, Capture, Captured};
use crate::excerpt::{Excerpt, Piece, cut, pieces, tail};
use crate::execution::Run;
use crate::plain::Plain;
use crate::prompt::MOST_TAIL;
use crate::terminals::Tap;
use crate::worker::{Stop, Worker};

/// How much of an agent's output the journal shows: as much of its beginning and of its end. With all
/// gates together it stays under what an iteration may show.
const AGENT_EXCERPT: usize = 16 * 1024;
/// Of a gate's, its end: more where it was red, of which there is at most one.
const RED_EXCERPT: usize = 16 * 1024;
const GREEN_EXCERPT: usize = 512;

/// One run's output.
pub(crate) struct Sink<'a> {
    worker: &'a Worker,
    iteration: u32,
    gate: Option<&'a str>,
    tap: Option<&'a Tap>,
    capture: Capture,
    shown: Shown,
    printed: u64,
}

impl<'a> Sink<'a> {
    pub(crate) fn new(worker: &'a Worker, run: &Run<'a>) -> Result<Self, Stop> {
        let Run { iteration, gate, path, tap, timeout: _, stall_after: _ } = run;
        let capture = Capture::create(path, &worker.secrets, Cap::default())
            .map_err(|e| Stop::environment(&e))?;
        let shown = Shown::new(&worker.secrets, gate.is_some());
        Ok(Self {
            worker,
            iteration: *iteration,
            gate: *gate,
            tap: *tap,
            capture,
            shown,
            printed: 0,
        })
    }

    /// Bytes that came.
    pub(crate) fn printed(&self) -> u64 {
        self.printed
    }

    pub(crate) fn push(&mut self, chunk: &[u8]) -> Result<(), Stop> {
        self.printed += chunk.len() as u64;
        if let Some(tap) = self.tap {
            tap.output(chunk);
        }
        let clean = self.capture.push(chunk).map_err(|e| Stop::environment(&e))?;
        self.shown.push(&clean);
        Ok(())
    }

    /// Says what can be shown by now.
    pub(crate) fn flush(&mut self) -> Result<(), Stop> {
        let pieces = self.shown.take();
        say(self.worker, self.iteration, self.gate, pieces)
    }

    /// The output has ended: its file, and its end as plain text.
    pub(crate) fn finish(self, exit: Exit) -> Result<(Captured, String), Stop> {
        let Self { worker, iteration, gate, capture, mut shown, tap: _, printed: _ } = self;
        let (held, captured) = capture.finish().map_err(|e| Stop::environment(&e))?;
        shown.push(&held);
        let (pieces, tail) = shown.end(exit);
        say(worker, iteration, gate, pieces)?;
        Ok((captured, tail))
    }
}

fn say(
    worker: &Worker,
    iteration: u32,
    gate: Option<&str>,
    pieces: Vec<Piece>,
) -> Result<(), Stop> {
    let (phase, of) = match gate {
        Some(_) => (Phase::Gates, "output of a gate"),
        None => (Phase::Iteration, "output of the agent"),
    };
    for Piece { text, omitted } in pieces {
        let gate = gate.map(|run| shown_line(worker, run));
        let payload = Payload::Output { iteration, gate, text, omitted, artifact: None };
        worker.say(Draft::info(phase, of).at(Level::Output).with(payload))?;
    }
    Ok(())
}

/// A command line as journal entries hold it: they have 8 KiB in all.
pub(crate) fn shown_line(worker: &Worker, run: &str) -> String {
    cut(&worker.secrets.redact_text(run), 300).to_owned()
}

/// What is shown of an output. Pure.
struct Shown {
    plain: Plain,
    /// Without its escape sequences a line may hold a secret that they had split. Lines are looked at
    /// one by one, since a second stream would hold back what a person is waiting to see.
    again: Secrets,
    gate: bool,
    excerpt: Excerpt,
    last: Vec<u8>,
    /// Bytes of plain text.
    total: u64,
}

impl Shown {
    fn new(secrets: &Secrets, gate: bool) -> Self {
        Self {
            plain: Plain::default(),
            again: secrets.clone(),
            gate,
            excerpt: Excerpt::new(AGENT_EXCERPT, AGENT_EXCERPT),
            last: vec![],
            total: 0,
        }
    }

    fn push(&mut self, clean: &[u8]) {
        let plain = self.plain.push(clean);
        self.text(&self.again.redact(&plain));
    }

    fn text(&mut self, text: &[u8]) {
        self.total += text.len() as u64;
        // How a gate's output is to be shown is known at its end only.
        if !self.gate {
            self.excerpt.push(text);
        }
        self.last.extend_from_slice(text);
        if self.last.len() > 4 * MOST_TAIL {
            self.last.drain(..self.last.len() - 2 * MOST_TAIL);
        }
    }

    fn take(&mut self) -> Vec<Piece> {
        self.excerpt.take()
    }

    fn end(mut self, exit: Exit) -> (Vec<Piece>, String) {
        let line = std::mem::take(&mut self.plain).finish();
        self.text(&self.again.redact(&line));
        let last = String::from_utf8_lossy(&self.last).into_owned();
        let end = tail(&last, MOST_TAIL).to_owned();
        if !self.gate {
            return (self.excerpt.finish(), end);
        }
        let most = if exit == Exit::Code(0) { GREEN_EXCERPT } else { RED_EXCERPT };
        let shown = tail(&last, most);
        let omitted = self.total.saturating_sub(shown.len() as u64);
        (pieces(shown.to_owned(), omitted), end)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(gate: bool, chunks: &[&[u8]], exit: Exit) -> (String, u64, String) {
        let mut shown = Shown::new(&Secrets::new(["hunter2hunter2"]), gate);
        for chunk in chunks {
            shown.push(chunk);
        }
        let (pieces, tail) = shown.end(exit);
        let omitted = pieces.iter().map(|p| p.omitted).sum();
        (pieces.into_iter().map(|p| p.text).collect(), omitted, tail)
    }

    #[test]
    fn a_secret_split_by_escape_sequences_is_found() {
        let (text, _, tail) = run(false, &[b"key hunter2\x1b[1mhun", b"ter2\r\n"], Exit::Code(0));
        assert_eq!(text, "key [redacted]\n");
        assert_eq!(tail, text);
    }

    #[test]
    fn a_red_gate_is_shown_by_its_end_and_a_green_one_by_little_of_it() {
        let lines: String = (0..5_000).map(|n| format!("line {n}\n")).collect();
        let (text, omitted, tail) = run(true, &[lines.as_bytes()], Exit::Code(2));
        assert!(text.ends_with("line 4999\n") && text.len() > 15_000, "{}", text.len());
        assert_eq!(omitted as usize + text.len(), lines.len());
        assert!(tail.lines().count() >= 60);
        let (text, _, _) = run(true, &[lines.as_bytes()], Exit::Code(0));
        assert!(text.len() <= GREEN_EXCERPT, "{text}");
    }
}
