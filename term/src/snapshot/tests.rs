//! A terminal and its copy, made at any moment, show the same from then on.

use proptest::prelude::*;

use super::*;
use crate::screen::Screen;
use crate::size::Size;

/// What a program may send, and what a person does to the window.
#[derive(Clone)]
enum Step {
    Bytes(Vec<u8>),
    Resize(Size),
}

impl std::fmt::Debug for Step {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Bytes(bytes) => write!(f, "{:?}", bytes.escape_ascii().to_string()),
            Self::Resize(size) => write!(f, "{size}"),
        }
    }
}

fn size() -> impl Strategy<Value = Size> {
    (2u16..16, 1u16..8).prop_map(|(columns, rows)| Size::new(columns, rows).unwrap())
}

fn bytes() -> impl Strategy<Value = Vec<u8>> {
    let number = || prop_oneof![4 => 0u16..8, 1 => any::<u16>()];
    let csi = (
        prop::collection::vec(number(), 0..3),
        prop::sample::select(b"@ABCDEFGHIJKLMPSTXZ`abdefghlmnrstu".to_vec()),
    )
        .prop_map(|(numbers, last)| {
            let numbers: Vec<String> = numbers.iter().map(u16::to_string).collect();
            format!("\x1b[{}{}", numbers.join(";"), last as char)
        });
    let sgr = prop::sample::select(vec![
        "0",
        "1",
        "2",
        "3",
        "4",
        "4:3",
        "7",
        "9",
        "22",
        "31",
        "44",
        "91",
        "102",
        "38;5;200",
        "48;2;1;2;3",
        "58:5:9",
        "39",
        "49",
        "59",
    ])
    .prop_map(|code| format!("\x1b[{code}m"));
    let mode = (
        prop::sample::select(vec![
            "4", "20", "?1", "?3", "?5", "?6", "?7", "?12", "?25", "?1000", "?1002", "?1003",
            "?1004", "?1005", "?1006", "?1007", "?1049", "?2004", "?2026",
        ]),
        prop::sample::select(vec!['h', 'l']),
    )
        .prop_map(|(mode, action)| format!("\x1b[{mode}{action}"));
    let other = prop::sample::select(vec![
        "\x1b7",
        "\x1b8",
        "\x1bD",
        "\x1bE",
        "\x1bM",
        "\x1bH",
        "\x1b=",
        "\x1b>",
        "\x1b#8",
        "\x1bc",
        "\x1b(0",
        "\x1b(B",
        "\x1b)0",
        "\x1b)B",
        "\x0e",
        "\x0f",
        "\x1b[?1049h",
        "\x1b[?1049l",
        "\x1b[4 q",
        "\x1b[0 q",
        "\x1b]0;title\x07",
        "\x1b]2;t\u{e4}\x1b\\",
        "\x1b[22t",
        "\x1b[23t",
        "\x1b]4;1;rgb:10/20/30\x07",
        "\x1b]11;#102030\x07",
        "\x1b]104\x07",
        "\x1b]52;c;aGk=\x07",
        "\x1bPq#0\x1b\\",
        "\x1b[3J",
        "\x1b[2J",
        "\x1b[H",
        "\r\n",
        "\r",
        "\n",
        "\t",
        "\x08",
    ])
    .prop_map(str::to_owned);
    let text = "[a-zq x\u{e4}\u{6f22}\u{1f44d}]{1,12}";
    let marked =
        prop::sample::select(vec!["e\u{301}", "\u{2764}\u{fe0f}", "\u{301}", "\u{202e}", "\u{ad}"]);
    prop_oneof![
        6 => text.prop_map(String::into_bytes),
        1 => marked.prop_map(|s| s.as_bytes().to_vec()),
        4 => csi.prop_map(String::into_bytes),
        2 => sgr.prop_map(String::into_bytes),
        2 => mode.prop_map(String::into_bytes),
        3 => other.prop_map(String::into_bytes),
        1 => prop::collection::vec(any::<u8>(), 0..4),
    ]
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![12 => bytes().prop_map(Step::Bytes), 1 => size().prop_map(Step::Resize)];
    prop::collection::vec(step, 0..60)
}

fn run(engine: &mut Engine, steps: &[Step]) {
    for step in steps {
        let fed = match step {
            Step::Bytes(bytes) => engine.feed(bytes),
            Step::Resize(size) => engine.resize(*size),
        };
        assert!(!fed.replaced);
    }
}

const AT: Position = Position { generation: 1, offset: 0 };

fn copy(engine: &mut Engine) -> Engine {
    let snapshot = take(engine, AT);
    let mut copy = Engine::new(snapshot.size);
    copy.feed(&snapshot.state);
    copy
}

/// How two terminals differ in what can be seen.
fn difference(left: &Engine, right: &Engine) -> Vec<String> {
    let (left, right) = (seen(left), seen(right));
    let mut found = vec![];
    for (at, (left, right)) in left.rows.iter().zip(&right.rows).enumerate() {
        for (column, (left, right)) in left.cells.iter().zip(&right.cells).enumerate() {
            if left != right {
                found.push(format!("{at},{column}: {left:?} is not {right:?}"));
            }
        }
    }
    let rest = |screen: Screen| Screen { rows: vec![], ..screen };
    let (left, right) = (rest(left), rest(right));
    if left != right {
        found.push(format!("{left:?} is not {right:?}"));
    }
    found
}

/// What can be seen: a pad looks as any blank.
fn seen(engine: &Engine) -> Screen {
    let mut screen = engine.screen();
    for row in &mut screen.rows {
        row.wrapped = false;
        for cell in row.cells.iter_mut().filter(|cell| cell.span == Span::Pad) {
            cell.span = Span::Narrow;
        }
    }
    screen
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_copy_made_at_any_byte_goes_on_like_the_original(
        size in size(),
        before in steps(),
        after in prop::collection::vec(bytes().prop_map(Step::Bytes), 0..30),
        cut in any::<prop::sample::Index>(),
    ) {
        let mut original = Engine::new(size);
        run(&mut original, &before);
        let after = after.iter().flat_map(|step| match step {
            Step::Bytes(bytes) => bytes.clone(),
            Step::Resize(_) => vec![],
        }).collect::<Vec<u8>>();
        let cut = cut.index(after.len() + 1);
        original.feed(&after[..cut]);
        let mut copied = copy(&mut original);
        prop_assert_eq!(difference(&copied, &original), [""; 0], "at the cut");
        original.feed(&after[cut..]);
        copied.feed(&after[cut..]);
        prop_assert_eq!(difference(&copied, &original), [""; 0], "after it");
    }
}
