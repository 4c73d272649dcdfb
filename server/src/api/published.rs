//! What is published of the code, in `docs/`, is what the code says. `make openapi` writes it anew.

use std::fmt::Write as _;
use std::path::PathBuf;

use smith_model::prd::{CODES, Level};

/// Asks to write instead of to compare.
const WRITE: &str = "UPDATE_DOCS";

fn path(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../docs").join(name)
}

#[track_caller]
fn check(name: &str, published: impl FnOnce(&str) -> String) {
    let path = path(name);
    let kept = std::fs::read_to_string(&path).unwrap_or_default();
    let text = published(&kept);
    if std::env::var_os(WRITE).is_some() {
        std::fs::write(&path, text).expect("docs/ can be written");
    } else {
        assert!(kept == text, "docs/{name} isn't what the code says any more: make openapi");
    }
}

#[test]
fn the_openapi_document_is_current() {
    check("openapi.json", |_| {
        let mut text = super::openapi().to_pretty_json().expect("plain data serializes");
        text.push('\n');
        text
    });
}

#[test]
fn the_table_of_prd_diagnostics_is_current() {
    const FROM: &str = "<!-- codes: written by `make openapi` -->\n";
    const TO: &str = "<!-- end of codes -->\n";
    check("prd.md", |kept| {
        let (before, rest) =
            kept.split_once(FROM).expect("docs/prd.md marks where the table begins");
        let (_, after) = rest.split_once(TO).expect("docs/prd.md marks where the table ends");
        let mut table = "| code | level | the rule that is broken |\n|---|---|---|\n".to_owned();
        for rule in CODES {
            let level = match rule.level {
                Level::Error => "error",
                Level::Warning => "warning",
            };
            writeln!(table, "| `{}` | {level} | {} |", rule.name, rule.rule)
                .expect("a String takes every write");
        }
        format!("{before}{FROM}{table}{TO}{after}")
    });
}

/// The example of a session is one: every frame is a message of its sender, as long as its header says.
#[test]
fn the_session_in_the_page_on_terminals_is_one() {
    use smith_term::frame::{Sender, decode};
    use smith_term::message::{FromViewer, FromWorker};
    let page = std::fs::read_to_string(path("terminals.md")).expect("docs/terminals.md is there");
    let (_, rest) = page.split_once("<!-- session: ").expect("it marks where the session begins");
    let (session, _) = rest.split_once("<!-- end of session").expect("and where it ends");
    let frames = session.lines().filter(|line| line.starts_with(['<', '>']));
    let mut seen = 0;
    for line in frames {
        let (head, body) = line[2..].split_at(3 * smith_term::frame::HEADER);
        let head = head.split_whitespace().map(|b| u8::from_str_radix(b, 16).expect("hex"));
        let body = body[1..].replace("\\r", "\r").replace("\\n", "\n");
        let mut wire: bytes::BytesMut = head.chain(body.bytes()).collect();
        let sender = if line.starts_with('>') { Sender::Viewer } else { Sender::Worker };
        let frame = decode(&mut wire, sender).expect(line).expect(line);
        assert!(wire.is_empty(), "{line}");
        match sender {
            Sender::Viewer => {
                assert_eq!(FromViewer::from_frame(frame.clone()).expect(line).to_frame(), frame)
            }
            Sender::Worker => {
                assert_eq!(FromWorker::from_frame(frame.clone()).expect(line).to_frame(), frame)
            }
        }
        seen += 1;
    }
    assert_eq!(seen, 14);
}
