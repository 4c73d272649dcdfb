//! A million random sequences and resizes: the engine neither fails nor grows, and drawing stays clean.

use smith_term::engine::Engine;
use smith_term::message::Position;
use smith_term::size::Size;
use smith_term::snapshot;

/// A small generator of numbers (xorshift): the same run every time.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % sides
    }

    fn number(&mut self) -> u64 {
        match self.roll(8) {
            0 => 0,
            1 => 65_535,
            2 => u64::MAX,
            _ => self.roll(250),
        }
    }

    fn sequence(&mut self, out: &mut Vec<u8>) {
        const FINALS: &[u8] = b"@ABCDEFGHIJKLMPSTXZ`abcdefghlmnpqrstuxyz{|}~";
        const MODES: &[u16] =
            &[1, 3, 4, 5, 6, 7, 12, 20, 25, 47, 1000, 1003, 1006, 1049, 2004, 2026];
        const TEXTS: &[&str] = &[
            "hello", "漢字", "👍🏽", "e\u{301}", "\r\n", "\n\n\n", "\t", "\x08", "q", "\u{202e}",
            "\u{3164}", "\x0e", "\x0f", " ",
        ];
        const OTHERS: &[&str] = &[
            "\x1b7",
            "\x1b8",
            "\x1bc",
            "\x1bD",
            "\x1bE",
            "\x1bM",
            "\x1bH",
            "\x1b#8",
            "\x1b(0",
            "\x1b)0",
            "\x1b(B",
            "\x1b]0;t\x07",
            "\x1b]4;1;?\x07",
            "\x1b]8;;x\x07",
            "\x1bPq#0",
            "\x1b\\",
            "\x1b_G",
            "\x1b[!p",
            "\x18",
        ];
        match self.roll(10) {
            0..=2 => {
                out.extend_from_slice(TEXTS[self.roll(TEXTS.len() as u64) as usize].as_bytes())
            }
            3..=5 => {
                out.extend_from_slice(b"\x1b[");
                for at in 0..self.roll(4) {
                    let separator = if at > 0 { ";" } else { "" };
                    out.extend_from_slice(format!("{separator}{}", self.number()).as_bytes());
                }
                out.push(FINALS[self.roll(FINALS.len() as u64) as usize]);
            }
            6 => {
                let mode = MODES[self.roll(MODES.len() as u64) as usize];
                let marker = if self.roll(4) == 0 { "" } else { "?" };
                let action = if self.roll(2) == 0 { 'h' } else { 'l' };
                out.extend_from_slice(format!("\x1b[{marker}{mode}{action}").as_bytes());
            }
            7 => {
                let code = [38, 48, 58][self.roll(3) as usize];
                out.extend_from_slice(format!("\x1b[{code};5;{}m", self.roll(300)).as_bytes());
            }
            8 => out.extend_from_slice(OTHERS[self.roll(OTHERS.len() as u64) as usize].as_bytes()),
            _ => out.extend((0..self.roll(6)).map(|_| self.roll(256) as u8)),
        }
    }
}

fn characters(engine: &Engine) -> Vec<String> {
    let screen = engine.screen();
    screen.rows.iter().map(|row| row.cells.iter().map(|cell| cell.c).collect()).collect()
}

/// The most that this process ever held in memory, in bytes.
fn peak() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").expect("procfs");
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("VmHWM");
    line.trim().trim_end_matches(" kB").parse::<usize>().expect("a number") * 1024
}

/// Two engines of the largest size with all their scrollback, while a resize copies one of them, and the test.
const MOST: usize = 100 * 1024 * 1024;

#[test]
fn a_million_random_sequences_and_resizes_do_no_harm() {
    let mut dice = Dice(0x5eed_1234_5678_9abc);
    let mut engine = Engine::new(Size::DEFAULT);
    let mut bytes = vec![];
    for round in 0..50_000 {
        bytes.clear();
        for _ in 0..20 {
            dice.sequence(&mut bytes);
        }
        assert!(!engine.feed(&bytes).replaced, "{}", bytes.escape_ascii());
        if dice.roll(10) == 0 {
            // Mostly small, where the edges are; at times the largest.
            let (columns, rows) = if dice.roll(20) == 0 { (500, 200) } else { (60, 30) };
            let size = Size::nearest(dice.roll(columns) as u16, dice.roll(rows) as u16);
            assert!(!engine.resize(size).replaced, "{size}");
        }
        if round % 1000 == 0 {
            let snapshot = snapshot::take(&mut engine, Position { generation: 1, offset: 0 });
            let mut copy = Engine::new(snapshot.size);
            assert!(!copy.feed(&snapshot.state).replaced);
            assert_eq!(characters(&copy), characters(&engine), "round {round}");
        }
    }
    assert!(peak() < MOST, "{} bytes", peak());
}

#[test]
fn a_full_terminal_can_be_made_small_and_large_again() {
    let mut engine = Engine::new(Size::LARGEST);
    let full = "x".repeat(500 * 1000);
    for size in [Size::SMALLEST, Size::LARGEST, Size::DEFAULT, Size::SMALLEST, Size::LARGEST] {
        assert!(!engine.feed(full.as_bytes()).replaced);
        assert!(!engine.resize(size).replaced);
        assert!(peak() < MOST, "{size}: {} bytes", peak());
    }
}
